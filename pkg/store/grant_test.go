package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

func TestGrantRefusesWhatIsNoComponent(t *testing.T) {
	t.Parallel()
	s := openMariaDB(t, storetest.MariaDB(t))
	for _, name := range []string{"", "a'@'%' identified by 'x", "claim", "nvr-nobody", "nvr-nvr", "nvr-migrate"} {
		if s.Schema.Grant(t.Context(), []string{name}) == nil {
			t.Errorf("%q was taken", name)
		}
	}
	for _, name := range []string{"", "a'@'%' identified by 'x", "nvr-claim"} {
		if _, err := s.Schema.GrantNVR(t.Context(), name); err == nil {
			t.Errorf("%q was taken as the NVR", name)
		}
	}
	if found, err := s.Schema.GrantNVR(t.Context(), "another"); found || err != nil {
		t.Errorf("an NVR without a user: %t, %v", found, err)
	}
}

// TestEveryTableHasRights compares the rights with the migrations: no table and no column of records is left
// out, none is unknown, and each component of Terraform has rights.
func TestEveryTableHasRights(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("migrations/mysql.sql")
	ok(t, err)
	tables := []string{"merger_migrations"}
	created := regexp.MustCompile(`(?m)^create table (?:if not exists )?(\w+)`)
	for _, match := range created.FindAllSubmatch(text, -1) {
		tables = append(tables, string(match[1]))
	}
	listed := store.RightsByTable()
	for _, table := range tables {
		if len(listed[table]) == 0 {
			t.Errorf("no component has a right on table %s: add it to rights", table)
		}
		delete(listed, table)
	}
	for table := range listed {
		t.Errorf("rights name table %s, which no migration creates", table)
	}
	added := regexp.MustCompile(`(?m)^alter table records add column (\w+) (.*)`)
	for _, match := range added.FindAllSubmatch(text, -1) {
		generated := strings.Contains(string(match[2]), "generated always")
		if !generated && !slices.Contains(store.UpdatedColumns(), string(match[1])) {
			t.Errorf("no component may update records.%s: add it to rights", match[1])
		}
	}
	accounts, err := os.ReadFile("../../terraform/accounts.tf")
	ok(t, err)
	block := regexp.MustCompile(`(?s)  components = \{(.*?)\n  \}`).FindSubmatch(accounts)
	without := regexp.MustCompile(`database_users = setsubtract\(.*\[(.*)\]`).FindSubmatch(accounts)
	if block == nil || without == nil {
		t.Fatal("terraform/accounts.tf has another form: which components use the database?")
	}
	for _, match := range regexp.MustCompile(`(?m)^    (\w+) += "`).FindAllSubmatch(block[1], -1) {
		name := string(match[1])
		noUser := name == "migrate" || strings.Contains(string(without[1]), `"`+name+`"`)
		if !noUser && !slices.Contains(store.Components(), name) {
			t.Errorf("component %s has no rights in the database", name)
		}
	}
}

