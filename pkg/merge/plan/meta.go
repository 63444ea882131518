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
		clock := p.Window().Time(scene.First).Format(time.TimeOnly)
		meta.Chapters = append(meta.Chapters, mp4.Chapter{
			StartFrame: scene.First,
			Title:      clock + " " + Bilingual(texts, "report.chapter."+chapter(scene)),
		})
	}
	return meta
}

// chapter returns the key of a chapter's name: what the scene shows.
func chapter(s timeline.Scene) string {
	if s.Other != "" {
		return string(s.Layout) + "+" + string(s.Other)
	}
	return string(s.Layout)
}

// Bilingual returns the text of a key in Russian and English, for what is drawn or written into the video.
func Bilingual(texts *i18n.Catalog, key string) string {
	return texts.For("ru").T(key) + " · " + texts.For("en").T(key)
}
