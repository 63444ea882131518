package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/report"
)

// TestMerge records a room once and merges it in every way.
func TestMerge(t *testing.T) {
	t.Parallel()
	base := recordRoom(t)
	once := newStage(t, base, "504")
	stdout, stderr := once.here(exitDone, once.args(
		"--work",
		once.work(),
		"--report",
		filepath.Join(once.out, "report.html"),
	)...)
	reference := sumOf(t, once.video())
	checkDone(once, stdout, stderr, reference)

	for name, test := range map[string]func(*stage, string){
		"damaged parts":     damagedParts,
		"two at once":       twoAtOnce,
		"plan":              planTwice,
		"no footage":        noFootage,
		"names":             oddNames,
		"folders and links": foldersAndLinks,
		"changed while merging": func(s *stage, _ string) {
			changedWhileMerging(s)
		},
		"interrupted":       func(s *stage, want string) { interrupted(s, want, os.Interrupt) },
		"terminated":        func(s *stage, want string) { interrupted(s, want, syscall.SIGTERM) },
		"killed":            killed,
		"encoder killed":    encoderKilled,
		"unreadable folder": unreadable,
		"full disk":         fullDisk,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repeated := strings.HasSuffix(name, "killed") || name == "terminated"
			if testing.Short() && repeated {
				t.Skip("make kills runs it")
			}
			test(newStage(t, base, "504"), reference)
		})
	}
}

// checkDone looks at all that a merge leaves.
func checkDone(s *stage, stdout, stderr, sum string) {
	s.Helper()
	if got := names(s.T, s.out); !slices.Equal(got, []string{"lecture.mp4", "report.html", "report.json", "work"}) {
		s.Errorf("the merge left %q", got)
	}
	for _, want := range []string{"survey: 100%", "analyse: 100%", "render: 0%", "render: 100%", "join: 100%"} {
		if !strings.Contains(stderr, want) {
			s.Errorf("the progress lacks %q:\n%s", want, stderr)
		}
	}
	if !strings.Contains(stdout, s.video()) {
		s.Errorf("the summary does not name the video:\n%s", stdout)
	}
	r := s.readReport()
	if err := r.Validate(); err != nil {
		s.Error(err)
	}
	checkSchema(s)
	if r.Output.SHA256 != sum || r.Output.Frames != 750 || r.Record.Title != "Algebra" || r.Cost.CPU <= 0 || r.Cost.Read <= 0 || r.Cost.Analysis <= 0 || r.Cost.PeakRSS <= 0 {
		s.Errorf("the report says %+v, %+v; the file is %s", r.Output, r.Cost, sum)
	}
	if n := len(r.Stretches); n != 2 || r.Stretches[0].Layout != report.LecturerScreen || r.Stretches[1].Layout != report.LecturerBoard {
		s.Errorf("stretches %+v, want the screen, then the board", r.Stretches)
	}
}

func checkSchema(s *stage) {
	s.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("../../docs/report.schema.json")
	if err != nil {
		s.Fatal(err)
	}
	text, err := os.ReadFile(s.reportFile())
	if err != nil {
		s.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		s.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		s.Error(err)
	}
}

// damagedParts spoils what a merge keeps between runs, each in another way: what was spoilt is made
// again, what was not is used again, and the video is the same.
func damagedParts(s *stage, want string) {
	args := s.args("--work", s.work())
	s.here(exitDone, args...)
	before := s.media()
	tables, err := filepath.Glob(filepath.Join(s.work(), "parts", "*.json"))
	if err != nil || len(tables) != 5 {
		s.Fatalf("%d parts, want 5; %v", len(tables), err)
	}
	mediaOf := func(table string) string {
		var p struct{ Value struct{ Media string } }
		readJSON(s.T, table, &p)
		return filepath.Join(s.work(), "parts", p.Value.Media)
	}
	spoil(s.T, mediaOf(tables[0]), func(data []byte) []byte { return data[:len(data)-1] })
	spoil(s.T, mediaOf(tables[1]), func(data []byte) []byte { data[len(data)/2] ^= 4; return data })
	spoil(s.T, tables[2], func([]byte) []byte { return []byte(`{"media": "x", "part": {}}`) })
	other, err := os.ReadFile(tables[4])
	if err != nil {
		s.Fatal(err)
	}
	spoil(s.T, tables[3], func([]byte) []byte { return other }) // whole, and of another slice
	learned, err := filepath.Glob(filepath.Join(s.work(), "learned", "*.json"))
	if err != nil || len(learned) == 0 {
		s.Fatal("nothing was learned", err)
	}
	for _, path := range learned {
		spoil(s.T, path, func(data []byte) []byte {
			return bytes.ReplaceAll(data, []byte("1"), []byte("2"))
		})
	}
	if err := os.WriteFile(filepath.Join(s.work(), "damage.json"), []byte("[{"), 0o600); err != nil {
		s.Fatal(err)
	}
	if err := os.Remove(s.video()); err != nil {
		s.Fatal(err)
	}
	s.here(exitDone, args...)
	if got := sumOf(s.T, s.video()); got != want {
		s.Errorf("another video came out: %s, want %s", got, want)
	}
	last := filepath.Base(tables[4])
	kept(s.T, map[string]string{last: before[last]}, s.media())

	// A file of the recorder that changed makes another plan, and only what it is in is made again.
	before = s.media()
	board := filepath.Join(s.segments, "2026-11-20_15:01_504_30.mp4")
	data, err := os.ReadFile(board)
	if err != nil {
		s.Fatal(err)
	}
	digest := s.readReport().Digest
	if err := os.Remove(board); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(board, data[:len(data)*9/10], 0o600); err != nil {
		s.Fatal(err)
	}
	s.here(exitDone, args...)
	if r := s.readReport(); r.Digest == digest {
		s.Error("another file, and the same plan")
	}
	now := s.media()
	kept(s.T, before, now)
	if n := len(now) - len(before); n < 1 || n > 3 {
		s.Errorf("%d parts were made again, want those that show the changed file", n)
	}
}

