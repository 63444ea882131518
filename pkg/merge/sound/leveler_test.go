package sound_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/sound"
)

const (
	opening = "Good morning. Today we look at sums of squares, and at what they are good for. " +
		"Please open the book at page seventeen. The first one is easy."
	question = "Excuse me, could you please explain the second step once more? I did not see where it comes from."
	answer   = "Of course. We only add the same number on both sides, and then we divide by two."
)

// say returns what a voice of flite says, with a power of -20 dBFS.
func say(t *testing.T, text, voice string) []float32 {
	t.Helper()
	return synthesize(t, "flite=text='"+text+"':voice="+voice)
}

// synthesize returns the sound of a source of FFmpeg, with a power of -20 dBFS.
func synthesize(t *testing.T, source string) []float32 {
	t.Helper()
	samples := ffmpegSamples(t, "-f", "lavfi", "-i", source, "-af", "aresample=48000,pan=mono|c0=c0")
	scale := float32(math.Pow(10, (-20-powerOf(samples))/20))
	for i := range samples {
		samples[i] *= scale
	}
	return samples
}

// powerOf is the mean square of samples in dB.
func powerOf(samples []float32) float64 {
	sum := 0.0
	for _, s := range samples {
		sum += float64(s) * float64(s)
	}
	return 10 * math.Log10(sum/float64(len(samples)))
}

// room is the sound of a room, with the places of what is said in it.
type room struct {
	samples []float32
	said    [][2]int
}

// pause is how long it is quiet before and after each that speaks.
const pause = 3 * ffmpeg.SampleRate / 2

// add appends what is said, changed by a gain, and a pause.
func (r *room) add(samples []float32, db float64) {
	if r.samples == nil {
		r.samples = make([]float32, pause)
	}
	first := len(r.samples)
	factor := float32(math.Pow(10, db/20))
	for _, s := range samples {
		r.samples = append(r.samples, factor*s)
	}
	r.said = append(r.said, [2]int{first, len(r.samples)})
	r.samples = append(r.samples, make([]float32, pause)...)
}

// hiss adds white noise.
func (r *room) hiss(db float64) {
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- noise
	factor := math.Pow(10, db/20)
	for i := range r.samples {
		r.samples[i] += float32(factor * random.NormFloat64())
	}
}

// clap adds a clap of 40 ms.
func (r *room) clap(at int, peak float64) {
	random := rand.New(rand.NewPCG(3, 4)) // #nosec G404 -- noise
	for i := range ffmpeg.SampleRate / 25 {
		r.samples[at+i] += float32(peak * (2*random.Float64() - 1) * math.Exp(-float64(i)/400))
	}
}

// plan plans the sound of the room as a recorder has written it.
func (r *room) plan(t *testing.T, loudness sound.Loudness) mixed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "room.mp4")
	var raw bytes.Buffer
	if err := binary.Write(&raw, binary.LittleEndian, r.samples); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext( // #nosec G204 -- constant arguments
		t.Context(), "ffmpeg", "-v", "error", "-f", "f32le", "-ar", "48000", "-ac", "1", "-i", "pipe:0",
		"-f", "lavfi", "-i", "color=s=64x64:r=5", "-shortest", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10",
		"-c:a", "aac", "-b:a", "128k", "-aac_pns", "0", path,
	)
	cmd.Stdin = &raw
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	length := time.Duration(len(r.samples)/ffmpeg.SampleRate) * time.Second
	return planLoud(
		t, length+time.Second, int64(length/time.Second)*ffmpeg.SampleRate,
		map[string]string{"15:00_504_24": path}, loudness,
	)
}

// raises returns by how many dB each that speaks was raised, and each pause.
func (r *room) raises(t *testing.T, m mixed) (said, pauses []float64) {
	t.Helper()
	until := int64(len(r.samples)/ffmpeg.SampleRate) * ffmpeg.SampleRate
	leveled := m.mix(t, until)
	m.planned.Leveler = nil
	plain := m.mix(t, until)
	change := func(first, end int) float64 { return powerOf(leveled[first:end]) - powerOf(plain[first:end]) }
	const edge = ffmpeg.SampleRate / 10
	for i, s := range r.said {
		said = append(said, change(s[0], s[1]))
		if i > 0 {
			pauses = append(pauses, change(r.said[i-1][1]+edge, s[0]-edge))
		}
	}
	return said, pauses
}

var loud = sound.Loudness{TargetLUFS: -16}

