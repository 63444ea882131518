// Package google is a stand-in of Google Drive, Calendar and Classroom: servers for Google's
// client libraries, whose state is a folder, with small pages for people.
//
// It answers at Google's own paths, checks requests and its own answers against Google's
// descriptions, and fails where a [faults.Table] states so. After a kill at any instant, what was
// answered is there; what was not answered is there whole or not at all. It knows no record and
// no merge. Packages drive, calendar and classroom have the rules of each API; packages api and
// state have what they share. Start with [New].
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

// Options configure a [Server].
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

// Server is the three APIs and their pages. Close it.
type Server struct {
	o         Options
	drive     *drive.Drive
	calendar  *calendar.Calendar
	classroom *classroom.Classroom
	pages     *pages
}

// New opens the state under Options.Dir, or creates it. One process at a time may open it.
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
		Dir:      filepath.Join(o.Dir, "classroom"),
		BaseURL:  o.BaseURL,
		Now:      o.Now,
		Log:      o.Log,
		Visible:  s.drive.Visible,
		CanShare: s.drive.CanShare,
		Link:     s.drive.Link,
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

// Handler serves Google's paths, and the pages at /. The caller strips the prefix that it is
// mounted under.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	files := s.withFaults("drive", s.drive.Service().MethodOf, s.drive.Service())
	mux.Handle("/drive/v3/", files)
	mux.Handle("/upload/drive/v3/", files)
	mux.Handle(
		"/calendar/v3/", s.withFaults(
			"calendar",
			s.calendar.Service().MethodOf,
			s.calendar.Service(),
		),
	)
	course := http.StripPrefix("/classroom", s.classroom.Service())
	inner := func(r *http.Request) string {
		return s.classroom.Service().MethodOf(below("/classroom", r))
	}
	mux.Handle("/classroom/v1/", s.withFaults("classroom", inner, course))
	mux.HandleFunc("GET /file/d/{file}/view", s.drive.ServeView)
	s.pages.mount(mux)
	return mux
}

// below returns a copy of a request without the beginning of its path.
func below(prefix string, r *http.Request) *http.Request {
	inner := *r
	at := *r.URL
	at.Path, at.RawPath = strings.TrimPrefix(at.Path, prefix), strings.TrimPrefix(at.RawPath, prefix)
	inner.URL = &at
	return &inner
}

// withFaults wraps an API's handler with the table of faults, if there is one.
func (s *Server) withFaults(
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

// Close closes the state. Requests must have ended.
func (s *Server) Close() error {
	return errors.Join(s.classroom.Close(), s.calendar.Close(), s.drive.Close())
}
