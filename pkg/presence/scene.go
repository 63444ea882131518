package presence

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// shot is one picture of the file and what was decided about it.
type shot struct {
	pts int64
	observation
	verdict Verdict
	why     string
}

// scene is a run of shots that show the same, but for an overlay.
type scene struct {
	shots []shot // a part of the scan's list, so that what is decided is decided there
	next  int64  // PTS of what follows
}

// like says whether two sights are of one scene.
func (s *observation) like(other *observation) bool {
	if s.certainty != other.certainty {
		return false
	}
	if s.onGround() && other.onGround() {
		// The thing on the ground may wander, but keeps its size.
		a, b := s.left.box, other.left.box
		return s.background.far(other.background) <= 14 && near(a.Dx(), b.Dx(), 3) && near(a.Dy(), b.Dy(), 2) &&
			near(s.left.count, other.left.count, 6)
	}
	return s.tiles.differing(other.tiles) <= blocks/50
}

func near(a, b, least int) bool { return abs(a-b) <= max(least, max(a, b)/4) }

// cutScenes cuts the list where something else is shown. until is the end of the last.
func cutScenes(shots []shot, until int64) []scene {
	var out []scene
	from := 0
	for i := 1; i <= len(shots); i++ {
		if i < len(shots) && shots[i].like(&shots[from].observation) && shots[i].like(&shots[i-1].observation) {
			continue
		}
		next := until
		if i < len(shots) {
			next = shots[i].pts
		}
		out = append(out, scene{shots: shots[from:i], next: next})
		from = i
	}
	return out
}

func (s *scene) first() *shot { return &s.shots[0] }

func (s *scene) last() *shot { return &s.shots[len(s.shots)-1] }

func (s *scene) decide(v Verdict, why string) {
	for i := range s.shots {
		s.shots[i].verdict, s.shots[i].why = v, why
	}
}

// wanders says whether what lies on the ground moves about as a whole: a bouncing logo, a box.
func (s *scene) wanders() bool {
	moves := 0
	for i := 1; i < len(s.shots); i++ {
		if s.shots[i-1].left == nil || s.shots[i].left == nil {
			return false // not something on a ground
		}
		a, b := s.shots[i-1].left.box, s.shots[i].left.box
		if abs(a.Min.X-b.Min.X)+abs(a.Min.Y-b.Min.Y) >= 3 {
			moves++
		}
	}
	return len(s.shots) >= 3 && moves*2 >= len(s.shots)-1
}

// runs says whether what lies on the ground changes in place: a clock.
func (s *scene) running() bool {
	changes := 0
	for i := 1; i < len(s.shots); i++ {
		if n := s.shots[i].tiles.changed(s.shots[i-1].tiles, s.first().left); n > 0 {
			changes++
		}
	}
	return len(s.shots) >= 2 && changes*2 >= len(s.shots)-1
}

// changed counts the blocks of a residue that differ even slightly.
func (t tiles) changed(other tiles, in *residue) int {
	n := 0
	for i := range blocks {
		if in.mask[i] && t.at(i).far(other.at(i)) > 8 {
			n++
		}
	}
	return n
}

// small is a mark in the margin no larger than a clock.
func (s *scene) small() bool {
	b := s.first().left.box
	margin := b.Max.Y <= rows/5 || b.Min.Y >= rows*4/5
	return margin && b.Dy() <= rows/8 && b.Dx() <= cols/2
}

// Reading a picture costs as much as decoding twenty key frames, so there are few readings: the
// emptiest pictures first, and each scene once.
const (
	readingsOfOverlays = 16
	readingsOfPages    = 16
	// busiest is the detail, per mille, beyond which a picture is no splash; the sum is bounded too.
	busiest    = 350
	busyBudget = 1500
)

// lightGround is the brightness from which a thing that moves on a plain ground is an animation on a
// page: logos and boxes bounce on black and blue.
const lightGround = 150

