package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// normalizeArgs returns a command line as cobra expects it. Two older forms stay valid: long flags with one
// dash (-data DIR), and flags before a subcommand (local keys --data DIR list).
func normalizeArgs(root *cobra.Command, args []string) []string {
	if len(args) == 0 {
		return args
	}
	command := findCommand(root, args[0])
	if command == nil {
		return args
	}
	flags := allFlags(command)
	normal := []string{args[0]}
	subcommand := ""
	for i := 1; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return withSubcommand(append(normal, args[i:]...), subcommand)
		case !isFlag(arg):
			if subcommand == "" && findCommand(command, arg) != nil {
				subcommand = arg
				continue
			}
			normal = append(normal, arg)
		default:
			normal = append(normal, doubleDash(arg))
			if takesNext(flags, arg) && i+1 < len(args) {
				i++
				normal = append(normal, args[i])
			}
		}
	}
	return withSubcommand(normal, subcommand)
}

// withSubcommand returns the arguments with the subcommand behind the command.
func withSubcommand(args []string, subcommand string) []string {
	if subcommand == "" {
		return args
	}
	return slices.Insert(args, 1, subcommand)
}

// findCommand returns the subcommand of that name, or nil.
func findCommand(parent *cobra.Command, name string) *cobra.Command {
	for _, command := range parent.Commands() {
		if command.Name() == name || command.HasAlias(name) {
			return command
		}
	}
	return nil
}

// allFlags returns the flags of a command and its subcommands by name.
func allFlags(command *cobra.Command) map[string]*pflag.Flag {
	flags := map[string]*pflag.Flag{}
	add := func(flag *pflag.Flag) { flags[flag.Name] = flag }
	command.Flags().VisitAll(add)
	command.PersistentFlags().VisitAll(add)
	for _, subcommand := range command.Commands() {
		subcommand.Flags().VisitAll(add)
	}
	return flags
}

// isFlag reports whether an argument is a flag. A lone dash and a negative number are not.
func isFlag(arg string) bool {
	name := strings.TrimLeft(arg, "-")
	return name != arg && name != "" && (name[0] < '0' || name[0] > '9')
}

// doubleDash returns a long flag with two dashes.
func doubleDash(arg string) string {
	if !strings.HasPrefix(arg, "--") && len(arg) > 2 {
		return "-" + arg
	}
	return arg
}

// takesNext reports whether the value of a flag is the next argument.
func takesNext(flags map[string]*pflag.Flag, arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	flag := flags[strings.TrimLeft(arg, "-")]
	return flag != nil && flag.NoOptDefVal == ""
}
