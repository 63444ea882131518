package plan

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Bounds of what a plan may ask for.
const (
	maxRecord = 48 * time.Hour
	maxDay    = 25 * time.Hour // when the clocks are set back
	maxPixels = 8192           // in a row, in a column
)

// check checks everything that rendering relies on.
func (p *Plan) check() error {
	e := p.Encoding
	switch length := p.End.Sub(p.Start); {
	case p.Start.Year() < 1970 || p.Start.Year() > 9000:
		return fmt.Errorf("invalid year %d", p.Start.Year())
	case p.Renderer != Renderer && (p.Renderer != formerRenderer || p.Origin != 0):
		return fmt.Errorf("it is for renderer %q, and this is renderer %q", p.Renderer, Renderer)
	case e.Rate != 25 && e.Rate != 30 && e.Rate != 50:
		return fmt.Errorf("invalid frame rate %d", e.Rate)
	case e.Width <= 0 || e.Height <= 0 || e.Width > maxPixels || e.Height > maxPixels || e.Width%4 != 0 || e.Height%2 != 0:
		return fmt.Errorf("invalid picture size %dx%d", e.Width, e.Height)
	case e.GOPFrames <= 0 || e.CRF < 0 || e.CRF > 51 || e.Channels < 1 || e.Channels > 2 || e.AudioBytes <= 0:
		return fmt.Errorf("invalid encoding %+v", e)
	case p.Origin < 0 || p.Origin > int64(maxDay/time.Second)*int64(e.Rate):
		return fmt.Errorf("invalid origin %d", p.Origin)
	case length <= 0 || length > maxRecord || p.Frames != timeline.NewWindow(p.Start, p.End, e.Rate).Frames || p.Frames == 0:
		return fmt.Errorf("%d frames do not match %v to %v", p.Frames, p.Start, p.End)
	}
	if err := p.checkLayout(); err != nil {
		return err
	}
	for i, seg := range p.Segments {
		if seg == nil || seg.Start.Sub(p.Start).Abs() > maxRecord {
			return fmt.Errorf("segment %d is missing, or of another day", i)
		}
		if picture := seg.Picture; picture != nil {
			if shape := picture.Shape; shape.Width < 0 || shape.Width > maxPixels || shape.Height < 0 || shape.Height > maxPixels {
				return fmt.Errorf("segment %d has the invalid picture shape %v", i, shape)
			}
		}
	}
	for _, source := range p.Sources {
		for i, span := range source.Spans {
			if span.File < -1 || span.File >= len(p.Segments) || span.First < 0 || span.End <= span.First || span.End > p.Frames {
				return fmt.Errorf(
					"span %d of source %q has invalid frames %d to %d, or refers to no segment: %d",
					i, source.Source, span.First, span.End, span.File,
				)
			}
		}
	}
	return errors.Join(
		p.checkSlices(),
		p.checkScenes(),
		p.checkSlides(),
		p.checkPieces("left", p.Left, true),
		p.checkPieces("right", p.Right, false),
		p.checkPieces("other", p.Other, false),
		p.checkTakes(),
		p.checkWithheld(),
	)
}

// checkLayout checks that only the stage layout has a third picture, and that its panes have whole pixels.
func (p *Plan) checkLayout() error {
	switch e := p.Encoding; p.Layout {
	case "":
		third := func(s timeline.Scene) bool { return s.Other != "" }
		if len(p.Other) > 0 || slices.ContainsFunc(p.Scenes, third) {
			return errors.New("a third picture needs layout stage")
		}
	case nvr.LayoutStage:
		if e.Width%StageLayoutUnit != 0 || e.Height%StageLayoutUnit != 0 {
			return fmt.Errorf("invalid picture size %dx%d for layout stage", e.Width, e.Height)
		}
	default:
		return fmt.Errorf("unknown layout %q", p.Layout)
	}
	return nil
}

