package auth

import (
	"errors"
	"slices"
	"strings"
)

// User is a person who signed in.
type User struct {
	Email    string
	Operator bool // sees and changes all records
}

// ErrNotSignedIn means that a request carries no valid sign-in.
var ErrNotSignedIn = errors.New("not signed in")

// NewUser returns the user of an address. The user is an operator if the list holds the address in
// any case.
func NewUser(email string, operators []string) User {
	operator := slices.ContainsFunc(operators, func(o string) bool {
		return strings.EqualFold(o, email)
	})
	return User{Email: email, Operator: operator}
}
