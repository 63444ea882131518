package slides

import (
	"time"
)

// Look is what the screen shows at a time. Between two looks with the same picture nothing else stands.
type Look struct {
	At      time.Duration
	Picture Picture
	// Key is set for a picture that can be decoded alone.
	Key bool
}

// Slide is a picture that stands: [From, Until).
type Slide struct {
	From, Until time.Duration
	// Still is the time of the look that shows the slide complete.
	Still time.Duration
	// Begun is false if the slide stood already at the first look.
	Begun bool
}

const (
	// standsFor is how long a picture must stand to be a slide.
	standsFor = 3 * time.Second

	// leastInk is the number of cells that must stand, in which something is written or drawn.
	leastInk = 12
	// leastStanding is the share of a picture that must stand, as a divisor: less is a film.
	leastStanding = 4

	// fewestGone and mostKept bound how many cells with ink must go for another slide. A cursor, a clock, or
	// a few letters are fewer. A menu or a changed line may be more, where much is written.
	fewestGone = 22
	mostKept   = 130
	// goneShare is the share of the ink that must go, as a divisor.
	goneShare = 8

	// ahead is the number of steps between looks that tell what moves all the time.
	ahead = 6
)

// current is the slide that is shown.
type current struct {
	Slide
	picture Picture
	ink     *mask // that stands
	marks   [cells]uint8
	scroll  int // pixels by which its page has moved
}

// finder walks through looks.
type finder struct {
	looks []Look
	until time.Duration
	steps []*mask // what changed from each look to the next
	slide *current
	gone  time.Duration // since when the slide is not seen, or negative
	found []Slide
}

// newFinder compares each look with the next one. Times are since the zero of the segment; until is its end.
func newFinder(looks []Look, until time.Duration) *finder {
	f := &finder{looks: looks, until: until, gone: -1}
	for i := 1; i < len(looks); i++ {
		f.steps = append(f.steps, looks[i-1].Picture.changes(looks[i].Picture))
	}
	return f
}

// Find returns the slides of a file that ends at until, in order. The looks are in order of time.
func Find(looks []Look, until time.Duration) []Slide {
	if len(looks) == 0 {
		return nil
	}
	f := newFinder(looks, until)
	for i := range looks {
		f.look(i)
	}
	f.end(until)
	return f.found
}

// look takes in one look.
func (f *finder) look(i int) {
	now := f.looks[i]
	if f.slide != nil {
		kept, by := f.slide.keeps(now.Picture)
		if kept {
			f.gone = -1
			f.slide.mark(now.Picture)
			if standing := f.standing(i); standing != nil {
				f.slide.update(now, standing)
				f.slide.scroll += by
			}
			return
		}
		if f.gone < 0 {
			f.gone = now.At
		}
	}
	standing := f.standing(i)
	if standing == nil {
		return
	}
	f.end(now.At)
	f.gone = -1
	f.slide = &current{Slide: Slide{From: now.At, Begun: i > 0}}
	f.slide.update(now, standing)
}

// end ends the slide that is shown, at the latest at a time.
func (f *finder) end(at time.Duration) {
	if f.slide == nil {
		return
	}
	s := f.slide.Slide
	s.Until = at
	if f.gone >= 0 {
		s.Until = f.gone
	}
	f.found = append(f.found, s)
	f.slide = nil
}

// standing returns what is written in look i if most of it stands for 3 s, or nil if that is no slide.
func (f *finder) standing(i int) *mask {
	start := f.looks[i]
	written, still := start.Picture.ink(), &mask{}
	for c, moving := range f.moving(i) {
		written[c] = written[c] && !moving
		still[c] = !moving
	}
	last := start.At
	for k := i + 1; k < len(f.looks) && last-start.At < standsFor; k++ {
		last = f.looks[k].At
		for c, changed := range start.Picture.changes(f.looks[k].Picture) {
			still[c] = still[c] && !changed
		}
	}
	if last-start.At < standsFor && f.until-start.At < standsFor {
		return nil
	}
	stands := 0
	for c := range written {
		if written[c] && still[c] {
			stands++
		}
	}
	if stands < leastInk || 2*stands < written.count() || still.count() < cells/leastStanding {
		return nil
	}
	return written
}

// moving returns the cells that change in most of the next steps.
func (f *finder) moving(i int) *mask {
	m := &mask{}
	steps := f.steps[min(i, len(f.steps)):min(i+ahead, len(f.steps))]
	if len(steps) < 4 {
		return m
	}
	for c := range m {
		n := 0
		for _, step := range steps {
			if step[c] {
				n++
			}
		}
		m[c] = 2*n > len(steps)
	}
	return m
}

// update makes a look the state of the slide.
func (s *current) update(now Look, standing *mask) {
	s.picture = now.Picture
	s.ink = standing
	s.Still = now.At
}

// mark notes where a slide changes while it stays: what changes again and again is not written on it.
func (s *current) mark(p Picture) {
	for c, changed := range s.picture.changes(p) {
		if changed && s.marks[c] < 255 {
			s.marks[c]++
		}
	}
}

// keeps reports whether a picture still shows the slide, and by how many pixels its page has moved.
func (s *current) keeps(p Picture) (kept bool, by int) {
	gone := s.picture.changes(p)
	ink := 0
	for c := range gone {
		written := s.ink[c] && s.marks[c] < 3
		if written {
			ink++
		}
		gone[c] = gone[c] && written
	}
	enough := max(fewestGone, min(ink/goneShare, mostKept))
	if gone.count() < enough {
		return true, 0
	}
	for c := range gone {
		if gone[c] && s.picture.samePattern(p, c) {
			gone[c] = false
		}
	}
	if gone.count() < enough {
		return true, 0
	}
	by, found := s.picture.moved(p, gone)
	scroll := s.scroll + by
	return found && max(scroll, -scroll) <= Height/2, by
}

// Step is what happens between a look and the next one.
type Step struct {
	// Changed is set if another slide may begin, and Settled if the picture stands then.
	Changed, Settled bool
}

// Steps returns what happens after each look but the last, of a file that ends at until.
func Steps(looks []Look, until time.Duration) []Step {
	if len(looks) == 0 {
		return nil
	}
	f := newFinder(looks, until)
	inks := make([]*mask, len(looks))
	for i, l := range looks {
		inks[i] = l.Picture.ink()
	}
	out := make([]Step, len(looks)-1)
	for i, step := range f.steps {
		before, after := f.moving(max(0, i-ahead)), f.moving(i)
		n := 0
		for c, changed := range step {
			if changed && (inks[i][c] || inks[i+1][c]) && !before[c] && !after[c] {
				n++
			}
		}
		out[i].Changed = n >= leastInk
		out[i].Settled = out[i].Changed && f.standing(i+1) != nil
	}
	return out
}
