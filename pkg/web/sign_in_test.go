package web_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/nvr-miem/merger/pkg/localcloud/openid"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

// TestSignIn opens a page as a stranger, signs in at the issuer and sees the page; also after a restart of
// the server, and until the session ends.
func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newSignInEnv(t)
	b := s.newVisitor()
	status, at, text := b.signsIn("/recordings?q=a%26b", lecturer)
	if status != http.StatusOK || at.RequestURI() != "/recordings?q=a%26b" || !strings.Contains(text, lecturer) {
		t.Fatalf("after the sign-in: %d %s %s", status, at, text)
	}
	if strings.Contains(text, `href="/operators"`) {
		t.Error("a lecturer is an operator")
	}
	s.restart()
	if status, at, _ := b.open(http.MethodGet, s.public()+"/"); status != http.StatusOK || at.Path != "/" {
		t.Errorf("after a restart: %d %s", status, at)
	}
	s.clock.Move(12*time.Hour - time.Second)
	if status, at, _ := b.open(http.MethodGet, s.public()+"/"); status != http.StatusOK || at.Path != "/" {
		t.Errorf("before the session ends: %d %s", status, at)
	}
	s.clock.Move(time.Second)
	b.wantStranger("a session that has ended")

	if _, _, text := b.signsIn("/", "operator@example.org"); !strings.Contains(text, `href="/operators"`) {
		t.Error("an operator is none")
	}
	s.key = strings.ToUpper(sessionKey)
	s.restart()
	b.wantStranger("a session of another key")
}

// TestSignOut wants the session gone and a page that says so.
func TestSignOut(t *testing.T) {
	t.Parallel()
	s := newSignInEnv(t)
	b := s.newVisitor()
	b.signsIn("/", lecturer)
	status, at, text := b.open(http.MethodPost, s.public()+"/sign-out")
	if status != http.StatusOK || at.Path != "/sign-out" || !strings.Contains(text, "You are signed out") {
		t.Errorf("%d %s %s", status, at, text)
	}
	b.wantStranger("after the sign-out")
	b.signsIn("/", lecturer)
	if _, at, _ := b.open(http.MethodGet, s.public()+"/sign-out"); at.Path != "/" {
		t.Errorf("a page opened by its address signs out: %s", at)
	}
}

// TestSessionCookie wants attributes that keep the session from scripts and other sites.
func TestSessionCookie(t *testing.T) {
	t.Parallel()
	s := newSignInEnv(t)
	b := s.newVisitor()
	b.follow = false
	address := b.callback(b.followed().begin("/"), lecturer)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	s.must(err)
	for _, cookie := range b.jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	s.must(err)
	s.must(response.Body.Close())
	for _, cookie := range response.Cookies() {
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Domain != "" {
			t.Errorf("%s", cookie)
		}
		if cookie.Name == "session" && (cookie.MaxAge != 12*3600 || strings.Contains(cookie.Value, "lecturer")) {
			t.Errorf("%s", cookie)
		}
	}
	if len(response.Cookies()) != 2 { // the session, and the end of the sign-in's
		t.Errorf("%v", response.Cookies())
	}
}

