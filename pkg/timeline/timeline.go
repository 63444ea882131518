// Package timeline lays a record over its segments: which file shows each frame of the merge, where
// nothing was recorded, and why; which layout each stretch has; and whose sound is heard.
//
// It knows wall-clock time, frame rates and segment lengths. It knows no files, no network, no
// FFmpeg and no clock: values come in, values go out. Positions are frame counts at the merge's
// rate (or samples, or tenths of a second, where said); every one is counted from the record's
// start, never from the piece before, so rounding cannot add up. Start with [Lay] and [Compose].
package timeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
)

// Limits of what a gap in a pane does. A gap up to HoldMax keeps the last picture, one up to
// SlateMax shows a slate in that pane and leaves the layout, a longer one changes the layout. Inside
// a file, too, a picture is held for SlateMax at most.
const (
	HoldMax  = 500 * time.Millisecond
	SlateMax = 10 * time.Second
	// DamageHold is how long the last whole picture is held where pictures are damaged. After it comes
	// a slate.
	DamageHold = 3 * time.Second
)

// Window is a record's time in frames: frame k shows Start + k/Rate seconds.
type Window struct {
	Start  time.Time
	Frames int64
	Rate   int // frames a second
}

// NewWindow returns the window of [start, end), both on whole seconds.
func NewWindow(start, end time.Time, rate int) Window {
	return Window{
		Start:  start,
		Frames: int64(end.Sub(start)/time.Second) * int64(rate),
		Rate:   rate,
	}
}

// Offset returns how long after the record's start frame k is shown, rounded down to a nanosecond.
func (w Window) Offset(k int64) time.Duration {
	whole, rest := k/int64(w.Rate), k%int64(w.Rate)
	return time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/time.Duration(w.Rate)
}

// Time returns the instant that frame k shows.
func (w Window) Time(k int64) time.Time {
	return w.Start.Add(w.Offset(k))
}

// Nearest returns the frame whose instant is nearest to offset after the record's start; of two equally
// near, the later. It may lie outside the record.
func (w Window) Nearest(offset time.Duration) int64 {
	return floorDiv(2*int64(offset)*int64(w.Rate)+int64(time.Second), 2*int64(time.Second))
}

// FramesIn returns how many whole frames a duration holds.
func (w Window) FramesIn(d time.Duration) int64 {
	return int64(d) * int64(w.Rate) / int64(time.Second)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// Run is an unbroken stretch of pictures in a file, in time since the file's zero: [From, Until).
type Run struct {
	From  time.Duration `json:"from"`
	Until time.Duration `json:"until"`
}

// FileCoverage is what one file shows.
type FileCoverage struct {
	Start time.Time // wall clock of the file's zero: the minute in its name
	Runs  []Run     // ascending, disjoint; none if no picture can be used
	// Losses explain single stretches. Inner explains the other gaps before and between the runs (zero:
	// Cause). Cause explains what comes after the runs.
	Losses       []Loss
	Inner, Cause cause.Cause
}

// Loss is a stretch of a file, in time since its zero, that cannot be shown, and why.
type Loss struct {
	Run
	Cause cause.Cause `json:"cause,omitzero"`
	// Damage is set if there are pictures that are damaged. The last whole one may be held.
	Damage bool `json:"damage,omitempty"`
}

// Span is a stretch of frames [First, End) that one source shows from one run of one file, or a gap.
type Span struct {
	First int64       `json:"first"`
	End   int64       `json:"end"`
	File  int         `json:"file"` // index of the file; -1 for a gap
	Run   Run         `json:"run"`
	Cause cause.Cause `json:"cause,omitzero"` // of a gap
}

// Hole reports whether the span is a gap.
func (s Span) Hole() bool { return s.File < 0 }

// Lay lays the record over one source's files: spans that cover [0, Frames) without a break. A file
// ends where the next usable one starts. Gaps up to [HoldMax] are closed by the picture before them,
// or after them where none is before. Every gap has a cause: that of the file whose slot it is in,
// else that no file is there. slot is the nominal length of a file.
func Lay(w Window, files []FileCoverage, slot time.Duration) []Span {
	order := make([]int, len(files))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return files[a].Start.Compare(files[b].Start)
	})

	var shown []Span
	for i, index := range order {
		file := files[index]
		limit := w.Frames
		for _, later := range order[i+1:] {
			if len(files[later].Runs) > 0 {
				limit = min(limit, w.Nearest(files[later].Start.Sub(w.Start)))
				break
			}
		}
		zero := file.Start.Sub(w.Start)
		for _, run := range file.Runs {
			first, end := w.Nearest(zero+run.From), min(w.Nearest(zero+run.Until), limit)
			if first, end = max(first, 0), min(end, w.Frames); first < end {
				shown = append(shown, Span{First: first, End: end, File: index, Run: run})
			}
		}
	}
	blames := causes(w, files, order, slot)
	return fill(w, closeSmallHoles(w, holdDamage(w, shown, blames)), blames)
}

