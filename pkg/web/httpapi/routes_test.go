package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// routes is a mux with one path of two methods, whose errors are problem+json.
func routes() http.Handler {
	mux := http.NewServeMux()
	ok := func(w http.ResponseWriter, r *http.Request) {
		httpapi.WriteJSON(w, http.StatusOK, r.PathValue("name"))
	}
	mux.HandleFunc("GET /things/{name...}", ok)
	mux.HandleFunc("POST /things/{name...}", ok)
	return httpapi.Routes(mux, httpapi.WriteProblem)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path string
		status             int
		allow, body        string
	}{
		{"a match", "GET", "/things/a", 200, "", "\"a\"\n"},
		{"a name with an encoded slash", "POST", "/things/a%2Fb", 200, "", "\"a/b\"\n"},
		{"a name with a slash", "GET", "/things/a/b", 200, "", "\"a/b\"\n"},
		{"HEAD where GET is", "HEAD", "/things/a", 200, "", "\"a\"\n"},
		{"another method", "DELETE", "/things/a", 405, "GET, HEAD, POST", ""},
		{"another path", "GET", "/nothing", 404, "", ""},
		{"a path that is not clean", "GET", "/nothing//x", 404, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := serve(routes(), httptest.NewRequest(test.method, test.path, nil))
			if w.Code != test.status {
				t.Errorf("status %d, want %d", w.Code, test.status)
			}
			if got := w.Header().Get("Allow"); got != test.allow {
				t.Errorf("Allow: %q, want %q", got, test.allow)
			}
			if test.body != "" && w.Body.String() != test.body {
				t.Errorf("body %q, want %q", w.Body, test.body)
			}
			if test.status >= 400 {
				checkProblem(t, w)
			}
		})
	}
}

// checkProblem checks that an answer is problem+json of its own status.
func checkProblem(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != httpapi.ProblemType {
		t.Errorf("Content-Type %q", got)
	}
	var p struct {
		Status int
		Title  string
		Detail string
		Errors []httpapi.FieldDetail
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	if p.Status != w.Code {
		t.Errorf("the body has status %d, the answer %d", p.Status, w.Code)
	}
	if p.Title == "" || p.Detail == "" {
		t.Errorf("title %q, detail %q", p.Title, p.Detail)
	}
	if p.Errors == nil {
		t.Error("errors is null, want an array")
	}
}

// serve returns the answer of a handler.
func serve(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}
