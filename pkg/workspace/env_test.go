package workspace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// env is the stand-in of Google on a port of its own.
type env struct {
	t      *testing.T
	faults *faults.Table
	server *google.Server
	base   string
}

// begin starts a stand-in as o says.
func begin(t *testing.T, o google.Options) *env {
	t.Helper()
	w := &env{t: t, faults: faults.New(time.Millisecond)}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(rw, r)
	}))
	w.base = server.URL + "/workspace"
	o.Dir, o.BaseURL, o.Faults, o.Now, o.Strict, o.Scale = t.TempDir(), w.base, w.faults, time.Now, true, 1000
	var err error
	if w.server, err = google.New(o); err != nil {
		t.Fatal(err)
	}
	handler = http.StripPrefix("/workspace", w.server.Handler())
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// client gives a client that acts for who, and waits a thousand times faster.
func (w *env) client(who workspace.Subjects) *workspace.Client {
	w.t.Helper()
	return client(w.t, workspace.Options{
		Endpoint: w.base,
		Subjects: who,
		Scale:    1000,
		Now:      time.Now,
	})
}

// fail makes a share of the calls fail, in every way.
func (w *env) fail(rate float64, seed int64) {
	w.t.Helper()
	for _, kind := range []faults.Kind{
		faults.TooMany,
		faults.RateLimited,
		faults.Broken,
		faults.Cut,
		faults.Lost,
	} {
		w.rule(faults.Rule{
			API:    faults.Any,
			Method: faults.Any,
			Rate:   rate / 5,
			Kind:   kind,
			Seed:   seed,
		})
	}
}

func (w *env) rule(r faults.Rule) {
	w.t.Helper()
	if err := w.faults.Add(r); err != nil {
		w.t.Fatal(err)
	}
}

// ask makes a call that no fault strikes and that may do everything, and reads the answer into out.
func (w *env) ask(method, path string, body, out any) {
	w.t.Helper()
	w.askAs("", method, path, body, out)
}

func (w *env) askAs(user, method, path string, body, out any) {
	w.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			w.t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(
		context.Background(),
		method,
		w.base+path,
		bytes.NewReader(text),
	)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set(faults.SpareHeader, "off")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if user != "" {
		request.Header.Set("X-Workspace-User", user)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode > 299 {
		w.t.Fatalf("%s %s: %d %s %v", method, path, response.StatusCode, answer, err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			w.t.Fatal(err)
		}
	}
}
