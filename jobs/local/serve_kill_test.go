package main

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/functions"
)

// TestServeKilled kills what can be killed; the records are delivered all the same.
func TestServeKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills and restarts take minutes on a busy machine")
	}
	s := newServed(t, "504")
	s.up()
	s.room("504")
	id := s.record("504", "Killed", "10:00", "10:01", "")
	s.call(http.StatusNoContent, http.MethodPost, "/functions/claim", "")
	for _, name := range functions.Names() {
		s.until(name+" runs", func() bool { return s.kill("FUNCTION_TARGET=" + name) })
		if name == "claim" {
			s.until("the next one claims", func() bool { // a call that still reaches the dying one is answered 502
				status, _, err := s.try(http.MethodPost, "/functions/claim", "")
				return err == nil && status == http.StatusNoContent
			})
		}
	}
	s.until("all is up again", func() bool {
		status, _, err := s.try(http.MethodGet, "/healthz", "")
		return err == nil && status == http.StatusOK
	})
	r := s.reaches(id, "done")
	if n := s.frames(r.FileID); n != 60*25 {
		s.Errorf("the video has %d frames", n)
	}
	s.serveKilled()
	s.serveInterrupted()
}

// serveKilled: the children end with it, and the next start goes on.
func (s *served) serveKilled() {
	s.Helper()
	id := s.record("504", "Serve killed", "10:00", "10:02", "")
	s.call(http.StatusNoContent, http.MethodPost, "/functions/claim", "")
	s.until("it is on its way to the merge", func() bool { return s.row(id).Step != "stage" })
	children := below(s.cmd.Process.Pid)
	if len(children) < len(functions.Names()) {
		s.Errorf("only %d children", len(children))
	}
	if err := s.cmd.Process.Kill(); err != nil {
		s.Fatal(err)
	}
	s.ended(children)
	s.up()
	r := s.reaches(id, "done")
	if n := s.frames(r.FileID); n != 2*60*25 {
		s.Errorf("the video has %d frames", n)
	}
}

// serveInterrupted: Ctrl-C ends all, and the next start goes on.
func (s *served) serveInterrupted() {
	s.Helper()
	id := s.record("504", "Serve interrupted", "10:00", "10:02", "")
	s.call(http.StatusNoContent, http.MethodPost, "/functions/claim", "")
	s.until("it is on its way to the merge", func() bool { return s.row(id).Step != "stage" })
	children := below(s.cmd.Process.Pid)
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		s.Fatal(err)
	}
	if code := s.ended(children); code != exitDone {
		s.Errorf("exit %d:\n%s", code, s.printed())
	}
	s.up()
	s.reaches(id, "done")
}

// TestImageEntry starts the image's entry with each FUNCTION_TARGET against the stand-ins of a serve.
func TestImageEntry(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds the image's entry")
	}
	s := newServed(t)
	s.up()
	entry := filepath.Join(t.TempDir(), "serve")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", entry, "../../functions/serve").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	given := s.environmentOf("FUNCTION_TARGET=claim")
	for _, name := range functions.Names() {
		port := freePort(t)
		var out bytes.Buffer
		process := exec.CommandContext(t.Context(), entry)
		process.Stdout, process.Stderr = &out, &out
		for _, one := range given {
			if !strings.HasPrefix(one, "FUNCTION_TARGET=") && !strings.HasPrefix(one, "PORT=") {
				process.Env = append(process.Env, one)
			}
		}
		process.Env = append(process.Env, "FUNCTION_TARGET="+name, "PORT="+port)
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		image := &served{T: t, base: "http://127.0.0.1:" + port}
		method, path, want := http.MethodPost, "/", http.StatusNoContent
		switch name {
		case "form":
			method, want = http.MethodGet, http.StatusOK
		case "api":
			method, path, want = http.MethodGet, "/rooms", http.StatusUnauthorized
		}
		eventually(t, name+" answers", func() bool {
			status, _, err := image.try(method, path, "")
			return err == nil && status == want
		})
		if err := process.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if code := exitCode(t, process.Wait()); code != exitDone {
			t.Errorf("%s: exit %d: %s", name, code, out.String())
		}
	}
}

// freePort returns a port of the loopback interface that is free at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err := errors.Join(err, listener.Close()); err != nil {
		t.Fatal(err)
	}
	return port
}

// environmentOf is what serve has given to its child with a word in its environment.
func (s *served) environmentOf(word string) []string {
	s.Helper()
	for pid := range below(s.cmd.Process.Pid) {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if all := strings.Split(string(text), "\x00"); err == nil && bytes.Contains(append([]byte{0}, text...), []byte("\x00"+word+"\x00")) {
			return all[:len(all)-1]
		}
	}
	s.Fatalf("no child has %s", word)
	return nil
}
