package timeline

import (
	"time"
)

// Block is how long a unit of hearing is: sound sources are chosen by tenths of a second.
const Block = 100 * time.Millisecond

// BlocksPerSecond is how many blocks a second has.
const BlocksPerSecond = int64(time.Second / Block)

// Heard is what a source gives in one block.
type Heard uint8

// What a source can give.
const (
	Missing Heard = iota // no samples
	Silent               // samples, but nothing to hear
	Noise                // something to hear, but no voice
	Audible
)

// A source without a voice for longer than patience is replaced; it is back when it has been audible for
// longer than steadiness.
const (
	patience   = 10 * time.Second
	steadiness = time.Second
)

// Listen is a stretch of blocks [First, End) in which one source is heard.
type Listen struct {
	First, End int64
	Source     int
}

// Choose picks the source of every block in [first, end): sources[0] where it is audible, another where it
// is not for more than 10 s and the other one is. Where none is audible, one that gives noise stands in for
// one that is missing or silent. heard gives what a source has in a block; sources are tried in order. Asking
// is only done where it matters, so that a source that is not needed is never measured.
func Choose(first, end int64, sources int, heard func(source int, block int64) Heard) []Listen {
	voices := &choice{sources: sources, heard: heard, least: Audible}
	noises := &choice{sources: sources, heard: heard, least: Noise}
	var out []Listen
	for _, l := range join(voices.choose(first, end, 0)) {
		out = append(out, noises.choose(l.First, l.End, l.Source)...)
	}
	return join(out)
}

// choice looks for sources that give what is wanted or better.
type choice struct {
	sources int
	heard   func(source int, block int64) Heard
	least   Heard
}

func (c *choice) choose(first, end int64, source int) []Listen {
	var out []Listen
	at := first
	for _, gap := range c.quiet(first, end, source) {
		if gap.End-gap.First <= int64(patience/Block) || source+1 >= c.sources {
			continue
		}
		other := c.choose(gap.First, gap.End, source+1)
		for _, l := range other {
			if !c.audible(l) {
				continue // no better: stay
			}
			out = append(out, Listen{First: at, End: l.First, Source: source}, l)
			at = l.End
		}
	}
	return append(out, Listen{First: at, End: end, Source: source})
}

// quiet lists the stretches in which a source does not give what is wanted; if it does so for less than
// steadiness, that does not end one.
func (c *choice) quiet(first, end int64, source int) []Listen {
	var gaps []Listen
	for at := first; at < end; at++ {
		if c.heard(source, at) >= c.least {
			continue
		}
		if n := len(gaps); n > 0 && at-gaps[n-1].End < int64(steadiness/Block) {
			gaps[n-1].End = at + 1
			continue
		}
		gaps = append(gaps, Listen{First: at, End: at + 1, Source: source})
	}
	return gaps
}

func (c *choice) audible(l Listen) bool {
	for at := l.First; at < l.End; at++ {
		if c.heard(l.Source, at) >= c.least {
			return true
		}
	}
	return false
}

func join(listens []Listen) []Listen {
	var out []Listen
	for _, l := range listens {
		if l.First >= l.End {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Source == l.Source {
			out[n-1].End = l.End
			continue
		}
		out = append(out, l)
	}
	return out
}

// SoundRun is an unbroken stretch of one file's sound, laid over the record: [First, End) in samples
// since the record's start. It may reach outside the record and behind the start of the next file.
type SoundRun struct {
	First, End int64
	File       int
	Run        Run
	PPM        int64 // as in [Take]
}

// Take is a stretch of one file's sound in the merge: samples [First, End), of which the first FadeIn
// rise from silence and the last FadeOut fall to it. Takes overlap by their fades and add up. Where a
// take reaches a little beyond its run it goes on with the mirrored edge of it.
type Take struct {
	First   int64 `json:"first"`
	End     int64 `json:"end"`
	FadeIn  int64 `json:"fade_in"`
	FadeOut int64 `json:"fade_out"`
	File    int   `json:"file"`
	Run     Run   `json:"run"`
	Start   int64 `json:"start"` // where the run begins, samples since the record's start
	// PPM is by how many parts in a million the clock of the file's sound is fast.
	PPM int64 `json:"ppm,omitempty"`
}

// Fades and the longest gap that is bridged, in samples at 48 kHz.
const (
	crossFade = 480  // 10 ms from one take to the next
	edgeFade  = 240  // 5 ms at an edge to silence
	bridged   = 2400 // 50 ms: files that were cut from one stream leave gaps of a packet or two
)

// Takes lays the chosen sources' runs over the record's samples. listens says in samples which source
// is heard where; runs gives a source's runs, in order of their start. A run is cut where the next of
// its source starts.
func Takes(listens []Listen, runs func(source int) []SoundRun) []Take {
	var takes []Take
	var tails []int64 // how far each take's run goes on behind the take
	for _, listen := range listens {
		all := runs(listen.Source)
		for i, run := range all {
			end := min(run.End, listen.End)
			if i+1 < len(all) {
				end = min(end, all[i+1].First)
			}
			first := max(run.First, listen.First)
			if end-first < 2*crossFade {
				continue // too short to fade in and out of
			}
			takes = append(takes, Take{
				First: first,
				End:   end,
				File:  run.File,
				Run:   run.Run,
				Start: run.First,
				PPM:   run.PPM,
			})
			tails = append(tails, run.End-end)
		}
	}
	for i := range takes {
		if i == 0 {
			takes[i].FadeIn = edgeFade
			continue
		}
		fade(&takes[i-1], &takes[i], tails[i-1])
	}
	if n := len(takes); n > 0 {
		takes[n-1].FadeOut = edgeFade
	}
	return takes
}

// fade shapes the joint of two takes; a's run goes on for tail samples behind a.
func fade(a, b *Take, tail int64) {
	switch gap := b.First - a.End; {
	case gap > bridged:
		a.FadeOut, b.FadeIn = edgeFade, edgeFade
	case gap > 0:
		a.End, a.FadeOut = b.First, gap
		b.First, b.FadeIn = b.First-gap, gap
	case tail > 0:
		length := min(tail, crossFade)
		a.End += length
		a.FadeOut, b.FadeIn = length, length
	default:
		// b begins on the very sample at which a ends: the sound goes on by itself.
	}
}

// GainAt is a take's gain at a sample: its fades are linear, so that two that cross add up to one.
func (t Take) GainAt(sample int64) float32 {
	gain := float32(1)
	if in := sample - t.First; in < t.FadeIn {
		gain *= (float32(in) + 0.5) / float32(t.FadeIn)
	}
	if out := t.End - sample; out <= t.FadeOut {
		gain *= (float32(out) - 0.5) / float32(t.FadeOut)
	}
	return gain
}
