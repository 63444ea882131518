package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// caller is who asks: the owner of a key, or a person on the pages.
type caller struct {
	id    string // of the key or the person: for limits and idempotency
	email string
	rooms []string // that it may ask for; empty: all

	anyAddress bool // may ask in another's name
	operator   bool // sees and changes everything
}

// mayUse tells whether a room is within the caller's scope.
func (c *caller) mayUse(room string) bool { return len(c.rooms) == 0 || slices.Contains(c.rooms, room) }

// owns tells whether a record is the caller's to see.
func (c *caller) owns(r *nvr.Record) bool {
	return c.operator || strings.EqualFold(r.UserEmail, c.email) && c.mayUse(r.Room)
}

type callerKey struct{}

func withCaller(r *http.Request, c *caller) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

// callerOf is who asks; every handler behind [site.keyed] or [site.signedIn] has one.
func callerOf(r *http.Request) *caller {
	c, _ := r.Context().Value(callerKey{}).(*caller)
	return c
}

// requireKey lets only requests with a living key pass.
func (s *site) requireKey(say sayFunc, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, err := s.Store.Keys.Find(r.Context(), r.Header.Get("key"))
		switch {
		case errors.Is(err, store.ErrNotFound):
			say(w, r, http.StatusUnauthorized, "the header key holds no valid API key")
		case err != nil:
			s.serverError(w, r, say, "look up an API key", err)
		default:
			next.ServeHTTP(w, withCaller(r, &caller{id: "key/" + strconv.FormatInt(key.ID, 10), email: key.Email, rooms: key.Rooms, anyAddress: key.AnyAddress}))
		}
	})
}

// serverError answers that something of ours failed.
func (s *site) serverError(w http.ResponseWriter, r *http.Request, say sayFunc, what string, err error) {
	if r.Context().Err() == nil {
		s.log.ErrorContext(r.Context(), "could not "+what, "err", err)
	}
	w.Header().Set("Retry-After", "10")
	say(w, r, http.StatusServiceUnavailable, "our database does not answer; please try again in a moment")
}
