// Package faults makes the stand-ins of Google's services fail as rules state: by rate or at the
// n-th call, in the ways that networks and Google fail.
//
// It knows HTTP, Google's form of errors and the names of methods. It knows no service: each
// stand-in wraps its handler with [Table.Wrap]. One [Table], which also handles
// /workspace/faults, serves them all. Which calls fail depends on the seed and on the number of
// earlier calls of the same method, never on the clock. Start with [Table.Inject].
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
	TooMany     Kind = "429" // answered with too many requests
	RateLimited Kind = "403" // answered with 403 with the reason rateLimitExceeded
	Broken      Kind = "500" // answered with internal error
	// the connection ends: a read in the middle of the answer, a write before it takes effect
	Cut  Kind = "cut"
	Slow Kind = "slow" // answered after a pause
	Lost Kind = "lost" // the call takes effect and the answer is lost
	// the call takes effect, and a byte of what it stored changes after the answer; storage's objects.insert only
	Corrupt Kind = "corrupt"
)

// Any matches every API, or every method.
const Any = "*"

// Rule states which calls fail, and how.
type Rule struct {
	API    string `json:"api"`    // drive, calendar, classroom, storage, run or *
	Method string `json:"method"` // like files.create; files.* and * match many
	// the n-th matching call since the rule was added, from 1
	Nth  int64   `json:"nth,omitempty"`
	Rate float64 `json:"rate,omitempty"` // or this share of the matching calls, in (0, 1]
	Kind Kind    `json:"kind"`
	Seed int64   `json:"seed,omitempty"` // same seed, same calls: the same faults

	Hits int64 `json:"hits"` // calls that failed so far
}

// Table holds the rules. The first matching rule wins. A Table is safe for concurrent use.
type Table struct {
	pause time.Duration // of Slow

	mu    sync.Mutex
	rules []*counted
}

// counted is a rule with the calls that it matched.
type counted struct {
	Rule
	calls int64 // matching calls so far
	// the same by api and method, so that a draw does not depend on how methods interleave
	byMethod map[string]int64
}

// New returns an empty table. pause is the delay of [Slow] answers.
func New(pause time.Duration) *Table {
	return &Table{pause: pause}
}

// Add appends a rule. An invalid rule is an error.
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

// validate refuses a rule that could never match or that matches in two ways.
func (r Rule) validate() error {
	switch {
	case !slices.Contains([]string{"drive", "calendar", "classroom", "storage", "run", Any}, r.API):
		return fmt.Errorf("api is %q, want drive, calendar, classroom, storage, run or *", r.API)
	case r.Method == "":
		return errors.New("method is missing, want one like files.create, or *")
	case !slices.Contains([]Kind{TooMany, RateLimited, Broken, Cut, Slow, Lost, Corrupt}, r.Kind):
		return fmt.Errorf("kind is %q, want 429, 403, 500, cut, slow, lost or corrupt", r.Kind)
	case r.Kind == Corrupt && (r.API != "storage" || r.Method != "objects.insert"):
		return errors.New("kind is corrupt, which only storage's objects.insert has")
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

// Rules returns the rules in their order, with their hits.
func (t *Table) Rules() []Rule {
	t.mu.Lock()
	defer t.mu.Unlock()
	rules := make([]Rule, len(t.rules))
	for i, r := range t.rules {
		rules[i] = r.Rule
	}
	return rules
}

// Inject counts a call and returns how it fails, or [None].
func (t *Table) Inject(api, method string) Kind {
	t.mu.Lock()
	defer t.mu.Unlock()
	kind := None
	for i, r := range t.rules {
		if !matches(r.API, api) || !matches(r.Method, method) {
			continue
		}
		// Every rule counts every call, also one that an earlier rule made fail: nth means the n-th
		// call.
		r.calls++
		r.byMethod[api+" "+method]++
		hit := r.Nth == r.calls || r.Rate > 0 && r.draw(i, api+" "+method) < r.Rate
		if hit && kind == None {
			kind = r.Kind
			r.Hits++
		}
	}
	return kind
}

// draw returns a number in [0, 1). It depends on the rule, its seed and the number of calls of
// the method.
func (r *counted) draw(index int, call string) float64 {
	sum := fnv.New64a()
	_, _ = fmt.Fprintf(sum, "%d %s %d", index, call, r.byMethod[call])
	// #nosec G404 -- predictable on purpose
	return rand.New(rand.NewPCG(uint64(r.Seed), sum.Sum64())).Float64()
}

// matches reports whether a pattern (a name, files.* or *) matches a name.
func matches(pattern, name string) bool {
	if prefix, many := strings.CutSuffix(pattern, Any); many {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}