// checkSlices checks that the slices cover the record, and that all but the first begin on the grid that
// begins at midnight. Otherwise records with another start could not share them.
func (p *Plan) checkSlices() error {
	at := int64(0)
	for i, s := range p.Slices {
		if s.First != at || s.End <= s.First || i > 0 && (p.Origin+s.First)%GridFrames(p.Encoding.Rate) != 0 {
			return fmt.Errorf("slice %d has invalid frames %d to %d", i, s.First, s.End)
		}
		at = s.End
	}
	if at != p.Frames {
		return fmt.Errorf("the slices end at frame %d of %d", at, p.Frames)
	}
	return nil
}

// checkScenes checks that the scenes cover the record, and that only the board is shown as a third picture,
// beside the screen.
func (p *Plan) checkScenes() error {
	at := int64(0)
	for i, s := range p.Scenes {
		if s.Other != "" && (s.Other != nvr.Board || s.Layout.Right() != nvr.Screen) {
			return fmt.Errorf("scene %d cannot show %q beside %q", i, s.Other, s.Layout)
		}
		if s.First != at || s.End <= s.First {
			return fmt.Errorf("scene %d has invalid frames %d to %d", i, s.First, s.End)
		}
		at = s.End
	}
	if at != p.Frames {
		return fmt.Errorf("the scenes end at frame %d of %d", at, p.Frames)
	}
	return nil
}

// checkSlides checks that the slides are in order and do not overlap.
func (p *Plan) checkSlides() error {
	at := int64(0)
	for i, s := range p.Slides {
		if s.First < at || s.End <= s.First || s.End > p.Frames {
			return fmt.Errorf("slide %d has invalid frames %d to %d", i, s.First, s.End)
		}
		at = s.End
	}
	return nil
}

// checkPieces checks that the pieces of a pane are in order. With whole they must cover the record without a
// break.
func (p *Plan) checkPieces(pane string, pieces []timeline.Piece, whole bool) error {
	at := int64(0)
	for i, piece := range pieces {
		if piece.First < at || whole && piece.First != at || piece.End <= piece.First || piece.End > p.Frames {
			return fmt.Errorf(
				"piece %d of the %s pane has invalid frames %d to %d",
				i, pane, piece.First, piece.End,
			)
		}
		if piece.File < -1 || piece.File >= len(p.Segments) || piece.File >= 0 && p.Segments[piece.File].Picture == nil {
			return fmt.Errorf("piece %d of the %s pane refers to segment %d, which has no picture", i, pane, piece.File)
		}
		at = piece.End
	}
	if whole && at != p.Frames {
		return fmt.Errorf("the %s pane ends at frame %d of %d", pane, at, p.Frames)
	}
	return nil
}

// maxPPM is the most by which a take's clock may be off, in parts in a million.
const maxPPM = 100_000

// checkTakes checks the takes of the sound, its gain and its leveler.
func (p *Plan) checkTakes() error {
	for i, take := range p.Sound.Takes {
		if take.First < 0 || take.End <= take.First || take.FadeIn < 0 || take.FadeOut < 0 {
			return fmt.Errorf("take %d has invalid samples %d to %d", i, take.First, take.End)
		}
		if max(take.PPM, -take.PPM) > maxPPM {
			return fmt.Errorf("take %d has a clock that is off by %d parts in a million", i, take.PPM)
		}
		if take.File < 0 || take.File >= len(p.Segments) || p.Segments[take.File].Sound == nil {
			return fmt.Errorf("take %d refers to segment %d, which has no sound", i, take.File)
		}
	}
	if gain := p.Sound.GainDB; math.Abs(gain) > 200 || p.Sound.LimitDBFS > 0 {
		return fmt.Errorf("invalid gain of %v dB or limit of %v dBFS", gain, p.Sound.LimitDBFS)
	}
	last := int64(-1)
	for i, knot := range p.Sound.Leveler {
		if knot.Sample <= last || knot.GainDB < 0 || knot.GainDB > sound.MaxRaiseDB {
			return fmt.Errorf("knot %d of the leveler has invalid %v dB at sample %d", i, knot.GainDB, knot.Sample)
		}
		last = knot.Sample
	}
	return nil
}
