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
	"net/url"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

//go:embed templates static
var files embed.FS

const (
	// languageCookie holds the tag of the language that a person chose.
	languageCookie = "language"
	// defaultLanguage is for readers of no known language.
	defaultLanguage = "ru"
)

// pages are the parsed templates, once a language, and the static files.
type pages struct {
	byLanguage map[string]map[string]*template.Template // by language and name
	assets     map[string]asset                         // by name in static/
}

// asset is a static file. Its address contains a hash of its content, so that browsers may keep it
// for ever.
type asset struct {
	hash string
	body []byte
}

// address returns the path of the file with a name. It changes with the content of the file.
func (a asset) address(name string) string {
	return "/static/" + a.hash + "/" + name
}

// frame is what every page has, around the data of the one page.
type frame struct {
	Language  string
	Languages []language // to choose from
	Title     string
	Nav       string // entry of the navigation that is this page
	Back      string // where a change of language returns to
	Form      string // ID of the form whose input a change of language keeps; empty: none
	User      auth.User
	SignOut   bool // this site can sign people out
	Body      any
}

// language is a language that a reader can choose.
type language struct{ Tag, Name string }

// parsePages parses the embedded templates. Texts are the catalogue's; {{t "key" "name" value}}
// adds "page." to a key.
func parsePages(catalog *i18n.Catalog) *pages {
	p := &pages{
		byLanguage: map[string]map[string]*template.Template{},
		assets:     readAssets(),
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err) // only for a malformed pattern
	}
	for _, tag := range catalog.Languages() {
		l := catalog.For(tag)
		functions := template.FuncMap{
			"t": func(key string, args ...any) string {
				return l.T("page."+key, args...)
			},
			"asset": func(name string) string { return p.assets[name].address(name) },
		}
		p.byLanguage[tag] = map[string]*template.Template{}
		for _, name := range names {
			base := template.New("base").Funcs(functions)
			page := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")
			p.byLanguage[tag][page] = template.Must(base.ParseFS(files, "templates/base.html", name))
		}
	}
	return p
}

// readAssets reads the embedded static files and hashes them.
func readAssets() map[string]asset {
	entries, err := fs.ReadDir(files, "static")
	if err != nil {
		panic(err) // the folder is embedded
	}
	assets := map[string]asset{}
	for _, entry := range entries {
		body, err := fs.ReadFile(files, "static/"+entry.Name())
		if err != nil {
			panic(err) // the file is embedded
		}
		sum := sha256.Sum256(body)
		assets[entry.Name()] = asset{hash: hex.EncodeToString(sum[:6]), body: body}
	}
	return assets
}

// serveAsset is GET /static/{hash}/{name}. An address with an old hash is 404.
func (s *site) serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	a, ok := s.pages.assets[name]
	if !ok || r.PathValue("hash") != a.hash {
		s.failPage(w, r, http.StatusNotFound, "")
		return
	}
	w.Header().Set(httpapi.CacheControl, "public, max-age=31536000, immutable")
	w.Header().Set("ETag", `"`+a.hash+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(a.body))
}

// localizer returns the texts in the reader's language: the chosen one, else the browser's first
// known one.
func (s *site) localizer(r *http.Request) *i18n.Localizer {
	if chosen, err := r.Cookie(languageCookie); err == nil && s.catalog.Has(chosen.Value) {
		return s.catalog.For(chosen.Value)
	}
	return s.catalog.Match(defaultLanguage, r.Header.Get("Accept-Language"))
}

// chooseLanguage is POST /language.
func (s *site) chooseLanguage(w http.ResponseWriter, r *http.Request) {
	tag := r.PostFormValue("language")
	if !s.catalog.Has(tag) {
		s.failPage(w, r, http.StatusBadRequest, "")
		return
	}
	setCookie(w, r, languageCookie, tag, http.SameSiteLaxMode)
	back := ownPath(r.PostFormValue("back"))
	if r.PostForm.Has("room") { // sent by the form of the request page
		back = "/?" + typed(r).Encode()
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// typed returns what the form of the request page holds, as a query that fills it in again.
func typed(r *http.Request) url.Values {
	query := url.Values{}
	for _, name := range []string{"room", "date", "start", "end", "title"} {
		if value := formText(r, name); value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// otherLanguages returns the languages that a reader of this one can choose, by their own names.
func (s *site) otherLanguages(current string) []language {
	var others []language
	for _, tag := range s.catalog.Languages() {
		if tag != current {
			others = append(others, language{Tag: tag, Name: s.catalog.For(tag).T("page.language")})
		}
	}
	return others
}

// render answers with a page.
func (s *site) render(w http.ResponseWriter, r *http.Request, status int, name string, page frame) {
	l := s.localizer(r)
	page.Language = l.Language()
	page.Languages = s.otherLanguages(page.Language)
	page.Back = "/"
	if r.Method == http.MethodGet && r.URL.Path != auth.CallbackPath { // a sign-in cannot be finished twice
		page.Back = r.URL.RequestURI()
	}
	if caller := auth.CallerOf(r); caller != nil {
		page.User = auth.User{Email: caller.Email, Operator: caller.Operator}
		page.SignOut = s.SignIn != nil
	}
	html, err := s.execute(page.Language, name, "base", page)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "could not write a page", "page", name, "err", err)
		http.Error(w, l.T("page.message.broken"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Language", page.Language)
	w.Header().Set("Vary", "Accept-Language, Cookie")
	writeHTML(w, status, html)
}

// writeHTML answers with a page that was rendered whole, so that an error leaves no half page.
func writeHTML(w http.ResponseWriter, status int, html []byte) {
	w.Header().Set(httpapi.ContentType, httpapi.HTMLType)
	w.WriteHeader(status)
	_, _ = w.Write(html) // fails only if the browser is gone
}

// execute returns one template of a page as HTML.
func (s *site) execute(tag, page, name string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := s.pages.byLanguage[tag][page].ExecuteTemplate(&out, name, data); err != nil {
		return nil, fmt.Errorf("execute template %s of page %s: %w", name, page, err)
	}
	return out.Bytes(), nil
}

// message is a page with a heading and one sentence.
type message struct {
	Heading, Text string
	SignIn        string // address of the sign-in that the page offers; empty: none
}

// failPage answers an error as a page. It is an [httpapi.ErrorWriter]; the texts are the
// catalogue's, not the detail.
func (s *site) failPage(w http.ResponseWriter, r *http.Request, status int, _ string) {
	switch {
	case status == http.StatusNotFound:
		s.renderMessage(w, r, status, "not-found")
	case status == http.StatusForbidden:
		s.renderMessage(w, r, status, "forbidden")
	case status == http.StatusUnauthorized:
		s.renderMessage(w, r, status, "sign-in")
	case status == http.StatusRequestEntityTooLarge:
		s.renderMessage(w, r, status, "large")
	case status >= http.StatusInternalServerError:
		s.renderMessage(w, r, status, "broken")
	default:
		s.renderMessage(w, r, status, "other")
	}
}

// renderMessage answers with a heading and a sentence, the texts "page.message." and the name.
func (s *site) renderMessage(w http.ResponseWriter, r *http.Request, status int, name string) {
	l := s.localizer(r)
	heading := l.T("page.message." + name)
	text := l.T("page.message." + name + ".text")
	user, _ := s.Authenticate(r) // only for the navigation; without one it shows less
	s.render(w, r, status, "message", frame{
		Title:   heading,
		User:    user,
		SignOut: s.SignIn != nil && user.Email != "",
		Body:    message{Heading: heading, Text: text, SignIn: s.offeredSignIn(name)},
	})
}
