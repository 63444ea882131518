package web

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

//go:embed templates static locale openapi.yaml
var files embed.FS

// User is a person who signed in.
type User struct {
	Email    string
	Operator bool // sees and changes everything
}

// ErrNobody says that a request comes from nobody who signed in.
var ErrNobody = errors.New("not signed in")

// Options are what the handlers need of the world.
type Options struct {
	Store Store
	Now   func() time.Time
	Log   *slog.Logger

	RateLimit float64 // requests a second that one key may make under /api/v1; 0: 50
	Scale     float64 // divides the pauses between looks at the store; 0: 1

	// SweepCalendar asks for a sweep of one room's calendar: a notification came. It may be nil.
	SweepCalendar func(ctx context.Context, room string) error
	// Report reads the report of a record's merge as JSON; nil without an error if there is none (yet).
	Report func(ctx context.Context, r nvr.Record) ([]byte, error)

	// Authenticate tells who is signed in; only the pages ask. [ErrNobody] if nobody is; nil: nobody ever is.
	Authenticate func(*http.Request) (User, error)
	// Hosts are the names under which the pages may be asked for, without ports; empty: any. On loopback
	// it keeps out pages of other sites whose name was pointed at this machine.
	Hosts []string

	// Thumbnail reads a small JPEG of a finished record's video; it may be nil.
	Thumbnail func(ctx context.Context, r nvr.Record) ([]byte, error)

	Languages []string // first is the one for readers of none; empty: ru, en
}

// site is what all handlers share.
type site struct {
	Options
	log     *slog.Logger
	words   *catalog
	pages   *pages
	limits  *limits
	watcher *watcher

	roomList atomic.Pointer[roomList]
}

func newSite(o Options) *site {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RateLimit == 0 {
		o.RateLimit = 50
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.Authenticate == nil {
		o.Authenticate = func(*http.Request) (User, error) { return User{}, ErrNobody }
	}
	s := &site{Options: o, log: o.Log}
	s.words = readWords(o.Languages)
	s.pages = parsePages(s.words)
	s.limits = newLimits(o.RateLimit, o.Now)
	s.watcher = &watcher{read: o.Store.Records.ByID, show: s.show, every: scaled(watchEvery, o.Scale), now: o.Now, log: o.Log, watched: map[int64]*watched{}}
	return s
}

// scaled divides a pause, but leaves the machine time to breathe.
func scaled(d time.Duration, by float64) time.Duration {
	return max(time.Duration(float64(d)/by), 50*time.Millisecond)
}

// NewAPI serves programs: the NVR's API, /api/v1 with a key, and the notifications of calendars.
func NewAPI(o Options) http.Handler { return newSite(o).api() }

// NewForm serves people: the pages, and /api/v1 for them.
func NewForm(o Options) http.Handler { return newSite(o).form() }

// New serves both at one address: a request with a key, or for a path of the NVR's API, is a program's.
func New(o Options) http.Handler {
	s := newSite(o)
	return s.choose(s.api(), s.form())
}
