package merge_test

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
	"github.com/nvr-miem/merger/pkg/merge"
)

// heard is a session of the lecturer alone, at five pictures a second, recorded over a minute and a bit.
func heard(sound recorder.Sound) recorder.Session {
	s := slow(session(three(), three().Add(slot+15*time.Second)))
	s.Sources = s.Sources[:1]
	s.Sources[0].Sound = sound
	return s
}

// TestSoundIsOfOneEncode has a tone run through the joints of slices and segments: its phase never
// steps, nothing clicks, and slices change the samples no more at their joints than elsewhere.
func TestSoundIsOfOneEncode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		rate   int
		stereo bool
	}{{"48 kHz", 48000, false}, {"44.1 kHz", 44100, false}, {"stereo", 48000, true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && tt.rate == 48000 {
				t.Skip("44.1 kHz stands for the others")
			}
			dir := record(t, heard(recorder.Sound{Pilot: true, SampleRate: tt.rate}))
			if tt.stereo {
				changeSound(t, dir, "-c:a", "aac", "-ac", "2")
			}
			engine := newEngine(t)
			req := request(three().Add(51*time.Second), three().Add(69*time.Second))
			req.Slice = time.Hour
			whole := makeFilm(t, engine, dir, req, 1).sound(t)
			req.Slice = 2500 * time.Millisecond
			f := makeFilm(t, engine, dir, req, 2)
			cut := f.sound(t)
			checkPilot(t, "one slice", whole, req)
			checkPilot(t, "slices", cut, req)
			checkJoints(t, f.Plan, whole, cut)
		})
	}
}

// TestWaveringTimestamps has packets of sound that come up to 5 ms early or late, as they do where a
// recorder stamps them by its own clock. The samples go on all the same, also from slice to slice.
func TestWaveringTimestamps(t *testing.T) {
	t.Parallel()
	dir := record(t, heard(recorder.Sound{Pilot: true}))
	changeSound(t, dir, "-c:a", "copy", "-bsf:a", "setts=ts='PTS+if(gt(N,2),240-80*mod(N*5,7),0)'")
	req := request(three().Add(51*time.Second), three().Add(69*time.Second))
	req.Slice = time.Hour
	engine := newEngine(t)
	whole := makeFilm(t, engine, dir, req, 1).sound(t)
	req.Slice = 2500 * time.Millisecond
	f := makeFilm(t, engine, dir, req, 2)
	cut := f.sound(t)
	checkJoints(t, f.Plan, whole, cut)
	for _, step := range timecode.Steps(
		cut.Phases(req.Start)[5:400],
		15*time.Microsecond,
	) { // before the second file
		t.Errorf("the tone steps at %v by %v (heard: %v)", step.At, step.Shift, step.Heard)
	}
}

// changeSound has FFmpeg encode the sound of all segments again, the pictures left as they are.
func changeSound(t *testing.T, dir string, options ...string) {
	t.Helper()
	changeSoundIn(t, dir, "mp4", options...)
}

// changeSoundIn is changeSound with another muxer. QuickTime holds sound that MP4 does not.
func changeSoundIn(t *testing.T, dir, muxer string, options ...string) {
	t.Helper()
	for _, clip := range clips(t, dir) {
		path := filepath.Join(dir, clip.Path)
		args := slices.Concat([]string{
			"-v",
			"error",
			"-nostdin",
			"-i",
			"file:" + path,
		}, options, []string{"-c:v", "copy", "-f", muxer, "-y", "file:" + path + ".part"})
		out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput() // #nosec G204 -- the test's own files
		if err == nil {
			err = os.Rename(path+".part", path)
		}
		if err != nil {
			t.Fatalf("change the sound of %s: %v %s", path, err, out)
		}
	}
}

// checkPilot wants the tone at its time from end to end, and no sample that leaps. Where one file ends
// and the next begins the recorder's own encoder knew only one side: there it may be a sample off.
func checkPilot(t *testing.T, name string, sound *timecode.Sound, req merge.Request) {
	t.Helper()
	joint := three().Add(slot).Sub(req.Start)
	near := func(at time.Duration) bool { return (at - joint).Abs() < 100*time.Millisecond }
	phases := sound.Phases(req.Start)
	phases = phases[5 : len(phases)-5] // the ends fade
	for _, step := range timecode.Steps(phases, 15*time.Microsecond) {
		if !step.Heard || !near(step.At) || step.Shift.Abs() > 25*time.Microsecond {
			t.Errorf(
				"%s: the tone steps at %v by %v (heard: %v)",
				name, step.At, step.Shift, step.Heard,
			)
		}
	}
	for _, p := range phases {
		if p.Shift.Abs() > 25*time.Microsecond {
			t.Errorf("%s: the tone is off by %v at %v", name, p.Shift, p.At)
			break
		}
	}
	// Of a tone of 440 Hz and this level the second difference is 0.0002; a click is of its height.
	c := complaints{t: t}
	for i := sound.Rate / 10; i < len(sound.Samples)-sound.Rate/10; i++ {
		limit, at := 0.001, time.Duration(i)*time.Second/time.Duration(sound.Rate)
		if near(at) {
			limit = 0.006
		}
		if d := math.Abs(float64(sound.Samples[i-1]) - 2*float64(sound.Samples[i]) + float64(sound.Samples[i+1])); d > limit {
			c.add("%s: the sound clicks by %.4f at %v", name, d, at)
		}
	}
}

