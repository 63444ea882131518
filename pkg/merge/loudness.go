package merge

import (
	"math"

	"github.com/nvr-miem/merger/pkg/timeline"
)

const (
	// peakCeilingDBTP is what true peaks may not pass. The limiter holds samples, and the encoder adds
	// its noise: a margin is kept free for what stands out between and above them. It grows with how
	// deep the limiter cuts, for the deeper, the more of the wave stands at the limit (measured: hardly
	// 1 dB stands out of speech, 3 dB of claps that are cut by 30 dB).
	peakCeilingDBTP = -1.5
	leastMargin     = 1.0
	mostMargin      = 4.0
	marginPerDB     = 1.0 / 6
	// maxGainDB bounds what a nearly silent record is raised by.
	maxGainDB = 40
)

// integrated is the loudness of blocks by ITU-R BS.1770-4: the mean of those that pass the absolute
// gate at -70 LUFS and the relative gate 10 LU under their mean. -Inf if none does.
func integrated(lufs []int16) float64 {
	mean := func(gate float64) float64 {
		sum, n := 0.0, 0
		for _, l := range lufs {
			if db := float64(l) / 100; l != silence && db > gate {
				sum += math.Pow(10, db/10)
				n++
			}
		}
		if n == 0 {
			return math.Inf(-1)
		}
		return 10 * math.Log10(sum/float64(n))
	}
	first := mean(-70)
	if math.IsInf(first, -1) {
		return first
	}
	return mean(max(-70, first-10))
}

// level measures what is heard and sets the one gain of the record, and the limiter where the gain
// would lift peaks over the ceiling. What the limiter takes away, the gain adds.
func (l *listener) level(planned *PlannedSound, listens []timeline.Listen) {
	blocks := l.heardBlocks(listens)
	peak := int16(silence)
	for _, b := range blocks {
		peak = max(peak, b.peak)
	}
	loudness := integrated(limited(blocks, 0, 0))
	if !math.IsInf(loudness, 0) {
		planned.Measured = &Measured{LUFS: rounded(loudness), TruePeakDBTP: float64(peak) / 100}
	}
	if l.req.Loudness.Off {
		return
	}
	target := l.req.Loudness.TargetLUFS
	planned.Target = &target
	if planned.Measured == nil {
		return
	}
	gain := min(target-loudness, maxGainDB)
	if over := planned.Measured.TruePeakDBTP + gain - (peakCeilingDBTP - leastMargin); over > 0 {
		gain = gainFor(blocks, target, peakCeilingDBTP-leastMargin, gain) // what it will be, about
		over = planned.Measured.TruePeakDBTP + gain - (peakCeilingDBTP - leastMargin)
		planned.LimitDBFS = rounded(peakCeilingDBTP - min(leastMargin+marginPerDB*over, mostMargin))
		gain = gainFor(blocks, target, planned.LimitDBFS, gain)
	}
	planned.GainDB = rounded(gain)
}

// heardBlocks are the measured tenths of a second that will be heard, in order.
func (l *listener) heardBlocks(listens []timeline.Listen) []loudBlock {
	var blocks []loudBlock
	for _, listen := range listens {
		k := l.known[listen.Source]
		for block := listen.First; block < listen.End; block++ {
			if b, ok := l.at(k, block); ok {
				blocks = append(blocks, b)
			}
		}
	}
	return blocks
}

// gainFor finds the gain that brings the record to the target through a limiter. More gain is never
// less loud, so that closing the gap step by step comes near it; a gain that would only squeeze the
// sound further is not given.
func gainFor(blocks []loudBlock, target, limitDBFS, gain float64) float64 {
	const steps, near = 30, 0.02
	for range steps {
		gap := target - integrated(limited(blocks, gain, limitDBFS))
		if math.Abs(gap) < near || gain+gap > maxGainDB {
			break
		}
		gain += gap
	}
	return gain
}

// limited is the loudness of each block, in hundredths, behind a gain and a limiter (none if its limit
// is 0). Momentary loudness covers 400 ms: the power that the limiter takes of them is missing in it.
func limited(blocks []loudBlock, gainDB, limitDBFS float64) []int16 {
	lufs := make([]int16, len(blocks))
	before, after := make([]float64, len(blocks)), make([]float64, len(blocks)) // power
	// A lecture has a million grains, of 256 levels each.
	var powers, helds [256]float64
	for h := range powers {
		level := decibels(byte(h)) // #nosec G115 -- below 256
		powers[h], helds[h] = math.Pow(10, level/10), 1
		if limitDBFS < 0 {
			helds[h] = math.Pow(10, min(0, limitDBFS-gainDB-level)/20)
		}
	}
	limit := limiter{gain: 1}
	for i, b := range blocks {
		for g := 0; g+1 < len(b.grains); g += 2 {
			power, factor := powers[b.grains[g+1]], limit.next(helds[b.grains[g]])
			before[i] += power
			after[i] += power * factor * factor
		}
	}
	for i, b := range blocks {
		if lufs[i] = b.lufs; b.lufs == silence {
			continue
		}
		whole, left := 0.0, 0.0
		for k := max(0, i-2); k <= min(i+1, len(blocks)-1); k++ {
			whole, left = whole+before[k], left+after[k]
		}
		loss := 0.0
		if whole > 0 {
			loss = 10 * math.Log10(left/whole)
		}
		lufs[i] = hundredths(float64(b.lufs)/100 + gainDB + loss)
	}
	return lufs
}

// limiter foresees what FFmpeg's alimiter does to 5 ms of sound: a peak is brought to the limit, and
// the gain is back after its release time of 50 ms.
type limiter struct{ gain, rise float64 }

// next is the mean factor over the next 5 ms, whose peak has to be held by a factor of at most 1.
func (l *limiter) next(held float64) float64 {
	recovered := min(1, l.gain+l.rise)
	if held < recovered {
		l.gain, l.rise = held, 0.1*(1-held)
		return held
	}
	factor := (l.gain + recovered) / 2
	l.gain = recovered
	return factor
}

// rounded keeps two decimals: what is printed is what is used.
func rounded(db float64) float64 { return math.Round(100*db) / 100 }
