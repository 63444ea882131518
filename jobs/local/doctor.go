package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/doctor"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/localcloud/machine"
)

func doctorHelp() fault.Reason {
	return fault.Reason{
		En: `Looks whether everything is in order; says of what is not how to mend it. Ends with 1 if something must be mended.

  local doctor --data DIR   the system on this machine; the most is seen while serve runs
  local doctor              what the environment names, as the functions read it: the same as a job in the cloud

`,
		Ru: `Проверяет, всё ли в порядке, и говорит, как исправить то, что не в порядке. Код завершения 1: что-то надо исправить.

  local doctor --data DIR   система на этой машине; больше всего видно при запущенном serve
  local doctor              то, что названо в переменных окружения, как их читают функции: так же и в облаке

`,
	}
}

func doctorCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o dataOptions
	flags := o.flags("doctor")
	asJSON := flags.Bool("json", false, "print JSON")
	rest, err := parse(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		printHelp(stdout, doctorHelp(), flags, dataHelpRussian(map[string]string{"json": "напечатать JSON"}))
		return exitDone
	}
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("unexpected %q", rest[0])
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "local doctor: %v\nSee: local doctor --help\n", err)
		return exitUsage
	}
	findings := examiner(ctx, o).Run(ctx)
	if *asJSON {
		err = doctor.PrintJSON(stdout, findings, i18n.Default())
	} else {
		err = doctor.Print(stdout, findings, i18n.Default().For(string(language())))
	}
	if err != nil || doctor.Failed(findings) {
		return exitFailed
	}
	return exitDone
}

// examiner is the doctor for what the options name.
func examiner(ctx context.Context, o dataOptions) *doctor.Doctor {
	d := &doctor.Doctor{Now: time.Now}
	env := envconfig.OsLookuper()
	if o.data != "" {
		values, err := environmentOf(o)
		if err != nil {
			d.Wrong = err
		}
		d.Down = !up(ctx, values["PUBLIC_URL"])
		d.Space = func() (int64, error) { return space(o.data) }
		env = envconfig.MapLookuper(values)
	}
	c, err := config.From(ctx, env)
	if c == nil {
		c = &config.Config{}
	}
	d.Config, d.Wrong = c, errors.Join(d.Wrong, err)
	if o.database != "" {
		d.Config.Database = config.Secret(o.database)
	}
	return d
}

// environmentOf is what serve on a folder gave its functions; what is sure without that, if it cannot be read.
func environmentOf(o dataOptions) (map[string]string, error) {
	dsn, err := o.dsn()
	values := map[string]string{"DATABASE": dsn}
	if err != nil {
		return values, err
	}
	kept, err := machine.Environment(o.data)
	if kept != nil {
		values = kept
	}
	return values, err
}

// up tells whether a serve answers.
func up(ctx context.Context, base string) bool {
	ctx, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", http.NoBody)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = res.Body.Close() // the status is all
	return res.StatusCode == http.StatusOK
}

// space is how many bytes we may still write where a folder lies.
func space(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	return int64(s.Bavail) * s.Bsize, nil // #nosec G115 -- no disk is that large
}
