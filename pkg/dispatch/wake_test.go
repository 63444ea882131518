package dispatch_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/dispatch"
)

func FuzzWoken(f *testing.F) {
	f.Add(`{"message":{"data":"e30=","attributes":{"room":"504"}},"subscription":"s"}`)
	f.Add("null")
	f.Add(`{"message":{"attributes":[]}}`)
	f.Fuzz(func(_ *testing.T, body string) {
		dispatch.Attributes(httptest.NewRecorder(), httptest.NewRequest(
			http.MethodPost,
			"/",
			strings.NewReader(body),
		))
	})
}

func TestWoken(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"message":{"data":"e30=","attributes":{"room":"504 / 2"}},"subscription":"s"}`: "504 / 2",
		"": "", "{": "", `{"message":{}}`: "",
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(
			http.MethodPost,
			"/",
			strings.NewReader(body),
		)
		if got := dispatch.Attributes(w, r)["room"]; got != want {
			t.Errorf("%q names room %q, want %q", body, got, want)
		}
	}
}
