package google_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gdrive "google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

func (w *world) drive(user string) *gdrive.Service {
	w.t.Helper()
	s, err := gdrive.NewService(w.t.Context(), option.WithEndpoint(w.base+"/drive/v3/"), option.WithHTTPClient(&http.Client{Transport: asUser(user)}))
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

func TestDriveUploadsOfGooglesClient(t *testing.T) {
	t.Parallel()
	w := begin(t)
	s := w.drive("upload@example.org")
	for _, size := range []int{0, 1, 100_000, 1<<20 + 17, 3 << 20} {
		content := noise(size)
		md5, sha := sums(content)
		ids, err := s.Files.GenerateIds().Count(1).Space("drive").Do()
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("2026-11-20 15:10-16:30 504 Title %d.mp4", size)
		f, err := s.Files.Create(&gdrive.File{Id: ids.Ids[0], Name: name, Parents: []string{"ROOM504"}, AppProperties: map[string]string{"nvrRecord": "12"}}).
			Media(bytes.NewReader(content), googleapi.ChunkSize(1<<20), googleapi.ContentType("video/mp4")).SupportsAllDrives(true).
			Fields("id,name,size,md5Checksum,sha256Checksum,parents,webViewLink,trashed,mimeType,appProperties,owners").Do()
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if f.Id != ids.Ids[0] || f.Name != name || f.Size != int64(size) || f.Md5Checksum != md5 || f.Sha256Checksum != sha ||
			!slices.Equal(f.Parents, []string{"ROOM504"}) || f.MimeType != "video/mp4" || f.AppProperties["nvrRecord"] != "12" || f.Owners[0].EmailAddress != "upload@example.org" {
			t.Errorf("%d bytes: %+v", size, f)
		}
		_, err = s.Files.Create(&gdrive.File{Id: ids.Ids[0], Name: name}).Media(bytes.NewReader(content)).Do()
		refused(t, err, 409, "fileIdInUse")
		response, err := s.Files.Get(f.Id).Download()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: read %d bytes, %v", size, len(got), err)
		}
		_ = response.Body.Close()
		if size > 1000 {
			a := w.want(206, "GET", f.WebViewLink, "", "Range", "bytes=100-299")
			if a.text != string(content[100:300]) || a.header.Get("Content-Type") != "video/mp4" {
				t.Errorf("the link's range: %d bytes, %v", len(a.text), a.header)
			}
		}
	}
	_, err := s.Files.Create(&gdrive.File{Id: "not-generated", Name: "x"}).Do()
	refused(t, err, 400, "invalid")
}

func TestDriveReplacesContent(t *testing.T) {
	t.Parallel()
	w := begin(t)
	s := w.drive("upload@example.org")
	f, err := s.Files.Create(&gdrive.File{Name: "a.mp4"}).Media(strings.NewReader("old")).Fields("*").Do()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{10, 600_000} {
		content := noise(size)
		md5, _ := sums(content)
		g, err := s.Files.Update(f.Id, &gdrive.File{Description: "new"}).Media(bytes.NewReader(content), googleapi.ChunkSize(256<<10)).Fields("*").Do()
		if err != nil {
			t.Fatal(err)
		}
		if g.Id != f.Id || g.Md5Checksum != md5 || g.HeadRevisionId == f.HeadRevisionId || g.Description != "new" || g.Name != "a.mp4" {
			t.Errorf("%d bytes: %+v", size, g)
		}
	}
	_, err = s.Files.Update(f.Id, &gdrive.File{Parents: []string{"X"}}).Do()
	refused(t, err, 403, "fieldNotWritable")
	g, err := s.Files.Update(f.Id, &gdrive.File{Trashed: true}).AddParents("X").RemoveParents(f.Parents[0]).Fields("*").Do()
	if err != nil || !g.Trashed || !slices.Equal(g.Parents, []string{"X"}) {
		t.Errorf("moved to the trash: %+v, %v", g, err)
	}
	if err := s.Files.Delete(f.Id).Do(); err != nil {
		t.Fatal(err)
	}
	_, err = s.Files.Get(f.Id).Do()
	refused(t, err, 404, "notFound")
}

