package probe

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Shot is one usable picture.
type Shot struct {
	PTS   int64
	At    time.Duration // since the file's zero
	ends  time.Duration // how long it may be shown: to the next, as its own duration says
	after bool          // a picture between it and the one before cannot be used
}

// Shots lists the usable pictures in order of presentation: presented, whole, decodable from a key
// frame that is there, and not known to be damaged. damages are the segment's own.
func (t *Table) Shots(damages []Damage) []Shot {
	track := t.Picture
	usable := t.decodable()
	order := make([]int, 0, len(track.Samples))
	for i := range track.Samples {
		if !track.Samples[i].Hidden {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Compare(track.Samples[a].PTS, track.Samples[b].PTS)
	})
	var out []Shot
	broken := false
	for _, i := range order {
		s := &track.Samples[i]
		at := t.At(track, s.PTS)
		if !usable[i] || damagedAt(damages, at) {
			broken = true
			continue
		}
		if n := len(out); n > 0 && out[n-1].PTS == s.PTS {
			continue
		}
		ends := t.At(track, s.PTS+int64(s.Duration))
		out = append(out, Shot{PTS: s.PTS, At: at, ends: ends, after: broken})
		broken = false
	}
	return out
}

// decodable reports for each picture, in decoding order, whether it can be decoded and shown.
func (t *Table) decodable() []bool {
	samples := t.Picture.Samples
	usable := make([]bool, len(samples))
	keyPTS, decodable := int64(0), false
	for i := range samples {
		s := &samples[i]
		switch {
		case s.Lost:
			decodable = false
		case s.Key && !decodable:
			// What is decoded after it and shown before it rests on pictures that are not there. Later key
			// frames may have such pictures too (open GOPs), and these can be decoded.
			keyPTS, decodable = s.PTS, true
		}
		usable[i] = decodable && s.PTS >= keyPTS && !s.Hidden
	}
	return usable
}

// firstKey returns the PTS of the first key frame that is in the file.
func (t *Table) firstKey() int64 {
	first := int64(math.MaxInt64)
	for _, e := range t.entryPoints() {
		first = min(first, t.Picture.Samples[e.Sample].PTS)
	}
	return first
}

// cleanAfter returns the first sample after sample i, in decoding order, that is right again if what i
// holds is lost. It returns the number of samples if there is none.
func (t *Table) cleanAfter(i int) int {
	clean := len(t.Picture.Samples)
	for _, e := range t.entryPoints() {
		if e.Sample > i {
			clean = min(clean, e.Clean)
		}
	}
	return clean
}
