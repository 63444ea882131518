package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// valueName is the flag annotation that names a flag's value in help, such as DIR.
const valueName = "value"

// helpIndent precedes the text of a flag.
const helpIndent = "        "

// describe sets the text of a flag from the catalogue. Back quotes in the text mark the name of the value.
func (c *cli) describe(flags *pflag.FlagSet, name, key string) {
	flag := flags.Lookup(name)
	usage := &pflag.Flag{Usage: c.t(key), Value: flag.Value}
	value, text := pflag.UnquoteUsage(usage)
	flag.Usage = text
	if !strings.Contains(usage.Usage, "`") {
		value = ""
	}
	flag.Annotations = map[string][]string{valueName: {value}}
}

// describeAll sets the texts of all flags that have one in a section of the catalogue.
func (c *cli) describeAll(flags *pflag.FlagSet, section string) {
	flags.VisitAll(func(flag *pflag.Flag) {
		for _, key := range []string{section + ".flag." + flag.Name, "flag." + flag.Name} {
			if c.text.Has("cli." + key) {
				c.describe(flags, flag.Name, key)
				return
			}
		}
	})
}

// help returns the help of a command, wrapped to the terminal.
func (c *cli) help(command *cobra.Command) string {
	var out strings.Builder
	width := helpWidth(c.stdout)
	out.WriteString(wrap(command.Long, "", width))
	if command.Example != "" {
		fmt.Fprintf(&out, "\n%s\n%s\n", c.t("help.usage"), indent(command.Example, "  "))
	}
	if command.HasAvailableSubCommands() {
		fmt.Fprintf(&out, "\nAvailable Commands:\n%s", c.commandList(command))
	}
	fmt.Fprintf(&out, "\n%s\n", c.t("help.flags"))
	command.Flags().AddFlagSet(command.PersistentFlags())
	command.Flags().AddFlagSet(command.InheritedFlags())
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		out.WriteString(c.flagHelp(flag, width))
	})
	return strings.Replace(out.String(), "Available Commands:", c.t("help.commands"), 1)
}

// commandList returns a line for each subcommand.
func (c *cli) commandList(command *cobra.Command) string {
	var out strings.Builder
	for _, subcommand := range command.Commands() {
		if subcommand.IsAvailableCommand() {
			fmt.Fprintf(&out, "  %-12s%s\n", subcommand.Name(), subcommand.Short)
		}
	}
	return out.String()
}

// flagHelp returns the lines of one flag: its name and value, then its text and default.
func (c *cli) flagHelp(flag *pflag.Flag, width int) string {
	name := "  --" + flag.Name
	if value := flag.Annotations[valueName]; len(value) > 0 && value[0] != "" {
		name += " " + value[0]
	}
	text := flag.Usage
	switch flag.DefValue {
	case "", "0", "0s", "[]", "false":
	default:
		text += " (" + c.t("help.default", "value", flag.DefValue) + ")"
	}
	return name + "\n" + wrap(text, helpIndent, width)
}

// wrap returns a text in lines of at most width columns, each behind an indent. Lines of the text stay apart.
// A width of 0 means any length.
func wrap(text, indent string, width int) string {
	var out strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		used := 0
		for _, word := range strings.Split(line, " ") {
			length := utf8.RuneCountInString(word)
			switch {
			case used == 0:
				out.WriteString(indent)
				used = len(indent)
			case width > 0 && used+1+length > width:
				out.WriteString("\n" + indent)
				used = len(indent)
			default:
				out.WriteByte(' ')
				used++
			}
			out.WriteString(word)
			used += length
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// indent returns a text with a prefix before each line.
func indent(text, prefix string) string {
	return prefix + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+prefix)
}
