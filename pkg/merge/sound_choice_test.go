package merge_test

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/merge"
)

// spoken is what speech is to the choice of sound: a level that rises and falls, and beeps to find it by.
const spoken = "0.04*sin(600*PI*t)*(0.6+0.4*sin(6*PI*t))+0.4*sin(2000*PI*t)*lt(mod(t,1),0.1)"

// silentRoom records the lecturer and the board, whose pictures serve all cases of a test.
func silentRoom(t *testing.T, length time.Duration) (dir string) {
	t.Helper()
	s := slow(session(three(), three().Add(slot)))
	s.Sources = append(s.Sources[:1:1], s.Sources[2])
	for i := range s.Sources {
		s.Sources[i].Segments[0].Length = length
		s.Sources[i].Sound = recorder.Sound{None: true}
	}
	return record(t, s)
}

// withSounds copies a room and gives its sources the sounds that FFmpeg makes of expressions: one for each
// channel, separated by bars.
func withSounds(t *testing.T, room, lecturerSound, boardSound string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, clip := range clips(t, room) {
		expression := lecturerSound
		if clip.Name.Source == board {
			expression = boardSound
		}
		run(
			t, "-i", "file:"+filepath.Join(room, clip.Path),
			"-f", "lavfi", "-i", "aevalsrc='"+expression+"':s=48000",
			"-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-shortest",
			"file:"+filepath.Join(dir, filepath.Base(clip.Path)),
		)
	}
	return dir
}

// run runs FFmpeg.
func run(t *testing.T, args ...string) {
	t.Helper()
	args = append([]string{"-v", "error", "-nostdin"}, args...)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput() // #nosec G204 -- own files
	if err != nil {
		t.Fatalf("ffmpeg %q: %v %s", args, err, out)
	}
}

// planOf plans the first seconds of a folder.
func planOf(t *testing.T, dir string, seconds int) *merge.Plan {
	t.Helper()
	req := request(three(), three().Add(time.Duration(seconds)*time.Second))
	req.Loudness = merge.Loudness{TargetLUFS: -16}
	plan, err := newEngine(t).Plan(t.Context(), req, clips(t, dir), nil)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// warnings lists the plan's warnings as "code source first-end", in seconds.
func warnings(plan *merge.Plan) string {
	var list []string
	for _, w := range plan.Warnings {
		rate := int64(plan.Encoding.Rate)
		list = append(list, fmt.Sprintf("%s %s %d-%d", w.Cause.Code(), w.Source, w.First/rate, w.End/rate))
	}
	return strings.Join(list, ", ")
}

// sounds lists who is heard, as "source first-end" in seconds.
func sounds(plan *merge.Plan) string {
	var list []string
	for _, h := range plan.Sound.Heard {
		list = append(list, fmt.Sprintf("%s %d-%d", h.Source, (h.First+5)/10, (h.End+5)/10))
	}
	return strings.Join(list, ", ")
}

// TestSoundWithoutSpeech has microphones that hold no voice. The next one that has speech is heard, and the
// report says why; a hum is not raised.
func TestSoundWithoutSpeech(t *testing.T) {
	t.Parallel()
	const hum = "0.1*sin(100*PI*t)+0.05*sin(200*PI*t)+0.02*sin(300*PI*t)"
	dies := func(at, then string) string { return "if(lt(t," + at + ")," + spoken + "," + then + ")" }
	room := silentRoom(t, 40*time.Second)
	for _, tt := range []struct {
		name, lecturer, board string
		heard, warned         string
		why                   cause.Code
	}{
		{"constant", "-0.1", spoken, "30 0-40", "sound-replaced 24 0-40", cause.CodeSoundConstant},
		{"hum", hum, spoken, "30 0-40", "sound-replaced 24 0-40", cause.CodeHum},
		{"noise", "0.05*(2*random(0)-1)", spoken, "30 0-40", "sound-replaced 24 0-40", cause.CodeSoundNoise},
		{"faint speech", "0.02*(" + spoken + ")", spoken, "24 0-40", "", ""},
		{"a hum all around", hum, "0.1", "24 0-40", "loudness-missed  0-40, hum 24 0-40", ""},
		{"dies", dies("15", hum), spoken, "24 0-16, 30 16-40", "sound-replaced 24 15-40", cause.CodeHum},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan := planOf(t, withSounds(t, room, tt.lecturer, tt.board), 40)
			if got := sounds(plan); got != tt.heard {
				t.Errorf("heard %s, want %s", got, tt.heard)
			}
			if got := warnings(plan); got != tt.warned {
				t.Errorf("warnings %s, want %s", got, tt.warned)
			}
			for _, w := range plan.Warnings {
				if why, ok := w.Cause.Args()["why"].(cause.Cause); ok && !why.Is(tt.why) {
					t.Errorf("replaced for %v, want %s", why, tt.why)
				}
			}
			if gain := plan.Sound.GainDB; tt.why == "" && strings.Contains(tt.warned, "hum") && gain > 0 {
				t.Errorf("a hum is raised by %v dB", gain)
			}
		})
	}
}

