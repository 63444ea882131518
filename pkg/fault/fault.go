// Package fault holds the errors that are decisions: whether work that failed is tried again,
// later, or never.
//
// It knows no record, no HTTP and no clock. A package at the boundary, with the cause in hand, picks
// the kind; whoever runs the work reads it back with [errors.As]. An error that is none of these
// kinds is worth another try: a wrong "never" loses a lecture, a wrong "again" costs minutes.
package fault

import (
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// ErrStale says that somebody else owns the work by now: stop quietly and write nothing.
var ErrStale = errors.New("superseded by a newer attempt")

// Reason is a sentence for people that names the cause and the way out.
type Reason = nvr.Reason

// PermanentError is a failure that no retry cures.
type PermanentError struct {
	Reason Reason
	Err    error // the technical cause; may be nil
}

// Error implements error.
func (p *PermanentError) Error() string {
	if p.Err == nil {
		return p.Reason.En
	}
	return fmt.Sprintf("%s (%v)", p.Reason.En, p.Err)
}

// Unwrap returns the technical cause.
func (p *PermanentError) Unwrap() error { return p.Err }

// Deferral is not a failure: the work cannot be done yet and is due again at Until.
type Deferral struct {
	Until time.Time
	Why   Reason
}

// Error implements error.
func (l *Deferral) Error() string {
	return fmt.Sprintf("not before %s: %s", l.Until.Format(time.RFC3339), l.Why.En)
}
