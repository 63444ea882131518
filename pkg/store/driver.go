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

// dialect holds what differs between SQLite and MySQL.
type dialect struct {
	name      string // of its file in migrations/
	forUpdate string // ends a select inside a transaction that then writes the selected rows
	columns   string // counts the columns of a table by name
	tables    string // counts tables by name
	indexes   string // counts the indexes of a table by name
}

// openSQLite opens a file in WAL mode, so that other programs can read and insert at any time.
func (d *database) openSQLite(file string, opts *Options) error {
	if opts.MustExist {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("open the database (serve and the job migrate create it): %w", err)
		}
	}
	dsn := sqliteDSN(file)
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return fmt.Errorf("open %s: %w", file, err)
	}
	read, err := sql.Open("sqlite", dsn)
	if err != nil {
		return errors.Join(fmt.Errorf("open %s: %w", file, err), write.Close())
	}
	if !opts.SingleProcess {
		d.queue = newWriterQueue(file)
	}
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(max(opts.MaxOpen, runtime.GOMAXPROCS(0)))
	read.SetMaxIdleConns(opts.MaxOpen)
	d.read = &pool{DB: read, caches: true}
	d.write = &pool{DB: write, caches: true}
	d.dialect = sqliteDialect()
	return nil
}

func sqliteDSN(file string) string {
	query := url.Values{
		"_pragma": {
			"busy_timeout(7000)", // ms; longer than any transaction of this program
			"journal_mode(WAL)",
			"synchronous(FULL)", // a commit survives a power cut, so that no stored effect is repeated
		},
		"_txlock": {"immediate"}, // a transaction that reads first and writes later would fail half way
	}
	path := (&url.URL{Path: file}).EscapedPath()
	dsn := url.URL{Scheme: "file", Opaque: path, RawQuery: query.Encode()}
	return dsn.String()
}

// openMySQL opens a pool. It connects through the Cloud SQL connector if the address asks for that.
func (d *database) openMySQL(ctx context.Context, config *mysql.Config, opts *Options) error {
	if config.Net == cloudSQL {
		if err := d.dialCloudSQL(ctx, config); err != nil {
			return err
		}
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return fmt.Errorf("prepare the connection to the database: %w", err)
	}
	if opts.AllRoles {
		connector = roleConnector{connector}
	}
	both := &pool{DB: sql.OpenDB(connector)}
	both.SetMaxOpenConns(opts.MaxOpen)
	both.SetMaxIdleConns(opts.MaxOpen)
	both.SetConnMaxIdleTime(time.Minute) // the driver's check for stale connections fails through the connector
	both.SetConnMaxLifetime(10 * time.Minute)
	d.read, d.write, d.dialect = both, both, mysqlDialect()
	return nil
}

// dialCloudSQL makes config connect through the Cloud SQL connector.
func (d *database) dialCloudSQL(ctx context.Context, config *mysql.Config) error {
	dialer, err := cloudsqlconn.NewDialer(ctx,
		cloudsqlconn.WithLazyRefresh(), // a refresh in the background starves while the CPU is throttled
		cloudsqlconn.WithIAMAuthN(),
		cloudsqlconn.WithBuiltInMetrics(false), // they would need the role monitoring.metricWriter
		cloudsqlconn.WithDefaultDialOptions(cloudsqlconn.WithPrivateIP()))
	if err != nil {
		return fmt.Errorf("prepare the Cloud SQL connector: %w", err)
	}
	config.DialFunc = func(ctx context.Context, _, instance string) (net.Conn, error) {
		return dialer.Dial(ctx, instance)
	}
	d.dialer = dialer
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
	return call.Do(ctx, policy(), "database", func(ctx context.Context) error { return d.around(ctx, do) })
}

// Error numbers of MySQL and MariaDB.
const (
	mysqlLockWaitTimeout  = 1205
	mysqlDeadlock         = 1213
	mysqlConnectionKilled = 1927
	mysqlIdleDisconnect   = 4031
	mysqlDuplicateEntry   = 1062
)

// isTransient reports whether an error goes away by itself: a lock held by another connection, a deadlock
// of which this transaction is the victim, or a connection that was closed while idle.
func isTransient(err error) bool {
	var inMySQL *mysql.MySQLError
	if errors.As(err, &inMySQL) {
		switch inMySQL.Number {
		case mysqlDeadlock, mysqlLockWaitTimeout, mysqlConnectionKilled, mysqlIdleDisconnect:
			return true
		}
		return false
	}
	var inSQLite *sqlite.Error
	if errors.As(err, &inSQLite) {
		primary := inSQLite.Code() & 0xff // the upper bits hold the extended code
		return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_LOCKED
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn)
}

// isDuplicate reports whether an insert failed because its key is already there.
func isDuplicate(err error) bool {
	var inMySQL *mysql.MySQLError
	if errors.As(err, &inMySQL) {
		return inMySQL.Number == mysqlDuplicateEntry
	}
	var inSQLite *sqlite.Error
	if !errors.As(err, &inSQLite) {
		return false
	}
	switch inSQLite.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return false
}

// exec runs one statement that is safe to repeat. It returns the number of rows that the statement
// matched.
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
	leave, err := d.queue.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	d.sent.Add(1)
	return d.write.ExecContext(ctx, statement, args...)
}

// change runs do in one transaction. It repeats the transaction if the database asks for that.
func (d *database) change(ctx context.Context, do func(tx *sql.Tx) error) error {
	return d.retry(ctx, func() error {
		leave, err := d.queue.enter(ctx)
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

// row reads one row. It returns [ErrNotFound] if there is none.
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

// each reads all rows of a statement. It calls begin before the first row of every try, then scan for
// each row.
func (d *database) each(
	ctx context.Context, begin func(), scan func(scanner) error, statement string, args ...any,
) error {
	return d.retry(ctx, func() error {
		begin()
		d.sent.Add(1)
		rows, err := d.read.QueryContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // rows.Err returns the error that matters
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// scanner is one row of a result: *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }
