package apidesc_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

// names maps the descriptions to their folders in google.golang.org/api.
func names() map[string]string {
	return map[string]string{
		"calendar":  "calendar/v3",
		"classroom": "classroom/v1",
		"drive":     "drive/v3",
		"run":       "run/v2",
		"storage":   "storage/v1",
	}
}

func load(t testing.TB, name string) *apidesc.API {
	t.Helper()
	api, err := apidesc.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func decode(t testing.TB, text string) (map[string]any, error) {
	t.Helper()
	return apidesc.DecodeObject(strings.NewReader(text))
}

// TestDescriptionsMatchClientLibrary compares the packed descriptions with the module that go.mod
// names.
func TestDescriptionsMatchClientLibrary(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(
		t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api",
	)
	dir, err := command.Output()
	if err != nil {
		t.Skipf("the module cannot be found: %v", err)
	}
	for name, folder := range names() {
		want, err := os.ReadFile(filepath.Join(
			strings.TrimSpace(string(dir)),
			folder,
			name+"-api.json",
		))
		if err != nil {
			t.Fatal(err)
		}
		packed, err := os.ReadFile("descriptions/" + name + "-api.json.gz")
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(unpacked)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from the module: pack it again with gzip -9nc %s", name, folder)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	const jobs = "/v2/projects/p/locations/l/jobs/merge"
	for _, tt := range []struct{ api, httpMethod, path, id, name, value string }{
		{"storage", "GET", "/storage/v1/b/work/o/a%2Fb%3F", "objects.get", "object", "a/b?"},
		{
			"storage", "POST", "/storage/v1/b/work/o/a%2Fb/compose", "objects.compose", "destinationObject", "a/b",
		},
		{"storage", "GET", "/storage/v1/b/work/iam", "buckets.getIamPolicy", "bucket", "work"},
		{"storage", "POST", "/upload/storage/v1/b/work/o", "objects.insert", "bucket", "work"},
		{"storage", "PUT", "/upload/storage/v1/b/work/o?upload_id=x", "objects.insert", "bucket", "work"},
		{"drive", "GET", "/drive/v3/files/generateIds", "files.generateIds", "", ""},
		{"drive", "GET", "/drive/v3/files/x1", "files.get", "fileId", "x1"},
		{"drive", "PATCH", "/upload/drive/v3/files/x1", "files.update", "fileId", "x1"},
		{"calendar", "PATCH", "/calendar/v3/calendars/a%40b/events/e", "events.patch", "calendarId", "a@b"},
		{"run", "POST", jobs + ":run", "projects.locations.jobs.run", "jobsId", "merge"},
		{
			"run",
			"GET",
			jobs + "/executions",
			"projects.locations.jobs.executions.list",
			"jobsId",
			"merge",
		},
		{
			"classroom", "POST", "/v1/courses/7/announcements", "courses.announcements.create", "courseId", "7",
		},
	} {
		path, query, _ := strings.Cut(tt.path, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		found, known := load(t, tt.api).Find(tt.httpMethod, path, values)
		if found.Method == nil {
			t.Errorf("%s %s: no method, want %s", tt.httpMethod, tt.path, tt.id)
			continue
		}
		if !known {
			t.Errorf("%s %s: the path is not known", tt.httpMethod, tt.path)
		}
		if found.Method.ID != tt.id {
			t.Errorf("%s %s: %s, want %s", tt.httpMethod, tt.path, found.Method.ID, tt.id)
		}
		if got := found.Path[tt.name]; got != tt.value {
			t.Errorf("%s %s: %s is %q, want %q", tt.httpMethod, tt.path, tt.name, got, tt.value)
		}
		if want := strings.HasPrefix(tt.path, "/upload/"); found.Upload != want {
			t.Errorf("%s %s: upload is %v, want %v", tt.httpMethod, tt.path, found.Upload, want)
		}
	}
}

func TestFindNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		httpMethod, path string
		known            bool
	}{
		{"GET", "/storage/v1/b/work/q", false},
		{"GET", "/drive/v3/files", false},
		{"GET", "/storage/v1/b//o", false},
		{"GET", "/storage/v1/b/%zz/o", false},
		{"GET", "/upload/storage/v1/b/work", false},
		{"PUT", "/upload/storage/v1/b/work/o", true},
		{"DELETE", "/storage/v1/b", true},
	} {
		found, known := load(t, "storage").Find(tt.httpMethod, tt.path, nil)
		if found.Method != nil {
			t.Errorf("%s %s: %s, want no method", tt.httpMethod, tt.path, found.Method.ID)
		}
		if known != tt.known {
			t.Errorf("%s %s: known is %v, want %v", tt.httpMethod, tt.path, known, tt.known)
		}
	}
}

func TestCheckQuery(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ api, method, query, reason, location string }{
		{
			"storage", "objects.insert", "name=a&ifGenerationMatch=0&projection=full&alt=json&prettyPrint=false", "", "",
		},
		{"storage", "objects.insert", "upload_id=x&uploadType=resumable&upload_protocol=x", "", ""},
		{"storage", "objects.insert", "colour=red", "invalid", "colour"},
		{"storage", "objects.insert", "ifGenerationMatch=", "invalid", "ifGenerationMatch"},
		{"storage", "objects.insert", "ifGenerationMatch=zero", "invalid", "ifGenerationMatch"},
		{"storage", "objects.insert", "ifGenerationMatch=1e3", "invalid", "ifGenerationMatch"},
		{"storage", "objects.insert", "projection=most", "invalid", "projection"},
		{"storage", "objects.insert", "prettyPrint=yes", "invalid", "prettyPrint"},
		{"storage", "objects.insert", "name=a&name=b", "invalid", "name"},
		{"storage", "objects.insert", "bucket=b", "invalid", "bucket"},
		{"storage", "objects.insert", "predefinedAcl=projectOnly", "invalid", "predefinedAcl"},
		{"storage", "objects.list", "upload_id=x", "invalid", "upload_id"},
		{"storage", "objects.list", "maxResults=4294967296", "invalid", "maxResults"},
		{"storage", "objects.list", "maxResults=-1", "invalid", "maxResults"},
		{"storage", "buckets.insert", "", "required", "project"},
		{"drive", "files.list", "pageSize=1001", "invalid", "pageSize"},
		{"drive", "files.list", "pageSize=0", "invalid", "pageSize"},
		{"drive", "files.list", "pageSize=2147483648", "invalid", "pageSize"},
		{"drive", "files.list", "pageSize=1000&spaces=drive", "", ""},
		{
			"calendar", "events.list", "timeMin=2026-11-20T10:00:00%2B03:00&eventTypes=default&eventTypes=focusTime", "", "",
		},
		{"calendar", "events.move", "destination=x", "", ""},
		{"calendar", "events.move", "", "required", "destination"},
	} {
		values, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		method := load(t, tt.api).Method(tt.method)
		err = method.CheckQuery(values, tt.method == "objects.insert")
		checkProblem(t, tt.method+"?"+tt.query, err, tt.reason, tt.location)
	}
}

