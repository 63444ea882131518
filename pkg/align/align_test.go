package align_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/align"
)

const samples = int(align.Length+2*align.MostLag) / int(time.Second) * align.Rate

// voice is sound with the rhythm and the spectrum of speech: noise through two resonances, in syllables.
func voice(random *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	var a, b, gain, target float64
	left := 0
	for i := range out {
		if left == 0 {
			left = align.Rate/12 + random.IntN(align.Rate/4)
			target = math.Pow(10, -3*random.Float64())
		}
		left--
		gain += (target - gain) * 0.002
		noise := random.NormFloat64()
		a += 0.25 * (noise - a)
		b = 0.92*b + 0.3*(noise-a)
		out[i] = 0.1 * gain * (a + 0.3*b)
	}
	return out
}

// heard is what a microphone hears of a sound: the direct way, late echoes of a room that decay by 60 dB in
// reverberation seconds, and noise.
func heard(random *rand.Rand, sound []float64, reverberation, noise float64) []float32 {
	tail := int(reverberation * align.Rate)
	impulse := map[int]float64{0: 1}
	for range 60 {
		if at := random.IntN(tail + 1); at > align.Rate/400 {
			impulse[at] = 0.4 * random.NormFloat64() * math.Pow(10, -3*float64(at)/float64(tail))
		}
	}
	out := make([]float32, len(sound))
	for at, gain := range impulse {
		for i := at; i < len(sound); i++ {
			out[i] += float32(gain * sound[i-at])
		}
	}
	for i := range out {
		out[i] += float32(noise * random.NormFloat64())
	}
	return out
}

// compareShifted compares two microphones in one room, of which the other hears later by lag samples.
func compareShifted(seed uint64, lag int, reverberation, noise float64) align.Lag {
	random := rand.New(rand.NewPCG(seed, 1))
	sound := voice(random, samples+2*align.Rate)
	reference := heard(random, sound, reverberation, noise)[align.Rate:]
	other := heard(random, sound, reverberation, noise)
	begin := align.Rate + int(align.MostLag/time.Second)*align.Rate - lag
	return align.NewCorrelator().Compare(reference, other[begin:], 0)
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                 string
		lag                  int
		reverberation, noise float64
	}{
		{"no lag", 0, 0.2, 0},
		{"late", 1200, 0.4, 0.0005},
		{"early", -5300, 0.8, 0.001},
		{"late by almost all that is looked for", 15500, 0.6, 0.001},
		{"a noisy hall", 411, 1.2, 0.003},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := compareShifted(7, tt.lag, tt.reverberation, tt.noise)
			want := time.Duration(tt.lag) * time.Second / align.Rate
			if (got.Lag-want).Abs() > 5*time.Millisecond || got.Ratio < 1.8 {
				t.Errorf("lag %v with ratio %.2f, want %v", got.Lag, got.Ratio, want)
			}
		})
	}
}

// TestMeasure listens to two microphones whose clocks run apart, over half an hour.
func TestMeasure(t *testing.T) {
	t.Parallel()
	for _, want := range []align.Line{
		{Offset: 300 * time.Millisecond},
		{Offset: 150 * time.Millisecond, PPM: 130},
		{Offset: -90 * time.Millisecond, PPM: -210},
	} {
		var pairs []align.Pair
		for i := range 6 {
			pairs = append(pairs, driftingPair(uint64(i), time.Duration(i)*5*time.Minute, want))
		}
		got := align.Fit(align.Measure(pairs))
		for _, at := range []time.Duration{0, 25 * time.Minute} {
			if !got.Sure || (got.At(at)-want.At(at)).Abs() > 5*time.Millisecond {
				t.Errorf("at %v: %v by %+v, want %v", at, got.At(at), got, want.At(at))
			}
		}
	}
}

