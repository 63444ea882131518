package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// nvrDatabase is a filled database of an NVR on each of the databases.
func nvrDatabase(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Parallel()
	for name, empty := range map[string]func(testing.TB) string{
		"sqlite": storetest.SQLite,
		"mysql":  storetest.EmptyMariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := empty(t)
			db := open(t, dsn)
			defer func() { ok(t, db.Close()) }()
			for _, file := range []string{"nvr." + name + ".sql", "nvr.rows.sql"} {
				execFile(t, db, file)
			}
			test(t, dsn)
		})
	}
}

func TestAdoptAFilledDatabase(t *testing.T) {
	nvrDatabase(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := must(store.Open(ctx, dsn, store.Options{Now: storetest.NewClock().Now}))(t)
		defer func() { ok(t, s.Close()) }()
		ok(t, s.Schema.Migrate(ctx, store.Adoption{Retention: 14 * 24 * time.Hour}))

		want := map[int64]nvr.Step{
			1: nvr.StepDone,
			2: nvr.StepFailed,
			3: nvr.StepFailed,
			4: nvr.StepStage,
			5: nvr.StepStage,
			6: nvr.StepStage,
			7: nvr.StepStage,
		}
		for id, step := range want {
			if got := must(s.Records.Get(ctx, id))(t); got.Step != step {
				t.Errorf("record %d is on step %s, want %s", id, got.Step, step)
			}
		}
		if got := must(s.Records.Get(ctx, 2))(t); !got.Reason.Is(cause.CodeFootageExpired) || got.FailedStep != nvr.StepStage {
			t.Errorf("an old one: %+v", got)
		}
		if got := ids(must(s.Queue.DueUnscheduledFirst(ctx, 10))(t)); !slices.Equal(got, []int64{5, 6, 7}) {
			t.Errorf("free: %v", got)
		}
		if got := ids(must(s.Records.ForeignProcessing(ctx, 10))(t)); !slices.Equal(got, []int64{4}) {
			t.Errorf("in foreign hands: %v", got)
		}
		rooms := must(s.Rooms.List(ctx))(t)
		if len(rooms) != 2 || len(rooms[0].Sources) != 2 || rooms[0].Sources[0].Port != "80" || rooms[1].Name != "Ауд. 305 (лекц.)" {
			t.Errorf("rooms: %+v", rooms)
		}
		must(s.Rooms.SaveSource(ctx, 1, rooms[0].Sources[1]))(t) // a port that is NULL in a column of numbers
		users := must(s.Keys.NVRUsers(ctx))(t)
		if len(users) != 1 || must(s.Keys.Import(ctx, users))(t) != 1 {
			t.Errorf("users: %+v", users)
		}
	})
}

// TestADumpOverAMigratedDatabase: what is counted as done is gone with the table. Both say so; down and up mend it.
func TestADumpOverAMigratedDatabase(t *testing.T) {
	nvrDatabase(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := storetest.Open(t, dsn, store.Options{})
		r := rig{Store: s, dsn: dsn}
		r.sql(
			t,
			`create table dump as select id, event_name, room_name, date, start_time, end_time, user_email, event_id, done, processing from records`,
		)
		r.sql(t, `drop table records`)
		r.sql(t, `alter table dump rename to records`)
		if _, _, err := s.Schema.Version(ctx); !errors.Is(err, store.ErrReplaced) {
			t.Errorf("the schema: %v", err)
		}
		if err := s.Schema.Migrate(ctx, store.Adoption{}); !errors.Is(err, store.ErrReplaced) {
			t.Errorf("migrated: %v", err)
		}
		ok(t, s.Schema.Rollback(ctx))
		ok(t, s.Schema.Migrate(ctx, store.Adoption{}))
		if got := must(s.Records.Get(ctx, 1))(t); got.Step != nvr.StepDone {
			t.Errorf("not adopted: %+v", got)
		}
	})
}

func TestTheNVRsStatementsKeepWorking(t *testing.T) {
	nvrDatabase(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := storetest.Open(t, dsn, store.Options{})
		r := rig{Store: s, dsn: dsn}
		r.sql(t, `INSERT INTO records (event_name, room_name, date, start_time, end_time, user_email, event_id, done, processing)
 VALUES ('Новый', '504', '2026-11-20', '10:00', '11:00', 'a@example.org', 'ev9', NULL, NULL)`)
		r.sql(
			t,
			`INSERT INTO records (event_name, room_name, date, start_time, end_time, user_email) VALUES ('Новый', '504', '2026-11-20', '10:00', '11:00', 'a@example.org')`,
		)
		if got := r.texts(t, `SELECT event_name FROM records WHERE done = 0 AND processing = 0 AND date = '2026-11-19'`); len(got) != 1 {
			t.Errorf("the NVR selects %v", got)
		}
		r.sql(t, `UPDATE records SET date = '2026-11-21' WHERE event_id = 'ev9'`)
		free := must(s.Queue.DueUnscheduledFirst(ctx, 100))(t)
		last := free[len(free)-2:]
		for _, record := range last {
			if record.Title != "Новый" {
				t.Errorf("free: %+v", record)
			}
			must(s.Queue.Claim(ctx, record, nvr.StepStage, lease))(t)
		}
		r.sql(t, `DELETE FROM records WHERE event_id = 'ev9'`)
	})
}