// checkJoints compares the samples of a merge in slices with those of one slice.
func checkJoints(t *testing.T, plan *merge.Plan, whole, cut *timecode.Sound) {
	t.Helper()
	if d := len(whole.Samples) - len(cut.Samples); d != 0 {
		t.Errorf("slices change the sound's length by %d samples", d)
	}
	n := min(len(whole.Samples), len(cut.Samples))
	window := whole.Rate / 25
	difference := func(at int) float64 {
		sum := 0.0
		for i := max(0, at-window/2); i < min(n, at+window/2); i++ {
			d := float64(whole.Samples[i] - cut.Samples[i])
			sum += d * d
		}
		return math.Sqrt(sum / float64(window))
	}
	// The encoder's own noise: how much the coded pilot differs from a pure one is about 0.0005.
	for _, slice := range plan.Slices[1:] {
		at := int(slice.First) * whole.Rate / plan.Encoding.Rate
		if d := difference(at); d > 0.001 {
			t.Errorf(
				"around the joint at %.2f s samples differ by %.5f",
				float64(at)/float64(whole.Rate), d,
			)
		}
	}
}

// TestSoundFallsBack takes the lecturer's sound away, by silence and by a missing track, and gives it
// back: the board's is heard meanwhile.
func TestSoundFallsBack(t *testing.T) {
	t.Parallel()
	after := func(seconds int) time.Time {
		return three().Add(time.Duration(seconds) * time.Second)
	}
	s := slow(session(three(), three().Add(3*slot)))
	s.Sources = []recorder.Source{s.Sources[0], s.Sources[2]}
	s.Sources[0].Sound.Silent = []recorder.Stretch{
		{From: after(10), Until: after(30)}, // long: the board stands in
		{From: after(40), Until: after(48)}, // short: no source stands in
	}
	s.Sources[0].Segments[1].NoSound = true
	s.Sources[0].Segments[1].Length, s.Sources[1].Segments[1].Length = 20*time.Second, 20*time.Second
	s.Sources[0].Segments = append(s.Sources[0].Segments[:2:2], recorder.Segment{
		Named:  after(80).Truncate(time.Minute).Add(time.Minute),
		Length: 10 * time.Second,
	})
	s.Sources[1].Segments = s.Sources[1].Segments[:2]
	req := request(three(), after(130))
	req.Slice = 20 * time.Second
	f := makeFilm(t, newEngine(t), record(t, s), req, 2)
	var seconds [130]int // which source is heard at each second: its last digit, or -1
	for i := range seconds {
		seconds[i] = -1
	}
	for _, m := range f.sound(t).Marks() {
		at := m.Instant(req.Start.Add(m.At))
		if off := req.Start.Add(m.At).Sub(at); off.Abs() > 40*time.Millisecond {
			t.Errorf("the mark of second %d is heard %v late", m.Second, off)
		}
		if i := int(at.Sub(req.Start).Seconds()); i >= 0 && i < len(seconds) {
			seconds[i] = m.Source
		}
	}
	expect := func(from, until, source int) {
		for i := from; i < until; i++ {
			if seconds[i] != source {
				t.Errorf("at %d s source ..%d is heard, want ..%d", i, seconds[i], source)
			}
		}
	}
	const lecturerDigit, boardDigit = 4, 0
	expect(1, 10, lecturerDigit)
	expect(11, 30, boardDigit)
	expect(32, 40, lecturerDigit)
	expect(41, 48, -1)
	expect(49, 60, lecturerDigit)
	expect(61, 80, boardDigit)
	expect(81, 120, -1)
	expect(121, 130, lecturerDigit)
	if n := len(f.Plan.Sound.Heard); n < 5 {
		t.Errorf("the plan names %d stretches of sound: %+v", n, f.Plan.Sound.Heard)
	}
}

var (
	integratedLine = regexp.MustCompile(`I:\s+(-?[\d.]+) LUFS`)
	peakLine       = regexp.MustCompile(`Peak:\s+(-?[\d.]+|-inf) dBFS`)
)