// checkProblem compares an error with the expected reason and location. No reason: no error.
func checkProblem(t *testing.T, of string, err error, reason, location string) {
	t.Helper()
	got := apidesc.Problem{}
	if problem, ok := err.(*apidesc.Problem); ok { //nolint:errorlint // it is never wrapped
		got = *problem
	} else if err != nil {
		t.Errorf("%s: %v is no problem", of, err)
	}
	if err != nil && got.Message == "" {
		t.Errorf("%s: no message", of)
	}
	got.Message = ""
	if diff := cmp.Diff(apidesc.Problem{Reason: reason, Location: location}, got); diff != "" {
		t.Errorf("%s: %v (-want +got)\n%s", of, err, diff)
	}
}

func TestCheckBody(t *testing.T) {
	t.Parallel()
	const compose = "objects.compose"
	for _, tt := range []struct{ api, method, body, reason, location string }{
		{
			"storage",
			compose,
			`{"sourceObjects":[{"name":"a","generation":"12",` +
				`"objectPreconditions":{"ifGenerationMatch":7}}],"destination":{"contentType":"video/mp4",` +
				`"metadata":{"any":"text"}}}`,
			"",
			"",
		},
		{"storage", compose, `{"destination":null,"sourceObjects":[]}`, "", ""},
		{"storage", compose, ``, "required", "composerequest.sourceObjects"},
		{"storage", "objects.patch", `null`, "", ""},
		{"storage", "objects.patch", ``, "", ""},
		{"storage", compose, `{"sourceObjects":{}}`, "invalid", "composerequest.sourceObjects"},
		{
			"storage", compose, `{"sourceObjects":[{"name":1}]}`, "invalid", "composerequest.sourceObjects[0].name",
		},
		{"storage", compose, `{"sourceObjects":[{"nam":"a"}]}`, "invalid", "nam"},
		{"storage", compose, `{"sourceObjects":[{}]}`, "required", "composerequest.sourceObjects[0].name"},
		{"storage", compose, `{"sourceObjects":[{"generation":"x"}]}`, "invalid",
			"composerequest.sourceObjects[0].generation"},
		{
			"storage", compose, `{"destination":{"metadata":{"n":1}}}`, "invalid", "composerequest.destination.metadata.n",
		},
		{
			"storage", compose, `{"destination":{"customTime":"noon"}}`, "invalid", "composerequest.destination.customTime",
		},
		{"storage", compose, `{"destination":{"componentCount":2.5}}`, "invalid",
			"composerequest.destination.componentCount"},
		{"storage", compose, `{"destination":{"componentCount":99999999999}}`, "invalid",
			"composerequest.destination.componentCount"},
		{
			"storage", compose, `{"deleteSourceObjects":"true"}`, "invalid", "composerequest.deleteSourceObjects",
		},
		{"storage", compose, `{} {}`, "parseError", ""},
		{"storage", compose, `[]`, "parseError", ""},
		{"storage", compose, `{"destination":{"acl":[{"entity":["x"]}]}}`, "invalid",
			"composerequest.destination.acl[0].entity"},
		{"storage", "objects.get", `{"a":1}`, "invalid", ""},
		{"calendar", "events.insert", `{"start":{"dateTime":"2026-11-20T10:00:00"},"end":{}}`, "", ""},
		{"calendar", "events.insert", `{"end":{}}`, "required", "event.start"},
		{"calendar", "events.patch", `{"end":{}}`, "", ""},
		{"drive", "files.create", `{"createdTime":"yesterday"}`, "invalid", "file.createdTime"},
		{"drive", "files.create", `{"contentHints":{"thumbnail":{"image":"?"}}}`, "invalid",
			"file.contentHints.thumbnail.image"},
	} {
		body, err := decode(t, tt.body)
		if err == nil {
			err = load(t, tt.api).Method(tt.method).CheckBody(body)
		}
		checkProblem(t, tt.method+" "+tt.body, err, tt.reason, tt.location)
	}
}

