package main

import (
	"bytes"
	"encoding/json"
	"errors"
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
		{"status", "schema 0, "},
		{"up", "schema 46, "},
		{"up", "schema 46, "},
		{"status", "schema 46, "},
		{"down", "schema 0, "},
		{"up", "schema 46, "},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), &out, settings, []string{step.command}); err != nil || !strings.HasPrefix(out.String(), step.want) {
			t.Fatalf("%s: %q, %v; want %q", step.command, out.String(), err, step.want)
		}
	}
}

func TestErrorsAreLoggedInTheCloud(t *testing.T) {
	t.Parallel()
	var people, cloud bytes.Buffer
	say(t.Context(), &people, &config.Config{}, errors.New("no way"))
	say(t.Context(), &cloud, &config.Config{Execution: "migrate-1"}, errors.New("no way"))
	if people.String() != "migrate: no way\n" {
		t.Errorf("people read %q", &people)
	}
	var line struct{ Severity, Message, Err string }
	if err := json.Unmarshal(cloud.Bytes(), &line); err != nil || line.Severity != "ERROR" || line.Err != "no way" {
		t.Errorf("the log has %s: %v", &cloud, err)
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
