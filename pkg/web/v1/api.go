package v1

import (
	"context"
	_ "embed" // for openapi.yaml
	"log/slog"
	"net/http"
	"strings"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// Path is where the API begins, and OpenAPIPath is where its description is served.
const (
	Path        = "/api/v1"
	OpenAPIPath = Path + "/openapi.yaml"
)

//go:embed openapi.yaml
var openAPI []byte

// Options are what the API needs.
type Options struct {
	Records *records.Service
	Log     *slog.Logger
	Limits  *httpapi.Limits // of each caller
	// Report reads the report of a record's merge as JSON. It returns nil without an error if
	// there is none (yet). It may be nil.
	Report func(ctx context.Context, r nvr.Record) ([]byte, error)
	// Thumbnails are the pictures of footage. Nil: there are none.
	Thumbnails *records.Thumbnails
}

// api serves /api/v1.
type api struct {
	Options
	streams *httpapi.Streams
}

// New returns the API for the caller that the request's context carries (see [auth.CallerOf]).
func New(o Options) http.Handler {
	a := &api{
		Options: o,
		streams: httpapi.NewStreams(),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/rooms", a.listRooms)
	mux.HandleFunc("GET /api/v1/rooms/{path...}", a.showRoom)
	mux.HandleFunc("GET /api/v1/records", a.listRecords)
	mux.HandleFunc("POST /api/v1/records", a.createRecord)
	mux.HandleFunc("GET /api/v1/records/{id}", a.owned(a.showRecord))
	mux.HandleFunc("PATCH /api/v1/records/{id}", a.owned(a.editRecord))
	mux.HandleFunc("POST /api/v1/records/{id}/cancel", a.owned(a.cancel))
	mux.HandleFunc("POST /api/v1/records/{id}/retry", a.owned(a.retry))
	mux.HandleFunc("POST /api/v1/records/{id}/takeback", a.owned(a.takeBack))
	mux.HandleFunc("POST /api/v1/records/{id}/post", a.owned(a.post))
	mux.HandleFunc("POST /api/v1/records/{id}/release", a.owned(a.release))
	mux.HandleFunc("POST /api/v1/records/{id}/restore", a.owned(a.restore))
	mux.HandleFunc("GET /api/v1/records/{id}/report", a.owned(a.showReport))
	mux.HandleFunc("GET /api/v1/records/{id}/slides", a.owned(a.showSlides))
	mux.HandleFunc("GET /api/v1/records/{id}/events", a.streams.Limit(auth.IDOf, httpapi.WriteProblem, a.owned(a.streamEvents)))
	routes := httpapi.Routes(mux, httpapi.WriteProblem)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Limits.Admit(w, r, auth.CallerOf(r).ID, httpapi.WriteProblem) {
			routes.ServeHTTP(w, r)
		}
	})
}

// Handles reports whether a path belongs to the API.
func Handles(path string) bool {
	return path == Path || strings.HasPrefix(path, Path+"/")
}

// OpenAPI returns the handler of the API's description. It needs no key.
func OpenAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+OpenAPIPath, func(w http.ResponseWriter, r *http.Request) {
		httpapi.WriteTagged(w, r, httpapi.YAMLType, openAPI)
	})
	return httpapi.Routes(mux, httpapi.WriteProblem)
}

// owned passes the record of the path to a handler if the caller may see it.
func (a *api) owned(next func(http.ResponseWriter, *http.Request, nvr.Record)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if record, ok := a.Records.Owned(w, r, httpapi.WriteProblem); ok {
			next(w, r, record)
		}
	}
}

// serverError logs a failure of the database and answers 503 as problem+json.
func (a *api) serverError(w http.ResponseWriter, r *http.Request, action string, err error) {
	httpapi.ServerError(w, r, a.Log, httpapi.WriteProblem, action, err)
}
