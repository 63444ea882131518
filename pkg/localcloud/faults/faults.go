// Package faults makes the stand-ins of Google's services fail on purpose: by rate or at the n-th
// call, in the ways that networks and Google fail.
//
// It knows HTTP, Google's error form and the names of methods that a stand-in gives to its
// requests. It knows no service: each stand-in wraps itself with [Table.Wrap], and one [Table],
// which is also the handler of /workspace/faults, serves them all. What is struck depends on the
// seed and on how many calls of the same method came before, never on the clock. Start with
// [Table.Strike].
package faults

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is a way to fail.
type Kind string

// The kinds.
const (
	None        Kind = ""
	TooMany     Kind = "429" // refused: too many requests
	RateLimited Kind = "403" // refused: 403 with the reason rateLimitExceeded
	Broken      Kind = "500" // refused: internal error
	// the connection ends: a read in the middle of the answer, a write before it takes effect
	Cut  Kind = "cut"
	Slow Kind = "slow" // answered after a pause
	Lost Kind = "lost" // the call takes effect and the answer is lost
)

// Any matches every api, or every method.
const Any = "*"

// Rule says which calls fail and how.
type Rule struct {
	API    string `json:"api"`    // drive, calendar, classroom, storage, run or *
	Method string `json:"method"` // like files.create; files.* and * match many
	// the n-th matching call since the rule was added, from 1
	Nth  int64   `json:"nth,omitempty"`
	Rate float64 `json:"rate,omitempty"` // or this share of the matching calls, above 0 to 1
	Kind Kind    `json:"kind"`
	Seed int64   `json:"seed,omitempty"` // same seed, same calls: the same faults

	Hits int64 `json:"hits"` // calls struck so far
}

// Table holds the rules. The first that matches wins. It is safe for concurrent use.
type Table struct {
	pause time.Duration // of Slow

	mu    sync.Mutex
	rules []*counted
}

type counted struct {
	Rule
	calls int64 // matching calls so far
	// the same by api and method, so that a draw does not depend on how methods interleave
	byMethod map[string]int64
}

// New makes an empty table; pause is how long a slow answer takes.
func New(pause time.Duration) *Table {
	return &Table{pause: pause}
}

// Add appends a rule.
func (t *Table) Add(r Rule) error {
	if err := r.validate(); err != nil {
		return err
	}
	r.Hits = 0
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rules = append(t.rules, &counted{Rule: r, byMethod: map[string]int64{}})
	return nil
}

func (r Rule) validate() error {
	switch {
	case !slices.Contains([]string{"drive", "calendar", "classroom", "storage", "run", Any}, r.API):
		return fmt.Errorf("api is %q, want drive, calendar, classroom, storage, run or *", r.API)
	case r.Method == "":
		return errors.New("method is missing, want one like files.create, or *")
	case !slices.Contains([]Kind{TooMany, RateLimited, Broken, Cut, Slow, Lost}, r.Kind):
		return fmt.Errorf("kind is %q, want 429, 403, 500, cut, slow or lost", r.Kind)
	case r.Nth < 0 || r.Rate < 0 || r.Rate > 1:
		return fmt.Errorf(
			"nth is %d and rate %v, want nth from 1, or rate above 0 to 1", r.Nth, r.Rate,
		)
	case (r.Nth == 0) == (r.Rate == 0):
		return errors.New("want either nth or rate")
	}
	return nil
}

// Clear removes all rules.
func (t *Table) Clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rules = nil
}

// Rules lists the rules in their order, with their hits.
func (t *Table) Rules() []Rule {
	t.mu.Lock()
	defer t.mu.Unlock()
	rules := make([]Rule, len(t.rules))
	for i, r := range t.rules {
		rules[i] = r.Rule
	}
	return rules
}

// Strike counts a call and tells how it fails: [None] if it does not.
func (t *Table) Strike(api, method string) Kind {
	t.mu.Lock()
	defer t.mu.Unlock()
	struck := None
	for i, r := range t.rules {
		if !matches(r.API, api) || !matches(r.Method, method) {
			continue
		}
		// Every rule counts every call, also one that an earlier rule struck: nth means the n-th
		// call.
		r.calls++
		r.byMethod[api+" "+method]++
		hit := r.Nth == r.calls || r.Rate > 0 && r.draw(i, api+" "+method) < r.Rate
		if hit && struck == None {
			struck = r.Kind
			r.Hits++
		}
	}
	return struck
}

// draw gives a number in [0, 1) that depends on the rule, its seed and the count of calls of the
// method.
func (r *counted) draw(index int, call string) float64 {
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%d %s %d", index, call, r.byMethod[call])
	// #nosec G404 -- to be foreseen is the point
	return rand.New(rand.NewPCG(uint64(r.Seed), sum.Sum64())).Float64()
}

func matches(pattern, name string) bool {
	if prefix, many := strings.CutSuffix(pattern, Any); many {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}
