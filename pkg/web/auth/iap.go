package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"google.golang.org/api/idtoken"
)

// iapIssuer signs the header of Identity-Aware Proxy. Google's library also accepts a Google
// account's own token of the same audience; comparing the issuer refuses that.
const iapIssuer = "https://cloud.google.com/iap"

// IAP authenticates by the header that Identity-Aware Proxy signs. It trusts no other header.
type IAP struct {
	Audience  string   // /projects/NUMBER/locations/REGION/services/SERVICE
	Operators []string // addresses
	// Validate checks signature, audience and expiry. It is nil for Google's library; tests set
	// it.
	Validate func(ctx context.Context, token, audience string) (*idtoken.Payload, error)
}

// Authenticate returns the person who signed in. The error is [ErrNotSignedIn] if the header is
// missing or invalid.
func (p IAP) Authenticate(r *http.Request) (User, error) {
	token := r.Header.Get("X-Goog-Iap-Jwt-Assertion")
	if token == "" || p.Audience == "" {
		return User{}, ErrNotSignedIn
	}
	validate := p.Validate
	if validate == nil {
		validate = idtoken.Validate
	}
	payload, err := validate(r.Context(), token, p.Audience)
	if err != nil {
		return User{}, errors.Join(ErrNotSignedIn, fmt.Errorf("check the proxy's header: %w", err))
	}
	email, _ := payload.Claims["email"].(string)
	if payload.Issuer != iapIssuer || email == "" {
		return User{}, ErrNotSignedIn
	}
	return NewUser(email, p.Operators), nil
}
