package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// CallbackPath is where the issuer sends people back. The issuer must know PublicURL and this path.
const CallbackPath = signInPath + "/callback"

// googleIssuer is the issuer of Google accounts.
const googleIssuer = "https://accounts.google.com"

// Errors of a sign-in. Each is answered with another sentence.
var (
	// ErrIssuer means that the issuer does not answer, or not as OpenID Connect wants.
	ErrIssuer = errors.New("the issuer does not answer")
	// ErrStale means that a sign-in took too long, was finished before, or began elsewhere.
	ErrStale = errors.New("the sign-in is no longer valid")
	// ErrDeclined means that the person did not consent at the issuer.
	ErrDeclined = errors.New("the sign-in was declined")
	// ErrForeign means that the account is of another domain, or its address is not verified.
	ErrForeign = errors.New("the account may not sign in here")
	// ErrToken means that what the issuer sent is not a valid proof.
	ErrToken = errors.New("the proof of the sign-in is invalid")
)

// OIDCOptions configure [OIDC].
type OIDCOptions struct {
	Issuer, Client, Secret string

	PublicURL string   // where browsers reach the pages, without a path
	Domains   []string // whose accounts may sign in
	Operators []string // addresses

	SessionKey string // secret from which the keys of the cookies are derived
	Now        func() time.Time
}

// OIDC signs people in by OpenID Connect: the authorization code flow with PKCE, state and nonce. Sessions
// are signed, encrypted cookies, so that there is nothing to store.
type OIDC struct {
	o       OIDCOptions
	cookies *cookies
	client  *http.Client // to the issuer

	discovering singleflight.Group
	issuer      atomic.Pointer[issuer] // nil until its description was read
}

// issuer is what its description says.
type issuer struct {
	endpoint oauth2.Endpoint
	keys     oidc.KeySet
}

// NewOIDC returns the sign-in. It makes no calls.
func NewOIDC(o OIDCOptions) (*OIDC, error) {
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	secure := strings.HasPrefix(o.PublicURL, "https://")
	cookies, err := newCookies(o.SessionKey, "session "+o.Issuer+" "+o.Client, secure, o.Now)
	if err != nil {
		return nil, err
	}
	return &OIDC{o: o, cookies: cookies, client: issuerClient()}, nil
}

// Address returns where a person signs in who is to see a path of this site afterwards. It is at the public
// URL, because the cookie of the sign-in must be of the host that the issuer leads back to.
func (p *OIDC) Address(back string) string {
	return p.o.PublicURL + signInPath + "?back=" + url.QueryEscape(back)
}

// Authenticate returns the person of a session. The error is [ErrNotSignedIn] if there is none, or its
// domain is no longer permitted.
func (p *OIDC) Authenticate(r *http.Request) (User, error) {
	var s session
	if !p.cookies.read(r, p.cookies.sessionName(), &s) || p.cookies.ended(s.Until) {
		return User{}, ErrNotSignedIn
	}
	if !p.isOwnDomain(s.Domain) {
		return User{}, ErrNotSignedIn
	}
	return NewUser(s.Email, p.o.Operators), nil
}