// driftingPair is what two microphones of one room hear about a time, the other one late as a line says.
func driftingPair(seed uint64, at time.Duration, line align.Line) align.Pair {
	random := rand.New(rand.NewPCG(seed, 2))
	sound := voice(random, samples+align.Rate)
	reference := heard(random, sound, 0.5, 0.0005)
	late := heard(random, sound, 0.5, 0.0005)
	other := make([]float32, int(align.Length/time.Second)*align.Rate)
	half := float64(len(other)) / 2
	for i := range other {
		seconds := (float64(i) - half) / align.Rate
		lag := line.At(at + time.Duration(seconds*float64(time.Second)))
		position := float64(i) + (align.MostLag-lag).Seconds()*align.Rate
		whole := int(position)
		part := float32(position - float64(whole))
		other[i] = late[whole]*(1-part) + late[whole+1]*part
	}
	return align.Pair{At: at, Reference: reference, Other: other}
}

// TestCompareFindsNothing compares what has no lag: other rooms, silence, and sounds that repeat themselves.
func TestCompareFindsNothing(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	other := func() []float32 { return heard(random, voice(random, samples), 0.4, 0.001) }
	beeps := make([]float32, samples)
	for i := range beeps {
		if i%align.Rate < align.Rate/10 {
			beeps[i] = float32(0.3 * math.Sin(2*math.Pi*1000*float64(i)/align.Rate))
		}
	}
	correlator := align.NewCorrelator()
	var lags []align.Lag
	for i := range 12 {
		lag := correlator.Compare(other(), other(), 0)
		lag.At = time.Duration(i) * 2 * time.Minute
		lags = append(lags, lag)
	}
	if line := align.Fit(lags); line.Sure {
		t.Errorf("other rooms: %+v of %+v", line, lags)
	}
	if got := correlator.Compare(beeps, beeps, 0); got.Ratio >= 1.4 {
		t.Errorf("beeps: %+v", got)
	}
	if got := correlator.Compare(make([]float32, samples), other(), 0); got != (align.Lag{}) {
		t.Errorf("silence: %+v", got)
	}
	if got := correlator.Compare(nil, nil, 0); got != (align.Lag{}) {
		t.Errorf("nothing: %+v", got)
	}
}

// TestFit puts lines through lags of which some are wrong.
func TestFit(t *testing.T) {
	t.Parallel()
	for _, want := range []align.Line{
		{Offset: 0, PPM: 0, Windows: 7},
		{Offset: 340 * time.Millisecond, PPM: 0, Windows: 7},
		{Offset: -1200 * time.Millisecond, PPM: 80, Windows: 7},
		{Offset: 90 * time.Millisecond, PPM: -150, Windows: 7},
	} {
		random := rand.New(rand.NewPCG(5, uint64(want.Windows)))
		var lags []align.Lag
		for i := range 10 {
			at := time.Duration(i) * 3 * time.Minute
			lag := align.Lag{At: at, Lag: want.At(at) + time.Duration(random.IntN(2e6)-1e6), Ratio: 3}
			switch i {
			case 2, 8:
				lag.Lag = time.Duration(random.IntN(2e9)) // wrong
			case 5:
				lag.Ratio = 1.05 // not sure of itself
			}
			lags = append(lags, lag)
		}
		got := align.Fit(lags)
		for _, at := range []time.Duration{0, 13 * time.Minute, 27 * time.Minute} {
			if !got.Sure || (got.At(at)-want.At(at)).Abs() > 3*time.Millisecond || got.Windows != want.Windows {
				t.Errorf("at %v: lag %v of %+v, want %v of %+v", at, got.At(at), got, want.At(at), want)
			}
		}
	}
}

// TestFitIsNeverSureByChance fits lags that are drawn by lot, as those of sources that hear different rooms.
func TestFitIsNeverSureByChance(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(6, 7))
	for range 10_000 {
		lags := make([]align.Lag, 3+random.IntN(10))
		for i := range lags {
			lags[i] = align.Lag{
				At:    time.Duration(i) * 2 * time.Minute,
				Lag:   time.Duration(random.Int64N(int64(2*align.MostLag))) - align.MostLag,
				Ratio: 1 + random.Float64(), // few of them count
			}
		}
		if line := align.Fit(lags); line.Sure {
			t.Fatalf("%+v of %+v", line, lags)
		}
	}
}