// loudness is what FFmpeg measures of a file: integrated loudness and true peak.
func loudness(t *testing.T, path string) (lufs, peak float64) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-hide_banner", "-nostdin", "-i", path, "-vn", "-af", "ebur128=peak=true:framelog=verbose", // #nosec G204 -- the test's own file
		"-f", "null", "-").CombinedOutput()
	i, p := integratedLine.FindAllSubmatch(out, -1), peakLine.FindAllSubmatch(out, -1)
	if err != nil || i == nil || p == nil {
		t.Fatalf("measure %s: %v\n%s", path, err, out)
	}
	lufs, err = strconv.ParseFloat(string(i[len(i)-1][1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	if peak, err = strconv.ParseFloat(string(p[len(p)-1][1]), 64); err != nil {
		t.Fatal(err)
	}
	return lufs, peak
}

// TestLoudness brings all kinds of speech to the level that is asked for.
func TestLoudness(t *testing.T) {
	t.Parallel()
	const target = -16
	for _, tt := range []struct {
		name  string
		sound recorder.Sound
		tone  string // an expression that replaces the sound
		off   bool
	}{
		{"quiet speech", recorder.Sound{Speech: 0.1}, "", false},
		{"loud speech", recorder.Sound{Speech: 1}, "", false},
		{"beeps over quiet speech", recorder.Sound{Speech: 0.13, MarkEvery: 10}, "", false},
		// Claps of 40 ms every seven seconds, louder by 45 dB than what is said.
		{
			"claps",
			recorder.Sound{},
			"0.008*sin(700*t*PI)*(0.6+0.4*sin(20*t))+0.9*(2*random(1)-1)*exp(-mod(t,7)*120)",
			false,
		},
		// Beeps that are cut by 12 dB, over the hiss of a microphone.
		{
			"beeps over hiss",
			recorder.Sound{},
			"0.03*(2*random(1)-1)+0.5*sin(2000*t*PI)*lt(mod(t,1),0.02)",
			false,
		},
		// A question that is raised, with a clap in it.
		{
			"question",
			recorder.Sound{},
			"0.3*sin(800*t*PI)*(0.5+0.5*sin(8*PI*t))*gt(sin(t),-0.9)*if(between(t,20,35),0.1,1)+" +
				"0.8*(2*random(1)-1)*exp(-mod(t+3,30)*120)",
			false,
		},
		// A sound source that carries what the encoder of the merge does not.
		{"hiss", recorder.Sound{}, "0.05*(2*random(1)-1)", false},
		{"left as it was", recorder.Sound{Speech: 0.1, MarkEvery: 5}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && tt.tone == "" && tt.sound.Speech == 0.1 {
				t.Skip("the others are more difficult")
			}
			s := heard(tt.sound)
			s.Sources[0].Segments = s.Sources[0].Segments[:1]
			dir := record(t, s)
			if tt.tone != "" {
				changeSound(
					t,
					dir,
					"-f",
					"lavfi",
					"-i",
					"aevalsrc='"+tt.tone+"':s=48000:d=60",
					"-map",
					"0:v",
					"-map",
					"1:a",
					"-c:a",
					"aac",
					"-b:a",
					"256k",
				)
			}
			req := request(three(), three().Add(50*time.Second))
			req.Loudness = merge.Loudness{Off: tt.off, TargetLUFS: target}
			f := makeFilm(t, newEngine(t), dir, req, 1)
			lufs, peak := loudness(t, f.Path)
			t.Logf(
				"%.1f LUFS, peak %.1f dBTP; before %+v, gain %v dB, limit %v",
				lufs, peak, *f.Plan.Sound.Measured, f.Plan.Sound.GainDB, f.Plan.Sound.LimitDBFS,
			)
			if tt.off {
				before, _ := loudness(t, filepath.Join(dir, clips(t, dir)[0].Path))
				if math.Abs(lufs-before) > 0.3 {
					t.Errorf("%.1f LUFS became %.1f", before, lufs)
				}
				return
			}
			if math.Abs(lufs-target) > 0.5 || peak > -1.5 {
				t.Errorf(
					"%.1f LUFS and %.1f dBTP, want %d ± 0.5 and at most -1.5",
					lufs, peak, target,
				)
			}
			if f.Loudness == nil || math.Abs(f.Loudness.LUFS-lufs) > 0.2 {
				t.Errorf("the report says %+v, FFmpeg %.1f LUFS", f.Loudness, lufs)
			}
		})
	}
}

// TestSilence merges what has no sound, or nothing in it.
func TestSilence(t *testing.T) {
	t.Parallel()
	for name, sound := range map[string]recorder.Sound{
		"no track":        {None: true},
		"digital silence": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := heard(sound)
			s.Sources[0].Segments[0].Length = 10 * time.Second
			req := request(three(), three().Add(9*time.Second))
			req.Slice, req.Loudness.Off = 4*time.Second, false
			req.Loudness.TargetLUFS = -16
			f := makeFilm(t, newEngine(t), record(t, s), req, 1)
			samples := f.sound(t).Samples
			if want := 9 * 48000; len(samples) < want || len(samples) > want+1024 {
				t.Errorf("%d samples, want %d", len(samples), want)
			}
			if top := slices.Max(samples); top > 1e-4 {
				t.Errorf("silence is as loud as %v", top)
			}
			if f.Loudness != nil {
				t.Errorf("silence has loudness %+v", f.Loudness)
			}
		})
	}
}
