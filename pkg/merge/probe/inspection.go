package probe

import (
	"fmt"

	"github.com/nvr-miem/merger/pkg/bitstream"
)

// Inspection reads the headers of a segment's pictures in decoding order, beside a decoder of the same
// bytes. It finds what a decoder makes up without a word: pictures whose references are missing, slices
// that are missing, samples that are cut. It must be used by one goroutine.
type Inspection struct {
	open    *OpenSegment
	samples *sampleReader
	next    int
	chain   bitstream.Chain
	found   []Damage
	habit   bool // the encoder skips numbers of pictures as a rule
}

// Inspect begins an inspection where decoding starts.
func (o *OpenSegment) Inspect(start Start) *Inspection {
	return &Inspection{
		open:    o,
		samples: newSampleReader(o.Object, o.Table.Picture),
		next:    start.Sample,
	}
}

// Found lists the damages found so far that the plan does not know.
func (n *Inspection) Found() []Damage { return n.found }

// Through inspects the samples up to the one that is shown at a PTS.
func (n *Inspection) Through(pts int64) error {
	last := n.open.sampleAt(pts)
	for ; n.next <= last; n.next++ {
		u, ok, err := n.samples.read(n.next)
		if err != nil {
			return fmt.Errorf("inspect segment %s: %w", n.open.Segment.Path, err)
		}
		if ok {
			n.take(n.next, &u)
		}
	}
	return nil
}

// take judges a sample.
func (n *Inspection) take(i int, u *bitstream.Unit) {
	if u.Malformed {
		n.chain = bitstream.Chain{} // the decoder says what comes of it
		return
	}
	v := n.chain.Next(u)
	if v.Reference && (n.habit || n.skipsByHabit(i)) {
		n.habit, v.Reference = true, false
	}
	switch {
	case v.Reference && (u.Entry == bitstream.Clean || u.Entry == bitstream.Open):
		n.loseLeading(i)
	case v.Reference || u.Reference && (v.Slices || v.Spoiled):
		n.lose(i)
	case v.Slices, v.Spoiled:
		n.loseOne(i)
	}
}

// skipsByHabit reports whether a picture in four after sample i seems to be missing: then the encoder
// counts in a way of its own.
func (n *Inspection) skipsByHabit(i int) bool {
	const ahead, often, least = 48, 4, 8
	samples := newSampleReader(n.open.Object, n.open.Table.Picture)
	var chain bitstream.Chain
	pictures, skips := 0, 0
	for j := i; j < min(i+ahead, len(n.open.Table.Picture.Samples)); j++ {
		u, ok, err := samples.read(j)
		if err != nil || !ok || u.Malformed {
			break // reading on returns the error
		}
		if u.Picture {
			pictures++
		}
		if chain.Next(&u).Reference {
			skips++
		}
	}
	return pictures >= least && often*skips >= pictures
}

// lose notes that sample i is damaged, and all that rests on it.
func (n *Inspection) lose(i int) {
	t := n.open.Table
	n.note(n.open.damage(t.extent(i, t.Picture.Samples[i].PTS)))
}

// loseOne notes that sample i is damaged, on which nothing rests.
func (n *Inspection) loseOne(i int) {
	t := n.open.Table
	s := &t.Picture.Samples[i]
	until := int64(-1)
	for j := range t.Picture.Samples {
		if other := &t.Picture.Samples[j]; other.PTS > s.PTS && (until < 0 || other.PTS < until) {
			until = other.PTS
		}
	}
	if until < 0 {
		until = s.PTS + int64(s.Duration)
	}
	n.note(n.open.damage(t.At(t.Picture, s.PTS), t.At(t.Picture, until)))
}

// mostLeading is how many pictures are decoded after an entry point and shown before it, at most.
const mostLeading = 16

// loseLeading notes that the pictures which are shown before the entry point i and decoded after it are
// damaged: they rest on what is missing before it.
func (n *Inspection) loseLeading(i int) {
	t := n.open.Table
	samples := t.Picture.Samples
	first := samples[i].PTS
	for j := i + 1; j < min(i+mostLeading, len(samples)); j++ {
		first = min(first, samples[j].PTS)
	}
	if first < samples[i].PTS {
		n.note(n.open.damage(t.At(t.Picture, first), t.At(t.Picture, samples[i].PTS)))
	}
}

// note adds a damage, unless the plan knows it.
func (n *Inspection) note(d Damage) {
	for _, known := range append(n.open.known, n.found...) {
		if known.From <= d.From && d.Until <= known.Until {
			return
		}
	}
	n.found = append(n.found, d)
}
