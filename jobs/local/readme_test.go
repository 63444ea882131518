package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readmeCommands are the lines of docs/one-machine.md that call bin/local, by command.
func readmeCommands(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/one-machine.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllSubmatch(text, -1) {
		for line := range strings.SplitSeq(strings.ReplaceAll(string(block[1]), "\\\n", " "), "\n") {
			line, _, _ = strings.Cut(line, "#")
			if words := strings.Fields(line); len(words) > 1 && words[0] == "bin/local" {
				found[words[1]] = words[1:]
			}
		}
	}
	return found
}

// with gives the placeholders of the page values.
func with(args []string, values ...string) []string {
	return strings.Split(strings.NewReplacer(values...).Replace(strings.Join(args, "\n")), "\n")
}

// TestTheReadmesCommands runs what docs/one-machine.md tells the reader to type, in its order: serve in a folder that is not
// there yet, the commands beside it, and a merge; two minutes of footage stand in for a lecture.
func TestTheReadmesCommands(t *testing.T) {
	t.Parallel()
	commands := readmeCommands(t)
	s := newServed(t, "504")
	if got := strings.Join(commands["serve"], " "); got != "serve --data DIR" { // as up starts it
		t.Errorf("docs/one-machine.md starts %q", got)
	}
	s.up()
	for _, name := range []string{"rooms", "keys", "records"} {
		runs(t, exitDone, with(commands[name], "DIR", s.dir)...)
	}
	if rooms := s.local(exitDone, "rooms"); !strings.Contains(rooms, "172.18.191.30") {
		t.Errorf("the rooms are\n%s", rooms)
	}
	failed := s.record("504", "Backwards", "11:00", "10:00", "")
	s.call(204, "POST", "/functions/claim", "")
	s.reaches(failed, "failed")
	runs(t, exitDone, with(commands["retry"], "ID", "1", "DIR", s.dir)...)

	out := filepath.Join(t.TempDir(), "FILE.mp4")
	merge := with(
		commands["merge"],
		"DIR",
		filepath.Join(s.dir, "segments"),
		"FILE.mp4",
		out,
		"2026-11-20",
		lesson(),
		"15:10",
		"10:00",
		"16:30",
		"10:02",
	)
	runs(t, exitDone, append(merge, "--segment-length", "1m", "--size", "320x90")...)
	if info, err := os.Stat(out); err != nil || info.Size() == 0 {
		t.Errorf("no video: %v", err)
	}
}