// schema is what a database looks like, one line a table.
func schemaOf(t *testing.T, dsn string) []string {
	t.Helper()
	r := rig{dsn: dsn}
	if strings.HasPrefix(dsn, "sqlite:") {
		return r.texts(
			t,
			`select tbl_name || name || coalesce(sql, '') from sqlite_master where name not like 'sqlite_%' order by 1`,
		)
	}
	return append(r.texts(t, `select concat_ws(' ', table_name, column_name, column_type, is_nullable, coalesce(column_default, '-'))
 from information_schema.columns where table_schema = database() order by 1`),
		r.texts(
			t,
			`select concat_ws(' ', table_name, index_name, column_name) from information_schema.statistics where table_schema = database() order by 1`,
		)...)
}

func TestDownLeavesWhatIsNotOurs(t *testing.T) {
	nvrDatabase(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		before := schemaOf(t, dsn)
		rows := rig{dsn: dsn}.texts(t, `select room_name from records`)
		s := storetest.Open(t, dsn, store.Options{})
		during := schemaOf(t, dsn)
		ok(t, s.Schema.Rollback(ctx))
		if after := schemaOf(t, dsn); !slices.Equal(before, after) {
			t.Errorf(
				"the schema was\n%s\nand is\n%s",
				strings.Join(before, "\n"), strings.Join(after, "\n"),
			)
		}
		if len(during) <= len(before) {
			t.Error("nothing was added")
		}
		if after := (rig{dsn: dsn}).texts(t, `select room_name from records`); !slices.Equal(rows, after) {
			t.Errorf("%d rows, were %d", len(after), len(rows))
		}
		ok(t, s.Schema.Migrate(ctx, store.Adoption{}))
		if again := schemaOf(t, dsn); !slices.Equal(during, again) {
			t.Errorf("after down and up again:\n%s", strings.Join(again, "\n"))
		}
	})
}

func TestACutOffMigrationGoesOn(t *testing.T) {
	nvrDatabase(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		whole := storetest.Open(t, dsn, store.Options{})
		want := schemaOf(t, dsn)
		ok(t, whole.Schema.Rollback(ctx))
		for cut := 1; ; cut += 7 {
			// Statements were committed, and the process died before goose counted the last of them.
			s := must(store.Open(ctx, dsn, store.Options{Now: storetest.NewClock().Now}))(t)
			ok(t, s.Schema.Migrate(ctx, store.Adoption{}))
			db := open(t, dsn)
			versions := versionsOf(t, db)
			if cut >= len(versions) {
				ok(t, db.Close())
				ok(t, s.Close())
				break
			}
			must(db.Exec(`delete from merger_migrations where version_id >= ?`, versions[cut]))(t)
			ok(t, s.Schema.Migrate(ctx, store.Adoption{}))
			ok(t, db.Close())
			ok(t, s.Close())
		}
		if got := schemaOf(t, dsn); !slices.Equal(got, want) {
			t.Errorf(
				"the schema is\n%s\nwant\n%s",
				strings.Join(got, "\n"), strings.Join(want, "\n"),
			)
		}
	})
}

func versionsOf(t *testing.T, db *sql.DB) (versions []int64) {
	t.Helper()
	rows := must(db.Query(`select version_id from merger_migrations order by version_id`))(t) //nolint:rowserrcheck // it is, below
	defer func() { ok(t, rows.Close()) }()
	for rows.Next() {
		var version int64
		ok(t, rows.Scan(&version))
		versions = append(versions, version)
	}
	ok(t, rows.Err())
	return versions
}

func TestMigrationsAtOnce(t *testing.T) {
	t.Parallel()
	dsn := storetest.EmptyMariaDB(t)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			s, err := store.Open(context.Background(), dsn, store.Options{
				Now:     storetest.NewClock().Now,
				MaxOpen: 1,
			})
			if err == nil {
				err = errors.Join(
					s.Schema.Migrate(context.Background(), store.Adoption{}),
					s.Close(),
				)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestReasonsOfFormerVersions gives the reasons of a sweep their codes: a decision depends on them.
func TestReasonsOfFormerVersions(t *testing.T) {
	nvrDatabase(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		s := storetest.Open(t, dsn, store.Options{})
		db := open(t, dsn)
		defer func() { ok(t, db.Close()) }()
		execFile(t, db, "former.rows.sql")
		for range 2 { // a migration that was cut off is repeated
			must(db.Exec(`delete from merger_migrations where version_id in (84, 85)`))(t)
			ok(t, s.Schema.Migrate(ctx, store.Adoption{}))
		}

		want := map[int64]cause.Cause{
			101: cause.EventNotRecorded("opted-out"),
			102: cause.EventWithdrawn(),
			103: cause.Legacy("Withdrawn by a@example.org.", "Отозвано: a@example.org."),
			104: cause.Verbatim("Calendar: of 2026"),
			105: {},
		}
		for id, reason := range want {
			if got := must(s.Records.Get(ctx, id))(t); got.Reason != reason {
				t.Errorf("record %d: reason %s, want %s", id, got.Reason, reason)
			}
		}
	})
}

// execFile runs the statements of a file in testdata.
func execFile(t *testing.T, db *sql.DB, file string) {
	t.Helper()
	text := must(os.ReadFile(filepath.Join("testdata", file)))(t)
	for statement := range strings.SplitSeq(string(text), ";\n") {
		if strings.TrimSpace(statement) != "" {
			must(db.Exec(statement))(t)
		}
	}
}