// settle decides every shot.
func (j *Judge) settle(ctx context.Context, in Input, shots []shot, until int64) error {
	scenes := cutScenes(shots, until)
	var pages []*scene
	known := []*scene{}
	budget := readingsOfOverlays
	for i := range scenes {
		s := &scenes[i]
		first := s.first()
		since := first.pts // what is shown may have come right after the look before
		if i > 0 {
			since = scenes[i-1].last().pts
		}
		switch first.certainty {
		case isCanvas:
			for k := range s.shots {
				s.shots[k].verdict, s.shots[k].why = Canvas, s.shots[k].cause
			}
		case maybeOverlay:
			if old := recall(known, s); old != nil && old.wanders() == s.wanders() {
				s.decide(old.first().verdict, old.first().why)
				continue
			}
			if err := j.decideOverlay(ctx, in, s, &budget); err != nil {
				return err
			}
			known = append(known, s)
		default:
			s.decide(Presentation, first.cause)
			if len(scenes) == 1 || in.since(s.next)-in.since(since) >= shortest && !in.moves(s) {
				pages = append(pages, s)
			}
		}
	}
	return j.readPages(ctx, in, pages)
}

// recall finds a scene seen before.
func recall(known []*scene, s *scene) *scene {
	for _, old := range known {
		if old.first().like(&s.first().observation) && (s.wanders() || old.first().tiles.differing(s.first().tiles) <= blocks/100) {
			return old
		}
	}
	return nil
}

// decideOverlay says whether what lies on a plain ground is an overlay or content.
func (j *Judge) decideOverlay(ctx context.Context, in Input, s *scene, budget *int) error {
	first := s.first()
	wanders, running := s.wanders(), s.running()
	if j.Reader != nil {
		for _, k := range tries(len(s.shots)) {
			if *budget == 0 {
				break
			}
			words, err := j.read(ctx, in, &s.shots[k], budget)
			if err != nil {
				return err
			}
			r := interpret(words, running)
			switch {
			case r.phrase != "":
				s.decide(Canvas, fmt.Sprintf("no-signal splash: read %q", r.text))
				return nil
			case r.label && s.small():
				s.decide(Canvas, fmt.Sprintf("%s: a label, read %q", first.cause, r.text))
				return nil
			case r.others > 0:
				s.decide(Presentation, fmt.Sprintf("%s: read %q", first.cause, short(r.text)))
				return nil
			case r.clock:
				s.decide(Canvas, fmt.Sprintf("%s: a clock, read %q", first.cause, r.text))
				return nil
			}
		}
	}
	note := ""
	if j.Reader == nil {
		note = " (words not read: tesseract is not installed)"
	}
	switch {
	case wanders && first.background.luma() < lightGround:
		s.decide(Canvas, fmt.Sprintf("%s, which wanders about%s", first.cause, note))
	case running && s.small():
		s.decide(Canvas, fmt.Sprintf("%s, small and running like a clock%s", first.cause, note))
	default:
		s.decide(first.without, first.cause+note)
	}
	return nil
}

// tries are the shots of a scene that are worth reading: a wandering box may have been caught badly.
func tries(n int) []int {
	if n < 3 {
		return []int{n / 2}
	}
	return []int{n / 2, n / 4}
}

// readPages looks for the words of a splash in pictures that stand still and have little on them.
func (j *Judge) readPages(ctx context.Context, in Input, pages []*scene) error {
	if j.Reader == nil {
		return nil
	}
	slices.SortStableFunc(pages, func(a, b *scene) int { return a.first().busy - b.first().busy })
	var read []*scene
	spent, budget := 0, readingsOfPages
	for _, s := range pages {
		if old := recall(read, s); old != nil {
			s.decide(old.first().verdict, old.first().why)
			continue
		}
		first := s.first()
		spent += first.busy
		if budget == 0 || first.busy > busiest || spent > busyBudget {
			continue
		}
		words, err := j.read(ctx, in, &s.shots[len(s.shots)/2], &budget)
		if err != nil {
			return err
		}
		if r := interpret(words, true); r.phrase != "" {
			s.decide(Canvas, fmt.Sprintf("no-signal splash: read %q", r.text))
		} else if r.text != "" {
			s.decide(Presentation, fmt.Sprintf("%s, read %q", first.cause, short(r.text)))
		}
		read = append(read, s)
	}
	return nil
}

func short(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return text
}

// onGround says that the sight is of something on a plain ground.
func (s *observation) onGround() bool {
	return s.certainty == maybeOverlay && s.without == Presentation
}

// since is a PTS as time since PTS 0.
func (in Input) since(pts int64) time.Duration {
	return time.Duration(pts/in.Timescale)*time.Second + time.Duration(pts%in.Timescale)*time.Second/time.Duration(in.Timescale)
}
