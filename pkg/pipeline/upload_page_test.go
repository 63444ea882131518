package pipeline_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// page is the report beside the video; nil if there is none.
func (w *env) page() map[string]any {
	w.t.Helper()
	for _, file := range list(w.call("GET", "/workspace/drive/v3/files?pageSize=1000&fields=files(id,name,mimeType,trashed,parents)", nil)["files"]) {
		if file["mimeType"] == "text/html" && file["trashed"] != true {
			return file
		}
	}
	return nil
}

// reported: what was not recorded is said in a page beside the video, which the requester may read.
func (s *sending) reported(t *testing.T) {
	t.Run("beside the video", func(t *testing.T) {
		w := s.begin(t)
		l := &process{}
		w.must(w.live(l, w.next().do))
		video := w.call("GET", "/workspace/drive/v3/files/"+w.row().FileID+"?fields=parents", nil)
		page := w.page()
		if page["name"] != "2026-11-20 15:00-15:01 504 Алгебра.html" || fmt.Sprint(page["parents"]) != fmt.Sprint(video["parents"]) {
			t.Fatalf("%v beside %v", page, video)
		}
		if text := string(w.download(page["id"].(string))); !strings.Contains(text, "<html lang=\"ru\"") || !strings.Contains(text, "Алгебра") {
			t.Errorf("it says %s", text)
		}
		s.arrives(t, w)
		if l.calls["database"] > 14 || l.calls["drive"] > 18+4+6 { // 4 more chunks
			t.Errorf("docs/api-calls.md says less than %v", l.calls)
		}
	})
	t.Run("refused", func(t *testing.T) {
		w := s.begin(t)
		w.door.answer = func(rw http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("X-Upload-Content-Type") != "text/html" {
				return false
			}
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(
				rw,
				`{"error": {"code": 403, "errors": [{"reason": "storageQuotaExceeded"}]}}`,
			)
			return true
		}
		w.recover()
		f := w.facts(s.event, s.course)
		if wrong := f.once(videoMD5()); wrong != "" || f.pages != 0 || f.row.Tries != 0 {
			t.Error(wrong, f.pages)
		}
	})
	t.Run("withdrawn", func(t *testing.T) {
		w := s.begin(t)
		die := func(r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/permissions") && w.page() != nil
		}
		_ = w.live(&process{strike: die}, w.next().do) // before the page is shared
		w.call("DELETE", "/workspace"+eventsPath("504")+"/"+s.event, nil)
		w.recover()
		if rec := w.row(); rec.Step != nvr.StepWithdrawn || w.page() != nil {
			t.Errorf("%+v, and %v is left", rec, w.page())
		}
	})
	t.Run("made again", func(t *testing.T) {
		w := s.begin(t)
		s.arrives(t, w)
		first := w.page()
		was := string(w.download(first["id"].(string)))
		again := func(video string) {
			w.sql("update records set done = 0, processing = 0 where id = 1")
			w.clock.Move(time.Minute)
			w.claim()
			w.merged([]byte(video))
			w.recover()
			sum := md5.Sum([]byte(video))
			if f := w.facts(s.event, s.course); f.once(hex.EncodeToString(sum[:])) != "" {
				t.Fatal(f.once(hex.EncodeToString(sum[:])))
			}
		}
		w.settings.FPS = 30
		again("of another rate")
		page := w.page()
		if page["id"] != first["id"] || string(w.download(first["id"].(string))) == was {
			t.Errorf("the page of another video is %v, was %v, or says the same", page, first)
		}
		footage, err := sharedOnce()
		w.must(err)
		for name, path := range footage.files { // the board's arrive after all
			if board := strings.Replace(name, "_24.mp4", "_30.mp4", 1); board != name {
				w.put("segments", board, path)
			}
		}
		again("with nothing to report")
		if page := w.page(); page != nil {
			t.Errorf("nothing is to be reported, and %v is left", page)
		}
	})
}
