package workspace_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/api/drive/v3"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	gdrive "github.com/nvr-miem/merger/pkg/localcloud/google/drive"
	"github.com/nvr-miem/merger/pkg/workspace"
)

const uploader = "video@school.example"

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

func sum(b []byte) string {
	s := md5.Sum(b)
	return hex.EncodeToString(s[:])
}

// send uploads content as the step upload does: chunk by chunk, with a new session where one is gone.
func send(ctx context.Context, c *workspace.Client, u workspace.Upload, content []byte, chunk int64, before func(session string)) error {
	u.Size = int64(len(content))
	for range 20 {
		session, err := c.StartUpload(ctx, u)
		if errors.Is(err, workspace.ErrExists) {
			return nil
		}
		if err != nil {
			return err
		}
		kept, done := int64(0), false
		for !done && err == nil {
			if before != nil {
				before(session)
			}
			n := min(chunk, u.Size-kept)
			kept, done, err = c.SendChunk(
				ctx,
				session,
				io.NewSectionReader(bytes.NewReader(content), kept, n),
				kept,
				n,
				u.Size,
			)
		}
		if errors.Is(err, workspace.ErrExists) || err == nil {
			return nil
		}
		if !errors.Is(err, workspace.ErrSessionGone) {
			return err
		}
	}
	return errors.New("too many sessions")
}

func (w *env) put(name, parent string, content []byte) string {
	w.t.Helper()
	c := w.client(workspace.Subjects{Drive: uploader})
	id, err := c.GenerateID(w.t.Context(), 1)
	if err == nil {
		err = send(
			w.t.Context(),
			c,
			workspace.Upload{FileID: id, Parent: parent, Name: name, MIME: "video/mp4"},
			content,
			4<<20,
			nil,
		)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// files lists what is on Drive, but the bin.
func (w *env) files(query string) []*drive.File {
	w.t.Helper()
	var list drive.FileList
	w.ask(
		"GET",
		"/drive/v3/files?fields=*&pageSize=1000&q="+url.QueryEscape("trashed = false"+query),
		nil,
		&list,
	)
	return list.Files
}

func TestUploadUnderFaultsIsOneFile(t *testing.T) {
	t.Parallel()
	for seed := range int64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := begin(t, google.Options{Drive: gdrive.Script{Keep: func(_ string, sent int64) int64 {
				return max(sent/2/workspace.ChunkUnit, 1) * workspace.ChunkUnit
			}}})
			w.fail(0.4, seed)
			c := w.client(workspace.Subjects{Drive: uploader})
			content := noise(3<<20 + 17)
			id, err := c.GenerateID(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			u := workspace.Upload{
				FileID:      id,
				Parent:      "room",
				Name:        "it's.mp4",
				MIME:        "video/mp4",
				Description: "a record",
				Properties:  map[string]string{"nvrRecord": "12"},
			}
			for range 2 { // a worker that was killed after its last byte comes again
				if err := send(t.Context(), c, u, content, 1<<20, nil); err != nil {
					t.Fatal(err)
				}
			}
			f, err := c.Stat(t.Context(), id)
			if err != nil || f.Size != int64(len(content)) || f.MD5 != sum(content) || f.Properties["nvrRecord"] != "12" || f.Trashed || f.Link == "" {
				t.Errorf("%+v, %v", f, err)
			}
			if all := w.files(" and mimeType = 'video/mp4'"); len(all) != 1 {
				t.Errorf("%d files", len(all))
			}
		})
	}
}

func TestUploadGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	c := w.client(workspace.Subjects{Drive: uploader})
	id, err := c.GenerateID(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	content := noise(1 << 20)
	session, err := c.StartUpload(t.Context(), workspace.Upload{
		FileID: id,
		Parent: "room",
		Name:   "a.mp4",
		MIME:   "video/mp4",
		Size:   1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.SendChunk(t.Context(), session, bytes.NewReader(content[:512<<10]), 0, 512<<10, 1<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Stat(t.Context(), id); !errors.Is(err, workspace.ErrNotFound) {
		t.Errorf("half a file: %v", err)
	}
	other := w.client(workspace.Subjects{Drive: uploader}) // another process
	kept, done, err := other.UploadedBytes(t.Context(), session, 1<<20)
	if err != nil || done || kept != 512<<10 {
		t.Fatal(kept, done, err)
	}
	if _, done, err := other.SendChunk(t.Context(), session, bytes.NewReader(content[kept:]), kept, 1<<20-kept, 1<<20); err != nil || !done {
		t.Fatal(done, err)
	}
	if kept, done, err := other.UploadedBytes(t.Context(), session, 1<<20); err != nil && !errors.Is(err, workspace.ErrSessionGone) || err == nil && (!done || kept != 1<<20) {
		t.Errorf("a finished session: %d %v %v", kept, done, err)
	}
	if f, err := c.Stat(t.Context(), id); err != nil || f.MD5 != sum(content) {
		t.Errorf("%+v %v", f, err)
	}
}

func TestForgottenSessions(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	c := w.client(workspace.Subjects{Drive: uploader})
	id, err := c.GenerateID(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	content, chunks := noise(1<<20), 0
	err = send(t.Context(), c, workspace.Upload{
		FileID: id,
		Parent: "room",
		Name:   "a.mp4",
		MIME:   "video/mp4",
	}, content, 256<<10, func(string) {
		if chunks++; chunks == 3 {
			if err := w.server.ForgetUploads(); err != nil {
				t.Error(err)
			}
		}
	})
	if f, statErr := c.Stat(t.Context(), id); err != nil || statErr != nil || f.MD5 != sum(content) {
		t.Errorf("%v %v %+v", err, statErr, f)
	}
}

func TestReplaceKeepsTheFile(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	id := w.put("a.mp4", "room", noise(1000))
	c := w.client(workspace.Subjects{Drive: uploader})
	before, err := c.Stat(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Share(t.Context(), id, "teacher@school.example"); err != nil {
		t.Fatal(err)
	}
	w.fail(0.3, 1)
	content := noise(700_000)
	if err := send(t.Context(), c, workspace.Upload{
		FileID:  id,
		Name:    "b.mp4",
		MIME:    "video/mp4",
		Replace: true,
	}, content, 256<<10, nil); err != nil {
		t.Fatal(err)
	}
	after, err := c.Stat(t.Context(), id)
	if err != nil || after.MD5 != sum(content) || after.Link != before.Link || after.Name != "b.mp4" || after.Parents[0] != "room" {
		t.Errorf("%+v, %v", after, err)
	}
	if len(w.permissions(id)) != 2 {
		t.Errorf("permissions %+v", w.permissions(id))
	}
	_, err = c.StartUpload(t.Context(), workspace.Upload{
		FileID:  "nothing",
		Replace: true,
		MIME:    "video/mp4",
		Size:    5,
	})
	if !errors.Is(err, workspace.ErrNotFound) {
		t.Errorf("replacing nothing: %v", err)
	}
}

func TestFindFiles(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	name := `2026-11-20_15:00_O'Hara \ 5_24.mp4`
	w.put(name, "one", noise(1000))
	time.Sleep(2 * time.Millisecond) // Drive's times are milliseconds
	newest := w.put(name, "two", noise(500))
	time.Sleep(2 * time.Millisecond)
	w.put(name, "three", nil) // newer, but empty
	w.put(strings.ToUpper(name), "one", noise(10))
	w.put(`2026-11-20_15:00_O`, "one", noise(10))
	binned := w.put(name, "four", noise(2000))
	c := w.client(workspace.Subjects{Drive: uploader})
	if err := c.Trash(t.Context(), binned); err != nil {
		t.Fatal(err)
	}
	w.fail(0.3, 2)
	files, err := c.FindFiles(t.Context(), name)
	if err != nil || len(files) != 3 || files[0].ID != newest || files[2].Size != 0 {
		t.Errorf("%+v, %v", files, err)
	}
	if files, err := c.FindFiles(t.Context(), "no such file"); err != nil || len(files) != 0 {
		t.Errorf("%+v, %v", files, err)
	}
}

func TestFindFilesFollowsShortcutsOnce(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	target := w.put("other.mp4", "one", noise(1000))
	shortcut := func(name, to string) {
		w.askAs(uploader, "POST", "/drive/v3/files", map[string]any{
			"name":            name,
			"mimeType":        "application/vnd.google-apps.shortcut",
			"shortcutDetails": map[string]string{"targetId": to},
		}, nil)
	}
	shortcut("a.mp4", target)
	gone := w.put("gone.mp4", "one", noise(10))
	shortcut("b.mp4", gone)
	w.ask("DELETE", "/drive/v3/files/"+gone, nil, nil)
	c := w.client(workspace.Subjects{Drive: uploader})
	if files, err := c.FindFiles(t.Context(), "a.mp4"); err != nil || len(files) != 1 || files[0].ID != target {
		t.Errorf("%+v, %v", files, err)
	}
	if files, err := c.FindFiles(t.Context(), "b.mp4"); err != nil || len(files) != 0 {
		t.Errorf("a shortcut to nothing: %+v, %v", files, err)
	}
}

func TestAnIncompleteSearchIsAnError(t *testing.T) {
	t.Parallel()
	w := begin(
		t,
		google.Options{Drive: gdrive.Script{Incomplete: func(string) bool { return true }}},
	)
	c := w.client(workspace.Subjects{Drive: uploader})
	if files, err := c.FindFiles(t.Context(), "a.mp4"); err == nil {
		t.Errorf("%+v", files)
	}
	if _, err := c.EnsureFolder(t.Context(), "room", "2026-11-20", "k"); err == nil || len(w.files("")) != 0 {
		t.Errorf("%v, %d files", err, len(w.files("")))
	}
}

// TestFoldersAreFoundByAUserOfManyDrives: Drive does not finish a search of all drives for a user who sees
// many. A folder is looked for in its own drive.
func TestFoldersAreFoundByAUserOfManyDrives(t *testing.T) {
	t.Parallel()
	for _, parent := range []string{"room", "0Adrive", ""} {
		w := begin(t, google.Options{Drive: gdrive.Script{ManyDrives: true}})
		w.put("a.mp4", "0Adrive", noise(10))
		folder := map[string]any{
			"name":     "504",
			"mimeType": "application/vnd.google-apps.folder",
			"parents":  []string{"0Adrive"},
		}
		var inside struct{ ID string }
		w.ask("POST", "/drive/v3/files?supportsAllDrives=true", folder, &inside)
		if parent == "" {
			parent = inside.ID
		}
		w.put("b.mp4", parent, noise(10))
		c := w.client(workspace.Subjects{Drive: uploader})
		made, err := c.EnsureFolder(t.Context(), parent, "2026-11-20", "k")
		if err != nil {
			t.Errorf("in %s: %v", parent, err)
			continue
		}
		// A worker that knows nothing finds it.
		other := w.client(workspace.Subjects{Drive: uploader})
		if again, err := other.EnsureFolder(t.Context(), parent, "2026-11-20", "k"); err != nil || again != made {
			t.Errorf("in %s: %s and %s, %v", parent, made, again, err)
		}
	}
}

func TestReadByRange(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	content := noise(300_000)
	id := w.put("a.mp4", "room", content)
	c := w.client(workspace.Subjects{Drive: uploader})
	for _, part := range [][2]int64{{0, 300_000}, {0, 1}, {299_999, 1}, {1000, 150_000}} {
		body, err := c.Read(t.Context(), id, part[0], part[1])
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		_ = body.Close()
		if err != nil || !bytes.Equal(got, content[part[0]:part[0]+part[1]]) {
			t.Errorf("%v: %d bytes, %v", part, len(got), err)
		}
	}
	// A connection that breaks is an error, not an end.
	w.rule(faults.Rule{API: "drive", Method: "files.get", Nth: 1, Kind: faults.Cut})
	body, err := c.Read(t.Context(), id, 0, 300_000)
	if err == nil {
		var got []byte
		got, err = io.ReadAll(body)
		_ = body.Close()
		if err == nil {
			t.Errorf("read %d bytes of a broken answer", len(got))
		}
	}
	body, err = c.Read(t.Context(), id, 299_000, 2000)
	if err == nil {
		_, err = io.ReadAll(body)
		_ = body.Close()
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("beyond the end: %v", err)
	}
}
