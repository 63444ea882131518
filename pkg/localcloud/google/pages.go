package google

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/calendar"
	"github.com/nvr-miem/merger/pkg/localcloud/google/classroom"
	"github.com/nvr-miem/merger/pkg/localcloud/google/drive"
)

//go:embed page.html page.css
var looks embed.FS

const agendaDays = 60 // that a calendar's page shows, back and ahead

// page is the data of the template. The fields that are set decide which parts it shows.
type page struct {
	Lang  string
	W     pageStrings
	Style template.CSS
	Root  string // of links: where the pages are mounted
	Title string

	Folders   []drive.Entry
	Calendars []string
	Courses   []classroom.Entry

	Overview bool
	Folder   *drive.Entry
	Inside   []drive.Entry
	Calendar string
	Events   []calendar.Entry
	Course   *classroom.Entry
}

// pages serves pages for people, without scripts and without resources of other sites.
type pages struct {
	s    *Server
	look *template.Template
	css  string
	root string

	texts *translations
}

// newPages parses the template. Links begin with the path of the server's BaseURL.
func newPages(s *Server) (*pages, error) {
	css, err := looks.ReadFile("page.css")
	if err != nil {
		return nil, fmt.Errorf("read the style of the pages: %w", err)
	}
	texts, err := readTranslations()
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(s.o.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("the time zone of the pages: %w", err)
	}
	look, err := template.New("page.html").Funcs(template.FuncMap{
		"size": size,
		"path": url.PathEscape,
		"moment": func(t time.Time) string {
			return t.In(zone).Format("2006-01-02 15:04")
		},
		"day":  func(t time.Time) string { return t.Format(time.DateOnly) },
		"hour": func(t time.Time) string { return t.Format("15:04") },
	}).ParseFS(looks, "page.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	root := "/"
	if base, err := url.Parse(s.o.BaseURL); err == nil {
		root = strings.TrimRight(base.Path, "/") + "/"
	}
	return &pages{
		s:     s,
		look:  look,
		css:   string(css),
		root:  root,
		texts: texts,
	}, nil
}

// mount registers the pages.
func (p *pages) mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.overview)
	mux.HandleFunc("GET /drive/folders/{folder}", p.folder)
	mux.HandleFunc("GET /calendar/{calendar}", p.calendar)
	mux.HandleFunc("GET /calendar/event", p.event)
	mux.HandleFunc("GET /classroom/c/{course}", p.course)
}

// overview shows folders, calendars and courses.
func (p *pages) overview(w http.ResponseWriter, r *http.Request) {
	p.write(
		w,
		r,
		page{
			Overview:  true,
			Folders:   p.s.drive.Folders(),
			Calendars: p.s.calendar.Calendars(),
			Courses:   p.s.classroom.Courses(),
		},
	)
}

// folder shows a folder of Drive with its files.
func (p *pages) folder(w http.ResponseWriter, r *http.Request) {
	folder, inside, ok := p.s.drive.Folder(r.PathValue("folder"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	p.write(w, r, page{
		Title:  folder.Name,
		Folder: &folder,
		Inside: inside,
	})
}

// calendar shows the events of a calendar, agendaDays back and ahead.
func (p *pages) calendar(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("calendar")
	now := p.s.o.Now()
	events := p.s.calendar.Agenda(id, now.AddDate(0, 0, -agendaDays), now.AddDate(0, 0, agendaDays))
	p.write(w, r, page{Title: id, Calendar: id, Events: events})
}

// event shows the event that an htmlLink names.
func (p *pages) event(w http.ResponseWriter, r *http.Request) {
	id, event, ok := p.s.calendar.Named(r.URL.Query().Get("eid"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	p.write(w, r, page{
		Title:    event.Title,
		Calendar: id,
		Events:   []calendar.Entry{event},
	})
}

// course shows a course with its announcements.
func (p *pages) course(w http.ResponseWriter, r *http.Request) {
	course, ok := p.s.classroom.Course(r.PathValue("course"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	p.write(w, r, page{Title: course.Name, Course: &course})
}

// write renders a page in the language of the browser.
func (p *pages) write(w http.ResponseWriter, r *http.Request, show page) {
	show.Lang, show.W = p.texts.match(r.Header.Get("Accept-Language"))
	show.Root = p.root
	show.Style = template.CSS(p.css) // #nosec G203 -- our own file
	if show.Title == "" {
		show.Title = show.W.Workspace
	}
	var text bytes.Buffer
	if err := p.look.Execute(&text, show); err != nil {
		p.s.o.Log.ErrorContext(r.Context(), "a page could not be made", "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set(
		"Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; "+
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Vary", "Accept-Language")
	_, _ = w.Write(text.Bytes()) // the reader may be gone
}

// size formats a number of bytes in decimal units.
func size(bytes int64, units []string) string {
	value, unit := float64(bytes), 0
	for value >= 1000 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d %s", bytes, units[0])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
