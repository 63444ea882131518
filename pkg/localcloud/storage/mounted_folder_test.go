package storage_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gcs "cloud.google.com/go/storage"
)

const segment = "504/2026-11-20/2026-11-20_15:00_504_24.mp4"

func (c *cloud) file(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(c.folder, filepath.FromSlash(name))
	if err := errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, data, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFilesAreObjects(t *testing.T) {
	t.Parallel()
	c := start(t)
	o := c.object("segments", segment)
	data := random(100_000, 1)
	path := c.file(t, segment, data)
	first, err := o.Attrs(t.Context())
	if err != nil || first.Size != 100_000 || first.ContentType != "video/mp4" {
		t.Fatalf("a file that appeared: %+v, %v", first, err)
	}
	same(t, "the file", c.read(t, o.Generation(first.Generation)), data)
	c.restart(t)
	if again, err := o.Attrs(t.Context()); err != nil || again.Generation != first.Generation {
		t.Errorf("after a restart it is generation %d, %v", again.Generation, err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if now, err := o.Attrs(t.Context()); err != nil || now.Generation == first.Generation {
		t.Errorf("a file of another time is still generation %d, %v", now.Generation, err)
	}
	if _, err := o.Generation(first.Generation).NewReader(t.Context()); status(t, err) != 404 {
		t.Errorf("read the generation that was: %v", err)
	}
	c.file(t, "504/2026-11-20/.unfinished.mp4", nil)
	c.file(t, "504/a b/x", nil)
	if got := c.names(t, "segments", nil, 0); !slices.Equal(got, []string{segment, "504/a b/x"}) {
		t.Errorf("listed %v", got)
	}
	if err := o.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after delete: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(c.folder, "504")); err != nil {
		t.Fatal(err)
	}
	if got := c.names(t, "segments", &gcs.Query{Prefix: "504/"}, 0); len(got) > 0 {
		t.Errorf("listed %v", got)
	}
}

func TestUploadsAreFiles(t *testing.T) {
	t.Parallel()
	c := start(t)
	o := c.object("segments", segment).If(gcs.Conditions{DoesNotExist: true})
	w := o.NewWriter(t.Context())
	w.ChunkSize = 256 << 10
	data := random(700_000, 1)
	if _, err := w.Write(data[:600_000]); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.folder, segment)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("an upload on its way is a file: %v", err)
	}
	theirs := []byte("a recorder's")
	c.file(t, segment, theirs)
	_, _ = w.Write(data[600_000:])
	if err := w.Close(); status(t, err) != 412 {
		t.Errorf("a file of others was there first: %v", err)
	}
	same(t, "their file", c.read(t, c.object("segments", segment)), theirs)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	made, err := put(t.Context(), o, data, 256<<10)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the file", got, data)
	if now, err := c.object("segments", segment).Attrs(t.Context()); err != nil ||
		now.Generation != made.Generation ||
		now.Metadata["Key"] != "значение" {
		t.Errorf("%+v, %v", now, err)
	}
	c.restart(t)
	if n := files(t, c.folder); n != 1 {
		t.Errorf("%d files in the folder", n)
	}
	c.file(t, segment, theirs)
	if now, err := c.object("segments", segment).Attrs(t.Context()); err != nil || now.Metadata != nil ||
		now.Size != int64(len(theirs)) {
		t.Errorf("after another program wrote over it: %+v, %v", now, err)
	}
}

func TestFoldersAndFilesCollide(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.put(t, "segments", "a", nil)
	if _, err := put(t.Context(), c.object("segments", "a/b"), nil, 0); status(t, err) != 400 {
		t.Errorf("below a file: %v", err)
	}
	c.put(t, "segments", "d/e", nil)
	if _, err := put(
		t.Context(), c.object("segments", "d"), nil, 0,
	); status(t, err) != 400 && status(t, err) != 412 {
		t.Errorf("in place of a folder: %v", err)
	}
	if _, err := c.object("segments", "d").Attrs(t.Context()); !errors.Is(err, gcs.ErrObjectNotExist) {
		t.Errorf("a folder is an object: %v", err)
	}
}

func TestLinksDoNotLeadOut(t *testing.T) {
	t.Parallel()
	c := start(t)
	outside := t.TempDir()
	if err := errors.Join(os.WriteFile(
		filepath.Join(outside, "secret"), []byte("x"), 0o600,
	), os.Symlink(outside, filepath.Join(c.folder, "out")),
		os.Symlink(filepath.Join(outside, "secret"), filepath.Join(c.folder, "link"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"out/secret", "link"} {
		if _, err := c.object("segments", name).NewReader(t.Context()); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := put(
		t.Context(), c.object("segments", "out/new").If(gcs.Conditions{DoesNotExist: true}), nil, 256<<10,
	); err == nil {
		t.Error("written outside")
	}
	if got := c.names(t, "segments", nil, 0); len(got) > 0 {
		t.Errorf("listed %v", got)
	}
}
