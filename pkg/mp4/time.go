package mp4

import (
	"cmp"
	"math"
	"math/bits"
	"time"
)

// Time is an instant or a duration of Ticks/Scale seconds. Scale is positive.
type Time struct {
	Ticks int64
	Scale int64
}

// Compare returns -1, 0 or +1 if t is before, at or after u. It is exact.
func (t Time) Compare(u Time) int {
	ts, tr := floorDiv(t.Ticks, t.Scale)
	us, ur := floorDiv(u.Ticks, u.Scale)
	if c := cmp.Compare(ts, us); c != 0 {
		return c
	}
	// Both rests are in [0, scale): compare tr/t.Scale with ur/u.Scale in 128 bits.
	hi1, lo1 := bits.Mul64(uint64(tr), uint64(u.Scale)) // #nosec G115 -- neither is negative
	hi2, lo2 := bits.Mul64(uint64(ur), uint64(t.Scale)) // #nosec G115 -- neither is negative
	if c := cmp.Compare(hi1, hi2); c != 0 {
		return c
	}
	return cmp.Compare(lo1, lo2)
}

// Duration returns t rounded to the nearest nanosecond, limited to the range of
// [time.Duration].
func (t Time) Duration() time.Duration {
	return time.Duration(rescale(t.Ticks, int64(time.Second), t.Scale))
}

// In returns t in ticks of another timescale, rounded to the nearest.
func (t Time) In(scale int64) int64 {
	return rescale(t.Ticks, scale, t.Scale)
}

// floorDiv divides rounding down, so that the remainder lies in [0, b).
func floorDiv(a, b int64) (quotient, rest int64) {
	quotient = a / b
	rest = a % b
	if rest < 0 {
		quotient--
		rest += b
	}
	return quotient, rest
}

// rescale returns a*b/c, rounded to the nearest with halves away from zero as
// FFmpeg does, limited to the range of int64. b and c must be positive.
func rescale(a, b, c int64) int64 {
	negative := a < 0
	abs := uint64(a) // #nosec G115 -- two's complement is wanted
	if negative {
		abs = -abs
	}
	hi, lo := bits.Mul64(abs, uint64(b)) // #nosec G115 -- b > 0
	divisor := uint64(c)                 // #nosec G115 -- c > 0
	lo, carry := bits.Add64(lo, divisor/2, 0)
	hi += carry
	result := int64(math.MaxInt64)
	if hi < divisor {
		if quotient, _ := bits.Div64(hi, lo, divisor); quotient <= math.MaxInt64 {
			result = int64(quotient) // #nosec G115 -- checked
		}
	}
	if negative {
		return -result
	}
	return result
}
