package align

import (
	"math"
	"time"
)

const (
	// leastRatio is the ratio from which a lag counts. Sounds that repeat themselves, and those of different
	// rooms, stay below it; it is 2 to 20 where two microphones hear one voice.
	leastRatio = 1.6
	// leastAgreeing is how many lags must agree on one value, leastDrifting how many on a drift as well, and
	// leastShare which share of those that count. If all agree, unanimous ones will do.
	leastAgreeing = 4
	leastDrifting = 5
	unanimous     = 3
	leastShare    = 0.6
	// tolerance is how far from the line a lag may be.
	tolerance = 6 * time.Millisecond
	// mostPPM is the largest drift that is believed. Cheap oscillators stay below half of it.
	mostPPM = 250.0
)

// Pair is what two microphones heard at one time.
type Pair struct {
	At               time.Duration // middle of Other, on the time axis of the caller
	Reference, Other []float32     // as [Correlator.Compare] takes them
}

// Measure returns the lags of pairs for the first drift at which they agree; if there is none, those for no
// drift. Between two neighbouring drifts the smear over [Length] is a quarter of a millisecond.
func Measure(pairs []Pair) []Lag {
	const step = 50.0 // parts in a million
	correlator := NewCorrelator()
	compare := func(ppm float64) []Lag {
		lags := make([]Lag, len(pairs))
		for i, pair := range pairs {
			lags[i] = correlator.Compare(pair.Reference, pair.Other, ppm)
			lags[i].At = pair.At
		}
		return lags
	}
	without := compare(0)
	if Fit(without).Sure {
		return without
	}
	for ppm := step; ppm <= mostPPM; ppm += step {
		for _, drift := range []float64{ppm, -ppm} {
			if lags := compare(drift); Fit(lags).Sure {
				return lags
			}
		}
	}
	return without
}

// Line is a lag that changes evenly: At(t) = Offset + t·PPM/1e6.
type Line struct {
	Offset  time.Duration // at time 0
	PPM     float64       // parts in a million by which the other source's clock runs slower
	Windows int           // lags that lie on the line
	Sure    bool          // whether enough of them do; nothing else holds if not
}

// At returns the lag at a time.
func (l Line) At(t time.Duration) time.Duration {
	return l.Offset + time.Duration(math.Round(float64(t)*l.PPM/1e6))
}

// Fit returns the line through those lags that agree. It is not sure if too few do.
func Fit(lags []Lag) Line {
	var counted []Lag
	for _, lag := range lags {
		if lag.Ratio >= leastRatio {
			counted = append(counted, lag)
		}
	}
	var best []Lag
	for i := range counted {
		for j := i; j < len(counted); j++ {
			if agreeing := onLine(counted, through(counted[i], counted[j])); len(agreeing) > len(best) {
				best = agreeing
			}
		}
	}
	if len(best) == 0 {
		return Line{}
	}
	line := leastSquares(best)
	line.Windows = len(best)
	line.Sure = math.Abs(line.PPM) <= mostPPM && enough(len(best), len(counted), line.PPM != 0)
	return line
}

// enough reports whether so many of the lags that count agree that it cannot be by chance.
func enough(agreeing, counted int, drifting bool) bool {
	switch {
	case float64(agreeing) < leastShare*float64(counted):
		return false
	case drifting:
		return agreeing >= leastDrifting
	case agreeing == counted:
		return agreeing >= unanimous
	default:
		return agreeing >= leastAgreeing
	}
}

// through returns the line through two lags; a level one through a lag and itself.
func through(a, b Lag) Line {
	line := Line{Offset: a.Lag}
	if a.At != b.At {
		line.PPM = 1e6 * float64(b.Lag-a.Lag) / float64(b.At-a.At)
		line.Offset = a.Lag - time.Duration(math.Round(float64(a.At)*line.PPM/1e6))
	}
	return line
}

// onLine returns the lags that lie on a line. None does if it is too steep to be believed.
func onLine(lags []Lag, line Line) []Lag {
	if math.Abs(line.PPM) > mostPPM {
		return nil
	}
	var agreeing []Lag
	for _, lag := range lags {
		if (lag.Lag - line.At(lag.At)).Abs() <= tolerance {
			agreeing = append(agreeing, lag)
		}
	}
	return agreeing
}

// leastSquares returns the line with the least squared distance to the lags. The drift of few lags that stand
// close together would be noise: it is 0 unless it moves the lag by more than the tolerance.
func leastSquares(lags []Lag) Line {
	n := float64(len(lags))
	var meanAt, meanLag float64 // ns
	for _, lag := range lags {
		meanAt += float64(lag.At) / n
		meanLag += float64(lag.Lag) / n
	}
	var square, product float64
	for _, lag := range lags {
		d := float64(lag.At) - meanAt
		square += d * d
		product += d * (float64(lag.Lag) - meanLag)
	}
	slope := 0.0
	if square > 0 {
		slope = product / square
	}
	span := float64(lags[len(lags)-1].At - lags[0].At)
	if math.Abs(slope*span) < float64(tolerance)/2 {
		slope = 0
	}
	return Line{
		Offset: time.Duration(math.Round(meanLag - slope*meanAt)),
		PPM:    1e6 * slope,
	}
}
