package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/functions"
	"github.com/nvr-miem/merger/pkg/app"
)

// functionCommand is a function that serve starts. FUNCTION_TARGET names it.
func (c *cli) functionCommand() *cobra.Command {
	return &cobra.Command{
		Use:           "function",
		Hidden:        true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			return logged(functions.Serve(command.Context(), c.stdout, time.Now))
		},
	}
}

// taskCommand is a task of the job merge that serve starts. The environment names the record.
func (c *cli) taskCommand() *cobra.Command {
	return &cobra.Command{
		Use:           "task",
		Hidden:        true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			return logged(app.Task(command.Context(), c.stdout, time.Now, app.Tools))
		},
	}
}

// logged returns an error that prints nothing: the last line of the process's log is the error.
func logged(err error) error {
	if err != nil {
		return &exitError{code: exitFailed}
	}
	return nil
}