// session begins a resumable upload.
func (w *world) session(id string, size int) string {
	w.t.Helper()
	a := w.want(200, "POST", "/upload/drive/v3/files?uploadType=resumable&supportsAllDrives=true&fields=id,size,md5Checksum",
		fmt.Sprintf(`{"id":%q,"name":"v.mp4","parents":["F"]}`, id), "X-Upload-Content-Type", "video/mp4", "X-Upload-Content-Length", fmt.Sprint(size), "Content-Type", "application/json")
	return a.header.Get("Location")
}

// relative is an address without the host, which changes with a restart.
func relative(session string) string {
	_, path, _ := strings.Cut(session, "/upload/")
	return "/upload/" + path
}

func (w *world) newID() string {
	w.t.Helper()
	return w.want(200, "GET", "/drive/v3/files/generateIds?count=1", "").body["ids"].([]any)[0].(string)
}

// send puts content[from:to] to a session.
func (w *world) send(session string, content []byte, from, to int) answer {
	w.t.Helper()
	if strings.HasPrefix(session, "/") {
		session = w.base + session
	}
	return w.call("PUT", session, string(content[from:to]), "Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
}

func TestDriveResumableByHand(t *testing.T) {
	t.Parallel()
	w := begin(t)
	content := noise(1<<20 + 5)
	md5, _ := sums(content)
	id := w.newID()
	session := w.session(id, len(content))
	if !strings.HasPrefix(session, w.base+"/upload/drive/v3/files?") {
		t.Fatalf("the session is at %s", session)
	}
	status := fmt.Sprintf("bytes */%d", len(content))
	if a := w.want(308, "PUT", session, "", "Content-Range", status); a.header.Get("Range") != "" {
		t.Errorf("before the first byte: %v", a.header)
	}
	// 300 kB are no multiple of 256 KiB: the rest is not kept.
	if a := w.send(session, content, 0, 300_000); a.status != 308 || a.header.Get("Range") != "bytes=0-262143" {
		t.Errorf("first chunk: %d %v", a.status, a.header)
	}
	w.want(404, "GET", "/drive/v3/files/"+id, "")
	w.restart()
	session = relative(session)
	if a := w.want(308, "PUT", session, "", "Content-Range", status); a.header.Get("Range") != "bytes=0-262143" {
		t.Errorf("after a restart: %v", a.header)
	}
	if a := w.send(session, content, 524288, len(content)); a.status != 400 {
		t.Errorf("a chunk beyond what is kept: %d %s", a.status, a.text)
	}
	// What was sent before is taken once.
	if a := w.send(session, content, 0, 524288); a.status != 308 || a.header.Get("Range") != "bytes=0-524287" {
		t.Errorf("sent again: %d %v", a.status, a.header)
	}
	if a := w.call("POST", session, "", "Content-Range", status, "X-GUploader-No-308", "yes"); a.status != 200 || a.header.Get("X-Http-Status-Code-Override") != "308" {
		t.Errorf("as Google's client asks: %d %v", a.status, a.header)
	}
	for range 2 { // the second as if the answer was lost
		a := w.send(session, content, 524288, len(content))
		if a.status != 200 || a.body["id"] != id || a.body["md5Checksum"] != md5 || a.body["size"] != fmt.Sprint(len(content)) || len(a.body) != 3 {
			t.Errorf("last chunk: %d %s", a.status, a.text)
		}
	}
	w.want(200, "PUT", session, "", "Content-Range", status)
	if a := w.call("POST", "/upload/drive/v3/files?uploadType=resumable", fmt.Sprintf(`{"id":%q}`, id)); a.status != 409 || a.reason() != "fileIdInUse" {
		t.Errorf("a session for an id in use: %d %s", a.status, a.text)
	}
	// Two sessions of one id: one file.
	other := w.newID()
	one, two := w.session(other, len(content)), w.session(other, len(content))
	if a := w.send(one, content, 0, len(content)); a.status != 200 {
		t.Errorf("first session: %d %s", a.status, a.text)
	}
	if a := w.send(two, content, 0, len(content)); a.status != 409 {
		t.Errorf("second session: %d %s", a.status, a.text)
	}
	gone := w.session(w.newID(), 10)
	if err := w.server.ForgetUploads(); err != nil {
		t.Fatal(err)
	}
	if a := w.send(gone, content[:10], 0, 10); a.status != 404 {
		t.Errorf("a forgotten session: %d %s", a.status, a.text)
	}
	late := w.session(w.newID(), 10)
	w.clock.Add(8 * 24 * time.Hour)
	if a := w.send(late, content[:10], 0, 10); a.status != 404 {
		t.Errorf("a session of last week: %d %s", a.status, a.text)
	}
}

func TestDriveKeepsLess(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.stop()
	w.script.Keep = func(_ string, sent int64) int64 { return sent / 2 }
	w.start()
	content := noise(2 << 20)
	session := w.session(w.newID(), len(content))
	from, rounds := 0, 0
	for ; rounds < 20; rounds++ {
		a := w.send(session, content, from, len(content))
		if a.status == 200 {
			break
		}
		var last int
		if _, err := fmt.Sscanf(a.header.Get("Range"), "bytes=0-%d", &last); err != nil && a.header.Get("Range") != "" || a.status != 308 {
			t.Fatalf("%d %v %s", a.status, a.header, a.text)
		}
		if from = last + 1; last == 0 {
			from = 0
		}
		if from >= 2<<20-262144 {
			w.script.Keep = nil
			break
		}
	}
	if rounds < 2 {
		t.Errorf("it took %d rounds", rounds)
	}
}

func TestDriveCutChunkIsKeptInPart(t *testing.T) {
	t.Parallel()
	w := begin(t)
	content := noise(2 << 20)
	session := w.session(w.newID(), len(content))
	if err := w.faults.Add(faults.Rule{API: "drive", Method: "files.create", Nth: 1, Kind: faults.Cut}); err != nil {
		t.Fatal(err)
	}
	if err := w.faults.Add(faults.Rule{API: "drive", Method: "files.create", Nth: 3, Kind: faults.Lost}); err != nil {
		t.Fatal(err)
	}
	if a := w.send(session, content, 0, len(content)); a.status != 0 {
		t.Errorf("a cut chunk was answered: %d", a.status)
	}
	a := w.want(308, "PUT", session, "", "Content-Range", fmt.Sprintf("bytes */%d", len(content)))
	if a.header.Get("Range") != "bytes=0-1048575" {
		t.Errorf("kept of a cut chunk: %v", a.header)
	}
	if a := w.send(session, content, 1<<20, len(content)); a.status != 0 {
		t.Errorf("a lost answer came: %d", a.status)
	}
	a = w.want(200, "PUT", session, "", "Content-Range", fmt.Sprintf("bytes */%d", len(content)))
	if md5, _ := sums(content); a.body["md5Checksum"] != md5 {
		t.Errorf("the file: %s", a.text)
	}
}

func TestDriveQueries(t *testing.T) {
	t.Parallel()
	w := begin(t)
	s := w.drive("")
	folder, err := s.Files.Create(&gdrive.File{Name: `Room's \ folder`, MimeType: "application/vnd.google-apps.folder", Parents: []string{"ROOMS"}}).Do()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"2026-11-20_15:00_504_24.mp4", "notes.txt", "Lecture 1.mp4"} {
		w.clock.Add(time.Minute)
		parents := []string{folder.Id}
		if i == 1 {
			parents = nil
		}
		if _, err := s.Files.Create(&gdrive.File{Name: name, Parents: parents, AppProperties: map[string]string{"nvrRecord": fmt.Sprint(i)}}).Media(strings.NewReader(name), googleapi.ContentType("")).Do(); err != nil {
			t.Fatal(err)
		}
	}
	for q, want := range map[string]string{
		`name = 'notes.txt'`:                                                                "notes.txt",
		`name = 'NOTES.TXT' and trashed = false`:                                            "notes.txt",
		`name = 'Room\'s \\ folder'`:                                                        `Room's \ folder`,
		fmt.Sprintf(`'%s' in parents and name contains 'lect'`, folder.Id):                  "Lecture 1.mp4",
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
		list, err := s.Files.List().Q(q).PageSize(10).Fields("files(id,name),incompleteSearch,nextPageToken").Do()
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
	for _, q := range []string{`name = 'x`, `name == 'x'`, `nam = 'x'`, `name = x`, `'x' in`, `'x' in friends`, `(name = 'x'`, `name = 'x')`, `name = '\x'`, `and`, `not`, `name < 'x'`, strings.Repeat("(", 500)} {
		_, err := s.Files.List().Q(q).Do()
		refused(t, err, 400, "invalid")
	}
	var pages int
	var names []string
	err = s.Files.List().PageSize(2).OrderBy("folder,name desc").Fields("nextPageToken,files(name)").Pages(t.Context(), func(l *gdrive.FileList) error {
		pages++
		for _, f := range l.Files {
			names = append(names, f.Name)
		}
		return nil
	})
	if want := "ROOMS|Room's \\ folder|My Drive|notes.txt|Lecture 1.mp4|2026-11-20_15:00_504_24.mp4"; err != nil || pages != 3 || strings.Join(names, "|") != want {
		t.Errorf("%d pages: %q, %v", pages, names, err)
	}
}

func TestDriveIsStrictWithRequests(t *testing.T) {
	t.Parallel()
	w := begin(t)
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
			t.Errorf("%s %s %s: %d %s, want %d %s: %s", tt.method, tt.path, tt.body, a.status, a.reason(), tt.status, tt.reason, a.text)
		}
	}
}

