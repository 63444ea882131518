package auth

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/securecookie"
)

const (
	// sessionAge is how long a person stays signed in. The issuer, where they are still signed in, then
	// signs them in again without a question. A session in a cookie cannot be revoked, so it is short.
	sessionAge = 12 * time.Hour
	// signInAge is how long a sign-in may take at the issuer.
	signInAge = 15 * time.Minute
)

// session is what the cookie of a signed-in person holds.
type session struct {
	Email  string `json:"email"`
	Domain string `json:"domain"` // by which the person was admitted
	Until  int64  `json:"until"`  // Unix time, in seconds
}

// pending is what the cookie of a sign-in that has begun holds.
type pending struct {
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"` // of PKCE
	Back     string `json:"back"`     // path that the person asked for
	Until    int64  `json:"until"`    // Unix time, in seconds
}

// cookies writes and reads signed and encrypted cookies.
type cookies struct {
	codec  *securecookie.SecureCookie
	secure bool // only over HTTPS
	now    func() time.Time
}

// newCookies derives the keys from a secret. Cookies of another purpose cannot be read, so that a change of
// the issuer ends all sessions.
func newCookies(secret, purpose string, secure bool, now func() time.Time) (*cookies, error) {
	const size = 32 // of each of the two keys, in bytes: HMAC-SHA256 and AES-256
	keys, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, 2*size)
	if err != nil {
		return nil, fmt.Errorf("derive the keys of sessions: %w", err)
	}
	codec := securecookie.New(keys[:size], keys[size:])
	codec.SetSerializer(securecookie.JSONEncoder{})
	codec.MaxAge(0) // the values hold their own end, by the clock that was passed in
	return &cookies{codec: codec, secure: secure, now: now}, nil
}

// sessionName returns the name of the session's cookie. With the prefix, browsers accept it from this host
// only, over HTTPS.
func (c *cookies) sessionName() string {
	if c.secure {
		return "__Host-session"
	}
	return "session"
}

const signInPath = "/sign-in"

// pendingName returns the name of the cookie of one sign-in. Each has its own, so that a person can sign in
// in several tabs at once. It is empty for a state that [OIDC.Begin] did not make. Over HTTPS no other host of
// the domain can set it, as that of the session.
func (c *cookies) pendingName(state string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // of rand.Text
	if state == "" || len(state) > 40 || strings.Trim(state, letters) != "" {
		return ""
	}
	if c.secure {
		return "__Host-sign-in-" + state
	}
	return "sign-in-" + state
}

// write sets a cookie that scripts cannot read. SameSite=Lax lets the browser send it when the issuer
// leads back here, and with no other request of a foreign site.
func (c *cookies) write(w http.ResponseWriter, name string, value any, age time.Duration) error {
	text, err := c.codec.Encode(name, value)
	if err != nil {
		return fmt.Errorf("write cookie %s: %w", name, err)
	}
	c.set(w, name, text, int(age.Seconds()))
	return nil
}

// remove deletes a cookie.
func (c *cookies) remove(w http.ResponseWriter, name string) {
	c.set(w, name, "", -1)
}

func (c *cookies) set(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		HttpOnly: true,
		Secure:   c.secure,
		SameSite: http.SameSiteLaxMode,
	})
}

// read reads a cookie into a value. It reports whether there is one that this process can decode.
func (c *cookies) read(r *http.Request, name string, value any) bool {
	cookie, err := r.Cookie(name)
	return err == nil && c.codec.Decode(name, cookie.Value, value) == nil
}

// until returns the end of a value that is written now.
func (c *cookies) until(age time.Duration) int64 {
	return c.now().Add(age).Unix()
}

// ended reports whether a time has come.
func (c *cookies) ended(until int64) bool {
	return c.now().Unix() >= until
}
