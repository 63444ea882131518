package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/nvrapi"
	"github.com/nvr-miem/merger/pkg/web/page"
	"github.com/nvr-miem/merger/pkg/web/records"
	v1 "github.com/nvr-miem/merger/pkg/web/v1"
)

// defaultRate is how many requests a second one key or person may send, if [Options] has no limit.
const defaultRate = 50

// Options are what the handlers need.
type Options struct {
	Store   records.Store
	Catalog *i18n.Catalog // nil: the product's
	Now     func() time.Time
	Log     *slog.Logger // nil: no log

	// RateLimit is how many requests a second one key or person may send. 0 means [defaultRate].
	RateLimit float64
	// OpenRecords is how many open records a person may have. 0 means
	// [records.DefaultOpenRecords].
	OpenRecords int
	// Retention is how long footage is kept. 0: for ever.
	Retention time.Duration
	// Policy is who may request what. Empty means [records.PolicyAny].
	Policy records.Policy
	// Domains are those of the Workspace, for [records.PolicyDomain].
	Domains []string
	// Scale divides the pauses between reads of watched records. 0 means 1.
	Scale float64

	// SweepCalendar requests a sweep of one room's calendar after a notification. It may be nil.
	SweepCalendar func(ctx context.Context, room string) error
	// Report reads the report of a record's merge as JSON. It returns nil without an error if
	// there is none (yet). It may be nil.
	Report func(ctx context.Context, r nvr.Record) ([]byte, error)
	// Thumbnail reads a small JPEG of a finished record's video. It may be nil.
	Thumbnail func(ctx context.Context, r nvr.Record) ([]byte, error)

	// Footage takes a small JPEG out of a segment of footage. It may be nil.
	Footage records.MakeThumbnail

	// Authenticate returns the person who signed in to the pages, or [auth.ErrNotSignedIn]. Nil
	// refuses all.
	Authenticate func(*http.Request) (auth.User, error)
	// SignIn is where people sign in, if this program does it. Nil: Identity-Aware Proxy does, or
	// there is no sign-in.
	SignIn *auth.OIDC
	// Site is what the pages are called. On loopback its names keep out other sites whose DNS name
	// points to this machine (DNS rebinding).
	Site httpapi.Site
}

// handlers are what the constructors combine.
type handlers struct {
	Options
	records *records.Service
	limits  *httpapi.Limits // of each key and person
	failed  *httpapi.Limits // of requests without a valid key, by address
	v1      http.Handler    // for a caller that the context carries
}

// newHandlers fills in the defaults of the options and makes what form and api share.
func newHandlers(o Options) *handlers {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Catalog == nil {
		o.Catalog = i18n.Default()
	}
	if o.RateLimit == 0 {
		o.RateLimit = defaultRate
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.Authenticate == nil {
		o.Authenticate = func(*http.Request) (auth.User, error) {
			return auth.User{}, auth.ErrNotSignedIn
		}
	}
	h := &handlers{
		Options: o,
		records: records.New(o.Store, o.Catalog, o.Now, o.Log, o.Scale),
		limits:  httpapi.NewLimits(o.RateLimit, o.Now),
		failed:  httpapi.NewLimits(auth.FailedKeysRate, o.Now),
	}
	if o.OpenRecords > 0 {
		h.records.OpenRecords = o.OpenRecords
	}
	h.records.Report = o.Report
	h.records.Retention = o.Retention
	h.records.Policy, h.records.Domains = o.Policy, o.Domains
	var thumbnails *records.Thumbnails
	if o.Footage != nil {
		thumbnails = records.NewThumbnails(o.Footage)
	}
	h.v1 = v1.New(v1.Options{
		Records:    h.records,
		Log:        o.Log,
		Limits:     h.limits,
		Report:     o.Report,
		Thumbnails: thumbnails,
	})
	return h
}

// NewAPI returns the handler for programs: the NVR's API, /api/v1 with a key, and notifications of
// calendars.
func NewAPI(o Options) http.Handler {
	return newHandlers(o).api()
}

// NewForm returns the handler for people: the pages, and /api/v1 with the pages' session.
func NewForm(o Options) http.Handler {
	return newHandlers(o).form()
}

// New returns both handlers at one address. A request with a key, or for a path of the NVR's API,
// goes to the API.
func New(o Options) http.Handler {
	h := newHandlers(o)
	return choose(h.api(), h.form())
}

// form returns the handler of the service form: the pages, behind IAP.
func (h *handlers) form() http.Handler {
	return page.New(page.Options{
		Records:      h.records,
		Log:          h.Log,
		V1:           h.v1,
		OpenAPI:      v1.OpenAPI(),
		Limits:       h.limits,
		Site:         h.Site,
		SignIn:       h.SignIn,
		Authenticate: h.Authenticate,
		Report:       h.Report,
		Thumbnail:    h.Thumbnail,
		Footage:      h.Footage != nil,
	})
}

// api returns the handler of the public service api: the NVR's API, /api/v1, and the notifications of
// Calendar. Each has its own format of errors.
func (h *handlers) api() http.Handler {
	guard := func(fail httpapi.ErrorWriter, next http.Handler) http.Handler {
		return httpapi.Guard(h.Log, fail, next)
	}
	keyed := auth.RequireKey(h.Store.Keys, h.failed, h.Log, httpapi.WriteProblem, h.v1)
	openAPI := guard(httpapi.WriteProblem, v1.OpenAPI())
	v1API := guard(httpapi.WriteProblem, keyed)
	webhook := guard(httpapi.WriteError, h.calendarWebhook())
	nvrAPI := guard(httpapi.WriteError, nvrapi.New(nvrapi.Options{
		Records: h.records,
		Log:     h.Log,
		Limits:  h.limits,
		Failed:  h.failed,
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case path == v1.OpenAPIPath:
			openAPI.ServeHTTP(w, r)
		case v1.Handles(path):
			v1API.ServeHTTP(w, r)
		case isWebhook(path):
			webhook.ServeHTTP(w, r)
		default:
			nvrAPI.ServeHTTP(w, r)
		}
	})
}

// choose separates programs from people at one address.
func choose(api, form http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isProgram(r) {
			api.ServeHTTP(w, r)
			return
		}
		form.ServeHTTP(w, r)
	})
}

// isProgram reports whether a request is for the API. Under /api/v1, a request without a key is
// the page's if it carries the page's cookie.
func isProgram(r *http.Request) bool {
	path := r.URL.Path
	if v1.Handles(path) {
		return r.Header.Get("key") != "" || !page.HasSession(r)
	}
	return nvrapi.Handles(path) || isWebhook(path)
}
