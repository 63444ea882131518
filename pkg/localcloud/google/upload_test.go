package google_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	gdrive "google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

func TestDriveUploadsOfGooglesClient(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s := w.drive("upload@example.org")
	for _, size := range []int{0, 1, 100_000, 1<<20 + 17, 3 << 20} {
		content := noise(size)
		md5, sha := sums(content)
		ids, err := s.Files.GenerateIds().Count(1).Space("drive").Do()
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("2026-11-20 15:10-16:30 504 Title %d.mp4", size)
		f, err := s.Files.Create(&gdrive.File{
			Id:            ids.Ids[0],
			Name:          name,
			Parents:       []string{"ROOM504"},
			AppProperties: map[string]string{"nvrRecord": "12"},
		}).
			Media(
				bytes.NewReader(content), googleapi.ChunkSize(1<<20), googleapi.ContentType("video/mp4"),
			).SupportsAllDrives(true).
			Fields(
				"id,name,size,md5Checksum,sha256Checksum,parents,webViewLink,trashed,mimeType,appProperties,owners",
			).Do()
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if f.Id != ids.Ids[0] || f.Name != name || f.Size != int64(size) || f.Md5Checksum != md5 ||
			f.Sha256Checksum != sha ||
			!slices.Equal(
				f.Parents, []string{"ROOM504"},
			) || f.MimeType != "video/mp4" || f.AppProperties["nvrRecord"] != "12" || f.Owners[0].EmailAddress != "upload@example.org" {
			t.Errorf("%d bytes: %+v", size, f)
		}
		_, err = s.Files.Create(&gdrive.File{
			Id:   ids.Ids[0],
			Name: name,
		}).Media(bytes.NewReader(content)).Do()
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
	w := newEnv(t)
	s := w.drive("upload@example.org")
	f, err := s.Files.Create(&gdrive.File{Name: "a.mp4"}).Media(strings.NewReader("old")).Fields("*").Do()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{10, 600_000} {
		content := noise(size)
		md5, _ := sums(content)
		g, err := s.Files.Update(f.Id, &gdrive.File{Description: "new"}).Media(
			bytes.NewReader(content), googleapi.ChunkSize(256<<10),
		).Fields("*").Do()
		if err != nil {
			t.Fatal(err)
		}
		if g.Id != f.Id || g.Md5Checksum != md5 || g.HeadRevisionId == f.HeadRevisionId ||
			g.Description != "new" ||
			g.Name != "a.mp4" {
			t.Errorf("%d bytes: %+v", size, g)
		}
	}
	_, err = s.Files.Update(f.Id, &gdrive.File{Parents: []string{"X"}}).Do()
	refused(t, err, 403, "fieldNotWritable")
	g, err := s.Files.Update(
		f.Id, &gdrive.File{Trashed: true},
	).AddParents("X").RemoveParents(f.Parents[0]).Fields("*").Do()
	if err != nil || !g.Trashed || !slices.Equal(g.Parents, []string{"X"}) {
		t.Errorf("moved to the trash: %+v, %v", g, err)
	}
	if err := s.Files.Delete(f.Id).Do(); err != nil {
		t.Fatal(err)
	}
	_, err = s.Files.Get(f.Id).Do()
	refused(t, err, 404, "notFound")
}

func (w *env) session(id string, size int) string {
	w.t.Helper()
	a := w.want(200, "POST", "/upload/drive/v3/files?uploadType=resumable&supportsAllDrives=true&fields=id,size,md5Checksum",
		fmt.Sprintf(
			`{"id":%q,"name":"v.mp4","parents":["F"]}`, id,
		), "X-Upload-Content-Type", "video/mp4", "X-Upload-Content-Length", fmt.Sprint(size), "Content-Type", "application/json")
	return a.header.Get("Location")
}

func relative(session string) string {
	_, path, _ := strings.Cut(session, "/upload/")
	return "/upload/" + path
}

func (w *env) newID() string {
	w.t.Helper()
	return w.want(
		200,
		"GET",
		"/drive/v3/files/generateIds?count=1",
		"",
	).body["ids"].([]any)[0].(string)
}

func (w *env) send(session string, content []byte, from, to int) answer {
	w.t.Helper()
	if strings.HasPrefix(session, "/") {
		session = w.base + session
	}
	return w.call(
		"PUT",
		session,
		string(content[from:to]),
		"Content-Range",
		fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)),
	)
}

func TestDriveResumableByHand(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
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
	if a := w.send(
		session, content, 0, 300_000,
	); a.status != 308 || a.header.Get("Range") != "bytes=0-262143" {
		t.Errorf("first chunk: %d %v", a.status, a.header)
	}
	w.want(404, "GET", "/drive/v3/files/"+id, "")
	w.restart()
	session = relative(session)
	if a := w.want(
		308, "PUT", session, "", "Content-Range", status,
	); a.header.Get("Range") != "bytes=0-262143" {
		t.Errorf("after a restart: %v", a.header)
	}
	if a := w.send(session, content, 524288, len(content)); a.status != 400 {
		t.Errorf("a chunk beyond what is kept: %d %s", a.status, a.text)
	}
	// What was sent before is taken once.
	if a := w.send(
		session, content, 0, 524288,
	); a.status != 308 || a.header.Get("Range") != "bytes=0-524287" {
		t.Errorf("sent again: %d %v", a.status, a.header)
	}
	if a := w.call(
		"POST", session, "", "Content-Range", status, "X-GUploader-No-308", "yes",
	); a.status != 200 || a.header.Get("X-Http-Status-Code-Override") != "308" {
		t.Errorf("as Google's client asks: %d %v", a.status, a.header)
	}
	for range 2 { // the second as if the answer was lost
		a := w.send(session, content, 524288, len(content))
		if a.status != 200 || a.body["id"] != id || a.body["md5Checksum"] != md5 ||
			a.body["size"] != fmt.Sprint(len(content)) ||
			len(a.body) != 3 {
			t.Errorf("last chunk: %d %s", a.status, a.text)
		}
	}
	w.want(200, "PUT", session, "", "Content-Range", status)
	if a := w.call(
		"POST", "/upload/drive/v3/files?uploadType=resumable", fmt.Sprintf(`{"id":%q}`, id),
	); a.status != 409 || a.reason() != "fileIdInUse" {
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
	w := newEnv(t)
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
		if _, err := fmt.Sscanf(
			a.header.Get("Range"), "bytes=0-%d", &last,
		); err != nil && a.header.Get("Range") != "" || a.status != 308 {
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
	w := newEnv(t)
	content := noise(2 << 20)
	session := w.session(w.newID(), len(content))
	if err := w.faults.Add(faults.Rule{
		API:    "drive",
		Method: "files.create",
		Nth:    1,
		Kind:   faults.Cut,
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.faults.Add(faults.Rule{
		API:    "drive",
		Method: "files.create",
		Nth:    3,
		Kind:   faults.Lost,
	}); err != nil {
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
