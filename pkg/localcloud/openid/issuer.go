// Package openid is a stand-in for an issuer of OpenID Connect, such as accounts.google.com: description,
// keys, a page to choose an account, and the exchange of codes for tokens with PKCE.
//
// It checks clients as strictly as the standards want: registered redirect URI, S256 challenge, codes that
// work once. What it sends can be changed, to see what clients accept.
package openid

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Account is a person who can sign in.
type Account struct {
	Email      string
	Unverified bool
	Hosted     string // Workspace domain; empty: none
}

// Options configure an issuer.
type Options struct {
	Client, Secret string
	Redirect       string // registered redirect URI
	Accounts       []Account
	Now            func() time.Time
}

// Issuer is a running stand-in.
type Issuer struct {
	o      Options
	server *httptest.Server

	mu    sync.Mutex
	key   *rsa.PrivateKey
	keyID string
	codes map[string]grant
	down  bool
	token func(claims map[string]any) string // nil: the claims, signed
}

// grant is what a code stands for.
type grant struct {
	claims    map[string]any
	challenge string
}

// keySize is that of the keys, in bits.
const keySize = 2048

// tokenAge is how long a token is valid.
const tokenAge = time.Hour

// Start starts an issuer on a free port of the loopback.
func Start(o Options) (*Issuer, error) {
	s := &Issuer{o: o, codes: map[string]grant{}}
	if err := s.Rotate(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", s.describe)
	mux.HandleFunc("GET /keys", s.sendKeys)
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.exchange)
	s.server = httptest.NewServer(s.unlessDown(mux))
	return s, nil
}

// URL is the name of the issuer.
func (s *Issuer) URL() string { return s.server.URL }

// Close stops the issuer.
func (s *Issuer) Close() { s.server.Close() }

// SetRedirect registers another redirect URI.
func (s *Issuer) SetRedirect(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Redirect = address
}

// SetDown makes every call fail with 503, or ends that.
func (s *Issuer) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// SetToken sets what makes the ID token out of its claims. Nil signs them as they are.
func (s *Issuer) SetToken(token func(claims map[string]any) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Rotate replaces the key that signs tokens. The former one is no longer published.
func (s *Issuer) Rotate() error {
	key, err := rsa.GenerateKey(rand.Reader, keySize)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.keyID = key, rand.Text()
	return nil
}

// PublicKey returns the modulus of the key that signs tokens.
func (s *Issuer) PublicKey() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key.N.Bytes()
}

// Sign returns claims as a token, signed with the key of the issuer.
func (s *Issuer) Sign(claims map[string]any) string {
	s.mu.Lock()
	key := jose.JSONWebKey{Key: s.key, KeyID: s.keyID}
	s.mu.Unlock()
	return SignWith(jose.RS256, key, claims)
}

// SignWith returns claims as a token, signed with any key. It panics if that is not possible, which is an
// error of the caller.
func SignWith(algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, nil)
	if err != nil {
		panic(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return token
}

func (s *Issuer) unlessDown(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		down := s.down
		s.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// describe is the description of OpenID Connect Discovery 1.0.
func (s *Issuer) describe(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, map[string]any{
		"issuer":                                s.URL(),
		"authorization_endpoint":                s.URL() + "/authorize",
		"token_endpoint":                        s.URL() + "/token",
		"jwks_uri":                              s.URL() + "/keys",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(jose.RS256)},
		"code_challenge_methods_supported":      []string{"S256"},
	})
}

func (s *Issuer) sendKeys(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	send(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key:       s.key.Public(),
		KeyID:     s.keyID,
		Algorithm: string(jose.RS256),
		Use:       "sig",
	}}})
}

// choice is the page where a person chooses an account.
const choice = `<!doctype html><meta charset="utf-8"><title>Choose an account</title><h1>Choose an account</h1>
{{range .}}<p><a href="{{.Address}}">{{.Email}}</a></p>{{end}}`

// authorize is the authorization endpoint. With account=EMAIL, it sends the person back with a code.
func (s *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	valid := query.Get("client_id") == s.o.Client && query.Get("redirect_uri") == s.o.Redirect &&
		query.Get("response_type") == "code" && query.Get("code_challenge_method") == "S256" &&
		query.Get("code_challenge") != ""
	if !valid {
		http.Error(w, "the request of the client is invalid", http.StatusBadRequest)
		return
	}
	for _, account := range s.o.Accounts {
		if account.Email == query.Get("account") {
			http.Redirect(w, r, s.o.Redirect+"?"+s.grant(account, query).Encode(), http.StatusFound)
			return
		}
	}
	s.choose(w, query)
}

// choose answers with the page of accounts.
func (s *Issuer) choose(w http.ResponseWriter, query url.Values) {
	type offer struct{ Email, Address string }
	var offers []offer
	for _, account := range s.o.Accounts {
		query.Set("account", account.Email)
		offers = append(offers, offer{account.Email, "/authorize?" + query.Encode()})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = template.Must(template.New("choice").Parse(choice)).Execute(w, offers) // fails if the browser is gone
}

// grant makes a code and returns the parameters of the redirect.
func (s *Issuer) grant(account Account, query url.Values) url.Values {
	now := s.o.Now()
	claims := map[string]any{
		"iss":            s.URL(),
		"aud":            s.o.Client,
		"sub":            account.Email,
		"email":          account.Email,
		"email_verified": !account.Unverified,
		"nonce":          query.Get("nonce"),
		"iat":            now.Unix(),
		"exp":            now.Add(tokenAge).Unix(),
	}
	if account.Hosted != "" {
		claims["hd"] = account.Hosted
	}
	code := rand.Text()
	s.codes[code] = grant{claims: claims, challenge: query.Get("code_challenge")}
	return url.Values{"code": {code}, "state": {query.Get("state")}}
}

// exchange is the token endpoint.
func (s *Issuer) exchange(w http.ResponseWriter, r *http.Request) {
	client, secret, ok := r.BasicAuth()
	if !ok {
		client, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	s.mu.Lock()
	known := client == s.o.Client && secret == s.o.Secret
	code := r.PostFormValue("code")
	found, ok := s.codes[code]
	delete(s.codes, code) // also after a failure
	ok = ok && r.PostFormValue("redirect_uri") == s.o.Redirect
	sign := s.token
	s.mu.Unlock()
	if !known {
		send(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != found.challenge {
		send(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	if sign == nil {
		sign = s.Sign
	}
	send(w, http.StatusOK, map[string]any{
		"access_token": rand.Text(),
		"token_type":   "Bearer",
		"expires_in":   int(tokenAge.Seconds()),
		"id_token":     sign(maps.Clone(found.claims)),
	})
}

func send(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails only if the client is gone
}
