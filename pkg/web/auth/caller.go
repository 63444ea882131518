package auth

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// Caller is the sender of a request: the owner of a key, or a person on the pages.
type Caller struct {
	ID    string // of the key or the person; rate limits and idempotency keys count by it
	Email string
	Rooms []string // rooms the caller may use; empty: all

	AnyAddress bool // may request in another person's name
	Operator   bool // sees and changes all records
}

// MayUse reports whether a room is within the caller's scope.
func (c *Caller) MayUse(room string) bool {
	return len(c.Rooms) == 0 || slices.Contains(c.Rooms, room)
}

// Owns reports whether the caller may see a record.
func (c *Caller) Owns(r *nvr.Record) bool {
	if c.Operator {
		return true
	}
	return strings.EqualFold(r.UserEmail, c.Email) && c.MayUse(r.Room)
}

// callerKey is the key of the caller in a request's context.
type callerKey struct{}

// WithCaller returns a request whose context carries the caller.
func WithCaller(r *http.Request, c *Caller) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

// CallerOf returns the caller of a request. It is nil only outside of [RequireKey] and the pages'
// sign-in.
func CallerOf(r *http.Request) *Caller {
	c, _ := r.Context().Value(callerKey{}).(*Caller)
	return c
}

// IDOf returns the ID of a request's caller.
func IDOf(r *http.Request) string {
	return CallerOf(r).ID
}

// FailedKeysRate is how many requests a second without a valid key one address may send.
const FailedKeysRate = 20

// RequireKey passes only requests with a valid API key in the header "key". All others get 401, or
// 429 once their address has sent too many of them.
func RequireKey(
	keys store.Keys, failed *httpapi.Limits, log *slog.Logger, fail httpapi.ErrorWriter, next http.Handler,
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address := addressOf(r)
		if failed.Exhausted(w, r, address, fail) {
			return
		}
		key, err := keys.Find(r.Context(), r.Header.Get("key"))
		switch {
		case errors.Is(err, store.ErrNotFound):
			failed.Take(address)
			fail(w, r, http.StatusUnauthorized, "the header key holds no valid API key")
		case err != nil:
			httpapi.ServerError(w, r, log, fail, "look up an API key", err)
		default:
			caller := &Caller{
				ID:         "key/" + strconv.FormatInt(key.ID, 10),
				Email:      key.Email,
				Rooms:      key.Rooms,
				AnyAddress: key.AnyAddress,
			}
			next.ServeHTTP(w, WithCaller(r, caller))
		}
	})
}

// addressOf returns the address of a client. In front of the APIs stands a proxy that appends it to
// X-Forwarded-For: Google's front end, or that of local serve.
func addressOf(r *http.Request) string {
	forwarded := r.Header.Values("X-Forwarded-For")
	if len(forwarded) > 0 {
		last := forwarded[len(forwarded)-1]
		return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
