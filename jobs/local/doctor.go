package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"time"

	"github.com/sethvargo/go-envconfig"
	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/doctor"
	"github.com/nvr-miem/merger/pkg/localcloud/machine"
)

// healthTimeout bounds the question whether serve runs.
const healthTimeout = 3 * time.Second

// doctorCommand checks the system and exits with 1 if something must be repaired.
func (c *cli) doctorCommand() *cobra.Command {
	command := c.command("doctor", "doctor")
	o := &dataFlags{}
	o.register(c, command.Flags())
	asJSON := command.Flags().Bool("json", false, "")
	c.describeAll(command.Flags(), "doctor")
	command.RunE = func(command *cobra.Command, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		findings := c.examiner(command.Context(), o).Run(command.Context())
		if err := c.printFindings(findings, *asJSON); err != nil {
			return err
		}
		if doctor.Failed(findings) {
			return &exitError{code: exitFailed}
		}
		return nil
	}
	return command
}

func (c *cli) printFindings(findings []doctor.Finding, asJSON bool) error {
	if asJSON {
		return doctor.PrintJSON(c.stdout, findings, c.catalog)
	}
	t := c.newTable("doctor", "state", "check", "result")
	for _, f := range failuresFirst(findings) {
		result := c.text.Cause(f.Cause)
		if way := f.Way.Text(c.text); way != "" {
			result += " → " + way
		}
		t.add(string(f.State), f.What, result)
	}
	if c.colors() {
		t.color = stateColor
	}
	if err := t.write(c.stdout); err != nil {
		return err
	}
	count := map[doctor.State]int{}
	for _, f := range findings {
		count[f.State]++
	}
	return c.print(
		"doctor.count",
		"ok", count[doctor.StateOK],
		"warnings", count[doctor.StateWarn],
		"failures", count[doctor.StateFail],
	)
}

// failuresFirst returns the findings with failures before warnings, and both before what is in order.
func failuresFirst(findings []doctor.Finding) []doctor.Finding {
	order := []doctor.State{doctor.StateFail, doctor.StateWarn, doctor.StateOK}
	return slices.SortedStableFunc(slices.Values(findings), func(a, b doctor.Finding) int {
		return slices.Index(order, a.State) - slices.Index(order, b.State)
	})
}

// examiner returns the doctor for what the flags name.
func (c *cli) examiner(ctx context.Context, o *dataFlags) *doctor.Doctor {
	settings, page, err := c.settings(ctx, o)
	d := &doctor.Doctor{Now: time.Now, Config: settings, Wrong: err}
	if folder := o.folder(c); folder != "" {
		d.Down = !isUp(ctx, page)
		d.Space = func() (int64, error) { return freeSpace(folder) }
	}
	return d
}

// settings returns the configuration of what the flags name: the folder of serve, with the address of its page, else
// the environment. With an error it returns what could be read of it.
func (c *cli) settings(ctx context.Context, o *dataFlags) (settings *config.Config, page string, err error) {
	env := envconfig.OsLookuper()
	var wrong error
	if folder := o.folder(c); folder != "" {
		var values map[string]string
		values, wrong = environmentOf(folder)
		env, page = envconfig.MapLookuper(values), values["PUBLIC_URL"]
	}
	settings, err = config.From(ctx, env)
	if settings == nil {
		settings = &config.Config{}
	}
	if o.database != "" {
		settings.Database = config.Secret(o.database)
	}
	return settings, page, errors.Join(wrong, err)
}

// environmentOf returns what serve on a folder gave its functions. If that cannot be read, it returns the
// database's address alone.
func environmentOf(folder string) (map[string]string, error) {
	kept, err := machine.Environment(folder)
	if kept != nil {
		return kept, nil
	}
	dsn, dsnErr := databaseIn(folder)
	return map[string]string{"DATABASE": dsn}, errors.Join(err, dsnErr)
}

// isUp reports whether a serve answers at an address.
func isUp(ctx context.Context, base string) bool {
	ctx, stop := context.WithTimeout(ctx, healthTimeout)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close() // only the status counts
	return response.StatusCode == http.StatusOK
}

// freeSpace returns the bytes that this user may still write to the disk of a folder.
func freeSpace(folder string) (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return 0, fmt.Errorf("read the free space of %s: %w", folder, err)
	}
	return int64(disk.Bavail) * disk.Bsize, nil // #nosec G115 -- no disk is that large
}
