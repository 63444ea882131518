package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// about serves one method with whatever answer.
func about(t testing.TB, body api.Object) *api.Service {
	t.Helper()
	s, err := api.NewService("drive", map[string]api.Handler{
		"about.get": func(*api.Call) (*api.Answer, error) { return api.OK(body) },
	}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(s http.Handler, path string) (int, string) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestFields(t *testing.T) {
	t.Parallel()
	s := about(t, api.Object{
		"kind": "drive#about", "user": api.Object{
			"displayName":  "A",
			"emailAddress": "a@b",
		}, "importFormats": api.Object{"x": []any{"y"}},
		"driveThemes": []any{api.Object{"id": "1", "colorRgb": "red"}, api.Object{"id": "2"}},
	})
	for fields, want := range map[string]string{
		"kind":                            `{"kind":"drive#about"}`,
		"user/displayName":                `{"user":{"displayName":"A"}}`,
		"user(displayName)":               `{"user":{"displayName":"A"}}`,
		"user.displayName,kind":           `{"kind":"drive#about","user":{"displayName":"A"}}`,
		"user/displayName,user":           `{"user":{"displayName":"A","emailAddress":"a@b"}}`,
		"user,user/displayName":           `{"user":{"displayName":"A","emailAddress":"a@b"}}`,
		"driveThemes/id":                  `{"driveThemes":[{"id":"1"},{"id":"2"}]}`,
		"driveThemes(colorRgb),kind":      `{"driveThemes":[{"colorRgb":"red"},{}],"kind":"drive#about"}`,
		"importFormats/x":                 `{"importFormats":{"x":["y"]}}`,
		"user(*)":                         `{"user":{"displayName":"A","emailAddress":"a@b"}}`,
		"user(displayName, emailAddress)": `{"user":{"displayName":"A","emailAddress":"a@b"}}`,
	} {
		status, text := get(s, "/drive/v3/about?prettyPrint=false&fields="+url.QueryEscape(fields))
		if status != 200 || text != want {
			t.Errorf("%s: %d %s, want %s", fields, status, text, want)
		}
	}
	for _, fields := range []string{
		"nothing",
		"user/nothing",
		"kind/x",
		"user(",
		"user()",
		",",
		"user)",
		"a(b",
		"user//x",
		strings.Repeat("user(", 1000),
	} {
		if status, text := get(s, "/drive/v3/about?fields="+url.QueryEscape(fields)); status != 400 {
			t.Errorf("%s: %d %s", fields, status, text)
		}
	}
}

func TestOwnAnswersAreChecked(t *testing.T) {
	t.Parallel()
	for _, body := range []api.Object{
		{"colour": "red"},
		{"kind": 1},
		{"user": "x"},
		{"driveThemes": api.Object{}},
		{"canCreateDrives": "yes"},
	} {
		if status, text := get(
			about(t, body), "/drive/v3/about",
		); status != 500 || !strings.Contains(text, "not as described") {
			t.Errorf("%v: %d %s", body, status, text)
		}
	}
}

func FuzzFields(f *testing.F) {
	for _, seed := range []string{
		"*", "user/displayName,kind", "user(displayName,emailAddress)", "a(b(c/d),*)", ",,", "user((",
	} {
		f.Add(seed)
	}
	s := about(f, api.Object{"kind": "drive#about", "user": api.Object{"displayName": "A"}})
	f.Fuzz(func(t *testing.T, fields string) {
		status, text := get(s, "/drive/v3/about?fields="+url.QueryEscape(fields))
		if status != 200 && status != 400 {
			t.Errorf("%q: %d %s", fields, status, text)
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"name":"x"}`, `{"name":1}`, `[`, `null`, `{"a":{"b":[1,2,{"c":null}]}}`, `{"parents":["a"]}`,
	} {
		f.Add(seed)
	}
	s, err := api.NewService("drive", map[string]api.Handler{
		"files.create": func(c *api.Call) (*api.Answer, error) {
			return api.OK(api.Only(c.Body, "name"))
		},
	}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(
			http.MethodPost,
			"/drive/v3/files",
			strings.NewReader(body),
		))
		if w.Code != 200 && w.Code != 400 {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}
