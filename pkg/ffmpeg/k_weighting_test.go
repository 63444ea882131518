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
		moments, err := readMoments(&raw, 2)
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
