package httpapi

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxLimiters bounds the memory of [Limits]: how many callers it knows at once. A forgotten caller
// starts with a full bucket, as one that was idle does.
const maxLimiters = 10_000

// Limits limits the rate of requests of each caller. It is safe for concurrent use.
type Limits struct {
	perSecond float64
	now       func() time.Time

	mu      sync.Mutex
	callers map[string]*rate.Limiter
}

// NewLimits returns limits of so many requests a second and caller. Bursts of one second's
// requests are allowed.
func NewLimits(perSecond float64, now func() time.Time) *Limits {
	return &Limits{
		perSecond: perSecond,
		now:       now,
		callers:   map[string]*rate.Limiter{},
	}
}

// Admit reports whether a caller may send this request. If not, it answers 429 with Retry-After.
func (l *Limits) Admit(w http.ResponseWriter, r *http.Request, caller string, fail ErrorWriter) bool {
	delay := l.reserve(caller)
	if delay == 0 {
		return true
	}
	limit := strconv.FormatFloat(l.perSecond, 'f', -1, 64)
	refuseRate(w, r, fail, delay, "more than "+limit+" requests a second")
	return false
}

// Exhausted reports whether a caller has no token left. It takes none. If so, it answers 429 with
// Retry-After.
func (l *Limits) Exhausted(w http.ResponseWriter, r *http.Request, caller string, fail ErrorWriter) bool {
	now := l.now()
	if l.limiter(caller, now).TokensAt(now) >= 1 {
		return false
	}
	refuseRate(w, r, fail, time.Second, "too many requests without a valid key from this address")
	return true
}

// Take takes a token of a caller, if there is one.
func (l *Limits) Take(caller string) {
	l.reserve(caller)
}

// refuseRate answers 429.
func refuseRate(w http.ResponseWriter, r *http.Request, fail ErrorWriter, delay time.Duration, detail string) {
	seconds := max(1, int(math.Ceil(delay.Seconds())))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	fail(w, r, http.StatusTooManyRequests, detail)
}

// reserve takes a token of the caller. It returns 0, or how long the caller has to wait for the
// next one.
func (l *Limits) reserve(caller string) time.Duration {
	now := l.now()
	reservation := l.limiter(caller, now).ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	if delay > 0 {
		reservation.CancelAt(now)
	}
	return delay
}

// limiter returns the bucket of a caller. The first request of a caller makes a full one.
func (l *Limits) limiter(caller string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if limiter := l.callers[caller]; limiter != nil {
		return limiter
	}
	if len(l.callers) >= maxLimiters {
		l.forgetIdle(now)
	}
	burst := max(1, int(math.Ceil(l.perSecond)))
	limiter := rate.NewLimiter(rate.Limit(l.perSecond), burst)
	l.callers[caller] = limiter
	return limiter
}

// forgetIdle drops the callers whose bucket is full. The caller holds mu.
func (l *Limits) forgetIdle(now time.Time) {
	for caller, limiter := range l.callers {
		if limiter.TokensAt(now) >= float64(limiter.Burst()) {
			delete(l.callers, caller)
		}
	}
}
