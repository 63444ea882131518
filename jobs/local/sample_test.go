package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/nvr"
)

func TestSampleWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"--out"},
		{"--out", "x", "extra"},
		{"--out", "x", "--size", "12"},
		{"--out", "x", "--start", "15:00", "--end", "15:00"},
		{"--out", "x", "--faults", "plague"},
		{"--out", "x", "--room", "a/b"},
		{"--out", "x", "--time-zone", "Nowhere"},
		{"--out", "x", "--segment-length", "90s"},
		{"--out", "x", "--fps", "0"},
		{"--bogus"},
		{"--out", "x", "--end", "15:01", "--segment-length", "1m", "--faults", "no-sound"},
	} {
		var stdout, stderr strings.Builder
		if code := run(t.Context(), append([]string{"sample"}, args...), &stdout, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("sample %q = %d, %q; want 2 and a reason", args, code, stderr.String())
		}
	}
}

func TestSampleWithEveryFault(t *testing.T) {
	t.Parallel()
	var names []string
	for _, f := range recorder.Faults() {
		names = append(names, f.Name)
	}
	dir := t.TempDir()
	var stdout, stderr strings.Builder
	code := run(t.Context(), []string{
		"sample",
		"--out",
		dir,
		"--room",
		"ауд 'A'",
		"--end",
		"15:04",
		"--segment-length",
		"1m",
		"--size",
		"160x90",
		"--fps",
		"5",
		"--faults",
		strings.Join(names, ","),
	}, &stdout, &stderr)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	for _, want := range []string{"local merge --segments", `--room 'ауд '\''A'\'''`, "--start 15:00 --end 15:04", "--segment-length 1m", "NO SIGNAL from 15:01:36 to 15:02:48"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, stdout.String())
		}
	}
	count := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		count++
		if _, err := nvr.ParseSegmentName(entry.Name()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	// 3 sources of 4, one missing, a copy and two strangers (a restart needs longer segments).
	if err != nil || count != 14 {
		t.Errorf("%d files, want 14; %v", count, err)
	}
}

func TestSampleInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	var stdout, stderr strings.Builder
	if code := run(ctx, []string{"sample", "--out", dir}, &stdout, &stderr); code != 130 {
		t.Errorf("exit %d, %s; want 130", code, stderr.String())
	}
	if files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*")); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestSampleWhereNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	if code := run(t.Context(), []string{"sample", "--out", file}, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), file) {
		t.Errorf("exit %d, %q; want 1 and the path", code, stderr.String())
	}
}
