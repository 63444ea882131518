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
	cause     string
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
		return s.background.maxDiff(other.background) <= 14 && similarSize(a.Dx(), b.Dx(), 3) && similarSize(a.Dy(), b.Dy(), 2) &&
			similarSize(s.left.count, other.left.count, 6)
	}
	return s.tiles.countDiffering(other.tiles) <= blocks/50
}

func similarSize(a, b, least int) bool { return abs(a-b) <= max(least, max(a, b)/4) }

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

func (s *scene) setVerdict(v Verdict, why string) {
	for i := range s.shots {
		s.shots[i].verdict, s.shots[i].cause = v, why
	}
}

// moves says whether what lies on the ground moves about as a whole: a bouncing logo, a box.
func (s *scene) moves() bool {
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
		if n := s.shots[i].tiles.countChanged(s.shots[i-1].tiles, s.first().left); n > 0 {
			changes++
		}
	}
	return len(s.shots) >= 2 && changes*2 >= len(s.shots)-1
}

// countChanged counts the blocks of a residue that differ even slightly.
func (t tiles) countChanged(other tiles, in *residue) int {
	n := 0
	for i := range blocks {
		if in.mask[i] && t.at(i).maxDiff(other.at(i)) > 8 {
			n++
		}
	}
	return n
}

// isSmallMark is a mark in the margin no larger than a clock.
func (s *scene) isSmallMark() bool {
	b := s.first().left.box
	margin := b.Max.Y <= rows/5 || b.Min.Y >= rows*4/5
	return margin && b.Dy() <= rows/8 && b.Dx() <= cols/2
}

// Reading a picture costs as much as decoding twenty key frames, so there are few readings: the
// emptiest pictures first, and each scene once.
const (
	maxOverlayReadings = 16
	maxPageReadings    = 16
	// maxSplashDetail is the detail, per mille, beyond which a picture is no splash; the sum is bounded too.
	maxSplashDetail    = 350
	splashDetailBudget = 1500
)

// lightBackground is the brightness from which a thing that moves on a plain ground is an animation on a
// page: logos and boxes bounce on black and blue.
const lightBackground = 150

// decideScenes decides every shot.
func (j *Judge) decideScenes(ctx context.Context, in Input, shots []shot, until int64) error {
	scenes := cutScenes(shots, until)
	var pages []*scene
	known := []*scene{}
	budget := maxOverlayReadings
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
				s.shots[k].verdict, s.shots[k].cause = Canvas, s.shots[k].description
			}
		case maybeOverlay:
			if old := findSimilar(known, s); old != nil && old.moves() == s.moves() {
				s.setVerdict(old.first().verdict, old.first().cause)
				continue
			}
			if err := j.decideOverlay(ctx, in, s, &budget); err != nil {
				return err
			}
			known = append(known, s)
		default:
			s.setVerdict(Presentation, first.description)
			if len(scenes) == 1 || in.since(s.next)-in.since(since) >= shortest && !in.isMovingScene(s) {
				pages = append(pages, s)
			}
		}
	}
	return j.readPages(ctx, in, pages)
}

// findSimilar finds a scene seen before.
func findSimilar(known []*scene, s *scene) *scene {
	for _, old := range known {
		if old.first().like(&s.first().observation) && (s.moves() || old.first().tiles.countDiffering(s.first().tiles) <= blocks/100) {
			return old
		}
	}
	return nil
}

// decideOverlay says whether what lies on a plain ground is an overlay or content.
func (j *Judge) decideOverlay(ctx context.Context, in Input, s *scene, budget *int) error {
	first := s.first()
	wanders, running := s.moves(), s.running()
	if j.Reader != nil {
		for _, k := range shotsToRead(len(s.shots)) {
			if *budget == 0 {
				break
			}
			words, err := j.read(ctx, in, &s.shots[k], budget)
			if err != nil {
				return err
			}
			r := interpretText(words, running)
			switch {
			case r.phrase != "":
				s.setVerdict(Canvas, fmt.Sprintf("no-signal splash: read %q", r.text))
				return nil
			case r.label && s.isSmallMark():
				s.setVerdict(Canvas, fmt.Sprintf("%s: a label, read %q", first.description, r.text))
				return nil
			case r.others > 0:
				s.setVerdict(Presentation, fmt.Sprintf("%s: read %q", first.description, truncate(r.text)))
				return nil
			case r.clock:
				s.setVerdict(Canvas, fmt.Sprintf("%s: a clock, read %q", first.description, r.text))
				return nil
			}
		}
	}
	note := ""
	if j.Reader == nil {
		note = " (words not read: tesseract is not installed)"
	}
	switch {
	case wanders && first.background.luma() < lightBackground:
		s.setVerdict(Canvas, fmt.Sprintf("%s, which wanders about%s", first.description, note))
	case running && s.isSmallMark():
		s.setVerdict(Canvas, fmt.Sprintf("%s, small and running like a clock%s", first.description, note))
	default:
		s.setVerdict(first.unreadVerdict, first.description+note)
	}
	return nil
}

// shotsToRead are the shots of a scene that are worth reading: a wandering box may have been caught badly.
func shotsToRead(n int) []int {
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
	slices.SortStableFunc(pages, func(a, b *scene) int { return a.first().detail - b.first().detail })
	var read []*scene
	spent, budget := 0, maxPageReadings
	for _, s := range pages {
		if old := findSimilar(read, s); old != nil {
			s.setVerdict(old.first().verdict, old.first().cause)
			continue
		}
		first := s.first()
		spent += first.detail
		if budget == 0 || first.detail > maxSplashDetail || spent > splashDetailBudget {
			continue
		}
		words, err := j.read(ctx, in, &s.shots[len(s.shots)/2], &budget)
		if err != nil {
			return err
		}
		if r := interpretText(words, true); r.phrase != "" {
			s.setVerdict(Canvas, fmt.Sprintf("no-signal splash: read %q", r.text))
		} else if r.text != "" {
			s.setVerdict(Presentation, fmt.Sprintf("%s, read %q", first.description, truncate(r.text)))
		}
		read = append(read, s)
	}
	return nil
}

func truncate(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return text
}

// onGround says that the sight is of something on a plain ground.
func (s *observation) onGround() bool {
	return s.certainty == maybeOverlay && s.unreadVerdict == Presentation
}

// since is a PTS as time since PTS 0.
func (in Input) since(pts int64) time.Duration {
	return time.Duration(pts/in.Timescale)*time.Second + time.Duration(pts%in.Timescale)*time.Second/time.Duration(in.Timescale)
}