func readJSON(t *testing.T, path string, value any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func spoil(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = errors.Join(
			os.Remove(path),
			os.WriteFile(path, change(data), 0o600),
		) // never through a link
	}
	if err != nil {
		t.Fatal(err)
	}
}

func twoAtOnce(s *stage, _ string) {
	work, err := merge.OpenWork(s.work())
	if err != nil {
		s.Fatal(err)
	}
	_, stderr := s.here(exitFailed, s.args("--work", s.work())...)
	oneSentence(s.T, stderr, "another merge", s.work(), "--work")
	if err := work.Close(); err != nil {
		s.Error(err)
	}
}

func planTwice(s *stage, _ string) {
	before := append(listing(s.T, s.out), listing(s.T, s.segments)...)
	first, _ := s.here(exitDone, s.args("--plan", "--json")...)
	second, _ := s.here(exitDone, s.args("--plan", "--json")...)
	if first != second || !strings.Contains(first, `"scenes"`) {
		s.Error("two plans of the same footage are not the same bytes")
	}
	if now := append(listing(s.T, s.out), listing(s.T, s.segments)...); !slices.Equal(now, before) {
		s.Errorf("--plan wrote something: %q, then %q", before, now)
	}
}

// noFootage asks for another day, and for a folder of files that are of no use; a work folder that
// the user named stays.
func noFootage(s *stage, _ string) {
	mine := filepath.Join(s.work(), "notes.txt")
	if err := os.MkdirAll(s.work(), 0o750); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		s.Fatal(err)
	}
	_, stderr := s.here(exitNoFootage, s.args("--date", "2026-11-21", "--work", s.work())...)
	oneSentence(s.T, stderr, "no usable footage", "named like room 504", "another time")
	for _, name := range names(s.T, s.segments) {
		spoil(s.T, filepath.Join(s.segments, name), func([]byte) []byte { return nil })
	}
	_, stderr = s.here(exitNoFootage, s.args("--work", s.work())...)
	oneSentence(s.T, stderr, "6 files belong to it", "empty")
	if _, err := os.Stat(mine); err != nil {
		s.Errorf("the user's own file in --work is gone: %v", err)
	}
	plan, stderr := s.here(exitNoFootage, s.args("--plan", "--json")...)
	oneSentence(s.T, stderr, "no usable footage")
	if !strings.Contains(plan, `"segments"`) {
		s.Errorf("the plan is not printed: %s", plan)
	}
	s.here(exitNoFootage, s.args()...)
	if got := names(s.T, s.out); !slices.Equal(got, []string{"work"}) {
		s.Errorf("left behind: %q", got)
	}
}

