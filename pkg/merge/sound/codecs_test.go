package sound_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// forgetful learns nothing.
type forgetful struct{}

func (forgetful) Load(string, any) bool  { return false }
func (forgetful) Save(string, any) error { return nil }

// newProber returns a prober with a proxy of its own.
func newProber(t *testing.T) *probe.Prober {
	t.Helper()
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := rangeproxy.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return &probe.Prober{Tool: tool, Proxy: proxy, Learned: forgetful{}, Meter: &rangeproxy.Meter{}}
}

// makeFile makes a file of small pictures and a sound that is never the same twice, and of 12 s.
func makeFile(t *testing.T, name, source string, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args := slices.Concat(
		[]string{"-v", "error", "-f", "lavfi", "-i", "color=s=64x64:r=5", "-f", "lavfi", "-i", source},
		[]string{"-t", "12", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10"},
		options, []string{path},
	)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil { // #nosec G204 -- constant arguments
		t.Fatalf("make %s: %v\n%s", name, err, out)
	}
	return path
}

// sweep is a tone whose pitch and strength change, so that samples in the wrong place differ.
const sweep = "aevalsrc='0.3*sin(2*PI*(200*t+40*t*t))*(0.6+0.4*sin(6*PI*t))':s=48000"

// mixed is a record whose sound was planned.
type mixed struct {
	prober   *probe.Prober
	segments []*probe.Segment
	planned  sound.Planned
	notes    []sound.Note
}

// planFile plans the sound of a file that is the only segment of a record of 11 s.
func planFile(t *testing.T, path string) mixed {
	t.Helper()
	return planFiles(t, 12*time.Second, 11*ffmpeg.SampleRate, map[string]string{"15:00_504_24": path})
}

// planFiles probes the files of source 24, and perhaps of source 30, by the ends of their names, and plans their sound.
func planFiles(t *testing.T, length time.Duration, samples int64, paths map[string]string) mixed {
	t.Helper()
	return planLoud(t, length, samples, paths, sound.Loudness{Off: true})
}

// planLoud is planFiles with a loudness that the sound is brought to.
func planLoud(
	t *testing.T, length time.Duration, samples int64, paths map[string]string, loudness sound.Loudness,
) mixed {
	t.Helper()
	m := mixed{prober: newProber(t)}
	for _, end := range slices.Sorted(maps.Keys(paths)) {
		path := paths[end]
		name, err := nvr.ParseSegmentName("2026-11-20_" + end + ".mp4")
		if err != nil {
			t.Fatal(err)
		}
		seg, err := m.prober.Probe(t.Context(), probe.Clip{
			Name:       name,
			Path:       name.String(),
			Generation: name.String(),
			Open:       func(context.Context) (probe.Bytes, error) { return rangeproxy.OpenFile(path) },
		}, time.UTC, length, nil)
		if err != nil {
			t.Fatal(err)
		}
		m.segments = append(m.segments, seg)
	}
	chooser := &sound.Chooser{
		Prober:   m.prober,
		Segments: m.segments,
		Sources:  []string{"24", "30"},
		Start:    m.segments[0].Start,
		Samples:  samples,
		Segment:  length,
		Loudness: loudness,
		Progress: func(int64, int64) {},
	}
	var err error
	if m.planned, err = chooser.Choose(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.notes = chooser.Notes()
	return m
}

// mix mixes the first channel of the record up to a sample, in one go or in slices that end at cuts.
func (m mixed) mix(t *testing.T, until int64, cuts ...int64) []float32 {
	t.Helper()
	var out []float32
	from := int64(0)
	for _, end := range append(cuts, until) {
		cache := probe.NewCache(m.prober, m.segments, nil)
		mixer := sound.NewMixer(m.prober, cache, m.planned)
		err := mixer.Run(t.Context(), from, end, func(samples []float32) error {
			for i := 0; i < len(samples); i += m.planned.Channels {
				out = append(out, samples[i])
			}
			return nil
		})
		cache.Close()
		if err != nil {
			t.Fatal(err)
		}
		from = end
	}
	return out
}

// decoded is what FFmpeg makes of a file's sound by itself: the first channel at 48 kHz.
func decoded(t *testing.T, path string) []float32 {
	t.Helper()
	return ffmpegSamples(t, "-i", path, "-map", "0:a:0", "-af", "pan=mono|c0=c0,aresample=48000")
}

// ffmpegSamples runs FFmpeg with arguments and returns the samples that it writes.
func ffmpegSamples(t *testing.T, args ...string) []float32 {
	t.Helper()
	args = append(append([]string{"-v", "error"}, args...), "-f", "f32le", "-")
	cmd := exec.CommandContext(t.Context(), "ffmpeg", args...) // #nosec G204 -- constant arguments
	raw, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	samples := make([]float32, len(raw)/4)
	if err := binary.Read(bytes.NewReader(raw), binary.LittleEndian, samples); err != nil {
		t.Fatal(err)
	}
	return samples
}

// farthest returns the greatest difference of samples, without the first tenth of a second, which fades in.
func farthest(a, b []float32) (difference float64, at time.Duration) {
	for i := ffmpeg.SampleRate / 10; i < min(len(a), len(b)); i++ {
		if d := math.Abs(float64(a[i] - b[i])); d > difference {
			difference, at = d, time.Duration(i)*time.Second/ffmpeg.SampleRate
		}
	}
	return difference, at
}

// TestSlicesJoin mixes sound of many codecs in slices that begin anywhere: it is the same as in one go, and the
// same as FFmpeg decodes from the start of the file.
func TestSlicesJoin(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]string{
		"alaw.mov":     {"-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"},
		"mulaw.mov":    {"-c:a", "pcm_mulaw", "-ar", "11025"},
		"s16.mov":      {"-c:a", "pcm_s16le", "-ar", "16000"},
		"s24.mov":      {"-c:a", "pcm_s24be", "-ar", "44100", "-ac", "2"},
		"float.mov":    {"-c:a", "pcm_f32le"},
		"aac.mp4":      {"-c:a", "aac", "-ar", "22050", "-aac_pns", "0"},
		"fragment.mp4": {"-c:a", "aac", "-aac_pns", "0", "-movflags", "frag_keyframe+empty_moov"},
		"opus.mp4":     {"-c:a", "libopus"},
		"mp3.mp4":      {"-c:a", "libmp3lame", "-ar", "44100", "-b:a", "64k"},
		"ac3.mp4":      {"-c:a", "ac3", "-b:a", "192k"},
		"eac3.mp4":     {"-c:a", "eac3", "-b:a", "192k"},
		"alac.mp4":     {"-c:a", "alac"},
		"flac.mp4":     {"-c:a", "flac", "-strict", "-2", "-frame_size", "1152"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := makeFile(t, name, sweep, options...)
			m := planFile(t, path)
			if len(m.planned.Takes) != 1 {
				t.Fatalf("%d takes, want 1: %+v, faults %v", len(m.planned.Takes), m.planned.Takes, m.segments[0].Faults)
			}
			const until = 10 * ffmpeg.SampleRate
			whole := m.mix(t, until)
			cut := m.mix(t, until, 2*ffmpeg.SampleRate+1234, 5*ffmpeg.SampleRate+77, 7*ffmpeg.SampleRate)
			if d, at := farthest(whole, cut); d > 0.0005 || len(whole) != until || len(cut) != until {
				t.Errorf("slices differ from one go by %.5f at %v", d, at)
			}
			if d, at := farthest(whole, decoded(t, path)); d > 0.005 {
				t.Errorf("the mix differs from the file by %.5f at %v", d, at)
			}
		})
	}
}

