package presence

import (
	"context"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
)

// shot is one picture of the file with its verdict.
type shot struct {
	pts int64
	observation
	verdict Verdict
	cause   cause.Cause
}

// scene is a run of similar shots. Overlays may differ.
type scene struct {
	// shots is a part of the list of the scan, so that verdicts are set in that
	// list.
	shots []shot
	// next is the PTS of the following scene.
	next int64
}

// like reports whether two pictures belong to one scene. A residue on a background
// may move but keeps its size.
func (s *observation) like(other *observation) bool {
	if s.certainty != other.certainty {
		return false
	}
	if s.onGround() && other.onGround() {
		// The thing on the ground may wander, but keeps its size.
		a := s.left.box
		b := other.left.box
		return s.background.maxDiff(other.background) <= 14 && similarSize(a.Dx(), b.Dx(), 3) && similarSize(a.Dy(), b.Dy(), 2) &&
			similarSize(s.left.count, other.left.count, 6)
	}
	return s.tiles.countDiffering(other.tiles) <= blocks/50
}

// similarSize reports whether two sizes differ by at most a quarter or by least.
func similarSize(a, b, least int) bool {
	return abs(a-b) <= max(least, max(a, b)/4)
}

// cutScenes splits shots where the picture changes. until is the end of the last
// scene.
func cutScenes(shots []shot, until int64) []scene {
	var out []scene
	from := 0
	for i := 1; i <= len(shots); i++ {
		if i < len(shots) &&
			shots[i].like(&shots[from].observation) &&
			shots[i].like(&shots[i-1].observation) {
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

// first returns the first shot.
func (s *scene) first() *shot {
	return &s.shots[0]
}

// last returns the last shot.
func (s *scene) last() *shot {
	return &s.shots[len(s.shots)-1]
}

// setVerdict sets verdict and cause of all shots.
func (s *scene) setVerdict(v Verdict, why cause.Cause) {
	for i := range s.shots {
		s.shots[i].verdict = v
		s.shots[i].cause = why
	}
}

// moves reports whether the residue moves about as a whole, as a bouncing logo
// does.
func (s *scene) moves() bool {
	moves := 0
	for i := 1; i < len(s.shots); i++ {
		if s.shots[i-1].left == nil || s.shots[i].left == nil {
			return false // not something on a ground
		}
		a := s.shots[i-1].left.box
		b := s.shots[i].left.box
		if abs(a.Min.X-b.Min.X)+abs(a.Min.Y-b.Min.Y) >= 3 {
			moves++
		}
	}
	return len(s.shots) >= 3 && moves*2 >= len(s.shots)-1
}

// running reports whether the residue changes in place, as a clock does.
func (s *scene) running() bool {
	changes := 0
	for i := 1; i < len(s.shots); i++ {
		if n := s.shots[i].tiles.countChanged(s.shots[i-1].tiles, s.first().left); n > 0 {
			changes++
		}
	}
	return len(s.shots) >= 2 && changes*2 >= len(s.shots)-1
}

// countChanged returns the number of blocks in a residue that differ even slightly.
func (t tiles) countChanged(other tiles, in *residue) int {
	n := 0
	for i := range blocks {
		if in.mask[i] && t.at(i).maxDiff(other.at(i)) > 8 {
			n++
		}
	}
	return n
}

// isSmallMark reports whether the residue lies in the upper or lower margin and is
// no larger than a clock.
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
	// maxSplashDetail is the detail, per mille, above which a picture cannot be a
	// splash.
	maxSplashDetail = 350
	// splashDetailBudget bounds the sum of the detail of all pictures that are
	// read, per mille.
	splashDetailBudget = 1500
)

// lightBackground is the luma from which a moving object is an animation on a page.
// Logos and boxes bounce on black and blue.
const lightBackground = 150

// decideScenes sets the verdict of every shot.
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
			if err := j.decideCanvas(ctx, in, s, known, &budget); err != nil {
				return err
			}
			if first.figure {
				known = append(known, s)
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
			if len(scenes) == 1 ||
				in.since(s.next)-in.since(since) >= shortest && !in.isMovingScene(s) {
				pages = append(pages, s)
			}
		}
	}
	return j.readPages(ctx, in, pages)
}

