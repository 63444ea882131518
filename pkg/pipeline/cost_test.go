package pipeline_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// apis are the columns of the table in docs/api-calls.md.
func apis() []string {
	return []string{"database", "storage", "drive", "calendar", "classroom", "run"}
}

// TestCalls walks a record with nothing going wrong and holds what it asks of others against the table
// in docs/api-calls.md, which no step may exceed.
func TestCalls(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.settings.Lease = time.Hour // a busy machine renews none meanwhile
	w.course("ALG")
	w.insert(recordOf(w.event("поток: ALG")))
	got, order := map[string]map[string]int64{}, []string{}
	for w.row().Step.Working() {
		a, l := w.next(), &process{}
		w.must(w.live(l, a.do))
		w.after(a)
		name := a.name
		if name == "merge" && a.task.Index > 0 {
			name = "merge, joining"
		}
		for got[name] != nil {
			name += ", again"
		}
		got[name], order = l.calls, append(order, name)
	}
	allowed, tables := readTable(t)
	for _, name := range order {
		line := "| " + name
		for _, api := range apis() {
			line += fmt.Sprintf(" | %d", got[name][api])
			if most, ok := allowed[name][api]; !ok || got[name][api] > most {
				t.Errorf(
					"%s: %d calls of %s, docs/api-calls.md says %d",
					name, got[name][api], api, most,
				)
			}
		}
		t.Log(line + " |")
	}
	if tables != len(order) {
		t.Errorf("docs/api-calls.md has %d steps, there are %d: %v", tables, len(order), order)
	}
}

// TestLookingAgain: a look at whether the video plays by now asks neither Classroom nor changes anything there.
func TestLookingAgain(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.settings.Lease = time.Hour
	w.course("ALG")
	w.insert(recordOf(w.event("поток: ALG")))
	var asked []int64 // of Classroom, by each delivery to link
	for w.row().Step.Working() {
		a, l := w.next(), &process{}
		w.must(w.live(l, a.do))
		if a.name == "link" {
			asked = append(asked, l.calls["classroom"])
		}
		if a.name != "upload" { // the clock stands still: Drive has not processed the video when link looks
			w.after(a)
		}
	}
	if len(asked) != 2 || asked[0] == 0 || asked[1] != 0 {
		t.Errorf("the deliveries to link called Classroom %v times, want some and none", asked)
	}
}

func readTable(t *testing.T) (allowed map[string]map[string]int64, rows int) {
	t.Helper()
	text, err := os.ReadFile("../../docs/api-calls.md")
	if err != nil {
		t.Fatal(err)
	}
	allowed = map[string]map[string]int64{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != len(apis())+1 || strings.Contains(line, "---") || strings.Contains(line, "database") {
			continue
		}
		row := map[string]int64{}
		for i, api := range apis() {
			if row[api], err = strconv.ParseInt(strings.TrimSpace(cells[i+1]), 10, 64); err != nil {
				t.Fatalf("docs/api-calls.md: %v", err)
			}
		}
		allowed[strings.TrimSpace(cells[0])] = row
		rows++
	}
	return allowed, rows
}
