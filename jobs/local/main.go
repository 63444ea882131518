// Command local is NVR Merger on one machine.
//
// It is wiring: it reads the command line, builds the values, calls one package and words the
// outcome. `local help` lists the commands.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // rooms have time zones also where the system knows none
)

// Exit codes, a promise to scripts.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNoFootage   = 3
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	commands := map[string]func(context.Context, []string, io.Writer, io.Writer) int{
		"merge": mergeCommand, "presence": presenceCommand, "sample": sampleCommand, "serve": serveCommand,
		"records": recordsCommand, "retry": retryCommand, "rooms": roomsCommand, "keys": keysCommand, "doctor": doctorCommand, "erase": eraseCommand,
		"function": functionCommand, "task": taskCommand, // what serve starts
	}
	if len(args) == 0 {
		_, _ = fmt.Fprint(stderr, usage())
		return exitUsage
	}
	switch args[0] {
	case "help", "--help", "-help", "-h":
		_, _ = fmt.Fprint(stdout, usage())
		return exitDone
	}
	command := commands[args[0]]
	if command == nil {
		_, _ = fmt.Fprintf(stderr, "local: no command %q\n\n%s", args[0], usage())
		return exitUsage
	}
	return command(ctx, args[1:], stdout, stderr)
}
