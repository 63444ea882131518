package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"time"

	"cloud.google.com/go/cloudsqlconn"
	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/nvr-miem/merger/pkg/call"
	"github.com/nvr-miem/merger/pkg/fault"
)

// dialect is what SQLite and MySQL do not have in common.
type dialect struct {
	name      string // of its file in migrations/
	forUpdate string // ends a select inside a transaction whose rows are then written
	columns   string // counts the columns of a table by name
	tables    string // counts tables by name
	indexes   string // counts the indexes of a table by name
}

// openSQLite opens the file in WAL mode: others read and insert while we write.
func (d *database) openSQLite(file string, opts *Options) error {
	if opts.MustExist {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("there is no database (serve and the job migrate make one): %w", err)
		}
	}
	query := url.Values{
		// FULL: what was committed outlives a power cut, so that an effect whose key is stored is never
		// repeated. Seven seconds outlast any writer of ours.
		"_pragma": {"busy_timeout(7000)", "journal_mode(WAL)", "synchronous(FULL)"},
		"_txlock": {"immediate"}, // a transaction that reads first and writes later would fail half way
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: query.Encode()}).String()
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return fmt.Errorf("open %s: %w", file, err)
	}
	read, err := sql.Open("sqlite", dsn)
	if err != nil {
		return errors.Join(fmt.Errorf("open %s: %w", file, err), write.Close())
	}
	if !opts.SingleProcess {
		d.turn = newWriterQueue(file)
	}
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(max(opts.MaxOpen, runtime.GOMAXPROCS(0)))
	read.SetMaxIdleConns(opts.MaxOpen)
	d.read, d.write, d.dialect = &pool{DB: read, keeps: true}, &pool{DB: write, keeps: true}, sqliteDialect()
	return nil
}

// openMySQL opens a pool, through the Cloud SQL connector if the address says so.
func (d *database) openMySQL(ctx context.Context, config *mysql.Config, maxOpen int) error {
	if config.Net == cloudSQL {
		dialer, err := cloudsqlconn.NewDialer(ctx,
			cloudsqlconn.WithLazyRefresh(), // throttled CPU starves a refresh in the background
			cloudsqlconn.WithIAMAuthN(),
			cloudsqlconn.WithBuiltInMetrics(false), // else it needs monitoring.metricWriter
			cloudsqlconn.WithDefaultDialOptions(cloudsqlconn.WithPrivateIP()))
		if err != nil {
			return fmt.Errorf("prepare the Cloud SQL connector: %w", err)
		}
		config.DialFunc = func(ctx context.Context, _, instance string) (net.Conn, error) {
			return dialer.Dial(ctx, instance)
		}
		d.dialer = dialer
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return fmt.Errorf("prepare the connection to the database: %w", err)
	}
	both := &pool{DB: sql.OpenDB(connector)}
	both.SetMaxOpenConns(maxOpen)
	both.SetMaxIdleConns(maxOpen)
	both.SetConnMaxIdleTime(time.Minute) // a check for stale connections does not work through the connector
	both.SetConnMaxLifetime(10 * time.Minute)
	d.read, d.write, d.dialect = both, both, mysqlDialect()
	return nil
}

// policy returns how often a statement is sent if the database asks to try again. The pauses add up to
// 1.3 s at most.
func policy() call.Policy {
	return call.Policy{
		FirstPause:   5 * time.Millisecond,
		LongestPause: 640 * time.Millisecond,
		MaxTries:     8,
		Read:         readError,
	}
}

// readError classifies an error of a driver.
func readError(err error) call.Failure {
	if isTransient(err) {
		return call.Failure{Kind: fault.Retryable}
	}
	return call.Failure{Kind: fault.Permanent}
}

// retry calls do until it succeeds or fails with an error that is not transient. do must be safe to
// repeat: its statements are compare-and-sets, reads, or inserts guarded by a key.
func (d *database) retry(ctx context.Context, do func() error) error {
	return call.Do(ctx, policy(), "database", func(context.Context) error { return do() })
}

// isTransient reports whether an error goes away by itself: a lock held by another connection, a deadlock
// of which this transaction is the victim, or a connection that was closed while idle.
func isTransient(err error) bool {
	var ours *mysql.MySQLError
	if errors.As(err, &ours) {
		switch ours.Number {
		case 1213, 1205, // deadlock, lock wait
			1927, 4031: // the connection was killed, or closed for having been idle
			return true
		}
		return false
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		code := lite.Code() & 0xff
		return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn)
}

// duplicate tells whether a key of ours was there already.
func duplicate(err error) bool {
	var ours *mysql.MySQLError
	if errors.As(err, &ours) {
		return ours.Number == 1062
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) &&
		(lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE ||
			lite.Code() == sqlite3.SQLITE_CONSTRAINT_ROWID)
}

// exec runs one statement that may run twice and returns how many rows it matched.
func (d *database) exec(ctx context.Context, statement string, args ...any) (rows int64, err error) {
	err = d.retry(ctx, func() error {
		result, err := d.send(ctx, statement, args...)
		if err != nil {
			return err
		}
		rows, err = result.RowsAffected()
		return err
	})
	return rows, err
}

// send runs one statement once.
func (d *database) send(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	leave, err := d.turn.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	d.sent.Add(1)
	return d.write.ExecContext(ctx, statement, args...)
}

// change runs do in one transaction, again if the database says so.
func (d *database) change(ctx context.Context, do func(tx *sql.Tx) error) error {
	return d.retry(ctx, func() error {
		leave, err := d.turn.enter(ctx)
		if err != nil {
			return err
		}
		defer leave()
		d.sent.Add(1)
		tx, err := d.write.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := do(tx); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
}

// row reads one row with a statement; [ErrNotFound] if there is none.
func (d *database) row(ctx context.Context, scan func(scanner) error, statement string, args ...any) error {
	err := d.retry(ctx, func() error {
		d.sent.Add(1)
		return scan(d.read.QueryRowContext(ctx, statement, args...))
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// each reads all rows of a statement; begin is called before the first, also when it starts anew.
func (d *database) each(ctx context.Context, begin func(), scan func(scanner) error, statement string, args ...any) error {
	return d.retry(ctx, func() error {
		begin()
		d.sent.Add(1)
		rows, err := d.read.QueryContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // rows.Err says what matters
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// scanner is one row of an answer: *sql.Row and *sql.Rows.
type scanner interface{ Scan(into ...any) error }