// findSimilar returns an earlier scene that shows the same, or nil.
func findSimilar(known []*scene, s *scene) *scene {
	for _, old := range known {
		if old.first().like(&s.first().observation) &&
			(s.moves() || old.first().tiles.countDiffering(s.first().tiles) <= blocks/100) {
			return old
		}
	}
	return nil
}

// decideOverlay decides whether the residue on a plain background is an overlay or
// content. Its text decides first, then its motion.
func (j *Judge) decideOverlay(ctx context.Context, in Input, s *scene, budget *int) error {
	if j.Reader == nil {
		s.setVerdict(s.verdictByMotion(cause.TextNotRead))
		return nil
	}
	for _, k := range shotsToRead(len(s.shots)) {
		if *budget == 0 {
			break
		}
		words, err := j.read(ctx, in, &s.shots[k], budget)
		if err != nil {
			return err
		}
		text := interpretText(words, s.running())
		if verdict, why, ok := s.verdictByText(text); ok {
			s.setVerdict(verdict, why)
			return nil
		}
	}
	s.setVerdict(s.verdictByMotion(func(c cause.Cause) cause.Cause { return c }))
	return nil
}

// verdictByText returns the verdict that follows from the text on a background. It
// reports false if nothing legible was read.
func (s *scene) verdictByText(r reading) (v Verdict, why cause.Cause, ok bool) {
	background := s.first().description
	switch {
	case r.phrase != "":
		return Canvas, cause.NoSignalSplash(r.text), true
	case r.label && s.isSmallMark():
		return Canvas, cause.LabelOnBackground(background, r.text), true
	case r.others > 0:
		return Presentation, cause.TextOnBackground(background, truncate(r.text)), true
	case r.clock:
		return Canvas, cause.ClockOnBackground(background, r.text), true
	}
	return "", cause.Cause{}, false
}

// verdictByMotion returns the verdict on a residue without legible text. note wraps
// its cause.
func (s *scene) verdictByMotion(note func(cause.Cause) cause.Cause) (Verdict, cause.Cause) {
	first := s.first()
	switch {
	case s.moves() && first.background.luma() < lightBackground:
		return Canvas, note(cause.WanderingOverlay(first.description))
	case s.running() && s.isSmallMark():
		return Canvas, note(cause.RunningOverlay(first.description))
	}
	return first.unreadVerdict, note(first.description)
}

// shotsToRead returns the indices of the shots to read in a scene of n shots. A
// moving box may be badly placed in one of them.
func shotsToRead(n int) []int {
	if n < 3 {
		return []int{n / 2}
	}
	return []int{n / 2, n / 4}
}

// readPages reads the text of still pictures with little detail. A phrase of no
// signal makes the scene an idle screen.
func (j *Judge) readPages(ctx context.Context, in Input, pages []*scene) error {
	if j.Reader == nil {
		return nil
	}
	slices.SortStableFunc(
		pages,
		func(a, b *scene) int {
			return a.first().detail - b.first().detail
		},
	)
	var read []*scene
	spent := 0
	budget := maxPageReadings
	for _, s := range pages {
		if old := findSimilar(read, s); old != nil {
			s.setVerdict(old.first().verdict, old.first().cause)
			continue
		}
		first := s.first()
		spent += first.detail
		if budget == 0 ||
			first.detail > maxSplashDetail ||
			spent > splashDetailBudget {
			continue
		}
		words, err := j.read(ctx, in, &s.shots[len(s.shots)/2], &budget)
		if err != nil {
			return err
		}
		if r := interpretText(words, true); r.phrase != "" {
			s.setVerdict(Canvas, cause.NoSignalSplash(r.text))
		} else if r.text != "" {
			s.setVerdict(
				Presentation,
				cause.PictureText(first.description, truncate(r.text)),
			)
		}
		read = append(read, s)
	}
	return nil
}

// truncate shortens a text to 60 characters.
func truncate(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return text
}

// onGround reports whether the picture is a residue on a plain background.
func (s *observation) onGround() bool {
	return s.certainty == maybeOverlay && s.unreadVerdict == Presentation
}

// since converts a PTS to the time since PTS 0.
func (in Input) since(pts int64) time.Duration {
	return time.Duration(pts/in.Timescale)*time.Second + time.Duration(pts%in.Timescale)*time.Second/time.Duration(in.Timescale)
}
