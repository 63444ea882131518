package mp4

import (
	"fmt"
	"sort"
)

// maxEdits bounds the edits of a track; recorders write one or two.
const maxEdits = 256

// editor lays a track's samples on its presentation as FFmpeg's demuxer does: from the key sample
// before each edit to the key sample after it, those outside the edit hidden.
type editor struct {
	tab   *tables
	raw   []indexed
	audio bool
	left  *budget
	scale int64 // ticks a second

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
		if s.at+s.duration < 0 { // or beyond all time, which wraps around
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
		if err := e.left.take(); err != nil {
			return err
		}
		x := e.raw[i]
		length := s.duration
		if i+1 < len(e.raw) {
			length = e.raw[i+1].dts - x.dts
		}
		at := e.time(x)
		shown := e.shows(s, at, length, &dts, x.offset)
		switch {
		case shown && !started:
			started = true
			e.countDown(i, hidden, dts)
		case !shown && !started:
			hidden++
		}
		x.Hidden = !shown
		x.PTS = dts + e.tab.shift + x.offset
		e.out = append(e.out, x.Sample)
		if started {
			dts += length
		}
		if at+length < s.at+s.duration || !x.Key && !e.audio {
			continue
		}
		// With reordering, pictures after one more key may still belong to the edit.
		if e.tab.offsets == nil || e.audio || keyAfter {
			return nil
		}
		keyAfter = true
	}
	return nil
}

// shows says whether a sample at a time of the media, so long, is presented in the edit. One whose
// beginning is cut off is decoded the earlier.
func (e *editor) shows(s segment, at, length int64, dts *int64, offset int64) bool {
	if s.holds(at) {
		if pts := *dts + e.tab.shift + offset; e.least < 0 || pts < e.least {
			e.least = pts
		}
		return true
	}
	if s.clips && at < s.at && at+length > s.at {
		e.clip, e.clipped = s.at-at, len(e.out)+1
		*dts -= e.clip
		return true
	}
	return false
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
