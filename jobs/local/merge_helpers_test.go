package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/report"
)

// itself as first argument makes the test binary the command, for tests that need a process to kill.
const itself = "local-itself"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == itself {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := run(ctx, os.Args[2:], os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	if os.Getenv(asCommand) != "" {
		if dir := os.Getenv(underLoad); dir != "" {
			beforeLoad(dir)
		}
		if list := os.Getenv(poisoned); list != "" {
			beforePoison(list)
		}
		main()
	}
	os.Exit(inFolder(m.Run))
}

// inFolder runs the tests with a folder for what they share.
func inFolder(run func() int) int {
	dir, err := os.MkdirTemp("", "local-test")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Setenv(sharedFolder, dir); err != nil {
		panic(err)
	}
	return run()
}

// recordRoom records room 504 from 15:00 to 15:02 in files of a minute: a lecturer, a screen that
// loses its signal at 15:00:56, and a board.
func recordRoom(t *testing.T) string {
	t.Helper()
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 20, 15, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	source := func(octet string, role nvr.Role, scene recorder.Scene) recorder.Source {
		return recorder.Source{
			Octet:    octet,
			Role:     role,
			Label:    string(role),
			Scene:    scene,
			Sound:    recorder.Sound{MarkEvery: 1, Pilot: true},
			Pictures: recorder.Pictures{Width: 320, Height: 180},
			Segments: recorder.Slots(start, start.Add(2*time.Minute), time.Minute),
		}
	}
	lost := recorder.Showing{
		From:  start.Add(56 * time.Second),
		Until: start.Add(2 * time.Minute),
		Card:  recorder.Bars,
	}
	session := recorder.Session{
		Room: "504",
		Seed: 5,
		Sources: []recorder.Source{
			source("24", nvr.Lecturer, recorder.Lecturer),
			source("21", nvr.Screen, recorder.Screen(lost)),
			source("30", nvr.Board, recorder.Board),
		},
	}
	dir := t.TempDir()
	if err := session.Record(t.Context(), tool, dir, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// stage is a folder of segments and a folder for what comes out.
type stage struct {
	*testing.T
	segments, out string
}

// newStage links the segments of a room under another name.
func newStage(t *testing.T, base, room string) *stage {
	t.Helper()
	s := &stage{T: t, segments: t.TempDir(), out: t.TempDir()}
	entries, err := os.ReadDir(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		to := filepath.Join(s.segments, strings.Replace(entry.Name(), "_504_", "_"+room+"_", 1))
		if err := os.Link(filepath.Join(base, entry.Name()), to); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// args is the command line of a merge of 30 s, five slices, with more options behind.
func (s *stage) args(more ...string) []string {
	return append([]string{
		"merge",
		"--segments",
		s.segments,
		"--room",
		"504",
		"--date",
		"2026-11-20",
		"--start",
		"15:00:40",
		"--end",
		"15:01:10",
		"--segment-length",
		"1m",
		"--lecturer",
		"24",
		"--screen",
		"21",
		"--board",
		"30",
		"--sound",
		"24",
		"--size",
		"640x180",
		"--slice",
		"6s",
		"--title",
		"Algebra",
		"--parallel",
		"1",
		"--out",
		s.video(),
		"--report",
		s.reportFile(),
	}, more...)
}

func (s *stage) video() string      { return filepath.Join(s.out, "lecture.mp4") }
func (s *stage) reportFile() string { return filepath.Join(s.out, "report.json") }
func (s *stage) work() string       { return filepath.Join(s.out, "work") }

// here runs the command in this process.
func (s *stage) here(want int, args ...string) (stdout, stderr string) {
	s.Helper()
	return runs(s.T, want, args...)
}

func runs(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	if code := run(t.Context(), args, &out, &err); code != want {
		t.Fatalf("exit %d, want %d\n%s\n%s", code, want, out.String(), err.String())
	}
	return out.String(), err.String()
}

// process is the command as a process of its own.
func (s *stage) process(args ...string) (*exec.Cmd, *bytes.Buffer) {
	stderr := &bytes.Buffer{}
	cmd := exec.CommandContext(s.Context(), os.Args[0], append([]string{itself}, args...)...)
	cmd.Stderr = stderr
	return cmd, stderr
}

// exitCode is how a process ended; -1 if a signal ended it.
func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return 0
}

// below lists all processes below one: their number, and what each is.
func below(pid int) map[int]string {
	all := map[int]string{}
	lists, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "children"))
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // it has ended
		}
		for _, child := range strings.Fields(string(text)) {
			id, err := strconv.Atoi(child)
			if err != nil {
				continue
			}
			all[id] = commandOf(id)
			for grandchild, is := range below(id) {
				all[grandchild] = is
			}
		}
	}
	return all
}

// commandOf is a process's command line; empty when it has ended.
func commandOf(pid int) string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return ""
	}
	return string(bytes.ReplaceAll(text, []byte{0}, []byte{' '}))
}

// eventually waits until something holds; on a busy machine that may take long.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(5 * time.Minute)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("it never came: %s", what)
		}
	}
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// listing is everything in a folder, with size and time of change.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			all = append(
				all,
				path+" "+strconv.FormatInt(info.Size(), 10)+" "+info.ModTime().String(),
			)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// names are the entries of a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

// readReport reads the report that the merge wrote.
func (s *stage) readReport() *report.Report {
	s.Helper()
	text, err := os.ReadFile(s.reportFile())
	if err != nil {
		s.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(text, &r); err != nil {
		s.Fatal(err)
	}
	return &r
}

// media are the media files that finished parts name, each with its inode and time of change.
func (s *stage) media() map[string]string {
	s.Helper()
	all := map[string]string{}
	tables, err := filepath.Glob(filepath.Join(s.work(), "parts", "*.json"))
	if err != nil {
		s.Fatal(err)
	}
	for _, path := range tables {
		var p struct{ Value struct{ Media string } }
		text, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(text, &p) != nil {
			s.Fatalf("%s: %v", path, err)
		}
		info, err := os.Stat(filepath.Join(s.work(), "parts", p.Value.Media))
		if err != nil {
			s.Fatal(err)
		}
		all[filepath.Base(path)] = generation(info)
	}
	return all
}

// kept wants parts that were there before to be the very same files now.
func kept(t *testing.T, before, now map[string]string) {
	t.Helper()
	for name, was := range before {
		if now[name] != was {
			t.Errorf("part %s was made again: %q, then %q", name, was, now[name])
		}
	}
}

// oneSentence wants an error to be one line for people that says these things.
func oneSentence(t *testing.T, stderr string, want ...string) {
	t.Helper()
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(stderr), "\n"), func(line string) bool {
		return !strings.HasPrefix(line, "local merge: ") && strings.Contains(line, "%")
	})
	if len(lines) != 1 {
		t.Errorf("%d lines instead of one: %q", len(lines), stderr)
	}
	for _, w := range want {
		if !strings.Contains(stderr, w) {
			t.Errorf("%q lacks %q", stderr, w)
		}
	}
}
