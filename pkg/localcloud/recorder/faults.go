package recorder

import (
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Fault is a named defect of one segment of an [Afternoon].
type Fault struct {
	Name, Words string
	// Role and Slot (from 0) say which segment it happens to.
	Role nvr.Role
	Slot int
	Do   func(*Source, *Segment)
}

// Faults returns the everyday faults of an afternoon, each on a segment of its own as far as
// there are enough. Two faults may hit one segment; damage is applied last.
func Faults() []Fault {
	return slices.Concat(fileFaults(), contentFaults())
}

// fileFaults are about lengths, names and bytes of files.
func fileFaults() []Fault {
	damage := func(d Damage) func(*Source, *Segment) {
		return func(_ *Source, g *Segment) { g.Damage = append(g.Damage, d) }
	}
	return []Fault{
		{
			"short", "a lecturer segment ends a little early", nvr.Lecturer, 0, func(_ *Source, g *Segment) {
				g.Length -= g.Length / 600
			},
		},
		{
			"long", "a board segment runs over into the next", nvr.Board, 0, func(_ *Source, g *Segment) {
				g.Length += g.Length / 600
			},
		},
		{
			"restart", "the lecturer's recorder restarts: a hole, then a file named by another minute", nvr.Lecturer, 1, restart,
		},
		{
			"hole", "a board segment is missing", nvr.Board, 1, func(_ *Source, g *Segment) {
				g.Missing = true
			},
		},
		{"empty", "a screen segment has zero bytes", nvr.Screen, 1, damage(Empty())},
		{
			"truncated", "a board segment breaks off in the middle, index and all", nvr.Board, 2, damage(TruncatePart(600)),
		},
		{"no-moov", "a lecturer segment has lost its index", nvr.Lecturer, 2, func(_ *Source, g *Segment) {
			g.MoovFirst = false
			g.Damage = append(g.Damage, LoseMoov())
		}},
		{
			"garbage", "a lecturer segment has garbage in the middle", nvr.Lecturer, 2, damage(Garbage(450, 500, 1)),
		},
	}
}

// contentFaults are about what the files hold, and about files that do not belong to the afternoon.
func contentFaults() []Fault {
	const day = 24 * time.Hour
	return []Fault{
		{
			"no-sound", "a lecturer segment has no sound track", nvr.Lecturer, 3, func(_ *Source, g *Segment) {
				g.NoSound = true
			},
		},
		{"silent", "the lecturer's microphone is off for a while", nvr.Lecturer, 0, silent},
		{
			"sound-only", "a board segment has no pictures", nvr.Board, 3, func(_ *Source, g *Segment) {
				g.NoPicture = true
			},
		},
		{"hevc", "a board segment is HEVC", nvr.Board, 2, func(s *Source, g *Segment) {
			g.Pictures = changed(s, g, func(p *Pictures) { p.Codec = ffmpeg.HEVC })
		}},
		{"size", "a screen segment is 4:3", nvr.Screen, 2, func(s *Source, g *Segment) {
			g.Pictures = changed(s, g, func(p *Pictures) { p.Width = p.Height * 4 / 3 &^ 1 })
		}},
		{"resize", "the encoder changes its size inside a file", nvr.Screen, 3, func(s *Source, g *Segment) {
			g.Resize = &Resize{
				At:     g.Length / 2,
				Width:  s.Pictures.Width / 4 * 2,
				Height: s.Pictures.Height / 4 * 2,
			}
		}},
		{"jump", "the timestamps of a board segment leap by a day", nvr.Board, 1, func(s *Source, g *Segment) {
			g.Jump = &Jump{At: g.Length / 2, By: day, Picture: true}
		}},
		{
			"offset", "a screen segment begins at 5 s, not at 0", nvr.Screen, 2, func(_ *Source, g *Segment) {
				g.FirstPTS = 5 * time.Second
			},
		},
		{
			"edit-list", "a lecturer segment starts inside a group of pictures", nvr.Lecturer, 3, func(_ *Source, g *Segment) {
				g.Lead = 720 * time.Millisecond
			},
		},
		{
			"no-key", "a board segment does not start with a key frame", nvr.Board, 3, func(_ *Source, g *Segment) {
				g.DropFirst = 10
			},
		},
		{"b-frames", "a screen segment has B-frames", nvr.Screen, 1, func(s *Source, g *Segment) {
			g.Pictures = changed(s, g, func(p *Pictures) { p.BFrames = 2 })
		}},
		{
			"vfr", "the encoder leaves pictures out", nvr.Screen, 0, func(_ *Source, g *Segment) {
				dropMost(g)
			},
		},
		{
			"sound-late", "the sound of a lecturer segment begins later than its picture", nvr.Lecturer, 1, func(_ *Source, g *Segment) {
				g.SoundLate = 300 * time.Millisecond
			},
		},
		{"twice", "a board segment is there twice, once broken off", nvr.Board, 0, twice},
		{
			"strangers", "a file of another room and one of another day lie among the others", nvr.Board, 0, strangers,
		},
	}
}

// changed returns a changed copy of the coding that a segment would have.
func changed(s *Source, g *Segment, change func(*Pictures)) *Pictures {
	p := s.Pictures
	if g.Pictures != nil {
		p = *g.Pictures
	}
	change(&p)
	return &p
}

// restart cuts a segment at its middle. The rest begins at the next full minute after some
// seconds, in a file of its own.
func restart(s *Source, g *Segment) {
	end := g.Named.Add(g.Length)
	again := g.Named.Add(g.Length / 2).Truncate(time.Minute)
	if !again.After(g.Named) {
		g.Length /= 2
		return
	}
	rest := *g
	rest.Named = again
	rest.Length = end.Sub(again)
	g.Length = again.Sub(g.Named) - 6*time.Second
	s.Segments = append(s.Segments, rest) // may move *g, so it comes last
}

// silent makes the third quarter of the segment digital silence.
func silent(s *Source, g *Segment) {
	s.Sound.Silent = append(
		s.Sound.Silent,
		Stretch{From: g.Named.Add(g.Length / 2), Until: g.Named.Add(g.Length * 3 / 4)},
	)
}

// twice adds a shorter copy with the same name in another folder.
func twice(s *Source, g *Segment) {
	more := *g
	more.Folder = "again"
	more.Length = g.Length / 3
	s.Segments = append(s.Segments, more)
}

// strangers adds files that a search must not find.
func strangers(s *Source, g *Segment) {
	room, day := *g, *g
	room.Room = "elsewhere"
	room.Length = 2 * time.Second
	day.Named = g.Named.AddDate(0, 0, -1)
	day.Length = 2 * time.Second
	s.Segments = append(s.Segments, room, day)
}

// dropMost drops two of three pictures in every second second, at 25 pictures a second.
func dropMost(g *Segment) {
	g.DropPeriod = 50
	for k := int64(0); k < 24; k += 3 {
		g.Drop = append(g.Drop, ffmpeg.Span{From: 25 + k + 1, Until: 25 + k + 3})
	}
}
