package observe

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// The events that are counted: the value of the field `event` of a line. terraform/metrics.json has a
// log-based metric for each, which a test holds against this list.
const (
	EventDelivered  = "delivered"   // the person has the video: step done
	EventFailed     = "failed"      // a record failed for good
	EventGap        = "gap"         // a source has a gap in a merge
	EventCanvas     = "canvas_day"  // a room's encoder sent only its idle screen for a whole day
	EventQueue      = "queue"       // how much waits; claim says it at each run
	EventMerged     = "merged"      // a merge is whole, and what it cost
	EventAPIError   = "api_error"   // a Google call failed and was not tried again
	EventRetry      = "retry"       // a Google call or a step failed and is tried again
	EventTakeover   = "takeover"    // the lease of a dead worker ran out
	EventChannel    = "channel"     // how long a room's notification channel still lives
	EventUnreadable = "unreadable"  // a push that names no record
	EventDeadLetter = "dead_letter" // a message was given up by Pub/Sub
	EventDiffers    = "differs"     // a delivered video is no longer on Drive as it was uploaded
	EventVerified   = "verified"    // delivered videos were compared with Drive
)

// InTime is the promise: a record is delivered within so long of its end, or of when it was asked for (or
// asked for again) after its end.
const InTime = 4 * time.Hour

// What became of the promise, the field `promise` of the events of a record's end.
const (
	promiseKept   = "kept"
	promiseBroken = "broken"
	promiseVoid   = "void" // it could not be kept
)

// Failure says whose turn it is after a record failed. Only what is not of the footage or of the
// request counts against the promise.
type Failure string

// The kinds of failures.
const (
	FailedFootage   Failure = "footage"     // nothing usable was recorded
	FailedRefused   Failure = "refused"     // Google or the request itself said no: permission, quota, a missing folder
	FailedExhausted Failure = "exhausted"   // tried to the end, each time curable
	FailedDead      Failure = "dead_letter" // its message was given up
)

// event joins the name and the fields of an event; slog lays an attribute without a key open.
func event(name string, fields ...slog.Attr) slog.Attr {
	return slog.Attr{Value: slog.GroupValue(append(
		[]slog.Attr{slog.String("event", name)},
		fields...,
	)...)}
}

// Delivered says: the record's work is done, so long after its end or its later request.
func Delivered(after time.Duration) slog.Attr {
	promise := promiseKept
	if after > InTime {
		promise = promiseBroken
	}
	return event(
		EventDelivered,
		slog.Float64("delay_seconds", after.Seconds()),
		slog.String("promise", promise),
	)
}

// Failed says: the record failed for good. Log it with [Reported] unless the cause is the footage.
func Failed(kind Failure, cause error) slog.Attr {
	text := ""
	if cause != nil {
		text = cause.Error()
	}
	promise := promiseVoid
	if kind == FailedExhausted || kind == FailedDead {
		promise = promiseBroken
	}
	return event(
		EventFailed,
		slog.String("kind", string(kind)),
		slog.String("cause", text),
		slog.String("promise", promise),
	)
}

// Gap says: a merge of this room lacks so much of a source.
func Gap(room string, role string, length time.Duration) slog.Attr {
	return event(
		EventGap,
		slog.String("room", room),
		slog.String("role", role),
		slog.Float64("seconds", length.Seconds()),
	)
}

// Canvas returns the attribute of a line about a day on which a room's encoder sent only its idle screen.
func Canvas(room, date string) slog.Attr {
	return event(EventCanvas, slog.String("room", room), slog.String("date", date))
}

// Queue says: records that wait, how long the oldest of those that are due has waited, records at work, and
// records that are not delivered though [InTime] after their end or request has passed.
func Queue(waiting int, oldest time.Duration, working, overdue int) slog.Attr {
	return event(EventQueue, slog.Int("waiting", waiting), slog.Float64("oldest_seconds", oldest.Seconds()),
		slog.Int("working", working), slog.Int("overdue", overdue))
}

// Merged says: a video of this length is whole; cpu is what all its tasks took of cores.
func Merged(length, cpu time.Duration) slog.Attr {
	return event(
		EventMerged,
		slog.Float64("minutes", length.Minutes()),
		slog.Float64("core_minutes", cpu.Minutes()),
	)
}

// APIError says: a call that will not be tried again by its wrapper. Status is 0 where none came.
func APIError(api, method string, status int) slog.Attr {
	return event(
		EventAPIError,
		slog.String("api", api),
		slog.String("method", method),
		slog.String("status", strconv.Itoa(status)),
	)
}

// Retry says: a call or a step that will be tried again; api is a Google API, or "step".
func Retry(api, method string, pause time.Duration) slog.Attr {
	return event(
		EventRetry,
		slog.String("api", api),
		slog.String("method", method),
		slog.Float64("pause_seconds", pause.Seconds()),
	)
}

// Takeover says: claim took a record from a worker that fell silent.
func Takeover(step nvr.Step) slog.Attr {
	return event(EventTakeover, slog.String("from", string(step)))
}

// Channel says: the calendar channel of the room lives for so long; zero or less: there is none.
func Channel(room string, left time.Duration) slog.Attr {
	return event(
		EventChannel,
		slog.String("room", room),
		slog.Float64("left_seconds", max(0, left.Seconds())),
	)
}

// Unreadable says: a push or a notification that cannot be read; no retry mends it.
func Unreadable() slog.Attr { return event(EventUnreadable) }

// DeadLetter says: Pub/Sub gave up a message of this subscription.
func DeadLetter(subscription string) slog.Attr {
	return event(EventDeadLetter, slog.String("subscription", subscription))
}

// Differs says: the video of a record is not on Drive as it was uploaded. The code is that of the cause.
func Differs(record int64, room, date, code string) slog.Attr {
	return event(
		EventDiffers,
		slog.Int64("record", record),
		slog.String("room", room),
		slog.String("date", date),
		slog.String("code", code),
	)
}

// Verified says: so many delivered videos were compared with Drive, of which so many differ.
func Verified(compared, different int) slog.Attr {
	return event(EventVerified, slog.Int("compared", compared), slog.Int("different", different))
}
