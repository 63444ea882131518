package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

func TestUpStatusDown(t *testing.T) {
	t.Parallel()
	settings := &config.Config{Database: config.Secret(storetest.SQLite(t)), Retention: time.Hour}
	for _, step := range []struct {
		command string
		current bool // the schema is then the build's, and otherwise there is none
	}{
		{"status", false},
		{"up", true},
		{"up", true},
		{"status", true},
		{"down", false},
		{"up", true},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), &out, settings, time.Now, []string{step.command}); err != nil {
			t.Fatalf("%s: %v", step.command, err)
		}
		var schema, needed int
		if _, err := fmt.Sscanf(out.String(), "schema %d, this build needs %d", &schema, &needed); err != nil {
			t.Fatalf("%s: %q: %v", step.command, out.String(), err)
		}
		want := 0
		if step.current {
			want = needed
		}
		if schema != want || needed == 0 {
			t.Errorf("%s: schema %d of %d, want %d", step.command, schema, needed, want)
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
		if err := run(t.Context(), &bytes.Buffer{}, &config.Config{}, time.Now, args); err == nil {
			t.Errorf("%v without a database: no error", args)
		}
	}
}

// TestMigrateWaitsForTheDatabase: the network of a new instance may need a minute.
func TestMigrateWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	late := storetest.NewLate(t, time.Minute)
	settings := &config.Config{Database: config.Secret(late.DSN), TimeScale: 1000}
	err := run(t.Context(), &bytes.Buffer{}, settings, late.Clock.Now, []string{"status"})
	if late.Statements() == 0 {
		t.Errorf("no statement reached the database: %v", err)
	}
}

// TestUpGrants migrates an empty database with the users of components, and with and without that of the NVR.
func TestUpGrants(t *testing.T) {
	t.Parallel()
	db := storetest.MariaDBOfComponents(t)
	settings := &config.Config{
		Database: config.Secret(db.DSN),
		GrantTo:  []string{"nvr-api", "nvr-claim"},
	}
	for user, want := range map[string]bool{"": false, "nvr": false, "recorder": true} {
		settings.NVRUser = user
		var out bytes.Buffer
		if err := run(t.Context(), &out, settings, time.Now, []string{"up"}); err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(out.String(), "no database user "+user); told != want {
			t.Errorf("user %q: %s", user, &out)
		}
	}
	settings.GrantTo = []string{"nvr-nobody"}
	if err := run(t.Context(), &bytes.Buffer{}, settings, time.Now, []string{"up"}); err == nil {
		t.Error("rights were granted to a component that does not exist")
	}
}
