package functions_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/functions"
	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// TestFunctionsWaitForTheDatabase: the network of a new instance may need a minute.
func TestFunctionsWaitForTheDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range functions.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			late := storetest.NewLate(t, time.Minute)
			d := newDoor(t)
			d.config.Database = config.Secret(late.DSN)
			log := slog.New(slog.DiscardHandler)
			function, err := functions.New(t.Context(), name, d.config, log, late.Clock.Now)
			if err != nil {
				t.Fatal(err)
			}
			if err := function.Close(); err != nil {
				t.Error(err)
			}
			if late.Dials() < 7 {
				t.Errorf("dialed %d times", late.Dials())
			}
		})
	}
}

// TestTasksWaitForTheDatabase: a task that ends before its network is there uses up a retry.
func TestTasksWaitForTheDatabase(t *testing.T) { //nolint:paralleltest // it sets the environment
	late := storetest.NewLate(t, time.Minute)
	t.Setenv("DATABASE", late.DSN)
	t.Setenv("TIME_SCALE", "1000")
	t.Setenv("STORAGE_ENDPOINT", "http://127.0.0.1:9/storage/v1/")
	t.Setenv("PUBSUB_ENDPOINT", "127.0.0.1:9")
	var out bytes.Buffer
	reached := errors.New("the database was reached")
	tools := func(context.Context, *app.Process) error { return reached }
	err := app.Task(t.Context(), &out, late.Clock.Now, tools)
	if !errors.Is(err, reached) {
		t.Error(err)
	}
	if lines := strings.Count(out.String(), "trying again"); lines != 6 {
		t.Errorf("the log has %d lines about the database: %s", lines, &out)
	}
}
