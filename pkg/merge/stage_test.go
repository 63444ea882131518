package merge_test

import (
	"fmt"
	"io"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// The size of the tests' stage, and what a place of it shows where it shows no source.
const (
	stageWidth, stageHeight = 768, 432

	blank = "blank" // black
	part  = "part"  // of a slate that fills the picture
)

// stagePlaces are the places of a stage. The board's pictures are of 4:3, so that its place has black bars.
func stagePlaces() map[string]plan.Box {
	return map[string]plan.Box{
		"left":  {Width: 192, Height: 108},
		"right": {X: 192, Width: 576, Height: 324},
		"other": {Y: 108, Width: 192, Height: 108},
	}
}

// staged is what a stage has to show until so long after three.
type staged struct {
	until              time.Duration
	left, right, other string
	layout             timeline.Arrangement
	third              nvr.Role
}

// stageEvents is what the places show second by second. The record begins after 28 s and ends after 98 s.
func stageEvents() []staged {
	const second = time.Second
	return []staged{
		{32 * second, lecturer, screen, board, timeline.LecturerScreen, nvr.Board},
		{44 * second, lecturer, board, blank, timeline.LecturerBoard, ""},
		{55 * second, lecturer, screen, board, timeline.LecturerScreen, nvr.Board},
		{56 * second, lecturer, screen, slate, timeline.LecturerScreen, nvr.Board},
		{60 * second, slate, screen, slate, timeline.LecturerScreen, nvr.Board},
		{75 * second, lecturer, screen, board, timeline.LecturerScreen, nvr.Board},
		{87 * second, lecturer, screen, blank, timeline.LecturerScreen, ""},
		{98 * second, part, part, part, timeline.Nothing, ""},
	}
}

// stageSession records what [stageEvents] wants: the screen shows a card for 12 s, the lecturer is missing
// for 4 s, the board for 5 s and from 75 s on.
func stageSession() recorder.Session {
	after := func(seconds int) time.Time { return three().Add(time.Duration(seconds) * time.Second) }
	s := slow(session(three(), three().Add(slot)))
	s.Sources[0].Segments = []recorder.Segment{
		{Named: after(0), Length: 56 * time.Second},
		{Named: after(60), Length: slot},
	}
	s.Sources[1].Scene = recorder.Screen(recorder.Showing{From: after(32), Until: after(44), Card: recorder.Bars})
	s.Sources[1].Segments = []recorder.Segment{{Named: after(0), Length: 2 * slot}}
	s.Sources[2].Pictures.Height = 240
	s.Sources[2].Segments = []recorder.Segment{
		{Named: after(0), Length: 55 * time.Second},
		{Named: after(60), Length: 15 * time.Second},
	}
	return s
}

// stageRequest asks for a stage of the session, without its last 11 s.
func stageRequest() merge.Request {
	req := request(three().Add(28*time.Second), three().Add(98*time.Second))
	req.Layout, req.Width, req.Height = nvr.LayoutStage, stageWidth, stageHeight
	req.Segment = 2 * slot
	req.Withheld = []nvr.Interval{{Start: three().Add(87 * time.Second), End: three().Add(2 * slot)}}
	return req
}

// TestStage looks at each place of a stage: sources, slates, black, bars beside a picture of 4:3, a card on
// the screen, a board that comes and goes, and what must not be shown.
func TestStage(t *testing.T) {
	t.Parallel()
	req := stageRequest()
	f := makeFilm(t, newEngine(t), record(t, stageSession()), req, 2)
	if t.Failed() {
		return
	}
	checkStageScenes(t, f.Plan)
	c := complaints{t: t}
	eachStagePicture(t, f, func(k int, luma []byte) {
		since := f.at(k).Sub(three())
		if isNearChange(since) {
			return
		}
		want := stageEvents()[slices.IndexFunc(stageEvents(), func(s staged) bool { return since < s.until })]
		for name, shows := range map[string]string{"left": want.left, "right": want.right, "other": want.other} {
			if text := checkPlace(luma, stagePlaces()[name], shows, f.at(k)); text != "" {
				c.add("frame %d at %v: %s %s", k, since, name, text)
			}
		}
		below := plan.Box{Y: stageHeight * 3 / 4, Width: stageWidth, Height: stageHeight / 4}
		if want.layout != timeline.Nothing && !isBlack(luma, below) {
			c.add("frame %d at %v: the strip below is not black", k, since)
		}
	})
}

// isNearChange reports whether it is not certain what the screen shows: a card is found to a second.
func isNearChange(since time.Duration) bool {
	for _, at := range []time.Duration{32 * time.Second, 44 * time.Second} {
		if (since - at).Abs() <= time.Second {
			return true
		}
	}
	return false
}

// checkStageScenes compares the plan's scenes, its report and its chapters with the events.
func checkStageScenes(t *testing.T, p *merge.Plan) {
	t.Helper()
	type scene struct {
		Layout timeline.Arrangement
		Other  nvr.Role
	}
	var want, got, told []scene
	for _, e := range stageEvents() {
		if s := (scene{e.layout, e.third}); len(want) == 0 || want[len(want)-1] != s {
			want = append(want, s)
		}
	}
	for _, s := range p.Scenes {
		got = append(got, scene{s.Layout, s.Other})
	}
	r := p.Report(i18n.Default())
	for _, s := range r.Stretches {
		told = append(told, scene{timeline.Arrangement(s.Layout), nvr.Role(s.Other)})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("stretches of the report (-want +got):\n%s", diff)
	}
	if chapter := p.Meta(i18n.Default()).Chapters[0].Title; chapter !=
		"15:00:28 лектор, экран и доска · lecturer, screen and board" {
		t.Errorf("the first chapter is %q", chapter)
	}
}

// checkPlace returns what is wrong with what a place shows at an instant.
func checkPlace(luma []byte, box plan.Box, shows string, at time.Time) string {
	picture := crop(luma, box)
	reading := timecode.Read(picture, box.Width, box.Height, at)
	switch shows {
	case blank:
		if !isBlack(luma, box) {
			return "is not black"
		}
	case slate, part:
		ground := 0
		for _, v := range picture {
			if v > 30 && v < 70 {
				ground++
			}
		}
		if ground < len(picture)*7/10 || reading.State != timecode.Absent || shows == slate && slices.Max(picture) < 150 {
			return fmt.Sprintf("is no slate: %d of %d pixels are its ground", ground, len(picture))
		}
	case board:
		inner, bars := barred(box)
		for _, bar := range bars {
			if !isBlack(luma, bar) {
				return "has no black bar"
			}
		}
		return wrong(timecode.Read(crop(luma, inner), inner.Width, inner.Height, at), board, at, 200*time.Millisecond)
	default:
		return wrong(reading, shows, at, 200*time.Millisecond)
	}
	return ""
}

// isBlack reports whether a box is black, but for the blur at its edges.
func isBlack(luma []byte, box plan.Box) bool {
	const blur = 8 // pixels: the size of a transform
	inner := plan.Box{X: box.X + blur, Y: box.Y + blur, Width: box.Width - 2*blur, Height: box.Height - 2*blur}
	return slices.Max(crop(luma, inner)) <= 24
}

// barred returns where a picture of 4:3 is in a box of 16:9, and the bars beside it.
func barred(box plan.Box) (inner plan.Box, bars []plan.Box) {
	width := box.Height * 4 / 3
	bar := (box.Width - width) / 2
	inner = plan.Box{X: box.X + bar, Y: box.Y, Width: width, Height: box.Height}
	left := plan.Box{X: box.X, Y: box.Y, Width: bar, Height: box.Height}
	right := left
	right.X += bar + width
	return inner, []plan.Box{left, right}
}

// crop copies a box out of a stage.
func crop(luma []byte, box plan.Box) []byte {
	out := make([]byte, 0, box.Width*box.Height)
	for y := box.Y; y < box.Y+box.Height; y++ {
		out = append(out, luma[y*stageWidth+box.X:][:box.Width]...)
	}
	return out
}

// eachStagePicture decodes the luma of every fifth frame of a stage: the sources have five pictures a second.
func eachStagePicture(t *testing.T, f *film, do func(k int, luma []byte)) {
	t.Helper()
	// #nosec G204 -- the test's own file
	command := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-i", f.Path,
		"-vf", `select=not(mod(n\,5))`, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-")
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	luma := make([]byte, stageWidth*stageHeight)
	k := 0
	for ; ; k += 5 {
		if _, err := io.ReadFull(out, luma); err != nil {
			break
		}
		do(k, luma)
	}
	if err := command.Wait(); err != nil || int64(k) != f.Plan.Frames {
		t.Fatalf("decode the stage: %v, %d frames of %d", err, k, f.Plan.Frames)
	}
}
