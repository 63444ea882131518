package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Set by the Makefile with -ldflags "-X main.version=…". A plain `go build` leaves them empty.
var (
	version string // as git describe prints it
	commit  string
	date    string // of the commit, RFC 3339
)

// build is what a program was built from.
type build struct{ version, commit, date string }

// buildVersion returns what this program was built from: the linker's values, else what the Go toolchain
// recorded.
func buildVersion() build {
	b := build{version: version, commit: commit, date: date}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.version = cmp.Or(b.version, info.Main.Version)
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				b.commit = cmp.Or(b.commit, setting.Value)
			case "vcs.time":
				b.date = cmp.Or(b.date, setting.Value)
			}
		}
	}
	return b
}

// String returns the line that --version prints.
func (b build) String() string {
	const unknown = "unknown"
	return fmt.Sprintf(
		"NVR Merger %s (commit %s, %s)",
		cmp.Or(b.version, unknown),
		cmp.Or(b.commit, unknown),
		cmp.Or(b.date, unknown),
	)
}

func (c *cli) versionCommand() *cobra.Command {
	command := c.command("version", "version")
	command.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		_, err := fmt.Fprintln(c.stdout, buildVersion())
		return err
	}
	return command
}
