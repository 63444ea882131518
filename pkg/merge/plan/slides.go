package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/report"
)

// ShownSlide is a slide that is seen in the frames [First, End).
type ShownSlide struct {
	First int64  `json:"first"`
	End   int64  `json:"end"`
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
}

const (
	// leastSlide is how long a slide must be seen to be listed.
	leastSlide = time.Second
	// betweenFiles is the longest time between a slide at the end of a file and the same one in the next
	// file.
	betweenFiles = 2 * time.Second
)

// AddSlides lists the slides of the screen that are seen in the record, after [Plan.LayOut]. screen holds
// what was learned of [Plan.ScreenSegments], in the same order.
func (p *Plan) AddSlides(req Request, screen []probe.ScreenSeen) {
	usable := p.ScreenSegments(req)
	window := p.Window()
	var all []ShownSlide
	for i, seen := range screen {
		if seen.Unread {
			p.Warn(cause.SlidesUnread())
		}
		zero := p.Segments[usable[i]].Start.Sub(p.Start)
		limit := p.Frames
		if i+1 < len(usable) {
			limit = min(limit, window.Nearest(p.Segments[usable[i+1]].Start.Sub(p.Start)))
		}
		for k, s := range seen.Slides {
			still := window.Nearest(zero + s.Still)
			slide := ShownSlide{
				First: max(0, window.Nearest(zero+s.From)),
				End:   min(limit, window.Nearest(zero+s.Until)),
				Title: s.Title,
				Text:  s.Text,
			}
			if slide.First >= slide.End || p.IsWithheld(still, still+1) {
				continue
			}
			if n := len(all); n > 0 && k == 0 && i > 0 && all[n-1].goesOn(slide, window.FramesIn(betweenFiles)) {
				slide.First = all[n-1].First
				all = all[:n-1]
			}
			all = append(all, slide)
		}
	}
	p.Slides = p.seen(all, req.Sources[nvr.Screen])
}

// goesOn reports whether next is the same slide in the next file, perhaps with more on it.
func (s ShownSlide) goesOn(next ShownSlide, apart int64) bool {
	if next.First-s.End > apart || s.Title != next.Title {
		return false
	}
	words := strings.Fields(next.Text)
	own := strings.Fields(s.Text)
	kept := 0
	for _, word := range own {
		if slices.Contains(words, word) {
			kept++
		}
	}
	return 5*kept >= 4*len(own)
}

// seen returns what of slides is seen where a pane shows the source.
func (p *Plan) seen(all []ShownSlide, source string) []ShownSlide {
	least := p.Window().FramesIn(leastSlide)
	spans := p.screenSpans(source)
	var list []ShownSlide
	for _, s := range all {
		for _, span := range spans {
			part := s
			part.First, part.End = max(s.First, span.First), min(s.End, span.End)
			if part.End-part.First >= least {
				list = append(list, part)
			}
		}
	}
	return list
}

// screenSpans returns the frames in which a pane shows a source, in order. Neighbours are one.
func (p *Plan) screenSpans(source string) []Slice {
	var spans []Slice
	for _, piece := range slices.Concat(p.Left, p.Right) {
		if piece.File < 0 || p.Segments[piece.File].Source != source {
			continue
		}
		if n := len(spans); n > 0 && spans[n-1].End == piece.First {
			spans[n-1].End = piece.End
			continue
		}
		spans = append(spans, Slice{First: piece.First, End: piece.End})
	}
	return spans
}

// slideReport returns the slides for the report.
func (p *Plan) slideReport() []report.Slide {
	window := p.Window()
	var list []report.Slide
	for _, s := range p.Slides {
		list = append(list, report.Slide{
			Start: report.At(window.Time(s.First)),
			End:   report.At(window.Time(s.End)),
			Title: s.Title,
			Text:  s.Text,
		})
	}
	return list
}