// TestGrantIsExact gives components and the NVR too much and too little, and lets Grant correct it.
func TestGrantIsExact(t *testing.T) {
	t.Parallel()
	c := storetest.MariaDBOfComponents(t)
	s := openMariaDB(t, c.DSN)
	root := openSQL(t, c.DSN)
	exact := grantsOf(t, root)
	for _, statement := range []string{
		"grant all on * to 'nvr-claim'@'%'", // as former versions did
		"grant all on * to 'nvr'@'%' with grant option",
		"grant update on records to 'nvr-api'@'%'", // more than columns
		"grant select (session, sent), update (session) on merger_uploads to 'nvr-link'@'%'",
		"create table former (x int, y int)",
		"grant select, update (y) on former to 'nvr-claim'@'%'", // a table that is dropped keeps its rights
		"drop table former",
		"revoke select on records from 'nvr-stage'@'%'",
		"revoke update (title) on records from 'nvr-stage'@'%'", // refused: there is no such grant
	} {
		_, err := root.ExecContext(t.Context(), statement)
		if refused := strings.Contains(statement, "title"); (err != nil) != refused {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if slices.Equal(grantsOf(t, root), exact) {
		t.Fatal("nothing has changed")
	}
	users := []string{"nvr-claim", "nvr-api", "nvr-link", "nvr-stage"}
	for range 2 { // the second time there is nothing to do
		ok(t, s.Schema.Grant(t.Context(), users))
		_, err := s.Schema.GrantNVR(t.Context(), "nvr")
		ok(t, err)
		if now := grantsOf(t, root); !slices.Equal(now, exact) {
			t.Errorf("rights now:\n%s\nwant:\n%s", strings.Join(now, "\n"), strings.Join(exact, "\n"))
		}
	}
}

// TestGrantTakesTheSuperuserAway gives the NVR's user the role that users of Cloud SQL's API have.
func TestGrantTakesTheSuperuserAway(t *testing.T) {
	t.Parallel()
	c := storetest.MariaDBOfComponents(t)
	s := openMariaDB(t, c.DSN)
	root := openSQL(t, c.DSN)
	for _, statement := range []string{
		"create user cloud@'10.8.%'",
		"create role cloudsqlsuperuser",
		"grant all on *.* to cloudsqlsuperuser",
		"grant cloudsqlsuperuser to cloud@'10.8.%'",
	} {
		_, err := root.ExecContext(t.Context(), statement)
		ok(t, err)
	}
	hosts, err := s.Schema.SuperHosts(t.Context(), "cloud")
	if err != nil || !slices.Equal(hosts, []string{"10.8.%"}) {
		t.Errorf("superuser at %q: %v", hosts, err)
	}
	found, err := s.Schema.GrantNVR(t.Context(), "cloud")
	if err != nil || !found {
		t.Errorf("%t %v", found, err)
	}
	if hosts, err := s.Schema.SuperHosts(t.Context(), "cloud"); err != nil || len(hosts) > 0 {
		t.Errorf("still superuser at %q: %v", hosts, err)
	}
	for component, want := range map[string]error{"doctor": nil, "claim": store.ErrHidden} {
		s := openMariaDB(t, c.As(component))
		if _, err := s.Schema.SuperHosts(t.Context(), "cloud"); !errors.Is(err, want) {
			t.Errorf("%s sees the roles of others: %v", component, err)
		}
	}
}

// TestComponentsAreRefused runs statements that a component that was taken over might send.
func TestComponentsAreRefused(t *testing.T) {
	t.Parallel()
	c := storetest.MariaDBOfComponents(t)
	for component, statements := range map[string][]string{
		"api": {
			"select session from merger_uploads",
			"select api_key from users",
			"update records set digest = 'x' where id = 1", // the plan of a merge
			"update records set file_id = 'x', share = 'y' where id = 1",
			"insert into records (room_name, date, start_time, end_time, user_email, step, file_id)" +
				" values ('', '', '', '', '', 'link', 'x')",
			"insert into merger_api_keys (hash, prefix, email, rooms, created_at) values ('', '', '', '', 0)",
			"update merger_api_keys set any_address = 1",
			"update rooms set calendar = 'x'",
			"delete from merger_opt_outs",
			"select * from merger_effects",
		},
		"form": {
			"select hash from merger_api_keys",
			"select token from merger_channels",
			"select session from merger_uploads",
			"select api_key from users",
			"update records set digest = 'x' where id = 1",
			"delete from records",
		},
		"calendar": {
			"select hash from merger_api_keys",
			"select session from merger_uploads",
			"select request from merger_requests",
			"update records set file_id = 'x' where id = 1",
		},
		"claim": {
			"select session from merger_uploads",
			"select md5 from merger_uploads",
			"select token from merger_channels",
			"select members from merger_event_members",
			"update records set user_email = 'x' where id = 1",
			"update merger_opt_outs set ended = 1",
			"delete from merger_opt_outs",
		},
		"standby": {"select session from merger_uploads", "delete from records"},
		"stage": {
			"select session from merger_uploads",
			"select hash from merger_api_keys",
			"update records set user_email = 'x' where id = 1",
			"update merger_segments set generation = 1",
			"delete from merger_segments",
			"delete from merger_opt_outs",
		},
		"merge": {
			"select session from merger_uploads",
			"update records set user_email = 'x' where id = 1",
			"update merger_segments set look = ''",
			"insert into merger_runs (name, ended_at) values ('look', 0)",
		},
		"upload": {
			"select token from merger_channels",
			"select hash from merger_api_keys",
			"update records set user_email = 'x' where id = 1",
		},
		"link":   {"select session from merger_uploads", "update records set user_email = 'x' where id = 1"},
		"fail":   {"select session from merger_uploads", "update records set link = 'x' where id = 1"},
		"verify": {"select session from merger_uploads", "update records set reason = 'x' where id = 1"},
		"doctor": {
			"select session from merger_uploads",
			"select token from merger_channels",
			"select members from merger_event_members join merger_channels",
			"update users set email = 'x'",
			"update records set file_id = 'x' where id = 1",
			"delete from records",
		},
		store.NVR: {
			"select * from merger_uploads",
			"select * from merger_channels",
			"select * from merger_api_keys",
			"select * from merger_event_members",
			"select * from room_settings",
			"update records set step = 'link' where id = 1",
			"insert into records (room_name, date, start_time, end_time, user_email, file_id)" +
				" values ('', '', '', '', '', 'x')",
			"delete from records",
			"delete from users",
		},
	} {
		db := openSQL(t, c.As(component))
		general := []string{
			"drop table merger_uploads",
			"alter table records add column x int",
			"create table x (x int)",
			"truncate records",
			"grant select on merger_uploads to 'nvr'@'%'",
			"create user x@'%'",
			"select * from mysql.user",
		}
		for _, statement := range append(general, statements...) {
			_, err := db.ExecContext(t.Context(), statement)
			var refused *mysql.MySQLError
			if !errors.As(err, &refused) || !slices.Contains([]uint16{1044, 1142, 1143, 1227}, refused.Number) {
				t.Errorf("%s: %s: %v", component, statement, err)
			}
		}
	}
}

// TestNVRWorksAsBefore runs what the NVR sends, with a column of its own that the program does not know.
func TestNVRWorksAsBefore(t *testing.T) {
	t.Parallel()
	c := storetest.MariaDBOfComponents(t)
	s := openMariaDB(t, c.DSN)
	_, err := openSQL(t, c.DSN).ExecContext(t.Context(), "alter table records add column comment text")
	ok(t, err)
	_, err = s.Schema.GrantNVR(t.Context(), "nvr")
	ok(t, err)
	db := openSQL(t, c.As(store.NVR))
	for _, statement := range []string{
		"insert into rooms (name, drive, calendar, main_source) values ('504', 'f', 'c', '1.2.3.4')",
		"insert into sources (name, ip, port, rtsp, audio, merge, room_id)" +
			" values ('a', '1.2.3.4', '554', 'r', '', 'left', 1)",
		"insert into users (email, role, api_key) values ('a@example.org', 'admin', 'k')",
		"update rooms set drive = 'g' where name = '504'",
		"update sources set merge = 'right' where room_id = 1",
		"update users set api_key = 'l' where email = 'a@example.org'",
		"insert into records (event_name, room_name, date, start_time, end_time, user_email, event_id, done," +
			" processing, comment)" +
			" values ('A', '504', '2026-11-20', '10:00', '11:00', 'a@example.org', 'e', 0, 0, 'x')",
		"update records set done = 0, processing = 0, end_time = '11:30' where id = 1",
		"select * from records where done = 0 for update",
		"select s.*, r.* from sources s join rooms r on r.id = s.room_id",
		"select api_key from users where email = 'a@example.org'",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	rec, err := s.Records.Get(t.Context(), 1)
	if err != nil || rec.EndTime != "11:30" {
		t.Errorf("%+v %v", rec, err)
	}
}

func openMariaDB(t *testing.T, dsn string) *store.Store {
	t.Helper()
	s := must(store.Open(context.Background(), dsn, store.Options{Now: storetest.NewClock().Now}))(t)
	t.Cleanup(func() { ok(t, s.Close()) })
	return s
}

func openSQL(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db := must(sql.Open("mysql", dsn))(t)
	t.Cleanup(func() { ok(t, db.Close()) })
	return db
}

// grantsOf returns all rights on the schema of a connection, sorted.
func grantsOf(t *testing.T, db *sql.DB) []string {
	t.Helper()
	var all []string
	rows, err := db.QueryContext(t.Context(), `
select concat_ws(' ', grantee, '*', privilege_type, is_grantable) from information_schema.schema_privileges
 where table_schema = database()
union all select concat_ws(' ', grantee, table_name, privilege_type, is_grantable)
 from information_schema.table_privileges where table_schema = database()
union all select concat_ws(' ', grantee, table_name, column_name, privilege_type, is_grantable)
 from information_schema.column_privileges where table_schema = database() order by 1`)
	ok(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var one string
		ok(t, rows.Scan(&one))
		all = append(all, one)
	}
	ok(t, rows.Err())
	return all
}
