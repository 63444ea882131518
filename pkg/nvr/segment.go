// Package nvr holds the words of the recorder (the NVR) that we join: rooms, sources, segment
// names, and the wall clock they are written in.
//
// It is pure: no files, no network, no clock. Times carry the room's location; a segment's name is
// room time, to the minute.
package nvr

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Role says what a source looks at.
type Role string

// The roles of the sources of a room.
const (
	Lecturer Role = "lecturer"
	Screen   Role = "screen"
	Board    Role = "board"
)

// ErrNotSegment says that a file name is not that of a segment.
var ErrNotSegment = errors.New("not a segment name (want YYYY-MM-DD_HH:MM_<room>_<source>.mp4)")

// ErrNoSuchTime says that a wall-clock time does not exist, because the clock was put forward over it.
var ErrNoSuchTime = errors.New("no such time on that day: the clock was put forward over it")

// nameLayout is the date and time at the head of a segment's name, in room time.
const nameLayout = "2006-01-02_15:04"

// SegmentName is a segment's file name, taken apart.
type SegmentName struct {
	Date   string // YYYY-MM-DD, room time
	Time   string // HH:MM, room time
	Room   string // may hold anything but '/', underscores included
	Source string // last octet of the source's address, decimal
}

// String gives the file name.
func (n SegmentName) String() string {
	return n.Date + "_" + n.Time + "_" + n.Room + "_" + n.Source + ".mp4"
}

// ParseSegmentName takes a file name apart. It accepts exactly what [SegmentName.String] makes and
// returns [ErrNotSegment] for everything else.
func ParseSegmentName(file string) (SegmentName, error) {
	stem, ok := strings.CutSuffix(file, ".mp4")
	if !ok || len(stem) < len(nameLayout)+1 || stem[len(nameLayout)] != '_' {
		return SegmentName{}, ErrNotSegment
	}
	head := stem[:len(nameLayout)]
	at, err := time.Parse(nameLayout, head)
	if err != nil || at.Format(nameLayout) != head {
		return SegmentName{}, ErrNotSegment
	}
	rest := stem[len(nameLayout)+1:]
	cut := strings.LastIndexByte(rest, '_')
	if cut < 1 || strings.ContainsRune(rest, '/') || !isOctet(rest[cut+1:]) {
		return SegmentName{}, ErrNotSegment
	}
	return SegmentName{
		Date:   head[:10],
		Time:   head[11:],
		Room:   rest[:cut],
		Source: rest[cut+1:],
	}, nil
}

// Start is the instant of the name in the room's zone: the first pass of an hour that the clock
// repeats. [ErrNoSuchTime] if the clock skips it.
func (n SegmentName) Start(zone *time.Location) (time.Time, error) {
	return Wall(n.Date, n.Time, zone)
}

// Wall turns a date (YYYY-MM-DD) and a time of day (HH:MM or HH:MM:SS) of the room into an instant:
// the first pass of an hour that the clock repeats, [ErrNoSuchTime] in an hour that it skips.
func Wall(date, clock string, zone *time.Location) (time.Time, error) {
	layout := "2006-01-02 15:04"
	if strings.Count(clock, ":") == 2 {
		layout += ":05"
	}
	text := date + " " + clock
	at, err := time.ParseInLocation(layout, text, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("read %q as a date and a time: %w", text, err)
	}
	if at.Format(layout) != text {
		return time.Time{}, fmt.Errorf("%q in %s: %w", text, zone, ErrNoSuchTime)
	}
	// Where the clock is put back, one text names two instants. Zones move by 30 to 120 minutes.
	for back := 2 * time.Hour; back > 0; back -= 30 * time.Minute {
		if first := at.Add(-back); first.Format(layout) == text {
			return first, nil
		}
	}
	return at, nil
}

// Octet is the source's number in file names: the last octet of an address like 172.18.191.24,
// with or without "/0". Empty if there is none.
func Octet(address string) string {
	host, _, _ := strings.Cut(address, "/")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if !isOctet(last) {
		return ""
	}
	return last
}

func isOctet(s string) bool {
	if s == "" || len(s) > 3 {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}
