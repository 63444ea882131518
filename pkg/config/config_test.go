package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/nvr-miem/merger/pkg/config"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := config.From(t.Context(), envconfig.MapLookuper(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.SegmentLength != 30*time.Minute || c.Slice != 10*time.Minute || c.TimeZone != "Europe/Moscow" || c.Waits(time.Hour) != time.Hour {
		t.Errorf("%+v", c)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	c, err := config.From(t.Context(), envconfig.MapLookuper(map[string]string{
		"COURSES":    "СК-1=123,b=45",
		"DELEGATES":  "stage=a@example.org,link=b@example.org",
		"TIME_SCALE": "60",
		"OPERATORS":  "a@example.org,b@example.org",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Courses["СК-1"] != "123" || c.Delegates["link"] != "b@example.org" || len(c.Operators) != 2 || c.Waits(time.Hour) != time.Minute {
		t.Errorf("%+v", c)
	}
}

// TestEverythingWrongIsSaidAtOnce wants each fault under the name that the operator wrote.
func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	wrong := map[string]string{
		"TIME_ZONE":   "Moscow",
		"LANGUAGE":    "german language",
		"POLICY":      "never",
		"FPS":         "24",
		"WIDTH":       "13",
		"HEIGHT":      "7",
		"TIME_SCALE":  "0",
		"SLICE":       "-1s",
		"MERGE_TASKS": "-1",
		"MAX_MERGES":  "0",
		"RATE_LIMIT":  "0",
		"WEBHOOK":     "example.org/hook",
	}
	_, err := config.From(t.Context(), envconfig.MapLookuper(wrong))
	if err == nil {
		t.Fatal("no error")
	}
	for name := range wrong {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	c := config.Config{Database: "mysql://u:hunter2@db/nvr", WebhookSecret: "hunter2"}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprintf("%v %+v %#v %s", c, c, c, text); strings.Contains(all, "hunter2") {
		t.Error("a secret is printed")
	}
}
