package mp4

import (
	"fmt"
	"sort"
)

// maxEdits bounds the edits of a track; recorders write one or two.
const maxEdits = 256

// editMapper lays a track's samples on its presentation as FFmpeg's demuxer does: from the key sample
// before each edit to the key sample after it, those outside the edit hidden.
type editMapper struct {
	tables   *tables
	raw   []indexed
	audio bool
	remaining  *sampleBudget
	scale int64 // ticks a second

	out     []Sample
	end     int64 // of the edit before, on the timeline of decoding
	firstPTS   int64 // the least presented PTS, -1 while there is none
	clipped int   // sample of out whose beginning an edit cuts off, from 1
	clip    int64 // by so many ticks
}

// editSegment is one edit in ticks of the track.
type editSegment struct {
	mediaTime, duration int64
	mayClip        bool // the first edit of a sound track may begin inside a packet
}

func (s editSegment) contains(at int64) bool { return at >= s.mediaTime && at < s.mediaTime+s.duration }

// apply lays out all samples.
func (e *editMapper) apply(movieScale int64) error {
	e.firstPTS = -1
	if len(e.tables.edits) == 0 || len(e.raw) == 0 {
		e.out = make([]Sample, len(e.raw))
		for i, s := range e.raw {
			e.out[i] = s.Sample
			e.out[i].PTS = e.presentation(s)
		}
		return nil
	}
	if len(e.tables.edits) > maxEdits {
		return fmt.Errorf("%w: %d edits", ErrMalformed, len(e.tables.edits))
	}
	e.end = -e.tables.dtsShift
	empty, first := int64(0), true
	for _, x := range e.tables.edits {
		s := editSegment{mediaTime: x.mediaTime, duration: rescale(x.duration, e.scale, movieScale), mayClip: e.audio && first}
		if s.mediaTime+s.duration < 0 { // or beyond all time, which wraps around
			s.duration = 0
		}
		start := e.end
		e.end += s.duration
		if e.end < start && s.duration > 0 {
			break // beyond all time
		}
		if first && s.mediaTime == -1 {
			empty += s.duration
			continue
		}
		first = false
		if err := e.applyEdit(s, start); err != nil {
			return err
		}
	}
	if late := e.firstPTS - empty; !e.audio && late > 0 {
		for i := range e.out {
			e.out[i].PTS -= late
		}
	}
	return nil
}

// presentation is when a sample is presented on the timeline of the media.
func (e *editMapper) presentation(s indexed) int64 { return s.dts + e.tables.dtsShift + s.offset }

// applyEdit adds the samples that one edit needs, the first of them decoded at dts.
func (e *editMapper) applyEdit(s editSegment, dts int64) error {
	started, keyAfter := false, false
	hidden := 0
	for i := e.decodeStart(s); i < len(e.raw); i++ {
		if err := e.remaining.take(); err != nil {
			return err
		}
		x := e.raw[i]
		length := s.duration
		if i+1 < len(e.raw) {
			length = e.raw[i+1].dts - x.dts
		}
		at := e.presentation(x)
		shown := e.isPresented(s, at, length, &dts, x.offset)
		switch {
		case shown && !started:
			started = true
			e.setHiddenTimes(i, hidden, dts)
		case !shown && !started:
			hidden++
		}
		x.Hidden = !shown
		x.PTS = dts + e.tables.dtsShift + x.offset
		e.out = append(e.out, x.Sample)
		if started {
			dts += length
		}
		if at+length < s.mediaTime+s.duration || !x.Key && !e.audio {
			continue
		}
		// With reordering, pictures after one more key may still belong to the edit.
		if e.tables.compositionOffsets == nil || e.audio || keyAfter {
			return nil
		}
		keyAfter = true
	}
	return nil
}

// isPresented says whether a sample at a time of the media, so long, is presented in the edit. One whose
// beginning is cut off is decoded the earlier.
func (e *editMapper) isPresented(s editSegment, at, length int64, dts *int64, offset int64) bool {
	if s.contains(at) {
		if pts := *dts + e.tables.dtsShift + offset; e.firstPTS < 0 || pts < e.firstPTS {
			e.firstPTS = pts
		}
		return true
	}
	if s.mayClip && at < s.mediaTime && at+length > s.mediaTime {
		e.clip, e.clipped = s.mediaTime-at, len(e.out)+1
		*dts -= e.clip
		return true
	}
	return false
}

// setHiddenTimes gives the hidden samples before raw sample i, the last of out, times that end at dts.
func (e *editMapper) setHiddenTimes(i, hidden int, dts int64) {
	for back := 1; back <= hidden; back++ {
		x := e.raw[i-back]
		dts -= e.raw[i-back+1].dts - x.dts
		e.out[len(e.out)-back].PTS = dts + e.tables.dtsShift + x.offset
	}
}

// decodeStart finds the sample at which decoding for an edit must start.
func (e *editMapper) decodeStart(s editSegment) int {
	at := s.mediaTime
	if e.audio { // a second earlier, for decoders that need a run-up
		at = max(at-e.scale, e.raw[0].dts)
	}
	at -= e.tables.dtsShift
	if i := e.seekBack(e.lastBefore(at), at, true); i >= 0 {
		return i
	}
	return max(0, e.seekBack(e.lastBefore(at), at, false))
}

// lastBefore is the last sample decoded at or before at; -1 if there is none.
func (e *editMapper) lastBefore(at int64) int {
	return sort.Search(len(e.raw), func(i int) bool { return e.raw[i].dts > at }) - 1
}

// seekBack goes from sample i back to one where decoding for at can start; -1 if there is none.
func (e *editMapper) seekBack(i int, at int64, key bool) int {
	for key && i >= 0 && !e.raw[i].Key {
		i--
	}
	for j := i; j > 0 && e.raw[j].dts == e.raw[j-1].dts; j-- {
		if !key || e.raw[j-1].Key {
			i = j - 1
		}
	}
	if e.tables.compositionOffsets == nil {
		return i
	}
	for i >= 0 && (!e.raw[i].Key || e.raw[i].dts+e.raw[i].offset > at) {
		i--
	}
	return i
}

// start is the first presented tick.
func (e *editMapper) start() int64 {
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
