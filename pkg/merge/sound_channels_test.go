package merge_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/report"
)

// beep is a tone of 100 ms at each full second.
const beep = "0.5*sin(2000*t*PI)*lt(mod(t,1),0.1)"

// madeOf replaces the sound of a session of the lecturer alone by that of a lavfi source, for some seconds.
func madeOf(t *testing.T, seconds int, muxer, source string, options ...string) string {
	t.Helper()
	s := heard(recorder.Sound{})
	s.Sources[0].Segments = s.Sources[0].Segments[:1]
	s.Sources[0].Segments[0].Length = time.Duration(seconds) * time.Second
	dir := record(t, s)
	changeSoundIn(t, dir, muxer, slices.Concat(
		[]string{"-f", "lavfi", "-i", source, "-map", "0:v", "-map", "1:a", "-shortest"}, options,
	)...)
	return dir
}

// warned reports whether the film's report has a warning.
func warned(f *film, code cause.Code) bool {
	return slices.ContainsFunc(f.Plan.Report(i18n.Default()).Warnings, func(w report.Warning) bool {
		return w.Code == code
	})
}

// TestManyChannels has voices on channels of which most are empty: whatever the recorder calls them, they are
// heard, on both sides, as loud as was asked for.
func TestManyChannels(t *testing.T) {
	t.Parallel()
	silent := func(n int, on map[int]string) string {
		channels := make([]string, n)
		for i := range channels {
			if channels[i] = on[i+1]; channels[i] == "" {
				channels[i] = "0"
			}
		}
		return strings.Join(channels, "|")
	}
	for _, tt := range []struct {
		name, channels, layout, muxer, codec string
		lfe                                  bool
	}{
		{"on 5 of 8", silent(8, map[int]string{5: beep}), ":c=7.1", "mov", "pcm_s16le", false},
		{"on the LFE of 5.1", silent(6, map[int]string{4: beep}), ":c=5.1", "mov", "pcm_s24le", true},
		{"on 1 of 16", silent(16, map[int]string{1: beep}), "", "mov", "pcm_s16le", false},
		{"on 7 and 12 of 12", silent(12, map[int]string{7: beep, 12: "0.3*" + beep}), "", "mov", "pcm_s16be", false},
		{"in front of 5.1", silent(6, map[int]string{3: beep, 4: "0.2*" + beep}), ":c=5.1", "mp4", "aac", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source := "aevalsrc='" + tt.channels + "':s=48000:d=8" + tt.layout
			dir := madeOf(t, 8, tt.muxer, source, "-c:a", tt.codec)
			req := request(three(), three().Add(7*time.Second))
			req.Loudness = merge.Loudness{TargetLUFS: -16}
			f := makeFilm(t, newEngine(t), dir, req, 1)
			lufs, peak := loudness(t, f.Path)
			if math.Abs(lufs+16) > 0.5 || peak > -1.5 {
				t.Errorf("%.1f LUFS and %.1f dBTP, want -16 ± 0.5 and at most -1.5", lufs, peak)
			}
			if got := warned(f, cause.CodeChannelLFE); got != tt.lfe {
				t.Errorf("warning %s: %v, want %v", cause.CodeChannelLFE, got, tt.lfe)
			}
			if warned(f, cause.CodeLoudnessMissed) {
				t.Errorf("a warning that the loudness was missed: %+v", f.Loudness)
			}
		})
	}
}

// TestLoudnessMissed has sound that is too faint to be raised to the target: the report says so.
func TestLoudnessMissed(t *testing.T) {
	t.Parallel()
	dir := madeOf(t, 6, "mp4", "aevalsrc='0.0012*sin(800*t*PI)':s=48000:d=6", "-c:a", "aac")
	req := request(three(), three().Add(5*time.Second))
	req.Loudness = merge.Loudness{TargetLUFS: -16}
	f := makeFilm(t, newEngine(t), dir, req, 1)
	if !warned(f, cause.CodeLoudnessMissed) {
		t.Errorf("no warning, and the loudness is %+v", f.Loudness)
	}
}
