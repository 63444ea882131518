package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/locale"
	"github.com/nvr-miem/merger/pkg/web/nvrapi"
	"github.com/nvr-miem/merger/pkg/web/page"
	"github.com/nvr-miem/merger/pkg/web/records"
	v1 "github.com/nvr-miem/merger/pkg/web/v1"
)

// Options are what the handlers need of the world.
type Options struct {
	Store records.Store
	Now   func() time.Time
	Log   *slog.Logger

	RateLimit float64 // requests a second that one key may make under /api/v1; 0: 50
	Scale     float64 // divides the pauses between looks at the store; 0: 1

	// SweepCalendar asks for a sweep of one room's calendar: a notification came. It may be nil.
	SweepCalendar func(ctx context.Context, room string) error
	// Report reads the report of a record's merge as JSON; nil without an error if there is none (yet).
	Report func(ctx context.Context, r nvr.Record) ([]byte, error)

	// Authenticate tells who is signed in; only the pages ask. [auth.ErrNotSignedIn] if nobody is; nil: nobody ever is.
	Authenticate func(*http.Request) (auth.User, error)
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
	words   *locale.Catalog
	records *records.Service
	v1      http.Handler
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
		o.Authenticate = func(*http.Request) (auth.User, error) { return auth.User{}, auth.ErrNotSignedIn }
	}
	s := &site{Options: o, log: o.Log, words: locale.Read(o.Languages), records: records.New(o.Store, o.Now, o.Log, o.Scale)}
	s.v1 = v1.New(s.records, s.words, httpapi.NewLimits(o.RateLimit, o.Now), o.Log, o.Report)
	return s
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

func (s *site) form() http.Handler {
	return page.New(page.Options{Records: s.records, Words: s.words, Log: s.log, V1: s.v1, OpenAPI: http.HandlerFunc(v1.ServeOpenAPI),
		Hosts: s.Hosts, Authenticate: s.Authenticate, Report: s.Report, Thumbnail: s.Thumbnail})
}

// api is all that programs see.
func (s *site) api() http.Handler {
	nvrAPI := nvrapi.New(s.records, s.words, s.log)
	keyed := auth.RequireKey(s.Store.Keys, s.log, httpapi.WriteProblem, s.v1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		say, next := httpapi.ErrorWriter(httpapi.WriteError), nvrAPI
		switch path := r.URL.Path; {
		case path == v1.OpenAPIPath:
			say, next = httpapi.WriteProblem, http.HandlerFunc(v1.ServeOpenAPI)
		case v1.Handles(path):
			say, next = httpapi.WriteProblem, keyed
		case path == notificationsPath || path+"/" == notificationsPath:
			next = http.HandlerFunc(s.serveNotification)
		}
		httpapi.Guard(s.log, say, next).ServeHTTP(w, r)
	})
}

// choose tells people from programs at one address.
func (s *site) choose(api, form http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		_, noCookie := r.Cookie(page.SessionCookie)
		if nvrapi.Handles(path) || path == notificationsPath || path+"/" == notificationsPath || v1.Handles(path) && (r.Header.Get("key") != "" || noCookie != nil) {
			api.ServeHTTP(w, r)
			return
		}
		form.ServeHTTP(w, r)
	})
}
