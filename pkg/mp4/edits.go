package mp4

import (
	"fmt"
	"math"
	"sort"
)

// maxEdits bounds the edits of a track; recorders write one or two.
const maxEdits = 256

// editor lays a track's samples on its presentation as FFmpeg's demuxer does: from the key sample
// before each edit to the key sample after it, those outside the edit hidden.
type editor struct {
	tab    *tables
	raw    []indexed
	audio  bool
	budget int
	scale  int64 // ticks a second

	out     []Sample
	end     int64 // of the edit before, on the timeline of decoding
	least   int64 // the least presented PTS, -1 while there is none
	clipped int   // sample of out whose beginning an edit cuts off, from 1
	clip    int64 // by so many ticks
}

// segment is one edit in ticks of the track.
type segment struct {
	at, duration int64
	clips        bool // the first edit of a sound track may begin inside a packet
}

func (s segment) holds(at int64) bool { return at >= s.at && at < s.at+s.duration }

// edit lays out all samples.
func (e *editor) edit(movieScale int64) error {
	e.least = -1
	if len(e.tab.edits) == 0 || len(e.raw) == 0 {
		e.out = make([]Sample, len(e.raw))
		for i, s := range e.raw {
			e.out[i] = s.Sample
			e.out[i].PTS = e.time(s)
		}
		return nil
	}
	if len(e.tab.edits) > maxEdits {
		return fmt.Errorf("%w: %d edits", ErrMalformed, len(e.tab.edits))
	}
	e.end = -e.tab.shift
	empty, first := int64(0), true
	for _, x := range e.tab.edits {
		s := segment{at: x.at, duration: rescale(x.duration, e.scale, movieScale), clips: e.audio && first}
		if uint64(s.duration)+uint64(s.at) > math.MaxInt64 { // #nosec G115 -- two's complement is wanted
			s.duration = 0
		}
		start := e.end
		e.end += s.duration
		if e.end < start && s.duration > 0 {
			break // beyond all time
		}
		if first && s.at == -1 {
			empty += s.duration
			continue
		}
		first = false
		if err := e.play(s, start); err != nil {
			return err
		}
	}
	if late := e.least - empty; !e.audio && late > 0 {
		for i := range e.out {
			e.out[i].PTS -= late
		}
	}
	return nil
}

// time is when a sample is presented on the timeline of the media.
func (e *editor) time(s indexed) int64 { return s.dts + e.tab.shift + s.offset }

// play adds the samples that one edit needs, the first of them decoded at dts.
func (e *editor) play(s segment, dts int64) error {
	started, keyAfter := false, false
	hidden := 0
	for i := e.from(s); i < len(e.raw); i++ {
		if len(e.out) >= e.budget {
			return fmt.Errorf("%w: edits of more than %d samples", ErrMalformed, maxSamples)
		}
		x := e.raw[i]
		length := s.duration
		if i+1 < len(e.raw) {
			length = e.raw[i+1].dts - x.dts
		}
		at := e.time(x)
		lead := e.tab.shift + x.offset
		before := started
		switch {
		case s.holds(at):
			if pts := dts + lead; e.least < 0 || pts < e.least {
				e.least = pts
			}
			started = true
		case s.clips && at < s.at && at+length > s.at:
			e.clip, e.clipped = s.at-at, len(e.out)+1
			dts -= e.clip
			started = true
		default:
			x.Hidden = true
			if !started {
				hidden++
			}
		}
		if started && !before {
			e.countDown(i, hidden, dts)
		}
		x.PTS = dts + lead
		e.out = append(e.out, x.Sample)
		if started {
			dts += length
		}
		if at+length >= s.at+s.duration && (x.Key || e.audio) {
			// With reordering, pictures after one more key may still belong to the edit.
			if e.tab.offsets == nil || e.audio || keyAfter {
				return nil
			}
			keyAfter = true
		}
	}
	return nil
}

// countDown gives the hidden samples before raw sample i, the last of out, times that end at dts.
func (e *editor) countDown(i, hidden int, dts int64) {
	for back := 1; back <= hidden; back++ {
		x := e.raw[i-back]
		dts -= e.raw[i-back+1].dts - x.dts
		e.out[len(e.out)-back].PTS = dts + e.tab.shift + x.offset
	}
}

// from finds the sample at which decoding for an edit must start.
func (e *editor) from(s segment) int {
	at := s.at
	if e.audio { // a second earlier, for decoders that need a run-up
		at = max(at-e.scale, e.raw[0].dts)
	}
	at -= e.tab.shift
	if i := e.back(e.lastBefore(at), at, true); i >= 0 {
		return i
	}
	return max(0, e.back(e.lastBefore(at), at, false))
}

// lastBefore is the last sample decoded at or before at; -1 if there is none.
func (e *editor) lastBefore(at int64) int {
	return sort.Search(len(e.raw), func(i int) bool { return e.raw[i].dts > at }) - 1
}

// back goes from sample i back to one where decoding for at can start; -1 if there is none.
func (e *editor) back(i int, at int64, key bool) int {
	for key && i >= 0 && !e.raw[i].Key {
		i--
	}
	for j := i; j > 0 && e.raw[j].dts == e.raw[j-1].dts; j-- {
		if !key || e.raw[j-1].Key {
			i = j - 1
		}
	}
	if e.tab.offsets == nil {
		return i
	}
	for i >= 0 && (!e.raw[i].Key || e.raw[i].dts+e.raw[i].offset > at) {
		i--
	}
	return i
}

// start is the first presented tick.
func (e *editor) start() int64 {
	if e.clipped > 0 {
		return e.out[e.clipped-1].PTS + e.clip
	}
	start, found := int64(0), false
	for i := range e.out {
		if s := &e.out[i]; !s.Hidden && (!found || s.PTS < start) {
			start, found = s.PTS, true
		}
	}
	return start
}
