package google_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	gdrive "google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
)

func (w *env) drive(user string) *gdrive.Service {
	w.t.Helper()
	s, err := gdrive.NewService(
		w.t.Context(),
		option.WithEndpoint(w.base+"/drive/v3/"),
		option.WithHTTPClient(&http.Client{Transport: asUser(user)}),
	)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func noise(n int) []byte {
	b := make([]byte, n)
	random := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = random.Read(b)
	return b
}

func sums(b []byte) (string, string) {
	one, two := md5.Sum(b), sha256.Sum256(b)
	return hex.EncodeToString(one[:]), hex.EncodeToString(two[:])
}

func refused(t *testing.T, err error, status int, reason string) {
	t.Helper()
	var e *googleapi.Error
	if !errors.As(err, &e) || e.Code != status || len(e.Errors) == 0 || e.Errors[0].Reason != reason {
		t.Errorf("got %v, want %d %s", err, status, reason)
	}
}

// session begins a resumable upload.
// relative is an address without the host, which changes with a restart.
// send puts content[from:to] to a session.
func TestDriveQueries(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s := w.drive("")
	folder, err := s.Files.Create(&gdrive.File{
		Name:     `Room's \ folder`,
		MimeType: "application/vnd.google-apps.folder",
		Parents:  []string{"ROOMS"},
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"2026-11-20_15:00_504_24.mp4", "notes.txt", "Lecture 1.mp4"} {
		w.clock.Add(time.Minute)
		parents := []string{folder.Id}
		if i == 1 {
			parents = nil
		}
		if _, err := s.Files.Create(&gdrive.File{
			Name:          name,
			Parents:       parents,
			AppProperties: map[string]string{"nvrRecord": fmt.Sprint(i)},
		}).Media(
			strings.NewReader(name), googleapi.ContentType(""),
		).Do(); err != nil {
			t.Fatal(err)
		}
	}
	for q, want := range map[string]string{
		`name = 'notes.txt'`:                     "notes.txt",
		`name = 'NOTES.TXT' and trashed = false`: "notes.txt",
		`name = 'Room\'s \\ folder'`:             `Room's \ folder`,
		fmt.Sprintf(
			`'%s' in parents and name contains 'lect'`, folder.Id,
		): "Lecture 1.mp4",
		`name contains 'ecture'`:                                                            "",
		`'root' in parents`:                                                                 "notes.txt",
		`appProperties has { key='nvrRecord' and value='2' }`:                               "Lecture 1.mp4",
		`appProperties has {key='nvrRecord' and value='7'}`:                                 "",
		`mimeType = 'application/vnd.google-apps.folder' and 'ROOMS' in parents`:            `Room's \ folder`,
		`(name = 'notes.txt' or name contains 'Lecture') and not mimeType = 'text/plain'`:   "Lecture 1.mp4",
		`not (name contains 'Lecture' or name contains '2026') and mimeType = 'text/plain'`: "notes.txt",
		`createdTime >= '2026-11-20T09:03:00Z' and trashed = false`:                         "Lecture 1.mp4",
		`trashed = true`:      "",
		`sharedWithMe`:        "",
		`sharedWithMe = true`: "",
	} {
		list, err := s.Files.List().Q(q).PageSize(10).Fields(
			"files(id,name),incompleteSearch,nextPageToken",
		).Do()
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		var names []string
		for _, f := range list.Files {
			names = append(names, f.Name)
		}
		if strings.Join(names, "|") != want {
			t.Errorf("%s: %q, want %q", q, names, want)
		}
	}
	for _, q := range []string{
		`name = 'x`,
		`name == 'x'`,
		`nam = 'x'`,
		`name = x`,
		`'x' in`,
		`'x' in friends`,
		`(name = 'x'`,
		`name = 'x')`,
		`name = '\x'`,
		`and`,
		`not`,
		`name < 'x'`,
		strings.Repeat("(", 500),
	} {
		_, err := s.Files.List().Q(q).Do()
		refused(t, err, 400, "invalid")
	}
	var pages int
	var names []string
	err = s.Files.List().PageSize(2).OrderBy("folder,name desc").Fields(
		"nextPageToken,files(name)",
	).Pages(t.Context(), func(l *gdrive.FileList) error {
		pages++
		for _, f := range l.Files {
			names = append(names, f.Name)
		}
		return nil
	})
	if want := "ROOMS|Room's \\ folder|My Drive|notes.txt|Lecture 1.mp4|2026-11-20_15:00_504_24.mp4"; err != nil ||
		pages != 3 ||
		strings.Join(names, "|") != want {
		t.Errorf("%d pages: %q, %v", pages, names, err)
	}
}

func TestDriveIsStrictWithRequests(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	for _, tt := range []struct {
		method, path, body string
		status             int
		reason             string
	}{
		{"GET", "/drive/v3/files?colour=1", "", 400, "invalid"},
		{"GET", "/drive/v3/files?pageSize=many", "", 400, "invalid"},
		{"GET", "/drive/v3/files?pageSize=0", "", 400, "invalid"},
		{"GET", "/drive/v3/files?supportsAllDrives=yes", "", 400, "invalid"},
		{"GET", "/drive/v3/files?corpus=all", "", 400, "invalid"},
		{"GET", "/drive/v3/files?corpora=drive&driveId=D", "", 400, "invalid"},
		{"GET", "/drive/v3/files?fields=files(id,colour)", "", 400, "invalidParameter"},
		{"GET", "/drive/v3/files?fields=files(id", "", 400, "invalidParameter"},
		{"GET", "/drive/v3/files?orderBy=colour", "", 400, "invalid"},
		{"GET", "/drive/v3/files?pageToken=x", "", 400, "invalid"},
		{"GET", "/drive/v3/files?q=%zz", "", 400, "invalid"},
		{"POST", "/drive/v3/files", `{"name":"x","colour":"red"}`, 400, "invalid"},
		{"POST", "/drive/v3/files", `{"name":1}`, 400, "invalid"},
		{"POST", "/drive/v3/files", `{"parents":"x"}`, 400, "invalid"},
		{"POST", "/drive/v3/files", `{"createdTime":"yesterday"}`, 400, "invalid"},
		{"POST", "/drive/v3/files", `{"appProperties":{"a":1}}`, 400, "invalid"},
		{"POST", "/drive/v3/files", `{"parents":["a","b"]}`, 403, "multipleParentsNotSupported"},
		{"POST", "/drive/v3/files", `{"name":`, 400, "parseError"},
		{"POST", "/drive/v3/files", `[]`, 400, "parseError"},
		{"POST", "/drive/v3/files", `{} {}`, 400, "parseError"},
		{"GET", "/drive/v3/files/none", "", 404, "notFound"},
		{"GET", "/drive/v3/nothing", "", 404, "notFound"},
		{"PUT", "/drive/v3/files", "", 405, "httpMethodNotAllowed"},
		{"GET", "/drive/v3/apps", "", 501, "notImplemented"},
		{"POST", "/drive/v3/files/none/permissions", `{"type":"user"}`, 400, "required"},
		{"GET", "/drive/v3/about", "", 400, "required"},
		{"POST", "/upload/drive/v3/files?uploadType=magic", "", 400, "invalid"},
		{"POST", "/upload/drive/v3/files?uploadType=multipart", "", 400, "badRequest"},
	} {
		a := w.call(tt.method, tt.path, tt.body)
		if a.status != tt.status || a.reason() != tt.reason {
			t.Errorf(
				"%s %s %s: %d %s, want %d %s: %s",
				tt.method,
				tt.path,
				tt.body,
				a.status,
				a.reason(),
				tt.status,
				tt.reason,
				a.text,
			)
		}
	}
}

func TestDriveSharing(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	owner, guest := w.drive("upload@example.org"), w.drive("ivanov@example.org")
	f, err := owner.Files.Create(&gdrive.File{
		Name:    "v.mp4",
		Parents: []string{"ROOM"},
	}).Media(strings.NewReader("v")).Do()
	if err != nil {
		t.Fatal(err)
	}
	_, err = guest.Files.Get(f.Id).Do()
	refused(t, err, 404, "notFound")
	give := func(role string) *gdrive.Permission {
		t.Helper()
		p, err := owner.Permissions.Create(
			f.Id, &gdrive.Permission{Type: "user", Role: role, EmailAddress: "ivanov@example.org"},
		).SendNotificationEmail(false).SupportsAllDrives(true).Fields("id,role,emailAddress").Do()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first, second := give("reader"), give("writer")
	if first.Id != second.Id || second.Role != "writer" || second.EmailAddress != "ivanov@example.org" {
		t.Errorf("given twice: %+v, %+v", first, second)
	}
	give("reader")
	list, err := owner.Permissions.List(f.Id).Fields("permissions(id,emailAddress,role,type)").Do()
	if err != nil || len(list.Permissions) != 2 || list.Permissions[0].Role != "owner" ||
		list.Permissions[1].Role != "reader" {
		t.Errorf("permissions: %+v, %v", list, err)
	}
	if _, err := guest.Files.Get(f.Id).Do(); err != nil {
		t.Error(err)
	}
	_, err = guest.Files.Update(f.Id, &gdrive.File{Name: "mine"}).Do()
	refused(t, err, 403, "insufficientFilePermissions")
	_, err = owner.Permissions.Create(
		f.Id, &gdrive.Permission{Type: "user", Role: "reader", EmailAddress: "unknown"},
	).Do()
	refused(t, err, 400, "invalidSharingRequest")
	if err := owner.Permissions.Delete(f.Id, first.Id).Do(); err != nil {
		t.Fatal(err)
	}
	_, err = guest.Files.Get(f.Id).Do()
	refused(t, err, 404, "notFound")
}

func TestDriveProcessesVideos(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s := w.drive("")
	f, err := s.Files.Create(&gdrive.File{Name: "v.mp4"}).Media(
		strings.NewReader("no film"), googleapi.ContentType("video/mp4"),
	).Fields("*").Do()
	if err != nil || f.VideoMediaMetadata != nil {
		t.Fatalf("at once: %+v, %v", f, err)
	}
	w.clock.Add(60 * time.Second)
	f, err = s.Files.Get(f.Id).Fields("videoMediaMetadata").Do()
	if err != nil || f.VideoMediaMetadata == nil || f.VideoMediaMetadata.DurationMillis == 0 {
		t.Errorf("after a minute: %+v, %v", f, err)
	}
}

func TestDriveOfGooglesWords(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.stop()
	w.strict = true
	w.start()
	s := w.drive("a@example.org")
	f, err := s.Files.Create(&gdrive.File{Name: "x"}).Media(strings.NewReader("x")).Do()
	if err != nil || f.Id == "" || f.Size != 0 || f.WebViewLink != "" {
		t.Errorf("without fields: %+v, %v", f, err)
	}
	short, err := s.Files.Create(&gdrive.File{
		Name:            "s",
		MimeType:        "application/vnd.google-apps.shortcut",
		ShortcutDetails: &gdrive.FileShortcutDetails{TargetId: f.Id},
	}).Fields("shortcutDetails").Do()
	if err != nil || short.ShortcutDetails.TargetId != f.Id || short.ShortcutDetails.TargetMimeType == "" {
		t.Errorf("a shortcut: %+v, %v", short, err)
	}
	copied, err := s.Files.Copy(f.Id, &gdrive.File{Name: "y"}).Fields("id,name,size").Do()
	if err != nil || copied.Id == f.Id || copied.Size != 1 || copied.Name != "y" {
		t.Errorf("a copy: %+v, %v", copied, err)
	}
	if err := s.Files.Delete(f.Id).Do(); err != nil {
		t.Fatal(err)
	}
	response, err := s.Files.Get(copied.Id).Download()
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	about, err := s.About.Get().Fields("user").Do()
	if err != nil || about.User.EmailAddress != "a@example.org" {
		t.Errorf("about: %+v, %v", about, err)
	}
}
