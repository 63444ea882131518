package pipeline_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// page is the report beside the video; nil if there is none.
func (w *world) page() map[string]any {
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
		l := &life{}
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
		if l.calls["database"] > 12 || l.calls["drive"] > 16+4+6 { // 4 more chunks
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
			_, _ = fmt.Fprint(rw, `{"error": {"code": 403, "errors": [{"reason": "storageQuotaExceeded"}]}}`)
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
		die := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/permissions") && w.page() != nil }
		_ = w.live(&life{strike: die}, w.next().do) // before the page is shared
		w.call("DELETE", "/workspace"+eventsPath("504")+"/"+s.event, nil)
		w.recover()
		if rec := w.row(); rec.Step != nvr.StepWithdrawn || w.page() != nil {
			t.Errorf("%+v, and %v is left", rec, w.page())
		}
	})
}
