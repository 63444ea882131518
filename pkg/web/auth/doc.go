// Package auth holds who sends a request: the owner of an API key or a signed-in person.
package auth
