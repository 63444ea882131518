package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// caller is who asks: the owner of a key, or a person on the pages.
type Caller struct {
	ID    string // of the key or the person: for limits and idempotency
	Email string
	Rooms []string // that it may ask for; empty: all

	AnyAddress bool // may ask in another's name
	Operator   bool // sees and changes everything
}

// MayUse tells whether a room is within the caller's scope.
func (c *Caller) MayUse(room string) bool { return len(c.Rooms) == 0 || slices.Contains(c.Rooms, room) }

// Owns tells whether a record is the caller's to see.
func (c *Caller) Owns(r *nvr.Record) bool {
	return c.Operator || strings.EqualFold(r.UserEmail, c.Email) && c.MayUse(r.Room)
}

type callerKey struct{}

func WithCaller(r *http.Request, c *Caller) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

// callerOf is who asks; every handler behind [site.keyed] or [site.signedIn] has one.
func CallerOf(r *http.Request) *Caller {
	c, _ := r.Context().Value(callerKey{}).(*Caller)
	return c
}

// requireKey lets only requests with a living key pass.
func RequireKey(keys store.Keys, log *slog.Logger, say httpapi.ErrorWriter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, err := keys.Find(r.Context(), r.Header.Get("key"))
		switch {
		case errors.Is(err, store.ErrNotFound):
			say(w, r, http.StatusUnauthorized, "the header key holds no valid API key")
		case err != nil:
			httpapi.ServerError(w, r, log, say, "look up an API key", err)
		default:
			next.ServeHTTP(w, WithCaller(r, &Caller{ID: "key/" + strconv.FormatInt(key.ID, 10), Email: key.Email, Rooms: key.Rooms, AnyAddress: key.AnyAddress}))
		}
	})
}
