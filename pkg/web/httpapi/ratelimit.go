package httpapi

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxLimiters bounds the memory of limiters: as many keys as are in use at once. A forgotten key
// begins with a full bucket again, as one that rested does.
const maxLimiters = 10_000

// limits counts the requests of each key.
type Limits struct {
	perSecond float64
	now       func() time.Time

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

func NewLimits(perSecond float64, now func() time.Time) *Limits {
	return &Limits{perSecond: perSecond, now: now, keys: map[string]*rate.Limiter{}}
}

// allow tells whether a key may go on, else after how long.
func (l *Limits) allow(key string) (ok bool, after time.Duration) {
	now := l.now()
	limiter := l.limiter(key, now)
	reservation := limiter.ReserveN(now, 1)
	if after = reservation.DelayFrom(now); after > 0 {
		reservation.CancelAt(now)
		return false, after
	}
	return true, 0
}

func (l *Limits) limiter(key string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if limiter := l.keys[key]; limiter != nil {
		return limiter
	}
	if len(l.keys) >= maxLimiters {
		for old, limiter := range l.keys {
			if limiter.TokensAt(now) >= float64(limiter.Burst()) {
				delete(l.keys, old)
			}
		}
	}
	limiter := rate.NewLimiter(rate.Limit(l.perSecond), max(1, int(math.Ceil(l.perSecond))))
	l.keys[key] = limiter
	return limiter
}

// limited lets a key's request pass, or answers 429.
func (l *Limits) Admit(w http.ResponseWriter, r *http.Request, key string) bool {
	ok, after := l.allow(key)
	if !ok {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(after.Seconds())))))
		WriteProblem(w, r, http.StatusTooManyRequests, "this key asks more often than "+strconv.FormatFloat(l.perSecond, 'f', -1, 64)+" times a second")
	}
	return ok
}
