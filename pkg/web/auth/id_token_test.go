package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func newTestOIDC(t testing.TB, issuer string) *OIDC {
	t.Helper()
	p, err := NewOIDC(OIDCOptions{
		Issuer:     issuer,
		Client:     "nvr",
		PublicURL:  "https://nvr.example.org",
		Domains:    []string{"example.org", "Second.example"},
		SessionKey: "a key of at least twenty characters",
		Now:        func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAdmit wants the hosted domain to decide for Google, and the domain of the address for others. Claims
// are written as issuers write them.
func TestAdmit(t *testing.T) {
	t.Parallel()
	const other = "https://id.example.org"
	tests := []struct {
		issuer, claims, domain string // domain: empty if refused
	}{
		{googleIssuer, `{"email": "a@example.org", "email_verified": true, "hd": "example.org"}`, "example.org"},
		{googleIssuer, `{"email": "a@alias.example", "email_verified": true, "hd": "example.org"}`, "example.org"},
		{googleIssuer, `{"email": "a@example.org", "email_verified": true}`, ""}, // an account made by anyone
		{googleIssuer, `{"email": "a@example.org", "email_verified": true, "hd": ""}`, ""},
		{googleIssuer, `{"email": "a@example.org", "email_verified": true, "hd": "evil.example"}`, ""},
		{googleIssuer, `{"email": "a@example.org", "hd": "example.org"}`, ""},
		{other, `{"email": "a@example.org", "email_verified": true}`, "example.org"},
		{other, `{"email": "a@example.org", "email_verified": "true"}`, "example.org"},
		{other, `{"email": "a@EXAMPLE.org", "email_verified": true}`, "EXAMPLE.org"},
		{other, `{"email": "a@second.example", "email_verified": true}`, "second.example"},
		{other, `{"email": "a@example.org", "email_verified": "yes"}`, ""},
		{other, `{"email": "a@example.org", "email_verified": false}`, ""},
		{other, `{"email": "a@sub.example.org", "email_verified": true}`, ""},
		{other, `{"email": "a@evil-example.org", "email_verified": true}`, ""},
		{other, `{"email": "example.org", "email_verified": true}`, ""},
		{other, `{"email": "\"a@evil.example\"@example.org", "email_verified": true}`, ""},
		{other, `{"email": "a@evil.example <b@example.org>", "email_verified": true}`, ""},
		{other, `{"email": "", "email_verified": true}`, ""},
		{other, `{"email_verified": true, "hd": "example.org"}`, ""},
	}
	for _, test := range tests {
		var c claims
		if err := json.Unmarshal([]byte(test.claims), &c); err != nil {
			t.Fatal(err)
		}
		got, err := newTestOIDC(t, test.issuer).admit(c)
		if got.Domain != test.domain || (err == nil) != (test.domain != "") {
			t.Errorf("%s, %s: %+v, %v", test.issuer, test.claims, got, err)
		}
		if err != nil && !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", test.claims, err)
		}
	}
}

// TestSecureCookies wants cookies of an https address to be bound to it.
func TestSecureCookies(t *testing.T) {
	t.Parallel()
	p := newTestOIDC(t, googleIssuer)
	w := httptest.NewRecorder()
	if err := p.cookies.write(w, p.cookies.sessionName(), session{}, time.Hour); err != nil {
		t.Fatal(err)
	}
	cookie := w.Result().Cookies()[0]
	if cookie.Name != "__Host-session" || !cookie.Secure || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("%s", cookie)
	}
}

// FuzzSession wants no person, and no sign-in to finish, for cookies and parameters of any text. The seeds
// are cookies of another key and of another purpose.
func FuzzSession(f *testing.F) {
	p := newTestOIDC(f, "https://id.example.org")
	other := newTestOIDC(f, "https://other.example.org")
	own := session{Email: "a@example.org", Domain: "example.org", Until: 1 << 40}
	foreign, err := other.cookies.codec.Encode("__Host-session", own)
	if err != nil {
		f.Fatal(err)
	}
	state := strings.Repeat("A", 26)
	misplaced, err := p.cookies.codec.Encode(p.cookies.pendingName(state), own)
	if err != nil {
		f.Fatal(err)
	}
	for _, value := range []string{foreign, misplaced, "", "eyJ", strings.Repeat("=", 5000)} {
		f.Add(value, state)
	}
	f.Fuzz(func(t *testing.T, value, state string) {
		r := httptest.NewRequest(http.MethodGet, CallbackPath+"?code=1&state="+url.QueryEscape(state), nil)
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: value})
		if user, err := p.Authenticate(r); !errors.Is(err, ErrNotSignedIn) {
			t.Errorf("%+v, %v", user, err)
		}
		if back, err := p.Finish(httptest.NewRecorder(), r); !errors.Is(err, ErrStale) {
			t.Errorf("%q, %v", back, err)
		}
	})
}
