package google_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google"
)

const childEnv = "NVR_TEST_GOOGLE_DIR" // makes this test binary a server on that folder

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve is the process that is killed. It ends when its input does, so that none outlives the
// test.
func serve(dir string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s, err := google.New(google.Options{
		Dir:     dir,
		BaseURL: "http://" + listener.Addr().String(),
		Now:     time.Now,
	})
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println(listener.Addr())
	return http.Serve(listener, s.Handler())
}

// child is a server process.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	base  string
}

func spawn(t *testing.T, dir string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not start: %v", err)
	}
	return &child{cmd: cmd, stdin: stdin, base: "http://" + strings.TrimSpace(address)}
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	_ = c.stdin.Close()
}

// TestKilledAtAnyInstant kills the server -9 while it is written to, many times over: what was
// answered for is there afterwards, and an upload goes on where it was.
func TestKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	w := &env{t: t}
	dir := t.TempDir()
	content := noise(3<<20 + 11)
	var session, uploading string
	var mu sync.Mutex
	acknowledged := map[string]string{} // path: what the answer must hold
	for round := range rounds {
		c := spawn(t, dir)
		w.base = c.base
		for path, want := range acknowledged {
			if a := w.call("GET", path, ""); a.status != 200 || !strings.Contains(a.text, want) {
				t.Errorf("round %d: %s is %d %s, want %s", round, path, a.status, a.text, want)
			}
		}
		if uploading == "" {
			uploading = w.newID()
			session = relative(w.session(uploading, len(content)))
		}
		var answered atomic.Int64
		var wait sync.WaitGroup
		for writer := range 3 {
			wait.Go(func() {
				for i := 0; ; i++ {
					path, want, ok := w.writeSomething(
						writer,
						fmt.Sprintf("r%dw%di%d", round, writer, i),
					)
					if !ok {
						return
					}
					mu.Lock()
					acknowledged[path] = want
					mu.Unlock()
					if answered.Add(1) == int64(10+7*round) {
						c.kill()
					}
				}
			})
		}
		wait.Go(func() { w.goOn(session, content, 256<<10) })
		wait.Wait()
		c.kill()
	}
	c := spawn(t, dir)
	defer c.kill()
	w.base = c.base
	w.goOn(session, content, len(content))
	md5, _ := sums(content)
	if a := w.want(
		200, "GET", "/drive/v3/files/"+uploading+"?fields=md5Checksum", "",
	); a.body["md5Checksum"] != md5 {
		t.Errorf("the upload that was killed %d times: %s", rounds, a.text)
	}
	if len(acknowledged) < 10*rounds {
		t.Errorf("only %d writes were answered", len(acknowledged))
	}
}

// writeSomething makes a file, an event or an announcement, and tells how it is found again.
func (w *env) writeSomething(kind int, name string) (path, want string, ok bool) {
	var a answer
	switch kind {
	case 0:
		a = w.call(
			"POST", "/upload/drive/v3/files?uploadType=media&fields=id", name, "Content-Type", "text/plain",
		)
		path, want = "/drive/v3/files/%s?alt=media", name
	case 1:
		a = w.call(
			"POST",
			"/calendar/v3/calendars/room/events",
			`{"summary":"`+name+
				`","start":{"date":"2026-11-20"},"end":{"date":"2026-11-21"},"attendees":[{"email":"a@example.org"}]}`,
		)
		path, want = "/calendar/v3/calendars/a@example.org/events/%s", name
	default:
		a = w.call("POST", "/classroom/v1/courses", `{"name":"`+name+`","ownerId":"a@example.org"}`)
		path, want = "/classroom/v1/courses/%s", name
	}
	id, _ := a.body["id"].(string)
	return fmt.Sprintf(path, id), want, a.status == 200 && id != ""
}

// goOn sends chunks to a session until it is done or the server is gone.
func (w *env) goOn(session string, content []byte, size int) {
	a := w.call("PUT", session, "", "Content-Range", fmt.Sprintf("bytes */%d", len(content)))
	for a.status == 308 {
		from := 0
		if kept := a.header.Get("Range"); kept != "" {
			if _, err := fmt.Sscanf(kept, "bytes=0-%d", &from); err != nil {
				w.t.Errorf("range %q", kept)
				return
			}
			from++
		}
		a = w.send(session, content, from, min(from+size, len(content)))
	}
}

// pattern is bytes without end that need no memory.
type pattern struct{ at int }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(p.at * 2654435761 >> 13)
		p.at++
	}
	return len(b), nil
}

// TestUploadsNeedNoMemory sends more than the server may hold, in one go and in a chunk.
func TestUploadsNeedNoMemory(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("sends 320 MiB")
	}
	const size = 160 << 20
	w := &env{t: t}
	c := spawn(t, t.TempDir())
	defer c.kill()
	w.base = c.base
	for _, at := range []string{
		"/upload/drive/v3/files?uploadType=media&fields=id,size",
		relative(w.session(w.newID(), size)),
	} {
		request, err := http.NewRequestWithContext(
			t.Context(), http.MethodPost, w.base+at, io.LimitReader(&pattern{}, size),
		)
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = size
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK || !strings.Contains(string(text), fmt.Sprint(size)) {
			t.Errorf("%s: %d %s", at, response.StatusCode, text)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Skip("only Linux tells what a process holds")
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	var kB int
	if _, err := fmt.Sscan(peak, &kB); err != nil || kB > 96<<10 {
		t.Errorf("the server held %d kB at its peak, %v", kB, err)
	}
	t.Logf("the server held %d kB at its peak", kB)
}
