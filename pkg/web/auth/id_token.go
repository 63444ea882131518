package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
)

// algorithms are those that a token may be signed with. All use a key that only the issuer has.
func algorithms() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512,
		oidc.PS256, oidc.PS384, oidc.PS512,
		oidc.ES256, oidc.ES384, oidc.ES512,
		oidc.EdDSA,
	}
}

// claims are those of an ID token that are used.
type claims struct {
	Party    string `json:"azp"` // the client that the token was issued to
	Email    string `json:"email"`
	Verified flag   `json:"email_verified"`
	Hosted   string `json:"hd"` // the Workspace domain of a Google account
}

// flag is a boolean that some issuers write as a string.
type flag bool

// UnmarshalJSON implements [encoding/json.Unmarshaler]. Anything but true is false.
func (f *flag) UnmarshalJSON(text []byte) error {
	*f = string(text) == "true" || string(text) == `"true"`
	return nil
}

// verify checks an ID token: signature, issuer, audience, expiry, nonce, and whether the account may sign in.
func (p *OIDC) verify(ctx context.Context, from *issuer, raw, nonce string) (session, error) {
	keys := &keyLookup{set: from.keys}
	verifier := oidc.NewVerifier(p.o.Issuer, keys, &oidc.Config{
		ClientID:             p.o.Client,
		SupportedSigningAlgs: algorithms(),
		Now:                  p.o.Now,
	})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		var unreachable *url.Error
		if errors.As(keys.err, &unreachable) {
			return session{}, fmt.Errorf("%w: %w", ErrIssuer, keys.err)
		}
		return session{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1 {
		return session{}, fmt.Errorf("%w: the nonce is that of another sign-in", ErrToken)
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return session{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if c.Party != p.o.Client && (c.Party != "" || len(token.Audience) > 1) {
		return session{}, fmt.Errorf("%w: it was issued to the client %.100q", ErrToken, c.Party)
	}
	return p.admit(c)
}

// admit returns the session of an account, or [ErrForeign]. The address must be verified. For Google, the
// hosted domain decides: an address alone says nothing, since anyone can make a Google account for any
// address. For other issuers the address must be of an own domain; so must a hosted domain, if they send one.
func (p *OIDC) admit(c claims) (session, error) {
	address, err := mail.ParseAddress(c.Email)
	if err != nil || address.Address != c.Email || !isASCII(c.Email) || !bool(c.Verified) {
		return session{}, fmt.Errorf("%w: it has no verified e-mail address", ErrForeign)
	}
	domain := c.Hosted
	if p.o.Issuer != googleIssuer {
		domain = c.Email[strings.LastIndexByte(c.Email, '@')+1:]
		if c.Hosted != "" && !p.isOwnDomain(c.Hosted) {
			domain = ""
		}
	}
	if !p.isOwnDomain(domain) {
		return session{}, fmt.Errorf("%w: it is of another domain", ErrForeign)
	}
	return session{Email: c.Email, Domain: domain}, nil
}

// isASCII reports whether a text has no other letters. Some of those equal an ASCII letter in another case,
// such as the sign of Kelvin, and addresses are compared without case.
func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// keyLookup keeps the error of looking keys up, which the verifier only quotes.
type keyLookup struct {
	set oidc.KeySet
	err error
}

// VerifySignature implements [oidc.KeySet].
func (k *keyLookup) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.set.VerifySignature(ctx, token)
	k.err = err
	return payload, err
}
