package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// lecture returns the plan of a record of [start, end) that is heard and seen throughout.
func lecture(start, end time.Time) *plan.Plan {
	const slot = 30 * time.Minute
	var segments []*probe.Segment
	for at := start.Truncate(slot); at.Before(end); at = at.Add(slot) {
		name := nvr.SegmentName{Room: "504", Source: "24"}
		name.Date, name.Time = at.Format(time.DateOnly), at.Format("15:04")
		run := timeline.Run{Until: slot}
		segments = append(segments, &probe.Segment{
			Clip:        probe.Clip{Name: name},
			Path:        name.String(),
			Source:      "24",
			Start:       at,
			Length:      slot,
			Generation:  fmt.Sprint(at.Unix()),
			Picture:     &probe.Picture{Hold: 40 * time.Millisecond},
			PictureRuns: []timeline.Run{run},
			Sound:       &probe.SoundTrack{Rate: ffmpeg.SampleRate, Channels: 1},
			SoundRuns:   []timeline.Run{run},
		})
	}
	req := plan.Request{
		Room:    "504",
		Start:   start,
		End:     end,
		Sources: map[nvr.Role]string{nvr.Lecturer: "24"},
		Segment: slot,
		Slice:   10 * time.Minute,
		Policy:  plan.Auto,
		Width:   1280,
		Height:  360,
		Rate:    25,
	}
	p := plan.New(req, "5.1", segments, nil)
	p.LayOut(req, nil)
	var runs []timeline.SoundRun
	for i, seg := range segments {
		first := int64(seg.Start.Sub(start)/time.Second) * ffmpeg.SampleRate
		end := first + int64(slot/time.Second)*ffmpeg.SampleRate
		runs = append(runs, timeline.SoundRun{First: first, End: end, File: i, Run: seg.SoundRuns[0]})
	}
	whole := []timeline.Listen{{End: p.Sample(p.Frames)}}
	p.Sound.Takes = timeline.Takes(whole, func(int) []timeline.SoundRun { return runs })
	p.Encoding.Channels = 1
	return p
}

func partNames(p *plan.Plan) []string {
	var names []string
	for i := range p.Slices {
		names = append(names, p.SliceDigest(i))
	}
	return names
}

// TestTrimRendersTwoSlices moves the start and the end of a lecture of 90 minutes: all parts but two are
// those that are there.
func TestTrimRendersTwoSlices(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 20, 15, 10, 0, 0, time.FixedZone("", 3*3600))
	end := start.Add(90 * time.Minute)
	for _, from := range []time.Time{start, start.Add(7 * time.Second), start.Add(9*time.Minute + 50*time.Second)} {
		there := partNames(lecture(from, end))
		if len(there) < 9 || len(there) > 10 {
			t.Fatalf("%d slices", len(there))
		}
		for _, by := range []time.Duration{40 * time.Second, -40 * time.Second, time.Second, 7 * time.Second} {
			for name, trimmed := range map[string]*plan.Plan{
				"start": lecture(from.Add(by), end),
				"end":   lecture(from, end.Add(by)),
			} {
				fresh := 0
				for _, part := range partNames(trimmed) {
					if !slices.Contains(there, part) {
						fresh++
					}
				}
				if fresh < 1 || fresh > 2 {
					t.Errorf("%s of %v moved by %v: %d parts to render", name, from, by, fresh)
				}
			}
		}
	}
}

// TestTenTrimsAreOne moves the start ten times by a few seconds: the plan and its parts are those of one
// move.
func TestTenTrimsAreOne(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 20, 15, 10, 0, 0, time.FixedZone("", 3*3600))
	end := start.Add(90 * time.Minute)
	var made []string
	var last *plan.Plan
	for i := range 11 {
		last = lecture(start.Add(time.Duration(4*i)*time.Second), end)
		for _, part := range partNames(last)[1:] {
			if i > 0 && !slices.Contains(made, part) {
				t.Errorf("trim %d changes a part behind the first", i)
			}
		}
		made = append(made, partNames(last)...)
	}
	once := lecture(start.Add(40*time.Second), end)
	if last.Digest() != once.Digest() || !slices.Equal(partNames(last), partNames(once)) {
		t.Error("ten trims give another plan than one")
	}
}
