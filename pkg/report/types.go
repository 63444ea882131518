package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// timeLayout is RFC 3339 with milliseconds and always a numeric offset.
const timeLayout = "2006-01-02T15:04:05.000-07:00"

// Time is an instant in the room's offset; in JSON to the millisecond, like
// 2026-11-20T15:10:00.000+03:00. Make it with [At].
type Time struct{ time.Time }

// At rounds an instant to the millisecond and keeps its location, which should be the room's.
func At(t time.Time) Time {
	return Time{t.Round(time.Millisecond)}
}

// MarshalJSON implements [json.Marshaler].
func (t Time) MarshalJSON() ([]byte, error) {
	rounded := t.Round(time.Millisecond)
	if year := rounded.Year(); year < 1 || year > 9999 {
		return nil, fmt.Errorf("write the time %v: the year is not of four digits", t.Time)
	}
	if _, offset := rounded.Zone(); offset%60 != 0 {
		return nil, fmt.Errorf("write the time %v: the offset is not in whole minutes", t.Time)
	}
	return rounded.AppendFormat(nil, `"`+timeLayout+`"`), nil
}

// UnmarshalJSON implements [json.Unmarshaler]; it takes exactly what [Time.MarshalJSON] writes.
func (t *Time) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("read a time: %w", err)
	}
	// In UTC, so that an offset that happens to be this machine's does not become "Local".
	at, err := time.ParseInLocation(timeLayout, s, time.UTC)
	if err != nil {
		return fmt.Errorf("read a time: %w", err)
	}
	if at.Format(timeLayout) != s {
		return fmt.Errorf("read a time: %q is not written like %s", s, timeLayout)
	}
	t.Time = at
	return nil
}

// Number is a measured quantity. What is not a finite number is null in JSON; the rest is written
// with at most six decimals, so that the same measurement always gives the same bytes.
type Number float64

// Unknown is the number that is null in JSON.
func Unknown() Number { return Number(math.NaN()) }

// Known reports whether the number is finite.
func (n Number) Known() bool {
	return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0)
}

// MarshalJSON implements [json.Marshaler].
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Known() {
		return []byte("null"), nil
	}
	return []byte(decimal(float64(n), 6)), nil
}

// UnmarshalJSON implements [json.Unmarshaler]; null becomes [Unknown].
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Unknown()
		return nil
	}
	var f float64
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("read a number: %w", err)
	}
	*n = Number(f)
	return nil
}

// decimal writes a finite number with at most the given decimals and no trailing zeros; never "-0".
func decimal(f float64, decimals int) string {
	text := strconv.FormatFloat(f, 'f', decimals, 64)
	if decimals > 0 {
		text = string(bytes.TrimRight(bytes.TrimRight([]byte(text), "0"), "."))
	}
	if text == "-0" {
		return "0"
	}
	return text
}

// Role is the role of a source, or nothing: null in JSON.
type Role nvr.Role

// None is no role: an empty pane, or a source that only gives sound.
const None Role = ""

// MarshalJSON implements [json.Marshaler].
func (r Role) MarshalJSON() ([]byte, error) {
	return orNull(string(r))
}

// Place is a file name or a URL, or nothing: null in JSON.
type Place string

// MarshalJSON implements [json.Marshaler].
func (p Place) MarshalJSON() ([]byte, error) {
	return orNull(string(p))
}

// SourceID is the last octet of a source's address, or nothing: null in JSON.
type SourceID string

// MarshalJSON implements [json.Marshaler].
func (s SourceID) MarshalJSON() ([]byte, error) {
	return orNull(string(s))
}

// orNull has no counterpart for reading: null leaves a string empty.
func orNull(s string) ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return json.Marshal(s)
}

// Layout is how the picture is divided.
type Layout string

// The layouts.
const (
	LecturerScreen Layout = "lecturer+screen"
	LecturerBoard  Layout = "lecturer+board"
	LecturerAlone  Layout = "lecturer"
	ScreenAlone    Layout = "screen" // a slate in the lecturer's pane
	BoardAlone     Layout = "board"  // a slate in the lecturer's pane
	Slate          Layout = "slate"  // nothing to show
)

// Panes returns the roles in the left and the right pane of a layout. A lecturer alone, who is centred,
// counts as left.
func (l Layout) Panes() (left, right Role) {
	lecturer, screen, board := Role(nvr.Lecturer), Role(nvr.Screen), Role(nvr.Board)
	switch l {
	case LecturerScreen:
		return lecturer, screen
	case LecturerBoard:
		return lecturer, board
	case LecturerAlone:
		return lecturer, None
	case ScreenAlone:
		return None, screen
	case BoardAlone:
		return None, board
	case Slate:
	}
	return None, None
}

// beside returns what the third picture of a layout can show.
func (l Layout) beside() Role {
	switch _, right := l.Panes(); nvr.Role(right) {
	case nvr.Screen:
		return Role(nvr.Board)
	case nvr.Board:
		return Role(nvr.Screen)
	case nvr.Lecturer:
	}
	return None
}

// Known reports whether it is one of the six layouts.
func (l Layout) Known() bool {
	switch l {
	case LecturerScreen, LecturerBoard, LecturerAlone, ScreenAlone, BoardAlone, Slate:
		return true
	}
	return false
}