// wantLeveled checks what was raised: the second of those who speak was, the others and the pauses were not.
func wantLeveled(t *testing.T, r *room, m mixed) {
	t.Helper()
	said, pauses := r.raises(t, m)
	t.Logf("said %.1f dB, pauses %.1f dB, %d knots", said, pauses, len(m.planned.Leveler))
	for i, db := range said {
		if i == 1 && (db < 8 || db > sound.MaxRaiseDB) || i != 1 && math.Abs(db) > 0.5 {
			t.Errorf("sentence %d was raised by %.1f dB", i, db)
		}
	}
	if db := slices.Max(pauses); db > 3 {
		t.Errorf("a pause was raised by %.1f dB", db)
	}
}

// TestLeveler has questions 20 dB below the lecturer. They are raised, and nothing else is, in whatever
// slices the record is made.
func TestLeveler(t *testing.T) {
	t.Parallel()
	const modulated = "aevalsrc='sin(800*PI*t+3*sin(9*t))*(0.5+0.5*sin(8*PI*t))*gt(sin(1.1*t+1),-0.9)':s=48000:d="
	for _, tt := range []struct {
		name            string
		lecturer, asker string
		voices          [2]string
		noise           float64 // dBFS
		claps           bool
	}{
		{"another voice", opening, question, [2]string{"slt", "kal"}, -60, false},
		{"claps", opening, question, [2]string{"slt", "rms"}, -65, true},
		{"silent pauses", question, opening, [2]string{"awb", "slt"}, -120, false},
		{"other sounds", modulated + "14", modulated + "8", [2]string{}, -62, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && tt.noise < -62 && !tt.claps {
				t.Skip("the others are more difficult")
			}
			speak := func(i int, text string) []float32 {
				if tt.voices[i] == "" {
					return synthesize(t, text)
				}
				return say(t, text, tt.voices[i])
			}
			r := &room{}
			r.add(speak(0, tt.lecturer), 0)
			r.add(speak(1, tt.asker), -20)
			r.add(speak(0, tt.lecturer), 0)
			r.hiss(tt.noise)
			if tt.claps {
				for _, s := range r.said {
					r.clap(s[0]+(s[1]-s[0])/2, 0.1)
					r.clap(s[1]+pause/2, 0.9)
				}
			}
			m := r.plan(t, loud)
			wantLeveled(t, r, m)
			if n := len(m.notes); n != 1 || !m.notes[0].Cause.Is(cause.CodeLevelsRaised) {
				t.Errorf("notes %+v", m.notes)
			}
			until := int64(len(r.samples)/ffmpeg.SampleRate) * ffmpeg.SampleRate
			question := int64(r.said[1][0])
			whole, cut := m.mix(t, until), m.mix(t, until, question-1024, question, question+77_000)
			if d, at := farthest(whole, cut); d > 1e-5 || len(whole) != len(cut) {
				t.Errorf("slices differ by %v at %v", d, at)
			}
		})
	}
}

// TestLevelerLeavesAlone has nothing to raise: no speech, or none that is far below the rest.
func TestLevelerLeavesAlone(t *testing.T) {
	t.Parallel()
	quieter := func(source string) string { return source + ",volume='if(lt(t,12),1,0.1)':eval=frame" }
	for name, source := range map[string]string{
		"hum":   quieter("aevalsrc='sin(100*PI*t)+0.5*sin(200*PI*t)':s=48000:d=24"),
		"noise": quieter("anoisesrc=c=pink:r=48000:d=24:seed=7"),
		"music": quieter("aevalsrc='sin(440*PI*t*pow(2,floor(mod(2*t,8))/12))*exp(-3*mod(t,0.5))+" +
			"0.7*sin(220*PI*t*pow(2,floor(mod(t,4))/6))*exp(-1.5*mod(t,1))':s=48000:d=24"),
		"speech": "flite=text='" + opening + " " + answer + "':voice=rms",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &room{}
			r.add(synthesize(t, source), 0)
			r.hiss(-65)
			for _, knot := range r.plan(t, loud).planned.Leveler {
				if knot.GainDB > 3 {
					t.Fatalf("%.1f dB at %.1f s", knot.GainDB, float64(knot.Sample)/ffmpeg.SampleRate)
				}
			}
		})
	}
}

// TestLevelerOff plans as it was planned without the leveler.
func TestLevelerOff(t *testing.T) {
	t.Parallel()
	r := &room{}
	r.add(say(t, opening, "slt"), 0)
	r.add(say(t, question, "rms"), -20)
	for name, loudness := range map[string]sound.Loudness{
		"leveler":  {TargetLUFS: -16, LevelerOff: true},
		"loudness": {Off: true},
	} {
		if m := r.plan(t, loudness); m.planned.Leveler != nil || len(m.notes) > 0 {
			t.Errorf("%s off: %+v, notes %+v", name, m.planned.Leveler, m.notes)
		}
	}
}