// TestNamedRateIsWrong has sample entries that do not name the decoder's rate.
func TestNamedRateIsWrong(t *testing.T) {
	t.Parallel()
	aac := makeFile(t, "aac.mp4", sweep, "-c:a", "aac", "-aac_pns", "0")
	whole := decoded(t, aac)
	for name, rate := range map[string]uint32{"half": 24000, "none": 0, "other": 44100, "double": 96000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := withEntry(t, aac, func(entry []byte) {
				binary.BigEndian.PutUint32(entry[24:], rate<<16)
			})
			m := planFile(t, path)
			if got := m.segments[0].Sound; got.Rate != 48000 || got.Channels != 1 {
				t.Errorf("%+v, want 1 channel at 48000 Hz", got)
			}
			if d, at := farthest(m.mix(t, 480000, 200001), whole); d > 0.005 {
				t.Errorf("the mix differs from the file by %.5f at %v", d, at)
			}
		})
	}
}

// TestSBR has a file whose configuration announces twice the rate of its core, and another that has stereo of it.
func TestSBR(t *testing.T) {
	t.Parallel()
	aac := makeFile(t, "aac.mp4", sweep, "-c:a", "aac", "-ar", "24000", "-b:a", "48k", "-aac_pns", "0")
	for name, config := range map[string][]byte{
		"SBR":               {0x2b, 0x09, 0x88, 0, 0}, // object 5, 24000, mono, 48000, object 2
		"parametric stereo": {0xeb, 0x09, 0x88, 0, 0}, // object 29
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := withEntry(t, aac, func(entry []byte) {
				at := bytes.Index(entry, []byte{0x56, 0xe5, 0x00}) - 2
				copy(entry[at:], config)
			})
			m := planFile(t, path)
			if m.segments[0].Sound.Rate != 48000 {
				t.Errorf("%+v, want 48000 Hz", m.segments[0].Sound)
			}
			whole := m.mix(t, 480000)
			if d, at := farthest(whole, m.mix(t, 480000, 123456, 300000)); d > 0.001 {
				t.Errorf("slices differ from one go by %.5f at %v", d, at)
			}
			if d, at := farthest(whole, decoded(t, path)); d > 0.005 {
				t.Errorf("the mix differs from the file by %.5f at %v", d, at)
			}
		})
	}
}

// withEntry returns a copy of a file with a changed sample entry mp4a, which is passed from its type's end on.
func withEntry(t *testing.T, path string, change func(entry []byte)) string {
	t.Helper()
	data, err := os.ReadFile(path)
	at := bytes.Index(data, []byte("mp4a"))
	if err != nil || at < 0 {
		t.Fatal(errors.Join(err, errors.New("no sample entry")))
	}
	change(data[at+4:])
	out := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(out, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}
