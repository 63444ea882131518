package verify_test

import (
	"context"
	"crypto/md5"
	"database/sql"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
	"github.com/nvr-miem/merger/pkg/verify"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// TestRun delivers six videos and spoils five in five ways: each that differs is named with its record, those
// of days before are not looked at, and a failing Drive is an error.
func TestRun(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	table := faults.New(time.Millisecond)
	client := drive(t, table)
	dsn := storetest.SQLite(t)
	db := storetest.Open(t, dsn, store.Options{})

	const content = "the bytes of a video"
	sum := md5.Sum([]byte(content))
	deliver := func(record int64, date, md5Hex string, size int) string {
		id, err := client.GenerateID(ctx, record)
		if err != nil {
			t.Fatal(err)
		}
		video := workspace.Upload{
			FileID: id, Parent: "folder", Name: "video.mp4", MIME: "video/mp4", Size: int64(len(content)), Record: record,
		}
		if err := client.Put(ctx, video, []byte(content)); err != nil {
			t.Fatal(err)
		}
		insert(t, dsn, record, date, id, md5Hex, size)
		return id
	}
	whole := hex.EncodeToString(sum[:])
	deliver(1, "2026-11-20", whole, len(content))
	deliver(2, "2026-11-20", whole, len(content)+1)
	deliver(3, "2026-11-20", strings.Repeat("0", 32), len(content))
	trashed := deliver(4, "2026-11-21", whole, len(content))
	if err := client.Trash(ctx, trashed); err != nil {
		t.Fatal(err)
	}
	insert(t, dsn, 5, "2026-11-21", "gone0123456789", whole, len(content))
	deliver(6, "2026-11-19", whole, 1)

	verifier := verify.Verifier{Uploads: db.Uploads, Workspace: client}
	var found []verify.Difference
	note := func(d verify.Difference) error {
		found = append(found, d)
		return nil
	}
	compared, err := verifier.Run(ctx, "2026-11-20", note)
	if err != nil || compared != 5 {
		t.Fatalf("compared %d: %v", compared, err)
	}
	size := int64(len(content))
	want := map[int64]cause.Cause{
		2: cause.DeliveredSize(size, size+1),
		3: cause.DeliveredContent(),
		4: cause.DeliveredTrashed(),
		5: cause.DeliveredGone(),
	}
	if len(found) != len(want) || !slices.IsSortedFunc(found, func(a, b verify.Difference) int {
		return int(a.Upload.Record - b.Upload.Record)
	}) {
		t.Errorf("found %+v", found)
	}
	for _, d := range found {
		if d.Cause != want[d.Upload.Record] || d.Upload.Room != "504" {
			t.Errorf("record %d of room %s: %v", d.Upload.Record, d.Upload.Room, d.Cause)
		}
	}
	if err := table.Add(faults.Rule{API: "drive", Method: "files.get", Rate: 1, Kind: faults.Broken}); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Run(ctx, "", note); err == nil {
		t.Error("Drive fails, and the videos count as compared")
	}
}

// drive starts a stand-in of Google and returns a client of it.
func drive(t *testing.T, table *faults.Table) *workspace.Client {
	t.Helper()
	var handler http.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	server, err := google.New(google.Options{
		Dir: t.TempDir(), BaseURL: front.URL + "/workspace", Faults: table, Now: time.Now, Scale: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler = http.StripPrefix("/workspace", server.Handler())
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	client, err := workspace.New(workspace.Options{Endpoint: front.URL + "/workspace", Scale: 1000, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// insert adds a record that is done, with its upload.
func insert(t *testing.T, dsn string, record int64, date, file, md5Hex string, size int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(dsn, "sqlite:")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, statement := range []string{
		`insert into records (id, room_name, date, start_time, end_time, user_email, step, file_id)
 values (?1, '504', ?2, '15:10', '16:30', 'a@example.org', 'done', ?3)`,
		`insert into merger_uploads (record_id, file_id, session, md5, size, sent, source)
 values (?1, ?3, '', ?4, ?5, ?5, 's')`,
	} {
		if _, err := db.Exec(statement, record, date, file, md5Hex, size); err != nil {
			t.Fatal(err)
		}
	}
}
