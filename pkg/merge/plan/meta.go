package plan

import (
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Meta is what the finished file says of itself.
func (p *Plan) Meta() mp4.Meta {
	meta := mp4.Meta{Frames: p.Frames, Rate: mp4.Rate{Num: int64(p.Encoding.Rate), Den: 1}, Title: p.Title, Date: p.Start.Format("2006-01-02"), Room: p.Room}
	for _, scene := range p.Scenes {
		meta.Chapters = append(meta.Chapters, mp4.Chapter{
			StartFrame: scene.First, Title: p.Window().Time(scene.First).Format("15:04:05") + " " + chapterName(scene.Layout),
		})
	}
	return meta
}

func chapterName(layout timeline.Layout) string {
	switch layout {
	case timeline.LecturerScreen:
		return "лектор и экран · lecturer and screen"
	case timeline.LecturerBoard:
		return "лектор и доска · lecturer and board"
	case timeline.Alone:
		return "лектор · lecturer"
	case timeline.OnlyScreen:
		return "экран · screen"
	case timeline.OnlyBoard:
		return "доска · board"
	case timeline.Nothing:
	}
	return "нет записи · not recorded"
}
