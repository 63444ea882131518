package store

import (
	"context"
	"database/sql"
	_ "embed" // the migrations
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/nvr-miem/merger/pkg/nvr"
)

//go:embed migrations/sqlite.sql
var sqliteMigrations string

//go:embed migrations/mysql.sql
var mysqlMigrations string

// versionTable is where goose counts.
const versionTable = "merger_migrations"

// adoptionVersion is the migration that sorts the rows that were there before us; all that is ours
// exists by then.
const adoptionVersion = 1000

// Schema migrates the tables.
type Schema struct{ *database }

func sqliteDialect() dialect {
	return dialect{
		name:    string(goose.DialectSQLite3),
		columns: `select count(*) from pragma_table_xinfo(?) where name = ?`,
		indexes: `select count(*) from sqlite_master where type = 'index' and tbl_name = ? and name = ?`,
		tables:  `select count(*) from sqlite_master where type = 'table' and name = ?`,
	}
}

func mysqlDialect() dialect {
	return dialect{
		name:      string(goose.DialectMySQL),
		forUpdate: " for update",
		columns:   `select count(*) from information_schema.columns where table_schema = database() and table_name = ? and column_name = ?`,
		indexes:   `select count(distinct index_name) from information_schema.statistics where table_schema = database() and table_name = ? and index_name = ?`,
		tables:    `select count(*) from information_schema.tables where table_schema = database() and table_name = ?`,
	}
}

// Adoption says how the rows are sorted that an NVR left before we came.
type Adoption struct {
	Retention time.Duration // how long segments are kept; what ended before is not tried. 0: forever
}

// Migrate brings an empty database or one that an NVR filled to the state that this program needs. A
// second one waits (with MySQL) until the first has ended; one that was cut off is simply repeated.
func (s Schema) Migrate(ctx context.Context, adoption Adoption) (err error) {
	provider, err := s.provider(adoption)
	if err != nil {
		return err
	}
	free, err := s.alone(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, free()) }()
	if _, _, err := s.Version(ctx); err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// alone keeps other migrations of the database out until free is called.
func (s Schema) alone(ctx context.Context) (free func() error, err error) {
	if s.dialect.forUpdate == "" {
		return func() error { return nil }, nil
	}
	if s.write.Stats().MaxOpenConnections < 3 { // the lock's, goose's, and the migration's
		s.write.SetMaxOpenConns(3)
	}
	connection, err := s.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach the database: %w", err)
	}
	var got sql.NullInt64
	err = connection.QueryRowContext(ctx, `select get_lock(concat('merger_migrations.', database()), 600)`).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = errors.New("another migration does not end")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("wait for other migrations: %w", err), connection.Close())
	}
	return func() error {
		_, err := connection.ExecContext(context.WithoutCancel(ctx), `do release_lock(concat('merger_migrations.', database()))`)
		return errors.Join(err, connection.Close())
	}, nil
}

// Rollback takes everything out again that is ours, and nothing else. What we knew of the records is
// gone then, and to the NVR a failed one is free again.
func (s Schema) Rollback(ctx context.Context) (err error) {
	provider, err := s.provider(Adoption{})
	if err != nil {
		return err
	}
	free, err := s.alone(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, free()) }()
	if _, err := provider.DownTo(ctx, 0); err != nil {
		return fmt.Errorf("take our tables and columns out of the database: %w", err)
	}
	if _, err := s.exec(ctx, `drop table `+versionTable); err != nil {
		return fmt.Errorf("take the table of migrations out of the database: %w", err)
	}
	return nil
}

// ErrReplaced says that the NVR's tables are not those that were migrated.
var ErrReplaced = errors.New("the table records has lost our columns: a dump was imported over it; run migrate down, then migrate")

// SchemaVersion tells how many migrations the database has, and how many this program needs: a later
// build may add one before the last. It writes nothing. [ErrReplaced] if what is counted is not there.
func (s Schema) Version(ctx context.Context) (current, needed int64, err error) {
	steps, err := s.steps()
	if err != nil {
		return 0, 0, err
	}
	needed = int64(len(steps)) + 1 // the adoption
	var count int
	if err := s.row(ctx, func(r scanner) error { return r.Scan(&count) }, s.dialect.tables, versionTable); err != nil {
		return 0, needed, fmt.Errorf("look for the table of migrations: %w", err)
	}
	if count == 0 {
		return 0, needed, nil
	}
	err = s.row(ctx, func(r scanner) error { return r.Scan(&current) }, `select count(distinct version_id) from `+versionTable+` where version_id > 0`)
	if err != nil {
		return 0, needed, fmt.Errorf("read the table of migrations: %w", err)
	}
	first := steps[slices.IndexFunc(steps, func(s step) bool { return s.kind == "column" && s.table == "records" })]
	var counted, there int
	err = errors.Join(
		s.row(ctx, func(r scanner) error { return r.Scan(&counted) }, `select count(*) from `+versionTable+` where version_id = ?`, first.version),
		s.row(ctx, func(r scanner) error { return r.Scan(&there) }, s.dialect.columns, first.table, first.name))
	if err == nil && counted > 0 && there == 0 {
		err = ErrReplaced
	}
	return current, needed, err
}

// steps are the migrations but for the adoption.
func (s Schema) steps() ([]step, error) {
	if s.dialect.name == string(goose.DialectMySQL) {
		return parseSteps(mysqlMigrations)
	}
	return parseSteps(sqliteMigrations)
}

