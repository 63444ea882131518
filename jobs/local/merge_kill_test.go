package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// interrupted ends the merge as Ctrl-C and as a shutdown do, while it renders.
func interrupted(s *stage, want string, how os.Signal) {
	cmd, stderr := s.process(s.args("--work", s.work())...)
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	var children map[int]string
	eventually(s.T, "a part is finished and FFmpeg is at work on the next", func() bool {
		parts, err := filepath.Glob(filepath.Join(s.work(), "parts", "*.json"))
		children = below(cmd.Process.Pid)
		return err == nil && len(parts) > 0 && len(children) > 0
	})
	if err := cmd.Process.Signal(how); err != nil {
		s.Fatal(err)
	}
	if code := exitCode(s.T, cmd.Wait()); code != exitInterrupted || !strings.Contains(stderr.String(), "interrupted") {
		s.Errorf("exit %d: %s", code, stderr)
	}
	for pid, was := range children {
		if now := commandOf(pid); now == was && was != "" {
			s.Errorf("process %d is still there: %s", pid, was)
		}
	}
	if got := names(s.T, s.out); !slices.Equal(got, []string{"work"}) {
		s.Errorf("left behind: %q", got)
	}
	before := s.media()
	s.here(exitDone, s.args("--work", s.work())...)
	kept(s.T, before, s.media())
	if got := sumOf(s.T, s.video()); got != want {
		s.Errorf("another video came out: %s, want %s", got, want)
	}
}

// killed kills the merge at random moments. Whatever it was doing, the next run goes on, and in the
// end the same video is there. A run that ends before its moment is repeated.
func killed(s *stage, want string) {
	moments, seed := 20, uint64(time.Now().UnixNano())
	s.Logf("%d moments of seed %d", moments, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	args := s.args("--work", s.work())
	began := time.Now()
	s.runProcess(args, -1)
	whole := time.Since(began)
	s.afresh()
	reused := 0
	for range moments {
		before := s.media()
		ended := s.runProcess(args, time.Duration(random.Int64N(int64(whole))))
		if _, err := os.Stat(s.video()); err == nil {
			if got := sumOf(s.T, s.video()); got != want {
				s.Fatalf("a killed merge left another video: %s, want %s", got, want)
			}
		}
		now := s.media()
		kept(s.T, before, now)
		reused += len(before)
		if ended {
			s.afresh()
		}
	}
	before := s.media()
	s.runProcess(args, -1)
	kept(s.T, before, s.media())
	if got := sumOf(s.T, s.video()); got != want {
		s.Errorf("another video came out: %s, want %s", got, want)
	}
	if got := names(s.T, s.out); !slices.Equal(got, []string{"lecture.mp4", "report.json", "work"}) {
		s.Errorf("left behind: %q", got)
	}
	for _, sub := range []string{"learned", "plans", "parts"} {
		for _, name := range names(s.T, filepath.Join(s.work(), sub)) {
			if strings.HasSuffix(name, ".tmp") {
				s.Errorf("left behind in the work folder: %s", name)
			}
		}
	}
	s.Logf("a whole merge takes %v; %d times a finished part was used again", whole, reused)
}

// afresh takes away what merges have made.
func (s *stage) afresh() {
	s.Helper()
	for _, name := range names(s.T, s.out) {
		if err := os.RemoveAll(filepath.Join(s.out, name)); err != nil {
			s.Fatal(err)
		}
	}
}

// runProcess runs the merge, kills it after a while (never, if that is negative), and reports whether it
// ended by itself.
func (s *stage) runProcess(args []string, after time.Duration) bool {
	s.Helper()
	cmd, stderr := s.process(args...)
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	if after >= 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended
		defer timer.Stop()
	}
	code := exitCode(s.T, cmd.Wait())
	if code != exitDone && (code != -1 || after < 0) {
		s.Fatalf("exit %d: %s", code, stderr)
	}
	return code == exitDone
}

// encoderKilled kills FFmpeg under the merge, as a kernel short of memory does: once the decoder, once the
// encoder. That is an error, not damage; started again, it goes on.
func encoderKilled(s *stage, want string) {
	for _, victim := range []string{"rawvideo", "libx264", "f32le -format_whitelist", "ebur128"} {
		cmd, stderr := s.process(s.args("--work", s.work())...)
		if err := cmd.Start(); err != nil {
			s.Fatal(err)
		}
		eventually(s.T, "FFmpeg is killed: "+victim, func() bool {
			for pid, is := range below(cmd.Process.Pid) {
				if strings.Contains(is, victim) {
					return syscall.Kill(pid, syscall.SIGKILL) == nil
				}
			}
			return commandOf(cmd.Process.Pid) == "" // it has ended, and nothing was killed
		})
		if code := exitCode(s.T, cmd.Wait()); code != exitFailed {
			s.Errorf("%s killed: exit %d: %s", victim, code, stderr)
		}
		if _, err := os.Stat(filepath.Join(s.work(), "damage.json")); err == nil {
			s.Errorf("%s killed, and the footage is blamed", victim)
		}
	}
	s.here(exitDone, s.args("--work", s.work())...)
	if got := sumOf(s.T, s.video()); got != want {
		s.Errorf("another video came out: %s, want %s", got, want)
	}
}

// changedWhileMerging lets the recorder write a file once more while it is merged.
func changedWhileMerging(s *stage) {
	for name, change := range map[string]func(path string, data []byte) error{
		"truncated": func(path string, data []byte) error {
			return os.Truncate(path, int64(len(data)/2))
		},
		"replaced": func(path string, data []byte) error {
			return errors.Join(
				os.WriteFile(path+".new", data[:len(data)*3/4], 0o600),
				os.Rename(path+".new", path),
			)
		},
		"written over": func(path string, data []byte) error {
			return os.WriteFile(path, data, 0o600)
		},
	} {
		path := filepath.Join(s.segments, "2026-11-20_15:01_504_24.mp4")
		data, err := os.ReadFile(path)
		if err == nil {
			err = errors.Join(os.Remove(path), os.WriteFile(path, data, 0o600))
		}
		if err != nil {
			s.Fatal(err)
		}
		rendering := &trigger{word: "render: 0%", do: func() { err = change(path, data) }}
		var stdout bytes.Buffer
		code := run(s.Context(), s.args(), &stdout, rendering)
		if err != nil {
			s.Fatal(err)
		}
		if code != exitFailed || !strings.Contains(rendering.String(), "changed during the merge") {
			s.Errorf("%s: exit %d: %s", name, code, rendering.String())
		}
		if _, err := os.Stat(s.video()); err == nil {
			s.Errorf("%s: a video came out", name)
		}
		if err := os.RemoveAll(s.video() + ".work"); err != nil {
			s.Fatal(err)
		}
		if err := errors.Join(os.Remove(path), os.WriteFile(path, data, 0o600)); err != nil {
			s.Fatal(err)
		}
	}
}

// trigger does something once a word was written.
type trigger struct {
	bytes.Buffer
	word string
	do   func()
}

func (w *trigger) Write(p []byte) (int, error) {
	if w.do != nil && strings.Contains(string(p), w.word) {
		w.do()
		w.do = nil
	}
	return w.Buffer.Write(p)
}
