package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// fullDisk gives the merge a disk that is too small for its parts, and then one that is large enough.
func fullDisk(s *stage, want string) {
	if err := os.MkdirAll(s.work(), 0o750); err != nil {
		s.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", s.work(), "tmpfs", 0, "size=300k"); err != nil {
		s.Skipf("a small disk cannot be mounted: %v", err)
	}
	s.Cleanup(func() {
		if err := syscall.Unmount(s.work(), 0); err != nil {
			s.Error(err)
		}
	})
	_, stderr := s.here(exitFailed, s.args("--work", s.work())...)
	oneSentence(s.T, stderr, "the disk is full", "free some space")
	if _, err := os.Stat(s.video()); err == nil {
		s.Error("a video came out")
	}
	if err := syscall.Mount("tmpfs", s.work(), "tmpfs", syscall.MS_REMOUNT, "size=100m"); err != nil {
		s.Fatal(err)
	}
	s.here(exitDone, s.args("--work", s.work())...)
	if got := sumOf(s.T, s.video()); got != want {
		s.Errorf("another video came out: %s, want %s", got, want)
	}
}

// unreadable takes away the right to read a folder, for a thread that is not root's.
func unreadable(s *stage, _ string) {
	inner := filepath.Join(s.segments, "private")
	if err := os.Mkdir(inner, 0o000); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.Chmod(inner, 0o700) }) // so that it can be removed
	for _, dir := range []string{filepath.Dir(s.out), s.out, s.segments} {
		if err := os.Chmod(dir, 0o755); err != nil {
			s.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	code := make(chan int)
	go func() {
		// The thread gets its rights back and lives on: with its end the kernel would kill every FFmpeg that
		// was once started on it, for whichever test.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if os.Geteuid() == 0 {
			if err := syscall.Setfsuid(65534); err != nil {
				s.Log(err)
			}
			defer func() {
				if err := syscall.Setfsuid(0); err != nil {
					panic(err) // others would go on without rights
				}
			}()
		}
		code <- run(s.Context(), s.args("--segments", inner), &stdout, &stderr)
	}()
	if got := <-code; got != exitFailed {
		s.Errorf("exit %d, want %d", got, exitFailed)
	}
	oneSentence(s.T, stderr.String(), "permission is missing", "private")
}

func TestMergeFolderThatIsNone(t *testing.T) {
	t.Parallel()
	s := &stage{T: t, segments: filepath.Join(t.TempDir(), "nowhere"), out: t.TempDir()}
	_, stderr := s.here(exitFailed, s.args()...)
	oneSentence(t, stderr, "nowhere does not exist")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr = s.here(exitFailed, s.args("--segments", file)...)
	oneSentence(t, stderr, "is not a folder")
}