func TestCheckAnswer(t *testing.T) {
	t.Parallel()
	get := load(t, "storage").Method("objects.get")
	for text, ok := range map[string]bool{
		`{"size":"12","crc32c":"AAAAAA=="}`: true,
		`{"size":12}`:                       false, // Google answers with a string
		`{"colour":"red"}`:                  false,
	} {
		body, err := decode(t, text)
		if err != nil {
			t.Fatal(err)
		}
		if err := get.CheckAnswer(body); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWritable(t *testing.T) {
	t.Parallel()
	body, err := decode(t, `{"name":"a","kind":"x","id":"7","owners":[{"displayName":"A"}],
		"parents":["p"],"capabilities":{"canEdit":true}}`)
	if err != nil {
		t.Fatal(err)
	}
	create := load(t, "drive").Method("files.create")
	if err := create.CheckBody(body); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"name": "a", "id": "7", "parents": []any{"p"}}
	if diff := cmp.Diff(want, create.Writable(body)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestLoadUnknown(t *testing.T) {
	t.Parallel()
	if _, err := apidesc.Load("mail"); err == nil {
		t.Error("a description that does not exist was read")
	}
	for _, text := range []string{"", "{}", `{"name":"x"}`, "<html>"} {
		if _, err := apidesc.Parse([]byte(text)); err == nil {
			t.Errorf("%q was read as a description", text)
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
	f.Fuzz(func(t *testing.T, path, text string) {
		found, _ := api.Find("POST", path, nil)
		body, err := decode(t, text)
		if found.Method != nil && err == nil && found.Method.CheckBody(body) == nil {
			found.Method.Writable(body)
		}
	})
}
