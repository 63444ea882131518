package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// maxTypos is how many letters a suggested command may differ from what was typed.
const maxTypos = 2

// rootCommand returns the tree of commands.
func (c *cli) rootCommand() *cobra.Command {
	root := c.command(program, "root")
	root.Version = buildVersion().String()
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, c.t("flag.version"))
	root.FParseErrWhitelist.UnknownFlags = true // the unknown command before them is the error to report
	root.CompletionOptions.DisableDefaultCmd = true
	root.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return c.unknownCommand(root, args[0])
		}
		_, _ = fmt.Fprint(c.stderr, c.help(root))
		return &exitError{code: exitUsage}
	}
	root.AddCommand(
		c.mergeCommand(),
		c.presenceCommand(),
		c.sampleCommand(),
		c.serveCommand(),
		c.recordsCommand(),
		c.retryCommand(),
		c.roomsCommand(),
		c.keysCommand(),
		c.eraseCommand(),
		c.backupCommand(),
		c.restoreCommand(),
		c.doctorCommand(),
		c.verifyCommand(),
		c.completionCommand(root),
		c.manCommand(root),
		c.versionCommand(),
		c.functionCommand(),
		c.taskCommand(),
	)
	root.SetHelpCommand(c.helpCommand(root))
	return root
}

// command returns a command with the texts of a section of the catalogue: short, about and, if there is one,
// usage.
func (c *cli) command(use, section string) *cobra.Command {
	command := &cobra.Command{
		Use:                        use,
		Short:                      c.t(section + ".short"),
		Long:                       c.t(section + ".about"),
		Args:                       cobra.ArbitraryArgs, // each command words its own errors
		SilenceErrors:              true,
		SilenceUsage:               true,
		DisableFlagsInUseLine:      true,
		SuggestionsMinimumDistance: maxTypos,
	}
	if key := section + ".usage"; c.text.Has("cli." + key) {
		command.Example = c.t(key)
	}
	command.SetFlagErrorFunc(c.flagError)
	command.SetHelpFunc(func(command *cobra.Command, _ []string) {
		_, _ = fmt.Fprint(c.stdout, c.help(command))
	})
	command.Flags().BoolP("help", "h", false, c.t("flag.help"))
	return command
}

// unknownCommand returns the error for a word that is not a command, with the names it may have been meant for.
func (c *cli) unknownCommand(parent *cobra.Command, word string) error {
	meant := parent.SuggestionsFor(word)
	if len(meant) == 0 {
		return c.usage("command-unknown", "word", word)
	}
	for i := range meant {
		meant[i] = parent.CommandPath() + " " + meant[i]
	}
	return c.usage("command-suggested", "word", word, "meant", strings.Join(meant, ", "))
}

// helpCommand prints the help of the command that its arguments name.
func (c *cli) helpCommand(root *cobra.Command) *cobra.Command {
	command := c.command("help", "help-command")
	command.RunE = func(_ *cobra.Command, args []string) error {
		of, rest, err := root.Find(args)
		if err != nil || len(rest) > 0 {
			return c.unknownCommand(root, strings.Join(args, " "))
		}
		_, err = fmt.Fprint(c.stdout, c.help(of))
		return err
	}
	return command
}

// completionCommand prints the completions of a shell.
func (c *cli) completionCommand(root *cobra.Command) *cobra.Command {
	command := c.command("completion", "completion")
	command.ValidArgs = []string{"bash", "zsh", "fish"}
	command.RunE = func(_ *cobra.Command, args []string) error {
		shell := ""
		if len(args) == 1 {
			shell = args[0]
		}
		switch shell {
		case "bash":
			return root.GenBashCompletionV2(c.stdout, true)
		case "zsh":
			return root.GenZshCompletion(c.stdout)
		case "fish":
			return root.GenFishCompletion(c.stdout, true)
		}
		return c.usage("shell")
	}
	return command
}

// manCommand writes a man page for every command into a folder.
func (c *cli) manCommand(root *cobra.Command) *cobra.Command {
	command := c.command("man", "man")
	command.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return c.usage("man-folder")
		}
		header := &doc.GenManHeader{
			Title:   "LOCAL",
			Section: "1",
			Source:  "NVR Merger",
		}
		root.DisableAutoGenTag = true // the date would differ in each build
		err := errors.Join(os.MkdirAll(args[0], 0o750), doc.GenManTree(root, header, args[0]))
		if err != nil {
			return fmt.Errorf("write the man pages to %s: %w", args[0], err)
		}
		return nil
	}
	return command
}
