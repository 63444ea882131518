package ffmpeg

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// TestPowerIsWeighted: of two tones of one strength the higher counts for more, and a hum for little.
func TestPowerIsWeighted(t *testing.T) {
	t.Parallel()
	for hz, want := range map[float64]float64{20: -13.3, 1000: 0.7, 8000: 4} {
		var raw bytes.Buffer
		for i := range SampleRate {
			left := float32(0.5 * math.Sin(2*math.Pi*hz*float64(i)/SampleRate))
			if err := binary.Write(&raw, binary.LittleEndian, []float32{left, 0}); err != nil {
				t.Fatal(err)
			}
		}
		meter := newLevelMeter(2)
		err := meter.read(&raw)
		moments := meter.moments
		if err != nil || len(moments) != 200 {
			t.Fatalf("%d moments of a second, %v", len(moments), err)
		}
		power := 0.0
		for _, m := range moments[160:] { // the filters have settled; whole periods of the hum
			power += math.Pow(10, float64(m.PowerDB)/10) / 40
		}
		unweighted := 10 * math.Log10(0.5*0.5/2/2)
		if got := 10*math.Log10(power) - unweighted; math.Abs(got-want) > 0.5 {
			t.Errorf("%v Hz count for %.1f dB more than they are, want %.1f", hz, got, want)
		}
		if peak := moments[180].PeakDBFS; hz == 1000 && math.Abs(float64(peak)-20*math.Log10(0.5)) > 0.1 {
			t.Errorf("the peak is %.2f dBFS: a limiter acts on samples as they are", peak)
		}
	}
}

// TestTraits: channels are told apart by power and correlation, a hum by its period and by what it lacks above
// the hum.
func TestTraits(t *testing.T) {
	t.Parallel()
	tone := func(hz, level, at float64) float64 { return level * math.Sin(2*math.Pi*hz*at) }
	hum := func(at float64) float64 { return tone(50, 0.1, at) + tone(100, 0.05, at) + tone(150, 0.02, at) }
	hum60 := func(at float64) float64 { return hum(1.2 * at) }
	speech := func(at float64) float64 { return tone(437, 0.1, at) + tone(913, 0.05, at) }
	for _, tt := range []struct {
		name        string
		left, right func(float64) float64
		correlation float64
		periodic    bool
		voiceUnder  float64 // how far the voice's band is below the power, at least, dB
	}{
		{"inverted speech", speech, func(at float64) float64 { return -speech(at) }, -1, false, 0},
		{"one channel", speech, func(float64) float64 { return 0 }, 0, false, 0},
		{"hum", hum, hum, 1, true, 8},
		{"hum of 60 Hz", hum60, hum60, 1, true, 8},
	} {
		var raw bytes.Buffer
		for i := range SampleRate {
			at := float64(i) / SampleRate
			pair := []float32{float32(tt.left(at)), float32(tt.right(at))}
			if err := binary.Write(&raw, binary.LittleEndian, pair); err != nil {
				t.Fatal(err)
			}
		}
		meter := newLevelMeter(2)
		if err := meter.read(&raw); err != nil || len(meter.traits) != 10 {
			t.Fatalf("%s: %d blocks of a second, %v", tt.name, len(meter.traits), err)
		}
		got := meter.traits[8]
		if math.Abs(float64(got.Correlation)-tt.correlation) > 0.1 {
			t.Errorf("%s: correlation %.2f, want %.2f", tt.name, got.Correlation, tt.correlation)
		}
		if (got.Periodicity > 0.9) != tt.periodic {
			t.Errorf("%s: periodicity %.2f", tt.name, got.Periodicity)
		}
		if under := float64(got.PowerDB[0] - got.VoiceDB[0]); under < tt.voiceUnder {
			t.Errorf("%s: the band of a voice is %.1f dB below the power", tt.name, under)
		}
	}
}
