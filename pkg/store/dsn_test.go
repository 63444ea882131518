package store

import (
	"strings"
	"testing"
)

func TestParseDSN(t *testing.T) {
	t.Parallel()
	tests := []struct{ dsn, file, net, addr, user, password, name string }{
		{dsn: "sqlite:/var/lib/nvr.db", file: "/var/lib/nvr.db"},
		{dsn: "sqlite:///var/lib/nvr.db", file: "/var/lib/nvr.db"},
		{dsn: "sqlite:////var/lib/nvr.db", file: "/var/lib/nvr.db"},
		{dsn: "sqlite:data/nvr.db", file: "data/nvr.db"},
		{
			dsn:      "mysql://u:p%40ss@db.example.org/nvr",
			net:      "tcp",
			addr:     "db.example.org:3306",
			user:     "u",
			password: "p@ss",
			name:     "nvr",
		},
		{
			dsn:      "mysql+pymysql://u:p@127.0.0.1:3307/nvr?charset=utf8mb4",
			net:      "tcp",
			addr:     "127.0.0.1:3307",
			user:     "u",
			password: "p",
			name:     "nvr",
		},
		{
			dsn:  "mysql+pymysql://u@localhost/nvr?unix_socket=/run/mysqld/mysqld.sock",
			net:  "unix",
			addr: "/run/mysqld/mysqld.sock",
			user: "u",
			name: "nvr",
		},
		{
			dsn:      "mysql://u:p@[::1]:3306/nvr",
			net:      "tcp",
			addr:     "[::1]:3306",
			user:     "u",
			password: "p",
			name:     "nvr",
		},
		{
			dsn:      "u:p@tcp(127.0.0.1:3306)/nvr",
			net:      "tcp",
			addr:     "127.0.0.1:3306",
			user:     "u",
			password: "p",
			name:     "nvr",
		},
		{
			dsn:      "u:a://b@tcp(127.0.0.1:3306)/nvr",
			net:      "tcp",
			addr:     "127.0.0.1:3306",
			user:     "u",
			password: "a://b",
			name:     "nvr",
		},
		{
			dsn:  "merge@cloudsql-mysql(p:europe-west3:db)/nvr?parseTime=true&loc=UTC",
			net:  cloudSQL,
			addr: "p:europe-west3:db",
			user: "merge",
			name: "nvr",
		},
	}
	for _, tt := range tests {
		got, err := parseDSN(tt.dsn)
		if err != nil {
			t.Errorf("%s: %v", tt.dsn, err)
			continue
		}
		if got.file != tt.file {
			t.Errorf("%s: file %q, want %q", tt.dsn, got.file, tt.file)
		}
		if m := got.mysql; m != nil && (m.Net != tt.net || m.Addr != tt.addr || m.User != tt.user || m.Passwd != tt.password || m.DBName != tt.name || !m.ClientFoundRows) {
			t.Errorf("%s: %+v", tt.dsn, m)
		}
		if (got.mysql == nil) != (tt.file != "") {
			t.Errorf("%s: the wrong kind", tt.dsn)
		}
	}
	for _, dsn := range []string{"", "sqlite:", "sqlite::memory:", "postgres://u:secret@h/db", "mysql://u:secret@h", "mysql://u:sec%ret@h/db", "u:secret@", "nonsense", "secret@tcp(h"} {
		if got, err := parseDSN(dsn); err == nil {
			t.Errorf("%q: no error, %+v", dsn, got)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error of %q shows it: %v", dsn, err)
		}
	}
}

// FuzzParseDSN wants either an address or an error, and no secret in the error.
func FuzzParseDSN(f *testing.F) {
	f.Add("u:p@tcp(127.0.0.1:3306)/nvr?x=y")
	f.Add("mysql+pymysql://u:p@h:1/d?unix_socket=/s")
	f.Add("sqlite:////a")
	f.Fuzz(func(t *testing.T, dsn string) {
		got, err := parseDSN(dsn)
		if err == nil && (got.file == "") == (got.mysql == nil) {
			t.Errorf("%q is %+v", dsn, got)
		}
		if dsn != "" && len(dsn) > 12 && err != nil && strings.Contains(err.Error(), dsn) {
			t.Errorf("the error of %q shows it: %v", dsn, err)
		}
	})
}

func TestEveryMigrationIsOneStatement(t *testing.T) {
	t.Parallel()
	var kinds [2][]string
	for i, text := range []string{sqliteMigrations, mysqlMigrations} {
		steps, err := parseSteps(text)
		if err != nil {
			t.Fatal(err)
		}
		last := int64(0)
		for _, step := range steps {
			if step.version <= last || step.version >= adoptionVersion {
				t.Errorf("migration %d stands after %d", step.version, last)
			}
			last = step.version
			if strings.Contains(step.statement, ";") || step.statement == "" {
				t.Errorf("migration %d is not one statement: %s", step.version, step.statement)
			}
			if step.kind != "table" && step.name == "" {
				t.Errorf("migration %d has no name", step.version)
			}
			kinds[i] = append(kinds[i], step.kind+" "+step.table+"."+step.name)
		}
	}
	if strings.Join(kinds[0], "\n") != strings.Join(kinds[1], "\n") {
		t.Errorf(
			"the two files make different things:\n%s\n\n%s",
			strings.Join(kinds[0], "\n"), strings.Join(kinds[1], "\n"),
		)
	}
}

func TestFileOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		dsn, file string
		ok        bool
	}{
		{"sqlite:/data/nvr.db", "/data/nvr.db", true},
		{"sqlite:nvr.db", "nvr.db", true},
		{"sqlite:////data/nvr.db", "/data/nvr.db", true},
		{"sqlite::memory:", "", true},
		{"mysql://u:secret@h/db", "", false},
	} {
		if file, ok := FileOf(tt.dsn); file != tt.file || ok != tt.ok {
			t.Errorf("FileOf(%q) = %q, %t, want %q, %t", tt.dsn, file, ok, tt.file, tt.ok)
		}
	}
}
