package mp4

import (
	"fmt"
	"sort"
)

// maxEdits bounds the number of edits in a track. Recorders write one or two.
const maxEdits = 256

// editMapper maps the samples of a track to its presentation, as FFmpeg's demuxer
// does. For each edit it takes the samples from the sync sample before the edit to
// the sync sample after it. Samples outside the edit are hidden.
type editMapper struct {
	tables    *tables
	raw       []indexed
	audio     bool
	remaining *sampleBudget
	// scale is the timescale of the track in ticks per second.
	scale int64

	out []Sample
	// end is the end of the previous edit on the decoding timeline.
	end int64
	// firstPTS is the smallest presented PTS, or -1.
	firstPTS int64
	// clipped is the number, from 1, of the sample whose beginning an edit cuts
	// off.
	clipped int
	// clip is the length that is cut off, in ticks.
	clip int64
}

// editSegment is an edit in ticks of the track.
type editSegment struct {
	mediaTime, duration int64
	// mayClip is set for the first edit of an audio track, which may begin inside a
	// packet.
	mayClip bool
}

// contains reports whether a media time lies in the edit.
func (s editSegment) contains(at int64) bool {
	return at >= s.mediaTime && at < s.mediaTime+s.duration
}

// apply maps all samples. Without an edit list the presentation is the media
// timeline.
func (e *editMapper) apply(movieScale int64) error {
	e.firstPTS = -1
	if len(e.tables.edits) == 0 || len(e.raw) == 0 {
		e.out = make([]Sample, len(e.raw))
		for i, s := range e.raw {
			e.out[i] = s.sample(e.presentation(s), false)
		}
		return nil
	}
	if len(e.tables.edits) > maxEdits {
		return fmt.Errorf("%w: %d edits", ErrMalformed, len(e.tables.edits))
	}
	e.out = make([]Sample, 0, len(e.raw))
	e.end = -e.tables.dtsShift
	empty := int64(0)
	first := true
	for _, x := range e.tables.edits {
		s := editSegment{
			mediaTime: x.mediaTime,
			duration:  rescale(x.duration, e.scale, movieScale),
			mayClip:   e.audio && first,
		}
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

// presentation returns the composition time of a sample on the media timeline.
func (e *editMapper) presentation(s indexed) int64 {
	return s.dts + e.tables.dtsShift + s.offset()
}

// applyEdit adds the samples that one edit needs. dts is the decoding time of the
// first of them.
func (e *editMapper) applyEdit(s editSegment, dts int64) error {
	started := false
	keyAfter := false
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
		shown := e.isPresented(s, at, length, &dts, x.offset())
		switch {
		case shown && !started:
			started = true
			e.setHiddenTimes(i, hidden, dts)
		case !shown && !started:
			hidden++
		}
		e.out = append(e.out, x.sample(dts+e.tables.dtsShift+x.offset(), !shown))
		if started {
			dts += length
		}
		if at+length < s.mediaTime+s.duration ||
			!x.key && !e.audio {
			continue
		}
		// With reordering, pictures after one more key may still belong to the edit.
		if e.tables.compositionOffsets == nil ||
			e.audio ||
			keyAfter {
			return nil
		}
		keyAfter = true
	}
	return nil
}

// isPresented reports whether a sample with this composition time and length is
// presented in the edit. If the edit cuts off its beginning, its decoding time
// moves back by the same length.
func (e *editMapper) isPresented(s editSegment, at, length int64, dts *int64, offset int64) bool {
	if s.contains(at) {
		if pts := *dts + e.tables.dtsShift + offset; e.firstPTS < 0 || pts < e.firstPTS {
			e.firstPTS = pts
		}
		return true
	}
	if s.mayClip &&
		at < s.mediaTime &&
		at+length > s.mediaTime {
		e.clip = s.mediaTime - at
		e.clipped = len(e.out) + 1
		*dts -= e.clip
		return true
	}
	return false
}

// setHiddenTimes sets the PTS of the hidden samples before sample i, so that they
// end at dts.
func (e *editMapper) setHiddenTimes(i, hidden int, dts int64) {
	for back := 1; back <= hidden; back++ {
		x := e.raw[i-back]
		dts -= e.raw[i-back+1].dts - x.dts
		e.out[len(e.out)-back].PTS = dts + e.tables.dtsShift + x.offset()
	}
}

// decodeStart returns the sample at which decoding for an edit must start. Audio
// starts a second earlier, because some decoders need a run-up.
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

// lastBefore returns the last sample decoded at or before a time, or -1.
func (e *editMapper) lastBefore(at int64) int {
	return sort.Search(len(e.raw), func(i int) bool { return e.raw[i].dts > at }) - 1
}

// seekBack returns the sample at or before i at which decoding for a time can
// start, or -1.
func (e *editMapper) seekBack(i int, at int64, key bool) int {
	for key && i >= 0 && !e.raw[i].key {
		i--
	}
	for j := i; j > 0 && e.raw[j].dts == e.raw[j-1].dts; j-- {
		if !key || e.raw[j-1].key {
			i = j - 1
		}
	}
	if e.tables.compositionOffsets == nil {
		return i
	}
	for i >= 0 && (!e.raw[i].key || e.raw[i].dts+e.raw[i].offset() > at) {
		i--
	}
	return i
}

// start returns the first presented tick.
func (e *editMapper) start() int64 {
	if e.clipped > 0 {
		return e.out[e.clipped-1].PTS + e.clip
	}
	start := int64(0)
	found := false
	for i := range e.out {
		if s := &e.out[i]; !s.Hidden &&
			(!found || s.PTS < start) {
			start = s.PTS
			found = true
		}
	}
	return start
}