func (s Schema) provider(adoption Adoption) (*goose.Provider, error) {
	steps, err := s.steps()
	if err != nil {
		return nil, err
	}
	migrations := []*goose.Migration{goose.NewGoMigration(adoptionVersion,
		&goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error { return s.adopt(ctx, adoption) }},
		&goose.GoFunc{RunDB: func(context.Context, *sql.DB) error { return nil }})}
	for _, step := range steps {
		migrations = append(migrations, goose.NewGoMigration(step.version,
			&goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error { return s.up(ctx, db, step) }},
			&goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error { return s.down(ctx, db, step) }}))
	}
	// A later version may add a step before the adoption, to a database that was adopted long ago.
	// The pool for reading: goose needs a second connection while a migration runs.
	provider, err := goose.NewProvider(goose.Dialect(s.dialect.name), s.read.DB, nil, goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true), goose.WithGoMigrations(migrations...))
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	return provider, nil
}

// step is one DDL statement and what it makes.
type step struct {
	version     int64
	kind        string // table, column or index
	table, name string
	foreign     bool // the NVR's: made if missing, never dropped
	statement   string
}

// parseSteps reads a file of migrations/: a line "-- 10 column records.step" over each statement.
func parseSteps(text string) ([]step, error) {
	var steps []step
	for block := range strings.SplitSeq(text, "\n\n") {
		head, statement, ok := strings.Cut(strings.TrimSpace(block), "\n")
		fields := strings.Fields(strings.TrimPrefix(head, "--"))
		if !ok || len(fields) < 3 {
			continue
		}
		version, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			continue // a comment
		}
		table, name, _ := strings.Cut(strings.TrimSuffix(fields[2], ":"), ".")
		steps = append(steps, step{
			version: version, kind: fields[1], table: table, name: name,
			foreign: strings.Contains(head, "never dropped"), statement: strings.TrimSuffix(statement, ";"),
		})
	}
	if len(steps) == 0 {
		return nil, errors.New("no migrations found")
	}
	return steps, nil
}

// exists tells whether what a step makes is there. MySQL commits a DDL statement by itself, so a process
// that dies right after it leaves a step that is done and not counted.
func (s Schema) exists(ctx context.Context, db *sql.DB, step step) (bool, error) {
	query, args := s.dialect.tables, []any{step.table}
	switch step.kind {
	case "column":
		query, args = s.dialect.columns, []any{step.table, step.name}
	case "index":
		query, args = s.dialect.indexes, []any{step.table, step.name}
	}
	var count int
	if err := db.QueryRowContext(ctx, query, args...).Scan(&count); err != nil {
		return false, fmt.Errorf("look for %s %s %s: %w", step.kind, step.table, step.name, err)
	}
	return count > 0, nil
}

func (s Schema) up(ctx context.Context, db *sql.DB, step step) error {
	there, err := s.exists(ctx, db, step)
	if err != nil || there {
		return err
	}
	if _, err := db.ExecContext(ctx, step.statement); err != nil {
		return fmt.Errorf("make %s %s %s: %w", step.kind, step.table, step.name, err)
	}
	return nil
}

func (s Schema) down(ctx context.Context, db *sql.DB, step step) error {
	there, err := s.exists(ctx, db, step)
	if err != nil || !there || step.foreign {
		return err
	}
	statement := "drop table " + step.table
	switch {
	case step.kind == "column":
		statement = "alter table " + step.table + " drop column " + step.name
	case step.kind == "index" && s.dialect.name == string(goose.DialectMySQL):
		statement = "drop index " + step.name + " on " + step.table
	case step.kind == "index":
		statement = "drop index " + step.name
	}
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("drop %s %s %s: %w", step.kind, step.table, step.name, err)
	}
	return nil
}

const (
	selectIDs = `select coalesce(min(id), 0), coalesce(max(id), 0) from records`

	updateAdoptDone = `update records set step = 'done', progress = 100
 where id >= ? and id < ? and coalesce(done, 0) = 1 and coalesce(processing, 0) = 0 and step = 'stage' and attempt = 0`

	updateAdoptOld = `update records set step = 'failed', failed_step = 'stage', reason = ?
 where id >= ? and id < ? and coalesce(done, 0) = 0 and coalesce(processing, 0) = 0 and step = 'stage' and attempt = 0
 and date like '____-__-__' and date < ?`
)

// adopt sorts the rows that were there: what is done is done, what is older than its footage is failed
// without telling anybody, what the old merger was at work on (processing = 1) waits for a person. It
// goes by ranges of ids, so that the NVR never waits for its own table.
func (s Schema) adopt(ctx context.Context, adoption Adoption) error {
	const span = 10_000
	oldest := ""
	if adoption.Retention > 0 {
		oldest = s.now().Add(-adoption.Retention).UTC().Format(time.DateOnly)
	}
	why := formatReason(nvr.Reason{
		En: "This recording was requested before the footage's keeping time ended, and was never made; the footage is gone.",
		Ru: "Эту запись запросили давно и так и не сделали; исходные файлы уже удалены.",
	})
	var first, last int64
	if err := s.row(ctx, func(r scanner) error { return r.Scan(&first, &last) }, selectIDs); err != nil {
		return fmt.Errorf("look at the records that are there: %w", err)
	}
	for from := first; from <= last; from += span {
		if _, err := s.exec(ctx, updateAdoptDone, from, from+span); err != nil {
			return fmt.Errorf("adopt the finished records from %d on: %w", from, err)
		}
		if _, err := s.exec(ctx, updateAdoptOld, why, from, from+span, oldest); err != nil {
			return fmt.Errorf("adopt the old records from %d on: %w", from, err)
		}
	}
	return nil
}
