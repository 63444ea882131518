package page

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// Options are what the pages need.
type Options struct {
	Records *records.Service
	Log     *slog.Logger
	V1      http.Handler    // /api/v1 for a caller that the context carries
	OpenAPI http.Handler    // the description of /api/v1
	Limits  *httpapi.Limits // of each person's writes

	// Site is what the pages are called.
	Site httpapi.Site
	// Authenticate returns the person who signed in, or [auth.ErrNotSignedIn].
	Authenticate func(*http.Request) (auth.User, error)
	// SignIn is where people sign in, if this site does it. It may be nil.
	SignIn *auth.OIDC
	// Report and Thumbnail read what belongs to a record's merge. They return nil without an error
	// if there is none, and may be nil themselves.
	Report    func(ctx context.Context, r nvr.Record) ([]byte, error)
	Thumbnail func(ctx context.Context, r nvr.Record) ([]byte, error)
	Footage   bool // /api/v1 has pictures of footage
}

// site serves the pages.
type site struct {
	Options
	catalog *i18n.Catalog
	pages   *pages
}

// sessionCookie marks requests of the pages under /api/v1. It is no secret and grants nothing:
// [Options].Authenticate does. It separates a page's request from that of a program without its
// key.
const sessionCookie = "page"

// HasSession reports whether a request carries the pages' cookie.
func HasSession(r *http.Request) bool {
	_, err := r.Cookie(sessionCookie)
	return err == nil
}

// policy allows a page to load only what this site serves.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// New returns the handler of the pages, and of /api/v1 with the pages' session.
func New(o Options) http.Handler {
	s := &site{
		Options: o,
		catalog: o.Records.Catalog,
		pages:   parsePages(o.Records.Catalog),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.signedIn(s.showRequest))
	mux.HandleFunc("POST /{$}", s.signedIn(s.postRequest))
	mux.HandleFunc("GET /recordings", s.signedIn(s.showRecordings))
	streams := httpapi.NewStreams()
	mux.HandleFunc("GET /recordings/events",
		s.signedIn(streams.Limit(auth.IDOf, s.failPage, s.streamRecordings)))
	mux.HandleFunc("GET /recordings/{id}", s.signedIn(s.showRecord))
	mux.HandleFunc("POST /recordings/{id}", s.signedIn(s.postRecord))
	mux.HandleFunc("POST /recordings/{id}/takeback", s.signedIn(s.takeBack))
	mux.HandleFunc("POST /recordings/{id}/restore", s.signedIn(s.restore))
	mux.HandleFunc("POST /recordings/{id}/release", s.signedIn(s.release))
	mux.HandleFunc("POST /recordings/{id}/post", s.signedIn(s.postAgain))
	mux.HandleFunc("GET /recordings/{id}/report", s.signedIn(s.showReport))
	mux.HandleFunc("GET /recordings/{id}/thumbnail", s.signedIn(s.showThumbnail))
	mux.HandleFunc("POST /recordings/{id}/retry", s.signedIn(s.retry))
	mux.HandleFunc("POST /recordings/{id}/cancel", s.signedIn(s.cancel))
	mux.HandleFunc("GET /operators", s.operatorsOnly(s.showOperators))
	mux.HandleFunc("POST /operators/failures", s.operatorsOnly(s.postFailures))
	mux.HandleFunc("GET /operators/rooms/{id}", s.operatorsOnly(s.showRoom))
	mux.HandleFunc("POST /operators/rooms/{id}", s.operatorsOnly(s.postRoom))
	mux.HandleFunc("POST /operators/rooms/{id}/sources/{source}", s.operatorsOnly(s.postSource))
	mux.HandleFunc("POST /language", s.chooseLanguage)
	if o.SignIn != nil {
		s.routeSignIn(mux)
	}
	mux.HandleFunc("GET /static/{hash}/{name}", s.serveAsset)
	mux.HandleFunc("/api/v1/", s.signedIn(s.serveV1))
	mux.Handle("/api/v1/openapi.yaml", o.OpenAPI)
	return s.protect(httpapi.Routes(mux, s.failPage))
}

