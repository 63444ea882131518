package recorder

import (
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Afternoon is a sample session for demonstrations: a lecturer with a voice, slides that give way
// to a NO SIGNAL card, a board that fills with text, and the wanted faults.
type Afternoon struct {
	Room          string
	From, Until   time.Time // in the room's zone
	SegmentLength time.Duration
	Width, Height int
	Rate          ffmpeg.Rate
	// Octets of the sources; empty: the room has no such source.
	Lecturer, Screen, Board string
	Faults                  []string // names of [Faults]
	Seed                    uint64
}

// NoSignal returns when the encoder shows its card: the middle of the afternoon.
func (a Afternoon) NoSignal() Stretch {
	whole := a.Until.Sub(a.From)
	return Stretch{
		a.From.Add(whole * 40 / 100).Truncate(time.Second),
		a.From.Add(whole * 70 / 100).Truncate(time.Second),
	}
}

// Session returns the session to record. A fault that does not exist, or that finds no segment,
// is an error.
func (a Afternoon) Session() (Session, error) {
	card := a.NoSignal()
	session := Session{Room: a.Room, Seed: a.Seed}
	add := func(octet string, role nvr.Role, scene Scene, sound Sound) {
		if octet == "" {
			return
		}
		session.Sources = append(session.Sources, Source{
			Octet: octet,
			Role:  role,
			Label: a.Room + " " + string(role),
			Scene: scene,
			Sound: sound,
			Pictures: Pictures{
				Width:  a.Width,
				Height: a.Height,
				Rate:   a.Rate,
			},
			Segments: Slots(a.From, a.Until, a.SegmentLength),
		})
	}
	add(a.Lecturer, nvr.Lecturer, Lecturer, Sound{Speech: 0.8, MarkEvery: 10})
	add(
		a.Screen,
		nvr.Screen,
		Screen(Showing{
			From:  card.From,
			Until: card.Until,
			Card:  Bars,
		}),
		Sound{},
	)
	add(a.Board, nvr.Board, Board, Sound{Speech: 0.25, MarkEvery: 10})
	for _, name := range a.Faults {
		i := slices.IndexFunc(Faults(), func(f Fault) bool { return f.Name == name })
		if i < 0 {
			return Session{}, fmt.Errorf("there is no fault %q", name)
		}
		fault := Faults()[i]
		source, segment := session.find(fault.Role, fault.Slot)
		if segment == nil {
			return Session{}, fmt.Errorf(
				"fault %q happens to %s segment %d, which this afternoon does not have",
				name,
				fault.Role,
				fault.Slot+1,
			)
		}
		fault.Do(source, segment)
	}
	return session, nil
}

// find returns a segment of the source with a role, or nil.
func (s Session) find(role nvr.Role, slot int) (*Source, *Segment) {
	for i := range s.Sources {
		if source := &s.Sources[i]; source.Role == role && slot < len(source.Segments) {
			return source, &source.Segments[slot]
		}
	}
	return nil, nil
}
