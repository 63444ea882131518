package plan_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// TestWarnings reads the report of a plan: warnings are cut to the record, those that touch are one, and each
// has its code, its words in both languages, its source and its time.
func TestWarnings(t *testing.T) {
	t.Parallel()
	catalog := i18n.Default()
	start := time.Date(2026, 11, 20, 15, 10, 0, 0, time.UTC)
	segment := func(minute int, warnings ...probe.Warning) *probe.Segment {
		return &probe.Segment{
			Source: "24", Path: "a.mp4", Start: start.Add(time.Duration(minute) * time.Minute), Warnings: warnings,
		}
	}
	whole := timeline.Run{Until: time.Minute}
	worse := segment(0, probe.Warning{Run: whole, Cause: cause.PictureBlack()})
	worse.BetterFile = "b.mp4"
	p := &plan.Plan{
		Start: start, End: start.Add(2 * time.Minute), TimeZone: "UTC", Frames: 3000,
		Encoding: ffmpeg.Encoding{Rate: 25},
		Segments: []*probe.Segment{
			segment(0, probe.Warning{Run: whole, Cause: cause.Interlaced()}),
			segment(1, probe.Warning{Run: timeline.Run{Until: time.Hour}, Cause: cause.Interlaced()}),
			segment(5, probe.Warning{Run: whole, Cause: cause.PictureFrozen()}), // after the record
			worse,
		},
		Warnings: []plan.Warning{{Source: "24", First: 250, End: 500, Cause: cause.SoundReplaced("24", "26", cause.Hum())}},
	}
	got, err := json.Marshal(p.Report(catalog).Warnings)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"code":"interlaced","text":` +
		`{"en":"the recording is interlaced; it was deinterlaced",` +
		`"ru":"запись чересстрочная; чересстрочность устранена"},` +
		`"source":"24","start":"2026-11-20T15:10:00.000+00:00","end":"2026-11-20T15:12:00.000+00:00"},` +
		`{"code":"sound-replaced","args":{"other":"26","source":"24","why":{"code":"hum"}},"text":` +
		`{"en":"source 24: there is a hum and no speech; source 26 stands in",` +
		`"ru":"источник 24: слышен гул, речи нет; вместо него звучит источник 26"},` +
		`"source":"24","start":"2026-11-20T15:10:10.000+00:00","end":"2026-11-20T15:10:20.000+00:00"}]`
	if string(got) != want {
		t.Errorf("warnings\n%s\nwant\n%s", got, want)
	}
}
