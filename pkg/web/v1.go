package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	v1Path            = "/api/v1"
	openAPIPath       = v1Path + "/openapi.yaml"
	notificationsPath = "/calendar-notifications/"
)

// isV1 tells whether a path is one of ours.
func isV1(path string) bool { return path == v1Path || strings.HasPrefix(path, v1Path+"/") }

// method is what one path does on one method.
type method struct {
	name  string
	serve http.HandlerFunc
}

// serveV1 is /api/v1 for whoever the request says asks. A room's name may hold a slash, so the path is
// taken apart as it was sent.
func (s *site) serveV1(w http.ResponseWriter, r *http.Request) {
	if !s.limited(w, r, callerOf(r).id) {
		return
	}
	path := strings.TrimPrefix(r.URL.EscapedPath(), v1Path)
	methods := s.v1Methods(path)
	if methods == nil {
		writeProblem(w, r, http.StatusNotFound, "there is nothing at this path")
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
	writeProblem(w, r, http.StatusMethodNotAllowed, "method "+r.Method+" is not allowed here; "+strings.Join(allowed, " and ")+" is")
}

// v1Methods finds what there is at a path below /api/v1; nil if nothing.
func (s *site) v1Methods(path string) []method {
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
			if record, ok := s.ownRecord(w, r, id, writeProblem); ok {
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
func (s *site) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", http.MethodGet)
		writeProblem(w, r, http.StatusMethodNotAllowed, "method "+r.Method+" is not allowed here; GET is")
		return
	}
	document, err := files.ReadFile("openapi.yaml")
	if err != nil {
		panic(err) // it is part of the program
	}
	s.writeTagged(w, r, yamlType, document)
}

// writeTagged answers with a body under its ETag, or says that the reader has it already.
func (s *site) writeTagged(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set(cacheLabel, "private, no-cache")
	w.Header().Set("Vary", "key, Cookie")
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set(contentLabel, contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that is gone reads nothing
	}
}

// matches reads If-None-Match: a list of tags, compared weakly, or an asterisk.
func matches(header, tag string) bool {
	if strings.TrimSpace(header) == "*" {
		return true
	}
	return slices.ContainsFunc(strings.Split(header, ","), func(each string) bool {
		return strings.TrimPrefix(strings.TrimSpace(each), "W/") == tag
	})
}