func TestDriveSharing(t *testing.T) {
	t.Parallel()
	w := begin(t)
	owner, guest := w.drive("upload@example.org"), w.drive("ivanov@example.org")
	f, err := owner.Files.Create(&gdrive.File{Name: "v.mp4", Parents: []string{"ROOM"}}).Media(strings.NewReader("v")).Do()
	if err != nil {
		t.Fatal(err)
	}
	_, err = guest.Files.Get(f.Id).Do()
	refused(t, err, 404, "notFound")
	give := func(role string) *gdrive.Permission {
		t.Helper()
		p, err := owner.Permissions.Create(f.Id, &gdrive.Permission{Type: "user", Role: role, EmailAddress: "ivanov@example.org"}).SendNotificationEmail(false).SupportsAllDrives(true).Fields("id,role,emailAddress").Do()
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
	if err != nil || len(list.Permissions) != 2 || list.Permissions[0].Role != "owner" || list.Permissions[1].Role != "reader" {
		t.Errorf("permissions: %+v, %v", list, err)
	}
	if _, err := guest.Files.Get(f.Id).Do(); err != nil {
		t.Error(err)
	}
	_, err = guest.Files.Update(f.Id, &gdrive.File{Name: "mine"}).Do()
	refused(t, err, 403, "insufficientFilePermissions")
	_, err = owner.Permissions.Create(f.Id, &gdrive.Permission{Type: "user", Role: "reader", EmailAddress: "nobody"}).Do()
	refused(t, err, 400, "invalidSharingRequest")
	if err := owner.Permissions.Delete(f.Id, first.Id).Do(); err != nil {
		t.Fatal(err)
	}
	_, err = guest.Files.Get(f.Id).Do()
	refused(t, err, 404, "notFound")
}

func TestDriveProcessesVideos(t *testing.T) {
	t.Parallel()
	w := begin(t)
	s := w.drive("")
	f, err := s.Files.Create(&gdrive.File{Name: "v.mp4"}).Media(strings.NewReader("no film"), googleapi.ContentType("video/mp4")).Fields("*").Do()
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
	w := begin(t)
	w.stop()
	w.strict = true
	w.start()
	s := w.drive("a@example.org")
	f, err := s.Files.Create(&gdrive.File{Name: "x"}).Media(strings.NewReader("x")).Do()
	if err != nil || f.Id == "" || f.Size != 0 || f.WebViewLink != "" {
		t.Errorf("without fields: %+v, %v", f, err)
	}
	short, err := s.Files.Create(&gdrive.File{Name: "s", MimeType: "application/vnd.google-apps.shortcut", ShortcutDetails: &gdrive.FileShortcutDetails{TargetId: f.Id}}).Fields("shortcutDetails").Do()
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
