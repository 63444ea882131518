// Package google is Google Drive, Calendar and Classroom on one machine: servers that Google's
// client libraries speak to, whose state is a folder, with small pages for people to look at.
//
// It answers at Google's own paths, checks requests and its own answers against Google's
// descriptions, and fails on purpose where a [faults.Table] says so. It survives a kill at any
// instant: what was answered for is there, what was not is there whole or not at all. It knows no
// record and no merger. The rules of each API are in drive, calendar and classroom; what they
// share in api and state. Start with [New].
package google

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/google/calendar"
	"github.com/nvr-miem/merger/pkg/localcloud/google/classroom"
	"github.com/nvr-miem/merger/pkg/localcloud/google/drive"
)

// Options say where the state lies and how the servers behave.
type Options struct {
	Dir string // of the state
	// what the outside sees before /drive/v3/, like http://127.0.0.1:8080/workspace
	BaseURL string
	Faults  *faults.Table    // may be nil
	Scale   float64          // divides every wait; 0 means 1
	Now     func() time.Time // the clock
	Log     *slog.Logger     // nil: nothing is logged

	// TimeZone is that of calendars which were given none, like Europe/Moscow; "" means UTC.
	TimeZone string
	// Strict answers a call without fields with the few fields that Google answers with; else
	// with all.
	Strict bool
	// Drive makes Drive behave as on a bad day.
	Drive drive.Script
}

// Server is the three APIs and their pages.
type Server struct {
	o         Options
	drive     *drive.Drive
	calendar  *calendar.Calendar
	classroom *classroom.Classroom
	pages     *pages
}

// New opens the state under Options.Dir, or begins it. One process at a time may have it open.
func New(o Options) (*Server, error) {
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	s := &Server{o: o}
	var err error
	s.drive, err = drive.New(drive.Options{
		Dir:     filepath.Join(o.Dir, "drive"),
		BaseURL: o.BaseURL,
		Scale:   o.Scale,
		Now:     o.Now,
		Log:     o.Log,
		Strict:  o.Strict,
		Script:  o.Drive,
	})
	if err != nil {
		return nil, fmt.Errorf("start the stand-in of Drive: %w", err)
	}
	s.calendar, err = calendar.New(calendar.Options{
		Dir:      filepath.Join(o.Dir, "calendar"),
		BaseURL:  o.BaseURL,
		Scale:    o.Scale,
		Now:      o.Now,
		Log:      o.Log,
		TimeZone: o.TimeZone,
	})
	if err != nil {
		return nil, errors.Join(
			fmt.Errorf("start the stand-in of Calendar: %w", err), s.drive.Close(),
		)
	}
	s.classroom, err = classroom.New(classroom.Options{
		Dir:     filepath.Join(o.Dir, "classroom"),
		BaseURL: o.BaseURL,
		Now:     o.Now,
		Log:     o.Log,
		Visible: s.drive.Visible,
		Link:    s.drive.Link,
	})
	if err != nil {
		return nil, errors.Join(
			fmt.Errorf("start the stand-in of Classroom: %w", err),
			s.calendar.Close(),
			s.drive.Close(),
		)
	}
	if s.pages, err = newPages(s); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Handler serves Google's paths, and the pages at /, below whatever prefix the caller strips.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	files := s.struck("drive", s.drive.Service().MethodOf, s.drive.Service())
	mux.Handle("/drive/v3/", files)
	mux.Handle("/upload/drive/v3/", files)
	mux.Handle(
		"/calendar/v3/", s.struck("calendar", s.calendar.Service().MethodOf, s.calendar.Service()),
	)
	course := http.StripPrefix("/classroom", s.classroom.Service())
	inner := func(r *http.Request) string {
		return s.classroom.Service().MethodOf(below("/classroom", r))
	}
	mux.Handle("/classroom/v1/", s.struck("classroom", inner, course))
	mux.HandleFunc("GET /file/d/{file}/view", s.drive.ServeView)
	s.pages.mount(mux)
	return mux
}

// below is a request without the beginning of its path.
func below(prefix string, r *http.Request) *http.Request {
	inner := *r
	at := *r.URL
	at.Path, at.RawPath = strings.TrimPrefix(at.Path, prefix), strings.TrimPrefix(at.RawPath, prefix)
	inner.URL = &at
	return &inner
}

// struck lets the table of faults have its way with an API.
func (s *Server) struck(
	api string, method func(*http.Request) string, next http.Handler,
) http.Handler {
	if s.o.Faults == nil {
		return next
	}
	return s.o.Faults.Wrap(api, method, next)
}

// ForgetUploads drops all upload sessions, as Google does when it loses them.
func (s *Server) ForgetUploads() error {
	return s.drive.ForgetSessions()
}

// Close ends the use of the state. Requests must have ended before.
func (s *Server) Close() error {
	return errors.Join(s.classroom.Close(), s.calendar.Close(), s.drive.Close())
}
