// Package storage is a stand-in of Cloud Storage: the JSON API as Google's Go client uses it,
// streaming from and to files.
//
// It knows names, bytes, generations and Google's rules for them. It knows no record and no
// video. A bucket keeps its objects in files whose names differ from the objects' names (see
// shelf). A bucket may also be mapped to a folder, in which files of people and recorders are
// objects at once (see mountedFolder).
//
// Every write is decided by one rename. A process killed at any instant leaves the old object or
// the new one, and an unfinished upload continues with the next process. Nothing is synced to the
// disk: after a power cut an object of the last seconds may be missing, but never half there.
// Start with [New].
//
// The reference of the API: https://cloud.google.com/storage/docs/json_api
package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

// Options configure a [Server].
type Options struct {
	Dir     string            // state: a folder a bucket
	Folders map[string]string // buckets that are a folder of files: bucket → path
	Now     func() time.Time
	Faults  *faults.Table // nil: none
	Log     *slog.Logger  // nil: silent
}

// Server is the API as an HTTP handler for /storage/v1/, /upload/storage/v1/ and
// /download/storage/v1/. Close it.
type Server struct {
	opts    Options
	api     *apidesc.API
	handler http.Handler

	mu      sync.RWMutex
	buckets map[string]*bucket
}

// New opens the state under opts.Dir with the buckets that it holds. The buckets of opts.Folders
// exist from the start. One process at a time may open a folder.
func New(opts Options) (*Server, error) {
	api, err := apidesc.Load("storage")
	if err != nil {
		return nil, err
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Faults == nil {
		opts.Faults = faults.New(0)
	}
	s := &Server{opts: opts, api: api, buckets: map[string]*bucket{}}
	s.handler = opts.Faults.Wrap("storage", s.methodOf, http.HandlerFunc(s.serve))
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open opens all buckets.
func (s *Server) open() error {
	if err := os.MkdirAll(s.opts.Dir, 0o750); err != nil {
		return fmt.Errorf("open the buckets: %w", err)
	}
	for name := range s.opts.Folders {
		if err := s.Ensure(name); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("open the buckets: %w", err)
	}
	for _, entry := range entries {
		name, err := url.PathUnescape(entry.Name())
		if err != nil || !entry.IsDir() || bucketFolder(name) != entry.Name() {
			continue
		}
		if err := s.Ensure(name); err != nil {
			return err
		}
	}
	return nil
}

// Ensure creates a bucket if it does not exist.
func (s *Server) Ensure(name string) error {
	_, err := s.makeBucket(name)
	return err
}

// makeBucket creates a bucket. It reports whether the bucket is new.
func (s *Server) makeBucket(name string) (bool, error) {
	if err := checkBucketName(name); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[name] != nil {
		return false, nil
	}
	b, err := openBucket(
		name, filepath.Join(s.opts.Dir, bucketFolder(name)), s.opts.Folders[name], s.opts,
	)
	if err != nil {
		return false, fmt.Errorf("open bucket %q: %w", name, err)
	}
	s.buckets[name] = b
	return true, nil
}

// Close releases the folders. Requests must have ended.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, b := range s.buckets {
		err = errors.Join(err, b.close())
	}
	return err
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handler.ServeHTTP(w, r)
}

// call is a request whose method is known.
type call struct {
	*http.Request

	w      http.ResponseWriter
	method *apidesc.Method
	path   map[string]string // bucket, object, ...
	query  url.Values
	upload bool // came by an upload path
	media  bool // the answer is an object's bytes
}

// identify returns the method that a request calls, or nil if there is none.
func (s *Server) identify(r *http.Request) *call {
	c := &call{Request: r, query: r.URL.Query()}
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	path = strings.TrimPrefix(path, "resumable/")
	path, download := strings.CutPrefix(path, "download/")
	httpMethod := r.Method
	if httpMethod == http.MethodHead {
		httpMethod = http.MethodGet
	}
	found, _ := s.api.Find(httpMethod, path, c.query)
	if found.Method == nil {
		return nil
	}
	c.method = found.Method
	c.path = found.Path
	c.upload = found.Upload
	c.media = c.method.ID == "objects.get" && (download || c.query.Get("alt") == "media")
	return c
}

// methodOf names the method that a request calls, for the rules of faults.
func (s *Server) methodOf(r *http.Request) string {
	if c := s.identify(r); c != nil {
		return c.method.ID
	}
	return ""
}

// serve answers a request. An error that is no failure is one of the stand-in: it is logged and
// answered with status 500.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := s.identify(r)
	if c == nil {
		answerError(
			w,
			&failure{http.StatusNotFound, "notFound", "Not Found: " + r.Method + " " + r.URL.Path},
		)
		return
	}
	c.w = w
	if err := s.dispatch(c); err != nil {
		var f *failure
		if !errors.As(err, &f) {
			if r.Context().Err() == nil {
				s.opts.Log.Error("storage: "+c.method.ID, "error", err, "path", r.URL.Path)
			}
			f = &failure{
				http.StatusInternalServerError, "backendError", "Backend Error: " + err.Error(),
			}
		}
		if c.media {
			http.Error(w, f.message, f.status) // Google answers a read of bytes in plain text
			return
		}
		answerError(w, f)
	}
}

// dispatch calls the handler of the request's method.
func (s *Server) dispatch(c *call) error {
	if err := c.method.CheckQuery(c.query, c.upload); err != nil {
		return invalid("%v", err)
	}
	if c.method.ID == "buckets.insert" {
		return s.insertBucket(c)
	}
	b, err := s.bucket(c, "bucket", "sourceBucket", "destinationBucket")
	if err != nil {
		return err
	}
	switch c.method.ID {
	case "buckets.get":
		return c.answer(b.resource())
	case "objects.list":
		return b.list(c)
	case "objects.get":
		return b.get(c)
	case "objects.delete":
		return b.remove(c)
	case "objects.patch", "objects.update":
		return b.patch(c)
	case "objects.compose":
		return b.compose(c)
	case "objects.copy", "objects.rewrite":
		to, err := s.bucket(c, "destinationBucket")
		if err != nil {
			return err
		}
		return b.rewrite(c, to)
	case "objects.insert":
		return b.insert(c)
	}
	return invalid("%s is not served here", c.method.ID)
}

// bucket returns the bucket that the first of the path's parameters names.
func (s *Server) bucket(c *call, parameters ...string) (*bucket, error) {
	for _, p := range parameters {
		name, ok := c.path[p]
		if !ok {
			continue
		}
		s.mu.RLock()
		defer s.mu.RUnlock()
		if b := s.buckets[name]; b != nil {
			return b, nil
		}
		return nil, &failure{
			http.StatusNotFound, "notFound", "The specified bucket does not exist.",
		}
	}
	return nil, invalid("no bucket is named")
}

// insertBucket answers buckets.insert.
func (s *Server) insertBucket(c *call) error {
	var wanted struct {
		Name string `json:"name"`
	}
	if err := c.decode(&wanted); err != nil {
		return err
	}
	isNew, err := s.makeBucket(wanted.Name)
	if err != nil {
		return err
	}
	if !isNew {
		return &failure{
			http.StatusConflict, "conflict",
			"Your previous request to create the named bucket succeeded and you already own it.",
		}
	}
	b, err := s.bucket(&call{path: map[string]string{"bucket": wanted.Name}}, "bucket")
	if err != nil {
		return err
	}
	return c.answer(b.resource())
}