// isV1 reports whether a path belongs to /api/v1, where errors are problem+json.
func isV1(path string) bool {
	return path == "/api/v1" || strings.HasPrefix(path, "/api/v1/")
}

// serveV1 is /api/v1 for the pages, which send their cookie.
func (s *site) serveV1(w http.ResponseWriter, r *http.Request) {
	if !HasSession(r) {
		httpapi.WriteProblem(w, r, http.StatusUnauthorized, "the header key holds no valid API key")
		return
	}
	s.V1.ServeHTTP(w, r)
}

// fail answers an error in the form that the path asks for.
func (s *site) fail(w http.ResponseWriter, r *http.Request, status int, detail string) {
	if isV1(r.URL.Path) {
		httpapi.WriteProblem(w, r, status, detail)
		return
	}
	s.failPage(w, r, status, detail)
}

// serverError logs a failure of the database and answers with a page.
func (s *site) serverError(w http.ResponseWriter, r *http.Request, action string, err error) {
	httpapi.ServerError(w, r, s.Log, s.failPage, action, err)
}

// protect wraps all pages: limits, security headers, and a refusal of requests that come from
// other sites.
func (s *site) protect(next http.Handler) http.Handler {
	own := httpapi.OwnSiteOnly(s.Site, s.fail, next)
	guarded := httpapi.Guard(s.Log, s.fail, own)
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
		guarded.ServeHTTP(w, r)
	})
}

// isSecure reports whether the browser used TLS, which Google's front end terminates.
func isSecure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

// signedIn passes only requests of people who signed in. All others get 401.
func (s *site) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, err := s.Authenticate(r)
		if err != nil && !errors.Is(err, auth.ErrNotSignedIn) {
			s.Log.ErrorContext(r.Context(), "could not authenticate a person", "err", err)
		}
		if err != nil || user.Email == "" {
			if s.SignIn != nil && isNavigation(r) {
				http.Redirect(w, r, s.SignIn.Address(r.URL.RequestURI()), http.StatusSeeOther)
				return
			}
			s.fail(w, r, http.StatusUnauthorized, "not signed in")
			return
		}
		if !isV1(r.URL.Path) && r.Method == http.MethodGet {
			setCookie(w, r, sessionCookie, "1", http.SameSiteStrictMode)
		}
		caller := &auth.Caller{
			ID:       "page/" + strings.ToLower(user.Email),
			Email:    user.Email,
			Operator: user.Operator,
		}
		writes := r.Method != http.MethodGet && r.Method != http.MethodHead
		if writes && !isV1(r.URL.Path) && !s.Limits.Admit(w, r, caller.ID, s.failPage) {
			return
		}
		next(w, auth.WithCaller(r, caller))
	}
}

// operatorsOnly passes only requests of operators. Other people get 403.
func (s *site) operatorsOnly(next http.HandlerFunc) http.HandlerFunc {
	return s.signedIn(func(w http.ResponseWriter, r *http.Request) {
		if !auth.CallerOf(r).Operator {
			s.failPage(w, r, http.StatusForbidden, "")
			return
		}
		next(w, r)
	})
}

// cookieAge is how long a browser keeps a cookie, in seconds: a year.
const cookieAge = 365 * 24 * 3600

// setCookie sets a cookie that scripts cannot read, unless the browser sent it with this value.
func setCookie(w http.ResponseWriter, r *http.Request, name, value string, site http.SameSite) {
	if sent, err := r.Cookie(name); err == nil && sent.Value == value {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		MaxAge:   cookieAge,
		HttpOnly: true,
		Secure:   isSecure(r),
		SameSite: site,
	})
}

// ownPath returns a path of this site that a form sent. Anything else, such as //other.example,
// becomes "/".
func ownPath(back string) string {
	parsed, err := url.Parse(back)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" {
		return "/"
	}
	if !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") {
		return "/"
	}
	if strings.ContainsAny(back, "\\\r\n\t") { // browsers read a backslash as a slash
		return "/"
	}
	return back
}