// TestOneEar has stereo sound of which one channel is dead or far below the other one, and channels that cancel
// each other. What is heard has the voice on both sides, as loud as was asked for.
func TestOneEar(t *testing.T) {
	t.Parallel()
	const (
		voice = "(" + spoken + ")"
		other = "0.05*sin(900*PI*t)*(0.5+0.5*sin(7*PI*t))"
		noise = "0.002*(2*random(0)-1)"
	)
	room := silentRoom(t, 16*time.Second)
	for _, tt := range []struct{ name, sound, warned string }{
		{"right dead", voice + "|0", "channel-dead 2"},
		{"left dead but for noise", noise + "|" + voice, "channel-dead 1"},
		{"left hums", "0.1*sin(100*PI*t)|" + voice, "channel-dead 1"},
		{"right 20 dB below", voice + "|0.1*" + voice, "channel-dead 2"},
		{"out of phase", voice + "|-1*" + voice, "channel-inverted 2"},
		{"out of phase with noise", voice + "+" + noise + "|-0.7*" + voice, "channel-inverted 2"},
		{"two voices", voice + "|" + other, ""},
		{"right 10 dB below", voice + "|0.3*" + voice, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := withSounds(t, room, tt.sound, "0")
			if tt.name != "out of phase with noise" && tt.name != "left hums" {
				checkEars(t, planOf(t, dir, 16), tt.warned)
				return
			}
			req := request(three(), three().Add(16*time.Second))
			req.Loudness = merge.Loudness{TargetLUFS: -16}
			req.Slice = 8 * time.Second
			f := makeFilm(t, newEngine(t), dir, req, 1)
			checkEars(t, f.Plan, tt.warned)
			if lufs, _ := loudness(t, f.Path); math.Abs(lufs+16) > 0.5 {
				t.Errorf("%.1f LUFS", lufs)
			}
			if level := peakOf(t, f.Path, "pan=mono|c0=0.5*c0+0.5*c1"); level < -9 {
				t.Errorf("both sides together have a peak of %v dB", level)
			}
		})
	}
}

// checkEars wants one warning of the lecturer's segment, as "code channel", or none.
func checkEars(t *testing.T, plan *merge.Plan, want string) {
	t.Helper()
	for _, seg := range plan.Segments {
		if seg.Source != lecturer {
			continue
		}
		var list []string
		for _, w := range seg.Warnings {
			list = append(list, fmt.Sprint(w.Cause.Code(), " ", w.Cause.Args()["channel"]))
		}
		if got := strings.Join(list, ", "); got != want {
			t.Errorf("warnings %q, want %q", got, want)
		}
		if mixed := len(seg.Sound.Mix) > 0; mixed != (want != "") {
			t.Errorf("the mix is %v", seg.Sound.Mix)
		}
	}
}