// TestForgedTokens wants no session for any token but the issuer's own for this sign-in, and a sentence in
// the reader's language.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s := newSignInEnv(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	former := "" // a valid token of an earlier sign-in
	s.issuer.SetToken(func(claims map[string]any) string {
		former = s.issuer.Sign(claims)
		return former
	})
	s.newVisitor().signsIn("/", lecturer)

	change := func(name string, value any) func(map[string]any) string {
		return func(claims map[string]any) string {
			claims[name] = value
			return s.issuer.Sign(claims)
		}
	}
	now := s.clock.Now()
	tests := []struct {
		about string
		token func(map[string]any) string
	}{
		{"of an earlier sign-in", func(map[string]any) string { return former }},
		{"with another nonce", change("nonce", "another")},
		{"without a nonce", change("nonce", nil)},
		{"of another issuer", change("iss", "https://evil.example")},
		{"for another client", change("aud", "another")},
		{"for several clients, issued to another", func(claims map[string]any) string {
			claims["aud"], claims["azp"] = []string{"another", clientID}, "another"
			return s.issuer.Sign(claims)
		}},
		{"for several clients, issued to none of them", func(claims map[string]any) string {
			claims["aud"] = []string{"another", clientID}
			return s.issuer.Sign(claims)
		}},
		{"that has expired", change("exp", now.Add(-time.Second).Unix())},
		{"without an expiry", change("exp", nil)},
		{"of the future", change("nbf", now.Add(time.Hour).Unix())},
		{"signed with another key", func(claims map[string]any) string {
			return openid.SignWith(jose.RS256, other, claims)
		}},
		{"signed with the public key as a secret", func(claims map[string]any) string {
			return openid.SignWith(jose.HS256, s.issuer.PublicKey(), claims)
		}},
		{"that is not signed", func(claims map[string]any) string {
			payload, _, _ := strings.Cut(strings.SplitN(s.issuer.Sign(claims), ".", 2)[1], ".")
			return "eyJhbGciOiJub25lIn0." + payload + "."
		}},
		{"with other claims than those signed", func(claims map[string]any) string {
			signed := strings.Split(s.issuer.Sign(claims), ".")
			claims["email"] = "operator@example.org"
			signed[1] = strings.Split(s.issuer.Sign(claims), ".")[1]
			return strings.Join(signed, ".")
		}},
		{"that is none", func(map[string]any) string { return "" }},
	}
	for _, test := range tests {
		s.issuer.SetToken(test.token)
		for language, sentence := range map[string]string{
			"en": "Your sign-in could not be confirmed",
			"ru": "Не удалось подтвердить вход",
		} {
			b := s.newVisitor()
			b.language = language
			status, _, text := b.signsIn("/", lecturer)
			if status != http.StatusForbidden || !strings.Contains(text, sentence) {
				t.Errorf("a token %s: %d %s", test.about, status, text)
			}
			b.wantStranger("a token " + test.about)
		}
	}
	s.issuer.SetToken(nil)
	if status, at, _ := s.newVisitor().signsIn("/", lecturer); status != http.StatusOK || at.Path != "/" {
		t.Errorf("an honest token: %d %s", status, at)
	}
}

// TestForeignAccounts wants only verified accounts of the domain, and the offer to choose another one.
func TestForeignAccounts(t *testing.T) {
	t.Parallel()
	s := newSignInEnv(t)
	for _, account := range []string{
		"lecturer@elsewhere.example", "hosted@example.org", "unverified@example.org", "\u212Aate@example.org",
	} {
		b := s.newVisitor()
		status, _, text := b.signsIn("/", account)
		if status != http.StatusForbidden || !strings.Contains(text, "This account cannot be used here") {
			t.Errorf("%s: %d %s", account, status, text)
		}
		if !strings.Contains(text, "&amp;other") {
			t.Errorf("%s: the page offers no other account: %s", account, text)
		}
		b.wantStranger(account)
		if at := b.begin("/sign-in?other"); at.Query().Get("prompt") != "select_account" {
			t.Errorf("%s: the issuer does not ask for the account: %s", account, at)
		}
	}
}

// TestReplayedSignIns wants each sign-in to be finished once, by the browser that began it.
func TestReplayedSignIns(t *testing.T) {
	t.Parallel()
	s := newSignInEnv(t)
	stale := func(about string, b *visitor, address string) {
		t.Helper()
		status, _, text := b.open(http.MethodGet, address)
		if status != http.StatusBadRequest || !strings.Contains(text, "This sign-in is no longer valid") {
			t.Errorf("%s: %d %s", about, status, text)
		}
		b.wantStranger(about)
	}
	address := func(b *visitor) string { return b.callback(b.begin("/"), lecturer) }

	mine := s.newVisitor()
	first := address(mine)
	stale("another browser", s.newVisitor(), first)
	where, err := url.Parse(s.public() + auth.CallbackPath)
	s.must(err)
	cookies := mine.jar.Cookies(where)
	if status, _, _ := mine.open(http.MethodGet, first); status != http.StatusOK {
		t.Errorf("the browser that began: %d", status)
	}
	thief := s.newVisitor()
	thief.jar.SetCookies(where, cookies) // also the cookie of the sign-in was copied
	stale("a code that was used", thief, first)
	stale("a sign-in that was finished", s.newVisitor(), first)

	one, two := s.newVisitor(), s.newVisitor()
	ours, theirs := mustQuery(t, address(one)), mustQuery(t, address(two))
	ours.Set("code", theirs.Get("code")) // another person's code: the verifier of PKCE is not theirs
	stale("a code of another sign-in", one, where.String()+"?"+ours.Encode())

	late := s.newVisitor()
	lateAddress := address(late)
	s.clock.Move(15 * time.Minute)
	stale("a sign-in that took too long", late, lateAddress)
	stale("no state", s.newVisitor(), where.String()+"?code=1")
	stale("a state that is none", s.newVisitor(), where.String()+"?code=1&state=%00%0d%0a;")
}