// holdDamage lets the last whole picture hold where pictures after it are damaged, for at most
// [DamageHold]. Such a stretch is a span of its own, with a cause. Spans are in order.
func holdDamage(w Window, spans []Span, blames []blame) []Span {
	var out []Span
	for i, span := range spans {
		out = append(out, span)
		next := w.Frames
		if i+1 < len(spans) {
			next = spans[i+1].First
		}
		for _, b := range blames {
			if !b.damage || b.first > span.End || b.end <= span.End || span.End >= next {
				continue
			}
			end := min(next, b.end, span.End+w.FramesIn(DamageHold))
			out = append(out, Span{
				First: span.End,
				End:   end,
				File:  span.File,
				Run:   span.Run,
				Cause: cause.PictureHeld(),
			})
			break
		}
	}
	return out
}

// closeSmallHoles extends pictures over gaps up to HoldMax. Spans are in order.
func closeSmallHoles(w Window, spans []Span) []Span {
	small := w.FramesIn(HoldMax)
	for i := range spans {
		before := int64(0)
		if i > 0 {
			before = spans[i-1].End
		}
		switch hole := spans[i].First - before; {
		case hole <= 0 || hole > small:
		case i > 0:
			spans[i-1].End = spans[i].First
		default:
			spans[i].First = 0
		}
	}
	if n := len(spans); n > 0 && w.Frames-spans[n-1].End <= small {
		spans[n-1].End = w.Frames
	}
	return spans
}

// blame is a stretch of frames for whose gaps there is a cause. Of two, the later in a list counts.
type blame struct {
	first, end int64
	cause      cause.Cause
	damage     bool // the last whole picture may be held
}

func causes(w Window, files []FileCoverage, order []int, slot time.Duration) []blame {
	var all []blame
	for i, index := range order {
		zero := files[index].Start.Sub(w.Start)
		end := w.Nearest(zero + slot)
		if i+1 < len(order) {
			end = min(end, w.Nearest(files[order[i+1]].Start.Sub(w.Start)))
		}
		first := w.Nearest(zero)
		if runs := files[index].Runs; len(runs) > 0 {
			last := min(w.Nearest(zero+runs[len(runs)-1].Until), end)
			all = append(all, blame{
				first: first,
				end:   last,
				cause: cmp.Or(files[index].Inner, files[index].Cause),
			})
			first = last
		}
		all = append(all, blame{first: first, end: end, cause: files[index].Cause})
		for _, loss := range files[index].Losses {
			all = append(all, blame{
				first:  w.Nearest(zero + loss.From),
				end:    min(end, w.Nearest(zero+loss.Until)),
				cause:  loss.Cause,
				damage: loss.Damage,
			})
		}
	}
	return all
}

// fill puts gaps between spans, each with its cause.
func fill(w Window, spans []Span, blames []blame) []Span {
	var out []Span
	at := int64(0)
	hole := func(end int64) {
		for at < end {
			why, until := cause.NoFile(), end
			for _, b := range blames {
				if b.first <= at && at < b.end {
					why, until = b.cause, min(until, b.end)
				} else if b.first > at && b.first < b.end {
					until = min(until, b.first)
				}
			}
			if why.IsZero() {
				why = cause.NoPictureThere()
			}
			if n := len(out); n > 0 && out[n-1].Hole() && out[n-1].Cause == why {
				out[n-1].End = until
			} else {
				out = append(out, Span{First: at, End: until, File: -1, Cause: why})
			}
			at = until
		}
	}
	for _, span := range spans {
		hole(span.First)
		out = append(out, span)
		at = span.End
	}
	hole(w.Frames)
	return out
}

// BetterCoverage returns the index, a or b, of the file that shows more within the slot of both. On a tie it
// returns a.
func BetterCoverage(files []FileCoverage, a, b int, slot time.Duration) int {
	if cmp.Compare(usable(files[b], slot), usable(files[a], slot)) > 0 {
		return b
	}
	return a
}

func usable(f FileCoverage, slot time.Duration) time.Duration {
	var sum time.Duration
	for _, run := range f.Runs {
		sum += max(0, min(run.Until, slot)-run.From)
	}
	return sum
}
