package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/idtoken"
)

// User is a person who signed in.
type User struct {
	Email    string
	Operator bool // sees and changes everything
}

// ErrNobody says that a request comes from nobody who signed in.
var ErrNotSignedIn = errors.New("not signed in")

// iapIssuer signs what Identity-Aware Proxy says. The library would also take a Google account's own
// token of the same audience; the issuer shuts that out.
const iapIssuer = "https://cloud.google.com/iap"

// IAP tells who is signed in by the header that Identity-Aware Proxy signs, and by nothing else.
type IAP struct {
	Audience  string   // /projects/NUMBER/locations/REGION/services/SERVICE
	Operators []string // addresses
	// Validate checks signature, audience and expiry; nil: Google's library.
	Validate func(ctx context.Context, token, audience string) (*idtoken.Payload, error)
}

// Authenticate implements the Authenticate of the options.
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

// Person is a user by address, an operator if the list says so.
func NewUser(email string, operators []string) User {
	return User{Email: email, Operator: slices.ContainsFunc(operators, func(o string) bool { return strings.EqualFold(o, email) })}
}
