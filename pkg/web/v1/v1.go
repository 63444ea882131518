package v1

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

const (
	Path              = "/api/v1"
	OpenAPIPath       = Path + "/openapi.yaml"
	notificationsPath = "/calendar-notifications/"
)

// isV1 tells whether a path is one of ours.
func Handles(path string) bool { return path == Path || strings.HasPrefix(path, Path+"/") }

// method is what one path does on one method.
type method struct {
	name  string
	serve http.HandlerFunc
}

// serveV1 is /api/v1 for whoever the request says asks. A room's name may hold a slash, so the path is
// taken apart as it was sent.
func (s *API) serveV1(w http.ResponseWriter, r *http.Request) {
	if !s.limits.Admit(w, r, auth.CallerOf(r).ID) {
		return
	}
	path := strings.TrimPrefix(r.URL.EscapedPath(), Path)
	methods := s.v1Methods(path)
	if methods == nil {
		httpapi.WriteProblem(w, r, http.StatusNotFound, "there is nothing at this path")
		return
	}
	allowed := make([]string, 0, len(methods))
	for _, m := range methods {
		if m.name == r.Method || m.name == http.MethodGet && r.Method == http.MethodHead {
			m.serve(w, r)
			return
		}
		allowed = append(allowed, m.name)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	httpapi.WriteProblem(w, r, http.StatusMethodNotAllowed, "method "+r.Method+" is not allowed here; "+strings.Join(allowed, " and ")+" is")
}

// v1Methods finds what there is at a path below /api/v1; nil if nothing.
func (s *API) v1Methods(path string) []method {
	switch path {
	case "/rooms":
		return []method{{http.MethodGet, s.v1Rooms}}
	case "/records":
		return []method{{http.MethodGet, s.v1Records}, {http.MethodPost, s.v1Create}}
	}
	if rest, ok := strings.CutPrefix(path, "/rooms/"); ok {
		escaped, ok := strings.CutSuffix(rest, "/footage")
		name, err := url.PathUnescape(escaped)
		if !ok || err != nil || name == "" || !utf8.ValidString(name) {
			return nil
		}
		return []method{{http.MethodGet, func(w http.ResponseWriter, r *http.Request) { s.v1Footage(w, r, name) }}}
	}
	rest, ok := strings.CutPrefix(path, "/records/")
	if !ok {
		return nil
	}
	number, what, _ := strings.Cut(rest, "/")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil || id < 1 || strconv.FormatInt(id, 10) != number || strings.HasSuffix(rest, "/") {
		return nil
	}
	with := func(serve func(http.ResponseWriter, *http.Request, nvr.Record)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if record, ok := s.records.Owned(w, r, id, httpapi.WriteProblem); ok {
				serve(w, r, record)
			}
		}
	}
	switch what {
	case "":
		return []method{{http.MethodGet, with(s.v1Record)}}
	case "cancel":
		return []method{{http.MethodPost, with(s.v1Cancel)}}
	case "retry":
		return []method{{http.MethodPost, with(s.v1Retry)}}
	case "report":
		return []method{{http.MethodGet, with(s.v1Report)}}
	case "events":
		return []method{{http.MethodGet, with(s.v1Events)}}
	}
	return nil
}

// serveOpenAPI serves the description of what stands here.
func ServeOpenAPI(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", http.MethodGet)
		httpapi.WriteProblem(w, r, http.StatusMethodNotAllowed, "method "+r.Method+" is not allowed here; GET is")
		return
	}
	httpapi.WriteTagged(w, r, httpapi.YAMLType, openAPI)
}
