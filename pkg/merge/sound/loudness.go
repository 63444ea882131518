package sound

import (
	"math"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/timeline"
)

const (
	// peakCeilingDBTP is what true peaks may not pass. The limiter holds samples, and the encoder adds
	// its noise: a margin is kept free for what stands out between and above them. It grows with how
	// deep the limiter cuts, for the deeper, the more of the wave stands at the limit (measured: barely
	// 1 dB stands out of speech, 3 dB of claps that are cut by 30 dB, nearly 4 dB of beeps over hiss).
	peakCeilingDBTP = -1.5
	leastMargin     = 1.0
	mostMargin      = 5.0
	marginPerDB     = 1.0 / 5
	// maxGainDB bounds what a nearly silent record is raised by, and maxLimitedGainDB what it is raised by
	// with what a limiter takes away.
	maxGainDB        = 40
	maxLimitedGainDB = 55
)

// integrated returns the loudness of blocks in LUFS, by ITU-R BS.1770-4: the mean of those that pass the
// absolute gate at -70 LUFS and the relative gate 10 LU under their mean. It returns -Inf if none does. lufs
// holds momentary loudness in hundredths, in steps of 100 ms, as the recommendation asks for: blocks of 400
// ms that overlap by three quarters.
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

// level measures what is heard and sets the one gain of the record behind the leveler, and the limiter where
// the gain would lift peaks over the ceiling. What the limiter takes away, the gain adds. The gain of an
// earlier revision is kept.
func (c *Chooser) level(planned *Planned, listens []timeline.Listen) {
	blocks := c.heardBlocks(listens)
	peak := int16(silence)
	for _, b := range blocks {
		peak = max(peak, b.peak)
	}
	loudness := integrated(limited(blocks, 0, 0))
	if !math.IsInf(loudness, 0) {
		planned.Measured = &Measured{LUFS: rounded(loudness), TruePeakDBTP: float64(peak) / 100}
	}
	if c.Loudness.Off {
		return
	}
	target := c.Loudness.TargetLUFS
	planned.Target = &target
	if planned.Measured == nil {
		return
	}
	truePeak := planned.Measured.TruePeakDBTP
	if c.raiseSpeech(planned, blocks) {
		loudness = integrated(limited(blocks, 0, 0))
		for _, b := range blocks {
			truePeak = max(truePeak, float64(b.peak)/100+b.raise)
		}
	}
	if kept := c.Loudness.Kept; kept != nil {
		planned.GainDB, planned.LimitDBFS = kept.GainDB, kept.LimitDBFS
		planned.expect(blocks)
		return
	}
	gain := min(target-loudness, maxGainDB)
	if c.onlyHum(listens) { // it is not raised
		gain = min(gain, 0, peakCeilingDBTP-leastMargin-truePeak)
	}
	if over := truePeak + gain - (peakCeilingDBTP - leastMargin); over > 0 {
		gain = gainFor(blocks, target, peakCeilingDBTP-leastMargin, gain) // what it will be, about
		over = truePeak + gain - (peakCeilingDBTP - leastMargin)
		planned.LimitDBFS = rounded(peakCeilingDBTP - min(leastMargin+marginPerDB*over, mostMargin))
		gain = gainFor(blocks, target, planned.LimitDBFS, gain)
	}
	planned.GainDB = rounded(gain)
	planned.expect(blocks)
}

// expect sets the loudness, in LUFS, that the blocks will have behind gain and limiter; see
// [Planned.ExpectedMiss].
func (p *Planned) expect(blocks []heardBlock) {
	expected := rounded(integrated(limited(blocks, p.GainDB, p.LimitDBFS)))
	p.Expected = &expected
}

// loudnessTolerance is how far the loudness may be from what was asked for, in LU.
const loudnessTolerance = 0.5

// Missed returns the warning that the loudness is not what was asked for, or no cause. result is the measured
// loudness of the finished sound; nil if it is silent.
func (p *Planned) Missed(result *Measured) cause.Cause {
	if p.Target == nil || p.Measured == nil {
		return cause.Cause{}
	}
	got := -70.0 // LUFS: the absolute gate, under which nothing is measured
	if result != nil {
		got = result.LUFS
	}
	return missed(*p.Target, got)
}

// ExpectedMiss returns the warning that gain and peaks do not allow the loudness that was asked for, or no
// cause.
func (p *Planned) ExpectedMiss() cause.Cause {
	if p.Target == nil || p.Expected == nil {
		return cause.Cause{}
	}
	return missed(*p.Target, *p.Expected)
}

// missed returns a warning if a loudness is further than loudnessTolerance from the target. Both are in LUFS.
func missed(target, got float64) cause.Cause {
	if math.Abs(got-target) <= loudnessTolerance {
		return cause.Cause{}
	}
	return cause.LoudnessMissed(target, got)
}

