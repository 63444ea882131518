// Package recorder makes footage as a room's recorder would: segment files of a lecturer camera,
// an encoder and a board camera, with the faults that recorders have on ordinary days.
//
// It knows pictures, sound, segment names and defects of files. It knows nothing of plans, merges
// and verdicts, which must cope with its files. Every picture has its source and its instant in a
// strip that machines read ([timecode]), and a clock that people read; the sound can contain
// marks. All drawings depend on the instant and a seed only, so that the same session gives the
// same pictures. Start with [Afternoon], or with a [Session] of your own.
//
// [timecode]: https://pkg.go.dev/github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode
package recorder

import (
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Session is the recording of one room.
type Session struct {
	Room    string
	Seed    uint64 // of everything that is drawn and heard
	Sources []Source
}

// Source is one recorded stream of the room.
type Source struct {
	Octet    string // in file names and in the strip
	Role     nvr.Role
	Label    string // burnt in beside the clock
	Scene    Scene  // what it sees
	Pictures Pictures
	Sound    Sound
	// DriftPPM is how much the source's clock is slow: per million seconds on the wall, so many
	// are missing in the file. What the pictures and the sound say is the wall's time. It is
	// rounded to whole samples a second (21 ppm at 48 kHz).
	DriftPPM int64
	Segments []Segment
}

// Pictures is the coding of a source's pictures. Zero values mean: H.264, 25 pictures a second, a
// key frame each 2 s, no B-frames.
type Pictures struct {
	Width, Height int // even numbers
	Rate          ffmpeg.Rate
	Codec         ffmpeg.Codec
	GOP           int // pictures from key frame to key frame
	BFrames       int
	CRF           int
	Timescale     int  // ticks a second; 0 is the muxer's choice
	NoStrip       bool // leaves the machine-readable strip out
	NoClock       bool // leaves the clock for people out
}

// Segment is one file. Named and Length are required; the zero values of the other fields are a
// file without a fault.
type Segment struct {
	Named  time.Time     // the minute in its name, in the room's zone
	Length time.Duration // of what is recorded; the nominal length is the session's affair
	Folder string        // below the session's folder; for two files of one name

	Room, Octet string // in the name, if other than the truth
	Missing     bool   // the file is not written

	// Late is how long after Named the recorder began: PTS 0 shows Named+Late.
	Late time.Duration

	Pictures           *Pictures // other than the source's
	Sound              *Sound    // other than the source's
	NoPicture, NoSound bool

	PictureLate, SoundLate time.Duration // how long one track begins after the other
	FirstPTS               time.Duration // of the earliest sample
	NoEditList             bool          // B-frames and priming then move the first timestamps
	MoovFirst              bool

	Drop       []ffmpeg.Span // pictures that were never recorded (variable frame rate)
	DropPeriod int64         // pictures after which the spans repeat; 0: they do not
	// recorded before the start and hidden by an edit list: starts inside a GOP
	Lead      time.Duration
	DropFirst int // leading pictures lost, the key frame first: up to the next one nothing decodes
	Jump      *Jump
	Resize    *Resize // needs H.264 without B-frames

	Damage []Damage // done to the finished file, in this order
}

// Jump shifts the timestamps from a point of the file to its end.
type Jump struct {
	At, By         time.Duration
	Picture, Sound bool // which tracks leap; sound of at most 24000 Hz can leap a day
}

// Resize changes the size of the pictures inside the file. Parameter sets are in the stream.
type Resize struct {
	At            time.Duration
	Width, Height int
}

// Slots returns the segments of [from, until), each of one length in whole minutes, as their
// names are. A fault is then a change of one of them.
func Slots(from, until time.Time, length time.Duration) []Segment {
	var all []Segment
	for at := from; at.Before(until); at = at.Add(length) {
		all = append(all, Segment{
			Named:     at,
			Length:    min(length, until.Sub(at)),
			MoovFirst: true,
		})
	}
	return all
}

// name returns the file's name.
func (s Segment) name(room, octet string) nvr.SegmentName {
	if s.Room != "" {
		room = s.Room
	}
	if s.Octet != "" {
		octet = s.Octet
	}
	return nvr.SegmentName{
		Date:   s.Named.Format(time.DateOnly),
		Time:   s.Named.Format("15:04"),
		Room:   room,
		Source: octet,
	}
}

// withDefaults replaces zero values by what they stand for.
func (p Pictures) withDefaults() Pictures {
	if p.Rate == (ffmpeg.Rate{}) {
		p.Rate = ffmpeg.Rate{Num: 25, Den: 1}
	}
	if p.Codec == "" {
		p.Codec = ffmpeg.H264
	}
	if p.GOP == 0 {
		p.GOP = max(1, 2*p.Rate.Num/p.Rate.Den)
	}
	return p
}