// Begin returns the URL of the issuer where a person signs in. Afterwards the person sees the path back. With
// choose, the issuer asks for the account. The error is [ErrIssuer] if the issuer does not answer.
func (p *OIDC) Begin(w http.ResponseWriter, r *http.Request, back string, choose bool) (string, error) {
	found, err := p.discover(r.Context())
	if err != nil {
		return "", err
	}
	state := rand.Text()
	begun := pending{
		Nonce:    rand.Text(),
		Verifier: oauth2.GenerateVerifier(),
		Back:     back,
		Until:    p.cookies.until(signInAge),
	}
	if err := p.cookies.write(w, p.cookies.pendingName(state), begun, signInAge); err != nil {
		return "", err
	}
	parameters := []oauth2.AuthCodeOption{
		oidc.Nonce(begun.Nonce),
		oauth2.S256ChallengeOption(begun.Verifier),
	}
	if choose {
		parameters = append(parameters, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	if p.o.Issuer == googleIssuer && len(p.o.Domains) == 1 { // Google then offers only its accounts
		parameters = append(parameters, oauth2.SetAuthURLParam("hd", p.o.Domains[0]))
	}
	return p.config(found).AuthCodeURL(state, parameters...), nil
}

// Finish checks what the issuer sent back with the person and starts the session. It returns the path that
// the person asked for before. The error is one of those above; a failed sign-in cannot be finished again.
func (p *OIDC) Finish(w http.ResponseWriter, r *http.Request) (back string, err error) {
	query := r.URL.Query()
	var begun pending
	name := p.cookies.pendingName(query.Get("state"))
	if name == "" || !p.cookies.read(r, name, &begun) {
		return "", ErrStale
	}
	p.cookies.remove(w, name)
	if p.cookies.ended(begun.Until) {
		return "", ErrStale
	}
	if code := query.Get("error"); code != "" {
		return "", answeredError(code)
	}
	ctx := oidc.ClientContext(r.Context(), p.client)
	found, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	token, err := p.config(found).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		return "", exchangeError(err)
	}
	raw, _ := token.Extra("id_token").(string)
	who, err := p.verify(ctx, found, raw, begun.Nonce)
	if err != nil {
		return "", err
	}
	who.Until = p.cookies.until(sessionAge)
	return begun.Back, p.cookies.write(w, p.cookies.sessionName(), who, sessionAge)
}

// End removes the session from the browser.
func (p *OIDC) End(w http.ResponseWriter) {
	p.cookies.remove(w, p.cookies.sessionName())
}

func (p *OIDC) config(found *issuer) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     p.o.Client,
		ClientSecret: p.o.Secret,
		Endpoint:     found.endpoint,
		RedirectURL:  p.o.PublicURL + CallbackPath,
		Scopes:       []string{oidc.ScopeOpenID, "email"},
	}
}

// answeredError returns what an error code of RFC 6749, section 4.1.2.1, means.
func answeredError(code string) error {
	switch code {
	case "access_denied":
		return ErrDeclined
	case "server_error", "temporarily_unavailable":
		return ErrIssuer
	}
	return fmt.Errorf("%w: the issuer answers %.100q", ErrToken, code)
}

// exchangeError returns why a code gave no token.
func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	switch {
	case !errors.As(err, &refused):
		return fmt.Errorf("%w: %w", ErrIssuer, err)
	case refused.ErrorCode == "invalid_grant": // used before, expired, or of another sign-in
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	return fmt.Errorf("%w: %w", ErrToken, err) // such as a wrong client secret
}

// discover returns the issuer, whose description is read once. Concurrent sign-ins share one call. The error
// is [ErrIssuer]; the next sign-in tries again.
func (p *OIDC) discover(ctx context.Context) (*issuer, error) {
	if found := p.issuer.Load(); found != nil {
		return found, nil
	}
	found, err, _ := p.discovering.Do("", func() (any, error) {
		found, err := readIssuer(context.WithoutCancel(ctx), p.client, p.o.Issuer)
		if err == nil {
			p.issuer.Store(found)
		}
		return found, err
	})
	if err != nil {
		return nil, err
	}
	return found.(*issuer), nil
}

// CheckIssuer reads the description of an issuer. The error is [ErrIssuer] if that is not possible now.
func CheckIssuer(ctx context.Context, address string) error {
	_, err := readIssuer(ctx, issuerClient(), address)
	return err
}

func readIssuer(ctx context.Context, client *http.Client, address string) (*issuer, error) {
	ctx = oidc.ClientContext(ctx, client)
	provider, err := oidc.NewProvider(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("%w: read the description of %s: %w", ErrIssuer, address, err)
	}
	var description struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&description); err != nil {
		return nil, fmt.Errorf("%w: read the description of %s: %w", ErrIssuer, address, err)
	}
	return &issuer{
		endpoint: provider.Endpoint(),
		keys:     oidc.NewRemoteKeySet(ctx, description.Keys),
	}, nil
}

// issuerTimeout is how long one call to the issuer may take. A person waits for it.
const issuerTimeout = 10 * time.Second

func issuerClient() *http.Client {
	return &http.Client{Timeout: issuerTimeout, Transport: failing{http.DefaultTransport}}
}

// failing is a transport for which an answer of a broken server (5xx) is an error, as no answer is.
type failing struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := f.next.RoundTrip(r)
	if err != nil || response.StatusCode < http.StatusInternalServerError {
		return response, err
	}
	_ = response.Body.Close() // only the status counts
	return nil, fmt.Errorf("the server answers %s", response.Status)
}

// isOwnDomain reports whether accounts of a domain may sign in.
func (p *OIDC) isOwnDomain(domain string) bool {
	return slices.ContainsFunc(p.o.Domains, func(own string) bool {
		return domain != "" && strings.EqualFold(own, domain)
	})
}
