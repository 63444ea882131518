// Package fault defines the errors that decide what happens to the work that failed: it is tried again,
// tried later, or given up.
//
// The package knows no record, no HTTP client and no clock. A package at the boundary, which sees the
// technical error, picks the kind. The code that runs the work reads it back with [KindOf]. An error of
// none of these kinds is retryable: a wrong "never" loses a lecture, a wrong "again" costs minutes.
package fault

import (
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
)

// Kind is what an error means for the work that met it.
type Kind int

// The kinds.
const (
	Retryable Kind = iota // the same call may succeed in a moment
	Deferred              // not a failure: the work is due again at a known time
	Permanent             // no retry helps
	Stale                 // another worker or a person has taken the work over
	Expected              // an answer about the state of things (not found, exists, changed), not a failure
)

// ErrStale means that another worker or a person has taken the work over. The work stops and writes nothing.
var ErrStale = errors.New("superseded by a newer attempt")

// PermanentError is a failure that no retry helps.
type PermanentError struct {
	Cause cause.Cause // for people
	Err   error       // the technical cause; may be nil
}

// Error implements error.
func (p *PermanentError) Error() string {
	if p.Err == nil {
		return p.Cause.String()
	}
	return fmt.Sprintf("%s (%v)", p.Cause, p.Err)
}

// Unwrap returns the technical cause.
func (p *PermanentError) Unwrap() error { return p.Err }

// Deferral means that the work cannot be done yet and is due again at Until. It is not a failure.
type Deferral struct {
	Until time.Time
	Cause cause.Cause // for people; zero: none
}

// Error implements error.
func (d *Deferral) Error() string {
	return fmt.Sprintf("not before %s: %s", d.Until.Format(time.RFC3339), d.Cause)
}

// KindOf returns the kind of an error: that of the first error of this package in its tree. An error
// without a kind is retryable.
func KindOf(err error) Kind {
	var permanent *PermanentError
	var deferral *Deferral
	switch {
	case errors.Is(err, ErrStale):
		return Stale
	case errors.As(err, &deferral):
		return Deferred
	case errors.As(err, &permanent):
		return Permanent
	}
	return Retryable
}

// CauseOf returns the cause for people of a permanent or deferred error. It is zero for other errors.
func CauseOf(err error) cause.Cause {
	var permanent *PermanentError
	var deferral *Deferral
	switch {
	case errors.As(err, &deferral):
		return deferral.Cause
	case errors.As(err, &permanent):
		return permanent.Cause
	}
	return cause.Cause{}
}

// DueOf returns when deferred work is due again. It is zero for other errors.
func DueOf(err error) time.Time {
	var deferral *Deferral
	if errors.As(err, &deferral) {
		return deferral.Until
	}
	return time.Time{}
}