// peakOf is the highest sample of a file behind a filter, in dBFS.
func peakOf(t *testing.T, path, filter string) float64 {
	t.Helper()
	out, err := exec.CommandContext( // #nosec G204 -- own files
		t.Context(), "ffmpeg", "-hide_banner", "-nostdin", "-i", path, "-vn", "-af", filter+",volumedetect", "-f", "null", "-",
	).CombinedOutput()
	m := regexp.MustCompile(`max_volume: (-?[\d.]+) dB`).FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("measure %s: %v\n%s", path, err, out)
	}
	level, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return level
}

// TestEarsDiffer has a channel that is dead in one segment and alive in the next, and a segment without
// speech between them.
func TestEarsDiffer(t *testing.T) {
	t.Parallel()
	s := slow(session(three(), three().Add(3*slot)))
	s.Sources = s.Sources[:1]
	s.Sources[0].Sound = recorder.Sound{None: true}
	for i := range s.Sources[0].Segments {
		s.Sources[0].Segments[i].Length = 15 * time.Second
	}
	room := record(t, s)
	dir := t.TempDir()
	sounds := []string{"0|" + spoken, "0.00001*(2*random(0)-1)|0", spoken + "|" + spoken}
	for i, clip := range clips(t, room) {
		run(
			t, "-i", "file:"+filepath.Join(room, clip.Path), "-f", "lavfi", "-i", "aevalsrc='"+sounds[i]+"':s=48000:d=15",
			"-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "file:"+filepath.Join(dir, filepath.Base(clip.Path)),
		)
	}
	plan := planOf(t, dir, 180)
	want := [][]bool{{false, true}, {false, true}, nil} // which channel the left ear hears
	for i, seg := range plan.Segments {
		mix := seg.Sound.Mix
		if (len(mix) > 0) != (want[i] != nil) || len(mix) > 0 && (mix[0][1] == 1) != want[i][1] {
			t.Errorf("segment %d: mix %v", i, mix)
		}
	}
}

// TestSoundTracks has files with two sound tracks. The one with speech is heard, whichever comes first, also where
// the index is in fragments; the report names the other one.
func TestSoundTracks(t *testing.T) {
	t.Parallel()
	room := silentRoom(t, 16*time.Second)
	const hum = "0.2*sin(100*PI*t)"
	for _, tt := range []struct {
		name, first, second string
		flags               string
		stream              int
	}{
		{"silence before speech", "0", spoken, "", 1},
		{"hum before stereo speech in fragments", hum, spoken + "|" + spoken, "frag_keyframe+empty_moov", 1},
		{"speech before noise", spoken, "0.1*(2*random(0)-1)", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, clip := range clips(t, room) {
				args := []string{"-i", "file:" + filepath.Join(room, clip.Path)}
				for _, sound := range []string{tt.first, tt.second} {
					args = append(args, "-f", "lavfi", "-i", "aevalsrc='"+sound+"':s=48000")
				}
				args = append(args, "-map", "0:v", "-map", "1:a", "-map", "2:a", "-c:v", "copy", "-c:a", "aac", "-shortest")
				if tt.flags != "" {
					args = append(args, "-movflags", tt.flags)
				}
				run(t, append(args, "file:"+filepath.Join(dir, filepath.Base(clip.Path)))...)
			}
			req := request(three(), three().Add(14*time.Second))
			f := makeFilm(t, newEngine(t), dir, req, 1)
			for _, seg := range f.Plan.Segments {
				if seg.Source == board {
					continue
				}
				if seg.Sound.Stream != tt.stream {
					t.Errorf("track %d is heard, want %d", seg.Sound.Stream, tt.stream)
				}
				want := fmt.Sprintf("sound-track-unused %d", 2-tt.stream)
				if got := fmt.Sprint(seg.Warnings[0].Cause.Code(), " ", seg.Warnings[0].Cause.Args()["track"]); got != want {
					t.Errorf("warning %s, want %s", got, want)
				}
			}
			// The beeps are at 1 kHz, which neither hum nor noise is.
			if level := peakOf(t, f.Path, "bandpass=f=1000:width_type=h:w=100"); level < -14 {
				t.Errorf("beeps of %v dB", level)
			}
		})
	}
}
