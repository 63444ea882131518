package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// Expected errors: they are no failures of the database.
var (
	// ErrNotFound means that there is no such row.
	ErrNotFound = errors.New("no such row")
	// ErrHeld means that another worker holds the record and its lease has not expired.
	ErrHeld = errors.New("another worker has the record")
	// ErrConflict means that the request contradicts the stored state.
	ErrConflict = errors.New("in conflict with what is there")
	// ErrQuota means that a requester has as many open records as one may have.
	ErrQuota = errors.New("too many open records")
)

// MaxTries is the number of retryable failures that fail a record.
const MaxTries = 5

// Options configure a store.
type Options struct {
	Now           func() time.Time // required
	MaxOpen       int              // the most connections; 0: 4
	Texts         *i18n.Catalog    // of the words beside a cause; nil: those of the program
	Defaults      Defaults         // for rooms without settings
	SingleProcess bool             // no other process writes to the SQLite file, so no writers' queue is needed
	MustExist     bool             // a missing SQLite file is [fs.ErrNotExist] instead of being created

	AllRoles bool               // each connection to MySQL activates all roles that its user was given
	Patience time.Duration      // how long the first connection to MySQL may take; 0: [DefaultPatience]
	Scale    float64            // divides the pauses before the next try; 0 means 1
	Tried    fault.CallObserver // is given every failed try of the first connection; nil: none

	// Around is called for each statement outside of a transaction, and for each transaction. It calls send,
	// which may be called again if Around returns a transient error. Tests order and break statements with it;
	// nil: nothing is around them.
	Around func(ctx context.Context, send func() error) error
}

// Defaults hold the settings of rooms that leave them open.
type Defaults struct {
	Zone          *time.Location // nil: UTC
	Language      string         // empty: "en"
	SegmentLength time.Duration  // 0: half an hour
}

// Store is an open database. Its parts are grouped by concern, so that a package takes only the parts
// that it uses. The parts are small values that share the connections of the store.
type Store struct {
	*database

	Records      Records      // reading records
	Requests     Requests     // what people and calendars ask for
	Queue        Queue        // what waits for a worker
	Leases       Leases       // the work of a worker on its record
	Events       Events       // calendar events and their records
	EventMembers EventMembers // who may request what
	OptOuts      OptOuts      // times that must not be recorded
	Rooms        Rooms
	Keys         Keys // of the API
	Segments     Segments
	Effects      Effects
	Uploads      Uploads
	Channels     Channels
	Notices      Notices
	Runs         Runs
	Schema       Schema
}

// newStore returns a store whose parts share one database.
func newStore(d *database) *Store {
	return &Store{
		database:     d,
		Records:      Records{d},
		Requests:     Requests{d},
		Queue:        Queue{d},
		Leases:       Leases{d},
		Events:       Events{d},
		OptOuts:      OptOuts{d},
		EventMembers: EventMembers{d},
		Rooms:        Rooms{d},
		Keys:         Keys{d},
		Segments:     Segments{d},
		Effects:      Effects{d},
		Uploads:      Uploads{d},
		Channels:     Channels{d},
		Notices:      Notices{d},
		Runs:         Runs{d},
		Schema:       Schema{d},
	}
}

// database holds the connections, which all parts of a [Store] share.
type database struct {
	// The pool for writing to SQLite has one connection. With MySQL both are the same pool.
	read, write *pool
	queue       *writerQueue // of the writers of SQLite; nil with MySQL
	dialect     dialect
	now         func() time.Time
	defaults    Defaults
	texts       *i18n.Catalog
	dialer      io.Closer    // of Cloud SQL; nil elsewhere
	sent        atomic.Int64 // statements and transactions so far
	around      func(ctx context.Context, send func() error) error
}

// Open connects to the database of a DSN; [parseDSN] lists the forms. It changes nothing in the database:
// [Schema.Migrate] creates the tables.
func Open(ctx context.Context, dsn string, opts Options) (*Store, error) {
	if opts.Now == nil {
		return nil, errors.New("open the database: the clock is missing")
	}
	if opts.Texts == nil {
		opts.Texts = i18n.Default()
	}
	if opts.MaxOpen == 0 {
		opts.MaxOpen = 4
	}
	if opts.Defaults.Zone == nil {
		opts.Defaults.Zone = time.UTC
	}
	if opts.Defaults.Language == "" {
		opts.Defaults.Language = "en"
	}
	if opts.Defaults.SegmentLength == 0 {
		opts.Defaults.SegmentLength = 30 * time.Minute
	}
	if opts.Patience == 0 {
		opts.Patience = DefaultPatience
	}
	if opts.Around == nil {
		opts.Around = func(_ context.Context, send func() error) error { return send() }
	}
	address, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	s := newStore(&database{now: opts.Now, defaults: opts.Defaults, texts: opts.Texts, around: opts.Around})
	if address.mysql != nil {
		err = s.openMySQL(ctx, address.mysql, &opts)
	} else {
		err = s.openSQLite(address.file, &opts)
	}
	if err != nil {
		return nil, err
	}
	if err := s.connect(ctx, &opts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes the connections.
func (s *Store) Close() error {
	err := closed(s.read)
	if s.write != s.read {
		err = errors.Join(err, closed(s.write))
	}
	if s.queue != nil {
		err = errors.Join(err, s.queue.Close())
	}
	if s.dialer != nil {
		err = errors.Join(err, s.dialer.Close())
	}
	return err
}

// closed closes a pool. A connection that is already broken is no error.
func closed(p *pool) error {
	if err := p.Close(); !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return nil
}

// Statements returns the number of statements and transactions sent so far, the cost of a step in the database.
func (s *Store) Statements() int64 {
	return s.sent.Load()
}

// nowMs returns the current time as the database stores it.
func (d *database) nowMs() int64 {
	return d.now().UnixMilli()
}

// millis returns an instant as the database stores it: milliseconds UTC, 0 for the zero time.
func millis(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

// instant is the inverse of [millis]. Its result is in UTC.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
