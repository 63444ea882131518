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

	"github.com/nvr-miem/merger/pkg/cause"
)

//go:embed migrations/sqlite.sql
var sqliteMigrations string

//go:embed migrations/mysql.sql
var mysqlMigrations string

// versionTable is the table in which goose counts the migrations.
const versionTable = "merger_migrations"

// adoptionVersion is the migration that classifies the rows of the NVR. All tables and columns of this
// program exist by then.
const adoptionVersion = 1000

// The kinds of a [step].
const (
	kindColumn = "column"
	kindIndex  = "index"
	kindRows   = "rows" // a change of rows, which may be repeated
)

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
		columns: `select count(*) from information_schema.columns
 where table_schema = database() and table_name = ? and column_name = ?`,
		indexes: `select count(distinct index_name) from information_schema.statistics
 where table_schema = database() and table_name = ? and index_name = ?`,
		tables: `select count(*) from information_schema.tables where table_schema = database() and table_name = ?`,
	}
}

// Adoption configures how the rows are classified that an NVR left before the first migration.
type Adoption struct {
	Retention time.Duration // how long footage is kept; older requests fail. 0: forever
}

// Migrate brings a database to the schema that this program needs. The database is empty, filled by an
// NVR, or of an earlier version. With MySQL, a concurrent migration waits until the first one has ended.
// A migration that was interrupted can be repeated.
func (s Schema) Migrate(ctx context.Context, adoption Adoption) (err error) {
	provider, err := s.provider(adoption)
	if err != nil {
		return err
	}
	unlock, err := s.lockMigrations(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if _, _, err := s.Version(ctx); err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

const (
	// getMigrationsLock waits up to 600 s.
	getMigrationsLock     = `select get_lock(concat('merger_migrations.', database()), 600)`
	releaseMigrationsLock = `do release_lock(concat('merger_migrations.', database()))`

	// migrationConnections are one for the lock, one for goose and one for the migration.
	migrationConnections = 3
)

// lockMigrations keeps other migrations of the database out until unlock is called. With SQLite it does
// nothing.
func (s Schema) lockMigrations(ctx context.Context) (unlock func() error, err error) {
	if s.dialect.name != string(goose.DialectMySQL) {
		return func() error { return nil }, nil
	}
	if s.write.Stats().MaxOpenConnections < migrationConnections {
		s.write.SetMaxOpenConns(migrationConnections)
	}
	connection, err := s.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach the database: %w", err)
	}
	var locked sql.NullInt64
	err = connection.QueryRowContext(ctx, getMigrationsLock).Scan(&locked)
	if err == nil && locked.Int64 != 1 {
		err = errors.New("another migration does not end")
	}
	if err != nil {
		return nil, errors.Join(
			fmt.Errorf("wait for other migrations: %w", err),
			connection.Close(),
		)
	}
	return func() error {
		_, err := connection.ExecContext(context.WithoutCancel(ctx), releaseMigrationsLock)
		return errors.Join(err, connection.Close())
	}, nil
}

// Rollback removes the tables and columns of this program from the database, and nothing else. A record
// that has failed is free again for the NVR.
func (s Schema) Rollback(ctx context.Context) (err error) {
	provider, err := s.provider(Adoption{})
	if err != nil {
		return err
	}
	unlock, err := s.lockMigrations(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if _, err := provider.DownTo(ctx, 0); err != nil {
		return fmt.Errorf("remove the tables and columns of this program: %w", err)
	}
	if _, err := s.exec(ctx, `drop table `+versionTable); err != nil {
		return fmt.Errorf("remove the table of migrations: %w", err)
	}
	return nil
}

// ErrReplaced means that the NVR's tables were replaced after the migration.
var ErrReplaced = errors.New("the table records has lost the columns of this program: " +
	"a dump was imported over it; run migrate down, then migrate")

const (
	selectVersions = `select count(distinct version_id) from ` + versionTable + ` where version_id > 0`

	selectVersion = `select count(*) from ` + versionTable + ` where version_id = ?`
)

// Version returns how many migrations the database has and how many this program needs. It counts them,
// because a later version may add a migration before the last one. It writes nothing. It returns
// [ErrReplaced] if a counted migration is no longer in effect.
func (s Schema) Version(ctx context.Context) (current, needed int64, err error) {
	steps, err := s.steps()
	if err != nil {
		return 0, 0, err
	}
	needed = int64(len(steps)) + 1 // and the adoption
	tables, err := s.count(ctx, s.dialect.tables, versionTable)
	if err != nil {
		return 0, needed, fmt.Errorf("find the table of migrations: %w", err)
	}
	if tables == 0 {
		return 0, needed, nil
	}
	current, err = s.count(ctx, selectVersions)
	if err != nil {
		return 0, needed, fmt.Errorf("read the table of migrations: %w", err)
	}
	return current, needed, s.checkReplaced(ctx, steps)
}

// checkReplaced returns [ErrReplaced] if the first column of this program is counted but missing.
func (s Schema) checkReplaced(ctx context.Context, steps []step) error {
	first := slices.IndexFunc(steps, func(s step) bool {
		return s.kind == kindColumn && s.table == "records"
	})
	column := steps[first]
	counted, errCounted := s.count(ctx, selectVersion, column.version)
	existing, errExisting := s.count(ctx, s.dialect.columns, column.table, column.name)
	if err := errors.Join(errCounted, errExisting); err != nil {
		return err
	}
	if counted > 0 && existing == 0 {
		return ErrReplaced
	}
	return nil
}

// count runs a statement that returns one number.
func (s Schema) count(ctx context.Context, statement string, args ...any) (count int64, err error) {
	err = s.row(ctx, func(row scanner) error { return row.Scan(&count) }, statement, args...)
	return count, err
}

// steps returns the migrations without the adoption.
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
	adopt := &goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error {
		return s.adopt(ctx, adoption)
	}}
	keep := &goose.GoFunc{RunDB: func(context.Context, *sql.DB) error { return nil }}
	migrations := []*goose.Migration{goose.NewGoMigration(adoptionVersion, adopt, keep)}
	for _, step := range steps {
		up := &goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error {
			return s.up(ctx, db, step)
		}}
		down := &goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error {
			return s.down(ctx, db, step)
		}}
		migrations = append(migrations, goose.NewGoMigration(step.version, up, down))
	}
	provider, err := goose.NewProvider(
		goose.Dialect(s.dialect.name),
		s.read.DB, // the pool for writing has one connection; goose needs a second one during a migration
		nil,
		goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true),
		goose.WithAllowOutofOrder(true), // a later version may add a step before the adoption
		goose.WithGoMigrations(migrations...),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations: %w", err)
	}
	return provider, nil
}

// step is one DDL statement and the object that it creates, or one statement that changes rows.
type step struct {
	version     int64
	kind        string // table, column, index or rows
	table, name string
	foreign     bool // an object of the NVR: created if it is missing, never dropped
	statement   string
}

// parseSteps reads a file of migrations/. Each statement stands below a line like
// "-- 10 column records.step".
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
			version:   version,
			kind:      fields[1],
			table:     table,
			name:      name,
			foreign:   strings.Contains(head, "never dropped"),
			statement: strings.TrimSuffix(statement, ";"),
		})
	}
	if len(steps) == 0 {
		return nil, errors.New("no migrations found")
	}
	return steps, nil
}

// exists reports whether the object of a step exists. MySQL commits each DDL statement by itself, so a
// process killed right after a statement leaves a step that is done but not counted.
func (s Schema) exists(ctx context.Context, db *sql.DB, step step) (bool, error) {
	query, args := s.dialect.tables, []any{step.table}
	switch step.kind {
	case kindRows:
		return false, nil
	case kindColumn:
		query, args = s.dialect.columns, []any{step.table, step.name}
	case kindIndex:
		query, args = s.dialect.indexes, []any{step.table, step.name}
	}
	var count int
	if err := db.QueryRowContext(ctx, query, args...).Scan(&count); err != nil {
		return false, fmt.Errorf("find %s %s %s: %w", step.kind, step.table, step.name, err)
	}
	return count > 0, nil
}

func (s Schema) up(ctx context.Context, db *sql.DB, step step) error {
	exists, err := s.exists(ctx, db, step)
	if err != nil || exists {
		return err
	}
	if _, err := db.ExecContext(ctx, step.statement); err != nil {
		return fmt.Errorf("apply %s %s %s: %w", step.kind, step.table, step.name, err)
	}
	return nil
}

func (s Schema) down(ctx context.Context, db *sql.DB, step step) error {
	exists, err := s.exists(ctx, db, step)
	if err != nil || !exists || step.foreign {
		return err
	}
	if _, err := db.ExecContext(ctx, s.dropStatement(step)); err != nil {
		return fmt.Errorf("drop %s %s %s: %w", step.kind, step.table, step.name, err)
	}
	return nil
}

// dropStatement returns the statement that drops the object of a step.
func (s Schema) dropStatement(step step) string {
	switch step.kind {
	case kindColumn:
		return "alter table " + step.table + " drop column " + step.name
	case kindIndex:
		if s.dialect.name == string(goose.DialectMySQL) {
			return "drop index " + step.name + " on " + step.table
		}
		return "drop index " + step.name
	}
	return "drop table " + step.table
}

const (
	selectIDs = `select coalesce(min(id), 0), coalesce(max(id), 0) from records`

	updateAdoptDone = `update records set step = 'done', progress = 100
 where id >= ? and id < ? and coalesce(done, 0) = 1 and coalesce(processing, 0) = 0 and step = 'stage' and attempt = 0`

	updateAdoptOld = `update records set step = 'failed', failed_step = 'stage', reason = ?
 where id >= ? and id < ? and coalesce(done, 0) = 0 and coalesce(processing, 0) = 0 and step = 'stage' and attempt = 0
 and date like '____-__-__' and date < ?`
)

// adopt classifies the rows that the NVR left. Finished rows become done. Rows older than the retention
// become failed, without a notice. Rows that another program is processing wait for a person. It works in
// ranges of ids, so that the NVR never waits long for its table.
func (s Schema) adopt(ctx context.Context, adoption Adoption) error {
	const span = 10_000 // ids per statement
	oldest := ""
	if adoption.Retention > 0 {
		oldest = s.now().Add(-adoption.Retention).UTC().Format(time.DateOnly)
	}
	why := s.formatReason(cause.FootageExpired())
	var first, last int64
	if err := s.row(ctx, func(r scanner) error {
		return r.Scan(&first, &last)
	}, selectIDs); err != nil {
		return fmt.Errorf("read the range of record ids: %w", err)
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