// oddNames merges a room, a title and folders that would break a shell, a filter or a page.
func oddNames(s *stage, _ string) {
	for _, name := range []string{`-i`, "a'b\"c:d%20%d\\\n[x]$(id)`;|&<b>", "עברית\u200f 🎓 №7"} {
		odd := newStage(s.T, s.segments, name)
		odd.segments = moved(s.T, odd.segments, filepath.Join(
			s.TempDir(),
			"-i "+strings.ReplaceAll(name, "/", ""),
		))
		odd.out = filepath.Join(s.TempDir(), "%03d "+name)
		if err := os.Mkdir(odd.out, 0o750); err != nil {
			s.Fatal(err)
		}
		page := filepath.Join(odd.out, name+".html")
		odd.here(exitDone, odd.args(
			"--room",
			name,
			"--title",
			name,
			"--end",
			"15:00:44",
			"--report",
			page,
		)...)
		if r := odd.readReport(); r.Record.Room != name || r.Record.Title != name || r.Output.Frames != 100 || len(r.Gaps) > 0 {
			s.Errorf("%q: the report says %+v, %+v, %+v", name, r.Record, r.Output, r.Gaps)
		}
		video, err := os.ReadFile(odd.video())
		if err != nil || !bytes.Contains(video, []byte(name)) {
			s.Errorf("%q: the video does not hold its title; %v", name, err)
		}
		html, err := os.ReadFile(page)
		if err != nil || bytes.Contains(html, []byte("&<b>")) {
			s.Errorf("%q: the page holds the title as it is; %v", name, err)
		}
	}
}

func moved(t *testing.T, from, to string) string {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// foldersAndLinks hides the files in folders, behind links, and among things that are no files.
func foldersAndLinks(s *stage, want string) {
	elsewhere := s.TempDir()
	for i, name := range names(s.T, s.segments) {
		sub := filepath.Join(elsewhere, fmt.Sprint(i%2), "deeper")
		if err := os.MkdirAll(sub, 0o750); err != nil {
			s.Fatal(err)
		}
		moved(s.T, filepath.Join(s.segments, name), filepath.Join(sub, name))
	}
	err := errors.Join(
		os.Symlink(filepath.Join(elsewhere, "0"), filepath.Join(s.segments, "disk")),
		os.Symlink(
			filepath.Join(elsewhere, "1", "deeper"),
			filepath.Join(s.segments, "2026-11-20_15:00_504_24.mp4"),
		),
		os.Symlink(s.segments, filepath.Join(s.segments, "round and round")),
		os.Mkdir(filepath.Join(s.segments, "2026-11-20_15:00_504_30.mp4"), 0o750),
		syscall.Mkfifo(filepath.Join(s.segments, "2026-11-20_15:00_504_21.mp4"), 0o600),
		os.WriteFile(filepath.Join(s.segments, "holiday.mp4"), []byte("x"), 0o600),
		os.WriteFile(filepath.Join(s.segments, "2026-11-20_15:00_505_24.mp4"), []byte("x"), 0o600),
	)
	if err != nil {
		s.Fatal(err)
	}
	root := filepath.Join(s.TempDir(), "link")
	if err := os.Symlink(s.segments, root); err != nil {
		s.Fatal(err)
	}
	s.here(exitDone, s.args("--segments", root, "--end", "15:00:44")...)
	r := s.readReport()
	if len(r.Gaps) > 0 || len(r.Segments) != 3 {
		s.Errorf("gaps %+v, segments %+v", r.Gaps, r.Segments)
	}
	causes := map[string]bool{}
	checkSchema(s)
	for _, ignored := range r.Ignored {
		causes[ignored.Cause] = true
		if ignored.CauseRu == ignored.Cause {
			s.Errorf("no Russian for %q", ignored.Cause)
		}
	}
	if !causes["another room"] || !causes["its name is not that of a segment"] || !causes["not a regular file"] || !causes["another time"] {
		s.Errorf("ignored: %+v", r.Ignored)
	}
}

func TestMergeWithoutFFmpeg(t *testing.T) {
	t.Parallel()
	old := t.TempDir()
	for _, name := range []string{"ffmpeg", "ffprobe"} {
		if err := os.WriteFile(filepath.Join(old, name), []byte("#!/bin/sh\necho 'ffmpeg version 4.4.2-0ubuntu0'\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		t.TempDir(): "is not installed. Install FFmpeg 5.1 or newer",
		old:         "FFmpeg 4.4.2-0ubuntu0 is too old. Install FFmpeg 5.1 or newer",
	} {
		s := &stage{T: t, segments: t.TempDir(), out: t.TempDir()}
		cmd, stderr := s.process(s.args()...)
		cmd.Env = []string{"PATH=" + path}
		if code := exitCode(t, cmd.Run()); code != exitFailed {
			t.Errorf("exit %d, want %d", code, exitFailed)
		}
		oneSentence(t, stderr.String(), want)
		if got := names(t, s.out); len(got) > 0 {
			t.Errorf("left behind: %q", got)
		}
	}
}

func TestMergeInterruptedAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &stage{T: t, segments: t.TempDir(), out: t.TempDir()}
	var stdout, stderr bytes.Buffer
	if code := run(ctx, s.args(), &stdout, &stderr); code != exitInterrupted {
		t.Errorf("exit %d, want %d: %s", code, exitInterrupted, stderr.String())
	}
}