// TestSeveralTabs begins two sign-ins in one browser and finishes both.
func TestSeveralTabs(t *testing.T) {
	t.Parallel()
	b := newSignInEnv(t).newVisitor()
	first, second := b.callback(b.begin("/"), lecturer), b.callback(b.begin("/recordings"), lecturer)
	for address, path := range map[string]string{first: "/", second: "/recordings"} {
		if status, at, _ := b.open(http.MethodGet, address); status != http.StatusOK || at.Path != path {
			t.Errorf("%s: %d %s", path, status, at)
		}
	}
}

// TestDeclinedSignIn wants a sentence for what the issuer answers instead of a code.
func TestDeclinedSignIn(t *testing.T) {
	t.Parallel()
	s := newSignInEnv(t)
	for code, want := range map[string]int{
		"access_denied":           http.StatusForbidden,
		"temporarily_unavailable": http.StatusServiceUnavailable,
		"<script>":                http.StatusForbidden,
	} {
		b := s.newVisitor()
		state := b.begin("/").Query().Get("state")
		answer := url.Values{"error": {code}, "state": {state}}
		status, _, text := b.open(http.MethodGet, s.public()+auth.CallbackPath+"?"+answer.Encode())
		if status != want || strings.Contains(text, code) || !strings.Contains(text, ">Sign in</a>") {
			t.Errorf("%s: %d %s", code, status, text)
		}
		b.wantStranger(code)
	}
}

// TestIssuerIsAway wants a sentence while the issuer does not answer, and sign-ins when it is back. People
// who are signed in notice nothing.
func TestIssuerIsAway(t *testing.T) {
	t.Parallel()
	s := newSignInEnv(t)
	away := func(about string, b *visitor, address string) {
		t.Helper()
		status, _, text := b.open(http.MethodGet, address)
		want := "Signing in is not possible right now"
		if status != http.StatusServiceUnavailable || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", about, status, text)
		}
	}
	s.issuer.SetDown(true)
	away("from the start", s.newVisitor(), s.public()+"/")
	if err := auth.CheckIssuer(t.Context(), s.issuer.URL()); err == nil {
		t.Error("CheckIssuer finds an issuer that is away")
	}
	s.issuer.SetDown(false)
	b := s.newVisitor()
	if status, _, _ := b.signsIn("/", lecturer); status != http.StatusOK {
		t.Errorf("back again: %d", status)
	}
	late := s.newVisitor()
	address := late.callback(late.begin("/"), lecturer)
	s.issuer.SetDown(true)
	away("before the code is exchanged", late, address)
	if status, at, _ := b.open(http.MethodGet, s.public()+"/"); status != http.StatusOK || at.Path != "/" {
		t.Errorf("a person who is signed in: %d %s", status, at)
	}
	s.issuer.SetDown(false)
	s.restart()
	fresh := s.newVisitor()
	address = fresh.callback(fresh.begin("/"), lecturer)
	s.issuer.SetToken(func(claims map[string]any) string {
		s.issuer.SetDown(true) // after the code, before the keys
		return s.issuer.Sign(claims)
	})
	away("before the keys are read", fresh, address)
}

// TestRotatedKeys signs in before and after the issuer replaced its key. A token of the former key is
// refused.
func TestRotatedKeys(t *testing.T) {
	t.Parallel()
	s := newSignInEnv(t)
	for range 2 {
		if status, _, text := s.newVisitor().signsIn("/", lecturer); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		s.must(s.issuer.Rotate())
	}
	s.issuer.SetToken(func(claims map[string]any) string {
		token := s.issuer.Sign(claims)
		s.must(s.issuer.Rotate())
		return token
	})
	if status, _, _ := s.newVisitor().signsIn("/", lecturer); status != http.StatusForbidden {
		t.Errorf("a token of a former key: %d", status)
	}
}

// TestProgramsAreNotRedirected wants 401 where no page is shown: event streams, pictures, /api/v1 and writes.
func TestProgramsAreNotRedirected(t *testing.T) {
	t.Parallel()
	s := newSignInEnv(t)
	for _, path := range []string{"/recordings/events", "/recordings/1/thumbnail", "/api/v1/records"} {
		response, err := http.Get(s.public() + path)
		s.must(err)
		s.must(response.Body.Close())
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
	status, _, text := s.newVisitor().open(http.MethodPost, s.public()+"/")
	if status != http.StatusUnauthorized || !strings.Contains(text, ">Sign in</a>") {
		t.Errorf("a request without a session: %d %s", status, text)
	}
}
