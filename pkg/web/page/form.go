package page

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/locale"
)

// SessionCookie marks what comes from our own pages. It is no secret: who somebody is, [Options].Who
// says. It tells a page's request under /api/v1 from a program's that forgot its key.
const SessionCookie = "page"

// policy lets a page load what is ours and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// form is all that people see.
func (s *site) form() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.signedIn(s.showRequest))
	mux.HandleFunc("POST /{$}", s.signedIn(s.postRequest))
	mux.HandleFunc("GET /recordings", s.signedIn(s.showRecordings))
	mux.HandleFunc("GET /recordings/events", s.signedIn(s.recordingsEvents))
	mux.HandleFunc("GET /recordings/{id}/report", s.signedIn(s.showReport))
	mux.HandleFunc("GET /recordings/{id}/thumbnail", s.signedIn(s.showThumbnail))
	mux.HandleFunc("POST /recordings/{id}/{what}", s.signedIn(s.decideRecording))
	mux.HandleFunc("POST /language", s.chooseLanguage)
	mux.HandleFunc("GET /static/", s.serveAsset)
	s.operatorRoutes(mux)
	mux.HandleFunc("/api/v1/", s.signedIn(s.pageV1))
	mux.Handle("/api/v1/openapi.yaml", s.OpenAPI)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		// A path that exists, asked with another method, falls through to here too.
		if _, pattern := mux.Handler(&http.Request{Method: http.MethodGet, URL: r.URL, Host: r.Host}); pattern != "/" && r.Method != http.MethodGet {
			s.sayPage(w, r, http.StatusMethodNotAllowed, "")
			return
		}
		s.sayPage(w, r, http.StatusNotFound, "")
	})
	return s.pageGuard(mux)
}

// pageV1 is /api/v1 for our own pages, which carry their mark.
func (s *site) pageV1(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(SessionCookie); err != nil {
		httpapi.WriteProblem(w, r, http.StatusUnauthorized, "the header key holds no valid API key")
		return
	}
	s.V1.ServeHTTP(w, r)
}

// pageGuard is what stands before every page: names, origins, headers.
func (s *site) pageGuard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	say := func(w http.ResponseWriter, r *http.Request, status int, detail string) {
		if isAPI(r.URL.Path) {
			httpapi.WriteProblem(w, r, status, detail)
			return
		}
		s.sayPage(w, r, status, detail)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		header.Set("X-Frame-Options", "DENY")
		header.Set(httpapi.CacheControl, httpapi.NoStore)
		if isSecure(r) {
			header.Set("Strict-Transport-Security", "max-age=31536000")
		}
		httpapi.Guard(s.log, say, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !s.knownHost(r) || origins.Check(r) != nil {
				say(w, r, http.StatusForbidden, "the request comes from another site")
				return
			}
			next.ServeHTTP(w, r)
		})).ServeHTTP(w, r)
	})
}

// isSecure tells whether the browser came by TLS, which ends before us.
func isSecure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// knownHost tells whether the pages were asked for under a name of ours.
func (s *site) knownHost(r *http.Request) bool {
	host := (&url.URL{Host: r.Host}).Hostname()
	return len(s.Hosts) == 0 || slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// signedIn lets only people pass.
func (s *site) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, err := s.Authenticate(r)
		if err != nil || user.Email == "" {
			if err != nil && !errors.Is(err, auth.ErrNotSignedIn) {
				s.log.ErrorContext(r.Context(), "could not tell who is signed in", "err", err)
			}
			if isAPI(r.URL.Path) {
				httpapi.WriteProblem(w, r, http.StatusUnauthorized, "not signed in")
				return
			}
			s.sayPage(w, r, http.StatusUnauthorized, "")
			return
		}
		if !isAPI(r.URL.Path) && r.Method == http.MethodGet {
			s.setCookie(w, r, SessionCookie, "1", http.SameSiteStrictMode)
		}
		next(w, auth.WithCaller(r, &auth.Caller{ID: "page/" + strings.ToLower(user.Email), Email: user.Email, Operator: user.Operator}))
	}
}

// setCookie sets a cookie that no script reads, for a year, unless the browser sent it just so.
func (s *site) setCookie(w http.ResponseWriter, r *http.Request, name, value string, site http.SameSite) {
	if was, err := r.Cookie(name); err == nil && was.Value == value {
		return
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: isSecure(r), SameSite: site})
}

// chooseLanguage is POST /language.
func (s *site) chooseLanguage(w http.ResponseWriter, r *http.Request) {
	language := r.PostFormValue("language")
	if !s.words.Speaks(language) {
		s.sayPage(w, r, http.StatusBadRequest, "")
		return
	}
	s.setCookie(w, r, locale.Cookie, language, http.SameSiteLaxMode)
	http.Redirect(w, r, ownPath(r.PostFormValue("back")), http.StatusSeeOther)
}

// ownPath gives a path of this site; the first page for anything else.
func ownPath(back string) string {
	parsed, err := url.Parse(back)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\r\n\t") {
		return "/"
	}
	return back
}

// user is who is signed in, for the page's frame.
func (s *site) user(r *http.Request) auth.User {
	c := auth.CallerOf(r)
	return auth.User{Email: c.Email, Operator: c.Operator}
}

// isAPI tells whether a path is one of /api/v1.
func isAPI(path string) bool { return path == "/api/v1" || strings.HasPrefix(path, "/api/v1/") }
