package httpapi

import (
	"net/http"
	"sync"
	"time"
)

// maxStreams is how many event streams one caller may have open at once.
const maxStreams = 20

// Streams bounds the open event streams of each caller. It is safe for concurrent use.
type Streams struct {
	mu   sync.Mutex
	open map[string]int // by caller
}

// NewStreams returns a bound without any open stream.
func NewStreams() *Streams {
	return &Streams{open: map[string]int{}}
}

// Limit passes a request for a stream if its caller has fewer than [maxStreams] open. Otherwise it
// answers 429.
func (s *Streams) Limit(
	caller func(*http.Request) string, fail ErrorWriter, next http.HandlerFunc,
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := caller(r)
		if !s.enter(name) {
			const wait = 10 * time.Second
			refuseRate(w, r, fail, wait, "too many open event streams; close one")
			return
		}
		defer s.leave(name)
		next(w, r)
	}
}

// enter counts a stream of a caller. It returns false if the caller has [maxStreams] open already.
func (s *Streams) enter(caller string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[caller] >= maxStreams {
		return false
	}
	s.open[caller]++
	return true
}

// leave ends a stream that enter counted.
func (s *Streams) leave(caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[caller]--; s.open[caller] == 0 {
		delete(s.open, caller)
	}
}
