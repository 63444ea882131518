package plan

import (
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Meta returns the header of the finished file: its title, date, room and chapters. Chapters are named in
// Russian and English, because players do not choose.
func (p *Plan) Meta(texts *i18n.Catalog) mp4.Meta {
	meta := mp4.Meta{
		Frames: p.Frames,
		Rate:   mp4.Rate{Num: int64(p.Encoding.Rate), Den: 1},
		Title:  p.Title,
		Date:   p.Start.Format(time.DateOnly),
		Room:   p.Room,

		SoundLead: p.soundLead(),
	}
	for _, scene := range p.Scenes {
		meta.Chapters = append(meta.Chapters, mp4.Chapter{
			StartFrame: scene.First,
			Title:      p.clock(scene.First) + " " + Bilingual(texts, "report.chapter."+chapter(scene)),
		})
	}
	meta.Chapters = p.withSlides(meta.Chapters)
	return meta
}

// chapter returns the key of a chapter's name: what the scene shows.
func chapter(s timeline.Scene) string {
	if s.Other != "" {
		return string(s.Layout) + "+" + string(s.Other)
	}
	return string(s.Layout)
}

// clock returns the room's time at a frame.
func (p *Plan) clock(frame int64) string {
	return p.Window().Time(frame).Format(time.TimeOnly)
}

const (
	// betweenChapters is the least time between the chapter of a slide and the chapters around it.
	betweenChapters = time.Minute
	// withLayout is the longest time between a change of layout and a slide that names its chapter.
	withLayout = 5 * time.Second
)

// withSlides adds the titles of slides to the chapters of the layouts: as chapters of their own, at most one
// a minute, or to a chapter that begins with the slide.
func (p *Plan) withSlides(layouts []mp4.Chapter) []mp4.Chapter {
	window := p.Window()
	apart, near := window.FramesIn(betweenChapters), window.FramesIn(withLayout)
	var out []mp4.Chapter
	rest := p.Slides
	for i, layout := range layouts {
		end := p.Frames
		if i+1 < len(layouts) {
			end = layouts[i+1].StartFrame
		}
		named := false
		at := layout.StartFrame
		out = append(out, layout)
		for len(rest) > 0 && rest[0].First < end {
			slide := rest[0]
			rest = rest[1:]
			switch {
			case slide.Title == "":
			case !named && at == layout.StartFrame && slide.First-at <= near:
				out[len(out)-1].Title += ": " + slide.Title
				named = true
			case slide.First-at >= apart && (i+1 == len(layouts) || end-slide.First >= apart):
				at = slide.First
				out = append(out, mp4.Chapter{StartFrame: at, Title: p.clock(at) + " " + slide.Title})
			}
		}
	}
	return out
}

// Bilingual returns the text of a key in Russian and English, for what is drawn or written into the video.
func Bilingual(texts *i18n.Catalog, key string) string {
	return texts.For("ru").T(key) + " · " + texts.For("en").T(key)
}