// onlyHum reports whether a hum is heard and neither a voice nor noise. A hum is not worth raising.
func (c *Chooser) onlyHum(listens []timeline.Listen) bool {
	hum := false
	for _, l := range listens {
		for block := l.First; block < l.End; block++ {
			switch c.kind(l.Source, block) {
			case kindVoice, kindNoise:
				return false
			case kindHum:
				hum = true
			default:
			}
		}
	}
	return hum
}

// heardBlocks returns the measured tenths of a second that will be heard, in order. Blocks that were not
// measured are left out.
func (c *Chooser) heardBlocks(listens []timeline.Listen) []heardBlock {
	var blocks []heardBlock
	for _, listen := range listens {
		k := c.known[listen.Source]
		for block := listen.First; block < listen.End; block++ {
			if b, ok := c.at(k, block); ok {
				blocks = append(blocks, heardBlock{
					loudBlock: b,
					index:     block,
					kind:      c.kind(listen.Source, block),
					silent:    b.peak < k.silenceThreshold,
				})
			}
		}
	}
	return blocks
}

// gainFor returns the gain, in dB, that brings the record nearest to the target through a limiter. It closes
// the difference step by step, because the limiter takes more away the higher the gain is. It stops before a
// gain over maxLimitedGainDB, which would only squeeze the sound.
func gainFor(blocks []heardBlock, target, limitDBFS, gain float64) float64 {
	const steps, near = 30, 0.02
	best, least := gain, math.Inf(1)
	for range steps {
		gap := target - integrated(limited(blocks, gain, limitDBFS))
		if math.Abs(gap) < least {
			best, least = gain, math.Abs(gap)
		}
		if math.Abs(gap) < near || gain+gap > maxLimitedGainDB {
			break
		}
		gain += gap
	}
	return best
}

// limited is the loudness of each block, in hundredths, behind its raise, a gain and a limiter (none if its
// limit is 0). Momentary loudness covers 400 ms: the power that the limiter takes of them is missing in it.
func limited(blocks []heardBlock, gainDB, limitDBFS float64) []int16 {
	lufs := make([]int16, len(blocks))
	before, after := make([]float64, len(blocks)), make([]float64, len(blocks)) // power
	limit := newLimiter(limitDBFS, gainDB)
	for i, b := range blocks {
		raise := math.Pow(10, b.raise/10)
		for m := 0; m+1 < len(b.moments); m += 2 {
			ahead := byte(math.MaxUint8)
			if m+2 < len(b.moments) {
				ahead = b.moments[m+2]
			} else if i+1 < len(blocks) && len(blocks[i+1].moments) > 0 {
				ahead = blocks[i+1].moments[0]
			}
			power, factor := limit.powers[b.moments[m+1]], limit.next(raised(b.moments[m], b.raise), raised(ahead, b.raise))
			before[i] += power
			after[i] += raise * power * factor * factor
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

// raised is a packed peak that is higher by so many dB.
func raised(peak byte, db float64) byte {
	return byte(max(0, float64(peak)-math.Round(db*peakSteps)))
}

// limiter foresees what FFmpeg's alimiter does to 5 ms of sound, which are its attack: the gain comes
// down to what the next peak needs before that peak, and is back after its release time of 50 ms.
type limiter struct {
	powers, needs [math.MaxUint8 + 1]float64 // of packed levels
	gain, rise    float64
}

// newLimiter computes the tables for all packed levels. A limit of 0 or more means that there is no limiter.
func newLimiter(limitDBFS, gainDB float64) *limiter {
	l := &limiter{gain: 1}
	for i := range l.powers {
		l.powers[i], l.needs[i] = math.Pow(10, unpacked(byte(i), powerSteps)/10), 1
		if limitDBFS < 0 {
			l.needs[i] = math.Pow(10, min(0, limitDBFS-gainDB-unpacked(byte(i), peakSteps))/20)
		}
	}
	return l
}

// next returns the mean factor of the limiter over 5 ms. peak is the packed peak of these 5 ms, and ahead
// that of the next ones.
func (l *limiter) next(peak, ahead byte) float64 {
	const release = 10 // times as long as this
	at, held := l.gain, false
	if need := l.needs[peak]; need <= at && need < 1 {
		at, held, l.rise = need, true, (1-need)/release
	}
	l.gain = min(1, at+l.rise, l.needs[ahead])
	if held { // most of the power is beside the peak
		return (3*at + l.gain) / 4
	}
	return (at + l.gain) / 2
}

// rounded returns db with two decimals, so that the plan holds exactly what is used.
func rounded(db float64) float64 {
	return math.Round(100*db) / 100
}
