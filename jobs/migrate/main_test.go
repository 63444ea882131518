package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

func TestUpStatusDown(t *testing.T) {
	t.Parallel()
	settings := &config.Config{Database: config.Secret(storetest.SQLite(t)), Retention: time.Hour}
	for _, step := range []struct{ command, want string }{
		{"status", "schema 0, "}, {"up", "schema 1000, "}, {"up", "schema 1000, "}, {"status", "schema 1000, "}, {"down", "schema 0, "}, {"up", "schema 1000, "},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), &out, settings, []string{step.command}); err != nil || !strings.HasPrefix(out.String(), step.want) {
			t.Fatalf("%s: %q, %v; want %q", step.command, out.String(), err, step.want)
		}
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"sideways"}, {"up", "down"}, {"up"}} {
		if err := run(t.Context(), &bytes.Buffer{}, &config.Config{}, args); err == nil {
			t.Errorf("%v without a database: no error", args)
		}
	}
}
