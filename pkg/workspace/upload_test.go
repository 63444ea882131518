package workspace_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/workspace"
)

func TestUploadSpeaksTheResumableProtocol(t *testing.T) {
	t.Parallel()
	var log []string
	c, _ := dial(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		log = append(log, fmt.Sprintf(
			"%s %s %s %d",
			r.Method, r.URL.Path, r.Header.Get("Content-Range"), len(body),
		))
		switch {
		case r.Method == http.MethodPost:
			q := r.URL.Query()
			if q.Get("uploadType") != "resumable" || q.Get("supportsAllDrives") != "true" ||
				r.Header.Get("X-Upload-Content-Length") != "700000" || r.Header.Get("X-Upload-Content-Type") != "video/mp4" ||
				!strings.Contains(string(body), `"id":"f1"`) || !strings.Contains(string(body), `"parents":["room"]`) {
				t.Errorf("opened with %v %v %s", q, r.Header, body)
			}
			w.Header().Set("Location", "http://"+r.Host+"/session?upload_id=secret")
		case r.Header.Get("Content-Range") == "bytes 0-524287/700000":
			w.Header().Set("Range", "bytes=0-262143") // keeps less than it was sent
			w.WriteHeader(http.StatusPermanentRedirect)
		case r.Header.Get("Content-Range") == "bytes 262144-524287/700000":
			cut(t, w) // kept, but the answer is lost
		case r.Header.Get("Content-Range") == "bytes */700000":
			w.Header().Set("Range", "bytes=0-524287")
			w.WriteHeader(http.StatusPermanentRedirect)
		default:
			answer(w, `{"id":"f1"}`)
		}
	})
	session, err := c.StartUpload(t.Context(), workspace.Upload{
		FileID: "f1",
		Parent: "room",
		Name:   "n.mp4",
		MIME:   "video/mp4",
		Size:   700000,
	})
	if err != nil || !strings.HasSuffix(session, "/session?upload_id=secret") {
		t.Fatal(session, err)
	}
	content := bytes.NewReader(make([]byte, 700000))
	const chunk = 2 * workspace.ChunkUnit
	kept, done, err := c.SendChunk(
		t.Context(),
		session,
		io.NewSectionReader(content, 0, chunk),
		0,
		chunk,
		700000,
	)
	if err != nil || done || kept != chunk {
		t.Fatal(kept, done, err)
	}
	kept, done, err = c.SendChunk(
		t.Context(),
		session,
		io.NewSectionReader(content, kept, 700000-kept),
		kept,
		700000-kept,
		700000,
	)
	if err != nil || !done || kept != 700000 {
		t.Fatal(kept, done, err)
	}
	want := []string{
		"POST /upload/drive/v3/files  ",
		"PUT /session bytes 0-524287/700000 524288",
		"PUT /session bytes 262144-524287/700000 262144",
		"PUT /session bytes */700000 0",
		"PUT /session bytes 524288-699999/700000 175712",
	}
	for i := range want {
		if i >= len(log) || !strings.HasPrefix(log[i], want[i]) {
			t.Errorf("call %d: want %q, log %q", i, want[i], log)
		}
	}
	if len(log) != len(want) {
		t.Errorf("calls %q", log)
	}
}

func TestALostLastAnswerIsADoneUpload(t *testing.T) {
	t.Parallel()
	calls := 0
	c, _ := dial(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch calls++; calls {
		case 1:
			w.Header().Set("Location", "/session")
			return
		case 2:
			cut(t, w)
			return
		}
		answer(w, `{"id":"f1"}`)
	})
	session, err := c.StartUpload(t.Context(), workspace.Upload{
		FileID:  "f1",
		Size:    5,
		Replace: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, done, err := c.SendChunk(t.Context(), session, strings.NewReader("hello"), 0, 5, 5)
	if err != nil || !done {
		t.Error(done, err)
	}
}

func TestAnswersOfASession(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{
		404: workspace.ErrSessionGone,
		410: workspace.ErrSessionGone,
		400: workspace.ErrSessionGone,
		409: workspace.ErrExists,
	} {
		c, _ := dial(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPatch {
				w.Header().Set("Location", "/session")
				return
			}
			refuse(w, status, "x")
		})
		session, err := c.StartUpload(t.Context(), workspace.Upload{
			FileID:  "f1",
			Size:    5,
			Replace: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.UploadedBytes(t.Context(), session, 5); !errors.Is(err, want) {
			t.Errorf("%d: %v", status, err)
		}
		if _, _, err := c.SendChunk(t.Context(), session, strings.NewReader("hello"), 0, 5, 5); !errors.Is(err, want) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestErrorsDoNotTellTheSession(t *testing.T) {
	t.Parallel()
	c, _ := dial(t, func(w http.ResponseWriter, _ *http.Request) { cut(t, w) })
	for _, session := range []string{"http://127.0.0.1:1/session?upload_id=hunter2", "http://127.0.0.1:1/%zz?upload_id=hunter2"} {
		_, _, err := c.UploadedBytes(t.Context(), session, 5)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
		_, _, err = c.SendChunk(t.Context(), session, strings.NewReader("hello"), 0, 5, 5)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
}

func FuzzKeptBytes(f *testing.F) {
	f.Add("bytes=0-262143")
	f.Add("")
	f.Add("bytes=0-9223372036854775807")
	f.Fuzz(func(t *testing.T, header string) {
		n, err := workspace.KeptBytes(header)
		if n < 0 || err != nil && n != 0 {
			t.Errorf("%q: %d, %v", header, n, err)
		}
	})
}
