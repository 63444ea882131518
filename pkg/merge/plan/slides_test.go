package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// slidePlan is the plan of a record of ten minutes whose screen is shown from minute 2 to minute 8. Its files
// are five minutes long.
func slidePlan() (*Plan, Request) {
	start := time.Date(2026, 11, 20, 15, 10, 0, 0, time.UTC)
	req := Request{Start: start, End: start.Add(10 * time.Minute), Sources: map[nvr.Role]string{nvr.Screen: "21"}}
	p := &Plan{Start: start, End: req.End, Frames: 15000, Encoding: ffmpeg.Encoding{Rate: 25}}
	for i := range 2 {
		p.Segments = append(p.Segments, &probe.Segment{
			Source:      "21",
			Start:       start.Add(time.Duration(i) * 5 * time.Minute),
			PictureRuns: []timeline.Run{{Until: 5 * time.Minute}},
		})
	}
	p.Right = []timeline.Piece{{File: 0, First: 3000, End: 7500}, {File: 1, First: 7500, End: 12000}}
	p.Left = []timeline.Piece{{File: -1, First: 0, End: 15000}}
	p.Scenes = []timeline.Scene{
		{First: 0, End: 3000, Layout: timeline.Alone},
		{First: 3000, End: 12000, Layout: timeline.LecturerScreen},
		{First: 12000, End: 15000, Layout: timeline.Alone},
	}
	return p, req
}

func at(seconds int) time.Duration { return time.Duration(seconds) * time.Second }

// TestAddSlides lists slides where the screen is seen only, and one that goes on in the next file once.
func TestAddSlides(t *testing.T) {
	t.Parallel()
	p, req := slidePlan()
	p.Withheld = []Slice{{First: 9000, End: 9500}}
	p.AddSlides(req, []probe.ScreenSeen{
		{Slides: []probe.Slide{
			{From: 0, Until: at(100), Still: at(50), Title: "Before"},
			{From: at(100), Until: at(200), Still: at(150), Title: "One", Text: "One\nand two"},
			{From: at(200), Until: at(300), Still: at(290), Title: "Long", Text: "Long\nfirst line"},
		}},
		{Slides: []probe.Slide{
			{From: 0, Until: at(40), Still: at(30), Title: "Long", Text: "Long\nfirst line\nsecond line"},
			{From: at(40), Until: at(80), Still: at(70), Title: "Withheld", Text: "of another person"},
			{From: at(80), Until: at(300), Still: at(200), Title: "Last"},
		}},
	})
	want := []ShownSlide{
		{First: 3000, End: 5000, Title: "One", Text: "One\nand two"},
		{First: 5000, End: 8500, Title: "Long", Text: "Long\nfirst line\nsecond line"},
		{First: 9500, End: 12000, Title: "Last"},
	}
	if diff := cmp.Diff(want, p.Slides); diff != "" {
		t.Errorf("slides (-want +got):\n%s", diff)
	}
	if err := p.checkSlides(); err != nil {
		t.Error(err)
	}
	if len(p.Warnings) != 0 {
		t.Errorf("warnings %v", p.Warnings)
	}
}

// TestSlidesUnread warns, and lays out all the rest.
func TestSlidesUnread(t *testing.T) {
	t.Parallel()
	p, req := slidePlan()
	p.AddSlides(req, []probe.ScreenSeen{{Unread: true}, {}})
	if len(p.Warnings) != 1 || p.Warnings[0].Cause.Code() != "slides-unread" || len(p.Slides) != 0 {
		t.Errorf("warnings %v, slides %v", p.Warnings, p.Slides)
	}
}

// TestChaptersOfSlides has a chapter for each layout, and for slides at most one a minute.
func TestChaptersOfSlides(t *testing.T) {
	t.Parallel()
	texts := i18n.Default()
	p, _ := slidePlan()
	p.Slides = []ShownSlide{
		{First: 3000, End: 4000, Title: "One"},
		{First: 4000, End: 6000, Title: "too soon"},
		{First: 6000, End: 7000, Title: "Two"},
		{First: 7000, End: 8000, Title: "too soon"},
		{First: 8000, End: 9000},
		{First: 9000, End: 11000, Title: "Three"},
		{First: 11000, End: 12000, Title: "too late"},
	}
	layout := func(name string) string { return Bilingual(texts, "report.chapter."+name) }
	want := []mp4.Chapter{
		{StartFrame: 0, Title: "15:10:00 " + layout("lecturer")},
		{StartFrame: 3000, Title: "15:12:00 " + layout("lecturer+screen") + ": One"},
		{StartFrame: 6000, Title: "15:14:00 Two"},
		{StartFrame: 9000, Title: "15:16:00 Three"},
		{StartFrame: 12000, Title: "15:18:00 " + layout("lecturer")},
	}
	if diff := cmp.Diff(want, p.Meta(texts).Chapters); diff != "" {
		t.Errorf("chapters (-want +got):\n%s", diff)
	}
}
