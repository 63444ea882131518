package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nvr-miem/merger/pkg/i18n"
)

// program is the name of the command, as it stands in help and errors.
const program = "local"

// cli is one run of the program: where it writes, and in which language.
type cli struct {
	stdout, stderr io.Writer
	getenv         func(name string) string
	catalog        *i18n.Catalog
	text           *i18n.Localizer
}

// newCLI returns the run for an environment. The language is that of LC_ALL, LC_MESSAGES or LANG, in this
// order, as POSIX defines it; English if the catalogue lacks it.
func newCLI(stdout, stderr io.Writer, getenv func(string) string) *cli {
	locale := cmp.Or(getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"))
	catalog := i18n.Default()
	return &cli{
		stdout:  stdout,
		stderr:  stderr,
		getenv:  getenv,
		catalog: catalog,
		text:    catalog.Match("en", locale),
	}
}

// t returns a text of the catalogue's section cli.
func (c *cli) t(key string, args ...any) string {
	return c.text.T("cli."+key, args...)
}

// print writes a text of the section cli to standard output, as a line.
func (c *cli) print(key string, args ...any) error {
	_, err := fmt.Fprintln(c.stdout, c.t(key, args...))
	return err
}

// usageError is an error of the command line. Its text names the argument and how to correct it.
type usageError struct{ text string }

// Error implements error.
func (e *usageError) Error() string { return e.text }

// usage returns a usage error with a text of the section cli.error.
func (c *cli) usage(key string, args ...any) error {
	return &usageError{c.t("error."+key, args...)}
}

// failure returns an error with a text of the section cli.error.
func (c *cli) failure(key string, args ...any) error {
	return errors.New(c.t("error."+key, args...))
}

// exitError ends the process with a code other than 1 and 2.
type exitError struct {
	code int
	text string // printed to standard error; empty if everything has been printed
}

// Error implements error.
func (e *exitError) Error() string { return e.text }

// exit prints what went wrong as one sentence and returns the exit code.
func (c *cli) exit(command *cobra.Command, err error) int {
	var usage *usageError
	var exit *exitError
	switch path := command.CommandPath(); {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(
			c.stderr, "%s: %s (%s)\n",
			path, oneLine(err), c.t("help.see", "command", path),
		)
		return exitUsage
	case errors.As(err, &exit):
		if exit.text != "" {
			_, _ = fmt.Fprintf(c.stderr, "%s: %s\n", path, exit.text)
		}
		return exit.code
	default:
		_, _ = fmt.Fprintf(c.stderr, "%s: %v\n", path, err)
		return exitFailed
	}
}

// oneLine returns joined errors as one sentence.
func oneLine(err error) string {
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

// flagError returns an error of pflag in the user's language.
func (c *cli) flagError(_ *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return c.usage("flag-unknown", "flag", "--"+unknown.GetSpecifiedName())
	case errors.As(err, &missing):
		return c.usage("flag-without-value", "flag", "--"+missing.GetSpecifiedName())
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		want := c.t("error.want." + flag.Value.Type())
		return c.usage(
			"flag-value",
			"flag",
			"--"+flag.Name,
			"value",
			invalid.GetValue(),
			"want",
			want,
		)
	}
	return &usageError{err.Error()}
}
