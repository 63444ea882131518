package web_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/localcloud/openid"
	"github.com/nvr-miem/merger/pkg/web"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// signInEnv is the pages behind a sign-in at a stand-in for the issuer.
type signInEnv struct {
	*env
	issuer *openid.Issuer
	server *httptest.Server
	key    string
}

const (
	clientID     = "nvr"
	clientSecret = "s3cret"
	sessionKey   = "a key of at least twenty characters"
)

func newSignInEnv(t *testing.T) *signInEnv {
	t.Helper()
	s := &signInEnv{env: newEnv(t), server: httptest.NewUnstartedServer(nil), key: sessionKey}
	issuer, err := openid.Start(openid.Options{
		Client:   clientID,
		Secret:   clientSecret,
		Redirect: s.public() + auth.CallbackPath,
		Accounts: []openid.Account{
			{Email: lecturer},
			{Email: "operator@example.org", Hosted: "example.org"},
			{Email: "lecturer@elsewhere.example"},
			{Email: "hosted@example.org", Hosted: "elsewhere.example"},
			{Email: "unverified@example.org", Unverified: true},
			{Email: "\u212Aate@example.org"}, // the sign of Kelvin
		},
		Now: s.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	s.issuer = issuer
	s.server.Config.Handler = s.handler()
	s.server.Start()
	t.Cleanup(s.server.Close)
	return s
}

// public is the address of the pages.
func (s *signInEnv) public() string { return "http://" + s.server.Listener.Addr().String() }

// handler is the pages of a process that has just started.
func (s *signInEnv) handler() http.Handler {
	signIn, err := auth.NewOIDC(auth.OIDCOptions{
		Issuer:     s.issuer.URL(),
		Client:     clientID,
		Secret:     clientSecret,
		PublicURL:  s.public(),
		Domains:    []string{"example.org"},
		Operators:  []string{"Operator@example.org"},
		SessionKey: s.key,
		Now:        s.clock.Now,
	})
	s.must(err)
	return web.New(web.Options{
		Store:        records.StoreOf(s.store),
		Now:          s.clock.Now,
		Scale:        20,
		SignIn:       signIn,
		Authenticate: signIn.Authenticate,
		Site:         httpapi.Site{Hosts: []string{"127.0.0.1"}, Origin: s.public()},
	})
}

// restart replaces the process of the pages.
func (s *signInEnv) restart() { s.server.Config.Handler = s.handler() }

// visitor is a person with a browser of their own.
type visitor struct {
	*signInEnv
	jar      http.CookieJar
	language string
	follow   bool
}

func (s *signInEnv) newVisitor() *visitor {
	jar, err := cookiejar.New(nil)
	s.must(err)
	return &visitor{signInEnv: s, jar: jar, language: "en", follow: true}
}

// open returns the status, the address and the text of a page.
func (b *visitor) open(method, address string) (int, *url.URL, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, http.NoBody)
	b.must(err)
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	r.Header.Set("Accept-Language", b.language)
	client := http.Client{Jar: b.jar}
	if !b.follow {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	response, err := client.Do(r)
	b.must(err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	b.must(err)
	at := response.Request.URL
	if to, err := response.Location(); err == nil {
		at = to
	}
	return response.StatusCode, at, string(text)
}

// begin opens a page and follows to the issuer. It returns the issuer's address.
func (b *visitor) begin(path string) *url.URL {
	b.t.Helper()
	status, at, text := b.open(http.MethodGet, b.public()+path)
	if status != http.StatusOK || !strings.HasPrefix(at.String(), b.issuer.URL()) {
		b.t.Fatalf("%s leads to %s: %d %s", path, at, status, text)
	}
	return at
}

// callback chooses an account at the issuer. It returns the address that it leads back to.
func (b *visitor) callback(at *url.URL, account string) string {
	b.t.Helper()
	query := at.Query()
	query.Set("account", account)
	at.RawQuery = query.Encode()
	b.follow = false
	status, back, text := b.open(http.MethodGet, at.String())
	b.follow = true
	if status != http.StatusFound {
		b.t.Fatalf("the issuer answers %d: %s", status, text)
	}
	return back.String()
}

// signsIn returns what a person sees who opens a page and signs in.
func (b *visitor) signsIn(path, account string) (int, *url.URL, string) {
	b.t.Helper()
	return b.open(http.MethodGet, b.callback(b.begin(path), account))
}

// wantStranger checks that the browser has no session.
func (b *visitor) wantStranger(about string) {
	b.t.Helper()
	b.follow = false
	status, at, _ := b.open(http.MethodGet, b.public()+"/recordings")
	b.follow = true
	if status != http.StatusSeeOther || at.Path != "/sign-in" {
		b.t.Errorf("%s: signed in: %d %s", about, status, at)
	}
}

func (b *visitor) followed() *visitor {
	b.follow = true
	return b
}

func mustQuery(t *testing.T, address string) url.Values {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Query()
}
