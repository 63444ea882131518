package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/locale"
)

//go:embed templates static
var files embed.FS

// pages are the templates, once a language.
type pages struct {
	byLanguage map[string]map[string]*template.Template
	assets     map[string]asset // by the name in static/
}

// asset is a static file, whose address changes with its content.
type asset struct {
	address string
	body    []byte
	kind    string
}

// shown is what every page has.
type shown struct {
	Language string
	Title    string
	Nav      string // the entry of the navigation that is this page
	Back     string // where a change of language returns to
	User     auth.User
	Body     any
}

// parsePages reads what is part of the program; a test reads it too.
func parsePages(words *locale.Catalog) *pages {
	p := &pages{byLanguage: map[string]map[string]*template.Template{}, assets: map[string]asset{}}
	for name, kind := range map[string]string{"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		body, err := files.ReadFile("static/" + name)
		if err != nil {
			panic(err) // it is part of the program
		}
		sum := sha256.Sum256(body)
		p.assets[name] = asset{"/static/" + hex.EncodeToString(sum[:6]) + "/" + name, body, kind}
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, language := range words.Languages() {
		p.byLanguage[language] = map[string]*template.Template{}
		for _, name := range names {
			base := template.New("base").Funcs(template.FuncMap{
				"t":     func(key string, args ...any) string { return words.T(language, key, args...) },
				"asset": func(name string) string { return p.assets[name].address },
			})
			page := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")
			p.byLanguage[language][page] = template.Must(base.ParseFS(files, "templates/base.html", name))
		}
	}
	return p
}

// render answers with a page.
func (s *site) render(w http.ResponseWriter, r *http.Request, status int, name string, page shown) {
	page.Language = s.words.Language(r)
	if page.Back == "" {
		page.Back = r.URL.RequestURI()
		if r.Method != http.MethodGet {
			page.Back = "/"
		}
	}
	var out bytes.Buffer
	if err := s.pages.byLanguage[page.Language][name].ExecuteTemplate(&out, "base", page); err != nil {
		s.log.ErrorContext(r.Context(), "could not write a page", "page", name, "err", err)
		http.Error(w, s.words.T(page.Language, "message.broken"), http.StatusInternalServerError)
		return
	}
	w.Header().Set(httpapi.ContentType, httpapi.HTMLType)
	w.Header().Set("Content-Language", page.Language)
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // a browser that is gone reads nothing
}

// fragment writes a part of a page, for the script to put in.
func (s *site) fragment(language, page, name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := s.pages.byLanguage[language][page].ExecuteTemplate(&out, name, data); err != nil {
		return nil, fmt.Errorf("write %s of page %s: %w", name, page, err)
	}
	return out.Bytes(), nil
}

// message is a page that only says something.
type message struct{ Heading, Text string }

// sayPage answers an error as a page.
func (s *site) sayPage(w http.ResponseWriter, r *http.Request, status int, _ string) {
	key := "message.other"
	switch {
	case status == http.StatusNotFound:
		key = "message.not-found"
	case status == http.StatusForbidden:
		key = "message.forbidden"
	case status == http.StatusUnauthorized:
		key = "message.nobody"
	case status == http.StatusRequestEntityTooLarge:
		key = "message.large"
	case status >= http.StatusInternalServerError:
		key = "message.broken"
	}
	s.sayMessage(w, r, status, key)
}

func (s *site) sayMessage(w http.ResponseWriter, r *http.Request, status int, key string) {
	language := s.words.Language(r)
	heading := s.words.T(language, key)
	user, _ := s.Authenticate(r) // only for the navigation; nobody sees less
	s.render(w, r, status, "message", shown{Title: heading, User: user, Body: message{heading, s.words.T(language, key+".text")}})
}

// serveAsset serves a static file: forever under the address of its content.
func (s *site) serveAsset(w http.ResponseWriter, r *http.Request) {
	for _, a := range s.pages.assets {
		if r.URL.Path == a.address {
			w.Header().Set(httpapi.ContentType, a.kind)
			w.Header().Set(httpapi.CacheControl, "public, max-age=31536000, immutable")
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
			return
		}
	}
	s.sayPage(w, r, http.StatusNotFound, "")
}
