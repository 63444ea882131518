package merge_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
)

// TestSlicesGiveTheSame renders one record in slices of several lengths: every frame shows the same
// instants, and looks the same.
func TestSlicesGiveTheSame(t *testing.T) {
	t.Parallel()
	s := session(three(), three().Add(slot+15*time.Second))
	s.Sources = s.Sources[:2]
	s.Sources[0].Pictures.BFrames = 2
	s.Sources[1].Pictures.Rate = ffmpeg.Rate{Num: 30000, Den: 1001}
	dir := record(t, s)
	for _, rate := range []int{25, 30, 50} {
		t.Run(strconv.Itoa(rate), func(t *testing.T) {
			t.Parallel()
			if rate != 25 && testing.Short() {
				t.Skip("25 fps stands for the others")
			}
			engine := newEngine(t)
			req := request(three().Add(52*time.Second), three().Add(69*time.Second))
			req.Rate, req.Slice = rate, time.Hour
			whole := makeFilm(t, engine, dir, req, 1)
			frames := whole.frames(t)
			c := complaints{t: t}
			for k, got := range frames {
				if text := wrong(got.Left, lecturer, whole.at(k), 40*time.Millisecond); text != "" {
					c.add("frame %d: left pane %s", k, text)
				}
				if text := wrong(got.Right, screen, whole.at(k), 40*time.Millisecond); text != "" {
					c.add("frame %d: right pane %s", k, text)
				}
			}
			for parallel, slice := range []time.Duration{
				5 * time.Second,
				7 * time.Second,
				1700 * time.Millisecond,
			} {
				if testing.Short() && parallel == 0 {
					continue // the shorter ones have more joints
				}
				req.Slice = slice
				cut := makeFilm(t, engine, dir, req, 1+parallel)
				if len(cut.Plan.Slices) < 2 {
					t.Fatalf("slices of %v: %d of them", slice, len(cut.Plan.Slices))
				}
				compareFrames(t, fmt.Sprintf("slices of %v", slice), frames, cut.frames(t))
				db := psnr(t, whole.Path, cut.Path)
				t.Logf("slices of %v: PSNR %.2f dB against one slice", slice, db)
				if db < 38 {
					t.Error("want 38")
				}
			}
		})
	}
}

func compareFrames(t *testing.T, name string, want, got []timecode.Frame) {
	t.Helper()
	c := complaints{t: t}
	for k := range want {
		if k < len(got) && got[k] != want[k] {
			c.add("%s, frame %d: %+v, want %+v", name, k, got[k], want[k])
		}
	}
}

var psnrAverage = regexp.MustCompile(`PSNR .*average:(\S+)`)

// psnr compares two films frame by frame.
func psnr(t *testing.T, one, other string) float64 {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-hide_banner", "-nostdin", "-i", one, "-i", other, // #nosec G204 -- the test's own files
		"-filter_complex", "[0:v][1:v]psnr", "-f", "null", "-").CombinedOutput()
	m := psnrAverage.FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("compare pictures: %v\n%s", err, out)
	}
	if string(m[1]) == "inf" {
		return 100
	}
	db, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return db
}
