package apidesc_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

// describe reads a description from the client library's module, whole and trimmed: both must serve.
func describe(t *testing.T, path string) (*apidesc.API, *apidesc.API) {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), path))
	if err != nil {
		t.Fatal(err)
	}
	trimmed, err := apidesc.Trim(whole)
	if err != nil {
		t.Fatal(err)
	}
	if len(trimmed) > len(whole)/2 {
		t.Errorf("%s: trimmed from %d to %d bytes only", path, len(whole), len(trimmed))
	}
	a, err := apidesc.Parse(whole)
	if err != nil {
		t.Fatal(err)
	}
	b, err := apidesc.Parse(trimmed)
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ api, verb, path, id, name, value string }{
		{"storage/v1/storage-api.json", "GET", "/storage/v1/b/work/o/a%2Fb%3F", "objects.get", "object", "a/b?"},
		{"storage/v1/storage-api.json", "POST", "/storage/v1/b/work/o/a%2Fb/compose", "objects.compose", "destinationObject", "a/b"},
		{"storage/v1/storage-api.json", "GET", "/storage/v1/b/work/iam", "buckets.getIamPolicy", "bucket", "work"},
		{"storage/v1/storage-api.json", "GET", "/storage/v1/b/work/q", "", "", ""},
		{"storage/v1/storage-api.json", "GET", "/drive/v3/files", "", "", ""},
		{"drive/v3/drive-api.json", "GET", "/drive/v3/files/generateIds", "files.generateIds", "", ""},
		{"drive/v3/drive-api.json", "GET", "/drive/v3/files/x1", "files.get", "fileId", "x1"},
		{"calendar/v3/calendar-api.json", "PATCH", "/calendar/v3/calendars/a%40b/events/e", "events.patch", "calendarId", "a@b"},
		{"run/v2/run-api.json", "POST", "/v2/projects/p/locations/l/jobs/merge:run", "projects.locations.jobs.run", "jobsId", "merge"},
		{"run/v2/run-api.json", "GET", "/v2/projects/p/locations/l/jobs/merge/executions", "projects.locations.jobs.executions.list", "jobsId", "merge"},
		{"classroom/v1/classroom-api.json", "POST", "/v1/courses/7/announcements", "courses.announcements.create", "courseId", "7"},
	} {
		for _, api := range both(describe(t, tt.api)) {
			m, values := api.Find(tt.verb, tt.path)
			if tt.id == "" {
				if m != nil {
					t.Errorf("%s %s is %s, want none", tt.verb, tt.path, m.ID)
				}
				continue
			}
			if m == nil || m.ID != tt.id || values[tt.name] != tt.value {
				t.Errorf("%s %s: %v with %v, want %s", tt.verb, tt.path, m, values, tt.id)
			}
		}
	}
}

func both(a, b *apidesc.API) []*apidesc.API { return []*apidesc.API{a, b} }

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, api := range both(describe(t, "storage/v1/storage-api.json")) {
		insert, compose := api.Method("objects.insert"), api.Method("objects.compose")
		for query, ok := range map[string]bool{
			"name=a&ifGenerationMatch=0&projection=full&alt=json&prettyPrint=false": true,
			"upload_id=x":               true,
			"colour=red":                false,
			"ifGenerationMatch=":        false,
			"ifGenerationMatch=zero":    false,
			"projection=most":           false,
			"prettyPrint=yes":           false,
			"name=a&name=b":             false,
			"bucket=b":                  false,
			"ifGenerationMatch=1e3":     false,
			"predefinedAcl=projectOnly": false,
		} {
			values, _ := url.ParseQuery(query)
			if err := insert.CheckQuery(values, "upload_id"); (err == nil) != ok {
				t.Errorf("query %s: %v", query, err)
			}
		}
		for body, ok := range map[string]bool{
			`{"sourceObjects":[{"name":"a","generation":"12","objectPreconditions":{"ifGenerationMatch":7}}],"destination":{"contentType":"video/mp4","metadata":{"any":"text"}}}`: true,
			`{"destination":null}`:                           true,
			``:                                               true,
			`{"sourceObjects":{}}`:                           false,
			`{"sourceObjects":[{"name":1}]}`:                 false,
			`{"sourceObjects":[{"nam":"a"}]}`:                false,
			`{"sourceObjects":[{"generation":"x"}]}`:         false,
			`{"destination":{"metadata":{"n":1}}}`:           false,
			`{"destination":{"customTime":"noon"}}`:          false,
			`{"destination":{"componentCount":2.5}}`:         false,
			`{"deleteSourceObjects":"true"}`:                 false,
			`{} {}`:                                          false,
			`{"destination":{"acl":[{"entity":["x"]}]}}`:     false,
			`{"destination":{"componentCount":99999999999}}`: false,
		} {
			if err := compose.CheckBody([]byte(body)); (err == nil) != ok {
				t.Errorf("body %s: %v", body, err)
			}
		}
		if err := api.Method("objects.get").CheckBody([]byte(`{"a":1}`)); err == nil {
			t.Error("a body where none is taken")
		}
		if err := api.Check("Object", []byte(`{"size":"12","crc32c":"AAAAAA=="}`)); err != nil {
			t.Errorf("an answer: %v", err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	api, err := apidesc.Parse([]byte(`{"name":"x","servicePath":"x/","schemas":{"T":{"type":"object","properties":
		{"t":{"$ref":"T"},"s":{"type":"array","items":{"type":"string","format":"int64"}}}}},
		"methods":{"m":{"id":"x.m","httpMethod":"POST","path":"{a}/b","request":{"$ref":"T"}}}}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("x/a%2F/b", `{"t":{"t":{"s":["1"]}}}`)
	f.Fuzz(func(_ *testing.T, path, body string) {
		if m, _ := api.Find("POST", path); m != nil {
			_ = m.CheckBody([]byte(body))
		}
	})
}
