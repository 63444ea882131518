package plan_test

import (
	"math"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
)

func TestGridIsWholeFramesAndWholePackets(t *testing.T) {
	t.Parallel()
	for rate, want := range map[int]int64{25: 8, 30: 16, 50: 16} {
		if got := plan.GridFrames(rate); got != want {
			t.Errorf("GridFrames(%d) = %d, want %d", rate, got, want)
		}
	}
}

// FuzzSlices checks what joining rests on, for any record and any slice length: slices cover the
// record, begin on the grid, and their packets add up to those of one encode.
func FuzzSlices(f *testing.F) {
	f.Add(int64(4800), int64(600), uint8(0))
	f.Add(int64(1), int64(1), uint8(1))
	f.Add(int64(14399), int64(7), uint8(2))
	f.Add(int64(4800), int64(600), uint8(77))
	f.Fuzz(func(t *testing.T, seconds, slice int64, which uint8) {
		rate := []int{25, 30, 50}[which%3]
		origin := 191 * int64(which/3) * int64(rate)
		seconds, slice = 1+abs(seconds)%86400, 1+abs(slice)%7200
		frames := seconds * int64(rate)
		p := &plan.Plan{
			Frames:   frames,
			Origin:   origin,
			Encoding: ffmpeg.Encoding{Rate: rate},
			Slices:   plan.CutSlices(origin, frames, rate, time.Duration(slice)*time.Second),
		}
		if before, _ := p.SoundRange(0); before > 0 || before <= -1024 {
			t.Fatalf("the first packet begins at sample %d of the record", before)
		}
		at, packets := int64(0), int64(0)
		for i, s := range p.Slices {
			if s.First != at || s.End <= s.First || i > 0 && (origin+s.First)%plan.GridFrames(rate) != 0 {
				t.Fatalf(
					"%d s at %d fps in slices of %d s: slice %d is %+v after %d",
					seconds, rate, slice, i, s, at,
				)
			}
			if s.End-s.First < int64(rate) && len(p.Slices) > 1 {
				t.Fatalf("slice %d has %d frames", i, s.End-s.First)
			}
			first, count := p.PacketWindow(i)
			from, until := p.SoundRange(i)
			if given := (until - from) / 1024; first+count > given || (until-from)%1024 != 0 {
				t.Fatalf("slice %d keeps packets %d to %d of %d", i, first, first+count, given)
			}
			packets += count
			at = s.End
		}
		if at != frames {
			t.Fatalf("slices end at %d of %d", at, frames)
		}
		samples := frames*ffmpeg.SampleRate/int64(rate) + p.Sample(origin)%1024
		if want := (samples+1023)/1024 + 1; packets != want { // and the priming packet
			t.Fatalf("the parts have %d packets, one encode has %d", packets, want)
		}
	})
}

func abs(n int64) int64 {
	if n == math.MinInt64 {
		return 0
	}
	return max(n, -n)
}

func samplePlan() *plan.Plan {
	start := time.Date(2026, 11, 20, 15, 10, 0, 0, time.FixedZone("", 3*3600))
	piece := func(first, end int64, file int) timeline.Piece {
		return timeline.Piece{
			First: first,
			End:   end,
			File:  file,
			Role:  "lecturer",
			Run:   timeline.Run{Until: time.Hour},
		}
	}
	return &plan.Plan{
		Renderer: plan.Renderer,
		FFmpeg:   "5.1",
		Room:     "504",
		Title:    "A",
		Start:    start,
		End:      start.Add(time.Minute),
		Frames:   1500,
		Encoding: ffmpeg.Encoding{
			Width:      640,
			Height:     180,
			Rate:       25,
			GOPFrames:  50,
			Channels:   1,
			AudioBytes: 16000,
		},
		Segments: []*probe.Segment{
			{Path: "a", Start: start, Generation: "1", Picture: &probe.Picture{}},
			{Path: "b", Start: start, Generation: "2", Picture: &probe.Picture{}},
		},
		Scenes: []timeline.Scene{{
			End:    1500,
			Layout: timeline.Alone,
			Reason: cause.NeverJudged(),
		}},
		Left:   []timeline.Piece{piece(0, 800, 0), piece(800, 1500, 1)},
		Slices: plan.CutSlices(0, 1500, 25, 16*time.Second),
	}
}

func TestDigestsCoverWhatShapesThePicture(t *testing.T) {
	t.Parallel()
	sample := samplePlan()
	changed := func(change func(*plan.Plan)) *plan.Plan {
		p := samplePlan()
		change(p)
		return p
	}
	if p := changed(func(p *plan.Plan) { p.Title = "B" }); p.Digest() != sample.Digest() {
		t.Error("the title, which stands in the header only, changes the digest")
	}
	for name, p := range map[string]*plan.Plan{
		"a segment's generation": changed(func(p *plan.Plan) { p.Segments[1].Generation = "3" }),
		"the encoding":           changed(func(p *plan.Plan) { p.Encoding.CRF = 1 }),
		"the gain":               changed(func(p *plan.Plan) { p.Sound.GainDB = 1 }),
		"the FFmpeg":             changed(func(p *plan.Plan) { p.FFmpeg = "7.1" }),
		"the layout":             changed(func(p *plan.Plan) { p.Layout = nvr.LayoutStage }),
	} {
		if p.Digest() == sample.Digest() || p.SliceDigest(3) == sample.SliceDigest(3) {
			t.Errorf("%s does not change the digests", name)
		}
	}
	// A third picture in the second half changes only that.
	stage := changed(func(p *plan.Plan) { p.Layout = nvr.LayoutStage })
	third := changed(func(p *plan.Plan) {
		p.Layout = nvr.LayoutStage
		p.Other = []timeline.Piece{{First: 800, End: 1500, File: 1, Role: nvr.Board}}
	})
	if third.SliceDigest(0) != stage.SliceDigest(0) || third.SliceDigest(3) == stage.SliceDigest(3) {
		t.Error("a third picture does not change the digests of its slices, and only those")
	}
	// Speech that is raised in the last slice leaves the others as they are.
	raised := changed(func(p *plan.Plan) {
		last := p.Sample(p.Slices[len(p.Slices)-1].First)
		p.Sound.Leveler = sound.Curve{{Sample: last + 48000}, {Sample: last + 52800, GainDB: 3}, {Sample: last + 57600}}
	})
	if raised.SliceDigest(0) != sample.SliceDigest(0) {
		t.Error("what is raised in the last slice changes the first one")
	}
	if last := len(sample.Slices) - 1; raised.SliceDigest(last) == sample.SliceDigest(last) {
		t.Error("what is raised does not change the digest of its slice")
	}
	// Another file in the second half leaves the parts of the first half as they are.
	other := changed(func(p *plan.Plan) { p.Segments[1].Generation = "3" })
	if other.SliceDigest(0) != sample.SliceDigest(0) {
		t.Error("a change in the second half changes the first slice")
	}
}
