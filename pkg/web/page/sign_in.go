package page

import (
	"errors"
	"net/http"
	"strings"

	"github.com/nvr-miem/merger/pkg/web/auth"
)

// routeSignIn adds the pages of the sign-in.
func (s *site) routeSignIn(mux *http.ServeMux) {
	mux.HandleFunc("GET /sign-in", s.beginSignIn)
	mux.HandleFunc("GET "+auth.CallbackPath, s.finishSignIn)
	mux.HandleFunc("POST /sign-out", s.signOut)
	mux.HandleFunc("GET /sign-out", s.showSignedOut)
}

// isNavigation reports whether a browser asks for a page to show. Scripts and images do not.
func isNavigation(r *http.Request) bool {
	accepts := strings.Contains(r.Header.Get("Accept"), "text/html")
	return r.Method == http.MethodGet && accepts && !isV1(r.URL.Path)
}

// beginSignIn is GET /sign-in. It leads to the issuer. After an account that may not sign in, the page asks
// for another one (other).
func (s *site) beginSignIn(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	address, err := s.SignIn.Begin(w, r, ownPath(query.Get("back")), query.Has("other"))
	if err != nil {
		s.failSignIn(w, r, err)
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// finishSignIn is where the issuer leads people back.
func (s *site) finishSignIn(w http.ResponseWriter, r *http.Request) {
	back, err := s.SignIn.Finish(w, r)
	if err != nil {
		s.failSignIn(w, r, err)
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// signOut is POST /sign-out. At the issuer the person stays signed in.
func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	s.SignIn.End(w)
	http.Redirect(w, r, "/sign-out", http.StatusSeeOther)
}

// showSignedOut is GET /sign-out.
func (s *site) showSignedOut(w http.ResponseWriter, r *http.Request) {
	if _, err := s.Authenticate(r); err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	s.renderMessage(w, r, http.StatusOK, "signed-out")
}

// failSignIn logs why a sign-in failed and answers with a sentence.
func (s *site) failSignIn(w http.ResponseWriter, r *http.Request, err error) {
	s.Log.WarnContext(r.Context(), "a sign-in failed", "err", err)
	switch {
	case errors.Is(err, auth.ErrIssuer):
		w.Header().Set("Retry-After", "10")
		s.renderMessage(w, r, http.StatusServiceUnavailable, "issuer")
	case errors.Is(err, auth.ErrStale):
		s.renderMessage(w, r, http.StatusBadRequest, "stale")
	case errors.Is(err, auth.ErrDeclined):
		s.renderMessage(w, r, http.StatusForbidden, "declined")
	case errors.Is(err, auth.ErrForeign):
		s.renderMessage(w, r, http.StatusForbidden, "foreign")
	case errors.Is(err, auth.ErrToken):
		s.renderMessage(w, r, http.StatusForbidden, "proof")
	default:
		s.renderMessage(w, r, http.StatusInternalServerError, "broken")
	}
}

// offeredSignIn returns the address of the sign-in that a message offers; empty if it offers none.
func (s *site) offeredSignIn(message string) string {
	if s.SignIn == nil {
		return ""
	}
	switch message {
	case "sign-in", "signed-out", "issuer", "stale", "declined", "proof":
		return s.SignIn.Address("/")
	case "foreign":
		return s.SignIn.Address("/") + "&other"
	}
	return ""
}
