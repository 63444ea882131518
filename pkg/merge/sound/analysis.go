package sound

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// soundAnalysis is what measuring a segment's sound gave, run by run. Blocks are tenths of a second.
type soundAnalysis struct {
	Runs []measuredRun `json:"runs"`
	// Mix is how the channels were mixed for it. They are rendered by the same mix.
	Mix ffmpeg.Mix `json:"mix,omitempty"`
	// LFE is set if only the channel for low frequencies holds anything.
	LFE bool `json:"lfe,omitempty"`
}

// measuredRun is what was measured of one unbroken run of samples, a block of a tenth of a second after the
// other. It is stored, so that levels are packed into few bytes.
type measuredRun struct {
	Run   timeline.Run `json:"run"`
	LUFS  []int16      `json:"lufs"`  // momentary loudness, hundredths
	Peaks []int16      `json:"peaks"` // true peak, hundredths of dBTP
	// Moments are each block's stretches of 5 ms: the peak in quarters of a decibel under +10 dBFS, the
	// power in halves.
	Moments []byte `json:"moments"`
	// Traits are each block's [ffmpeg.Traits], traitBytes of them.
	Traits []byte `json:"traits"`
}

// traitBytes is how many bytes of traits a block has: power and voice of two channels in powerSteps, then
// correlation and periodicity in hundredths over -1.
const traitBytes = 6

// packedTraits is the inverse of unpackedTraits.
func packedTraits(t ffmpeg.Traits) [traitBytes]byte {
	part := func(of float32) byte { return byte(math.Round(100 + 100*float64(of))) }
	return [traitBytes]byte{
		packed(float64(t.PowerDB[0]), powerSteps),
		packed(float64(t.PowerDB[1]), powerSteps),
		packed(float64(t.VoiceDB[0]), powerSteps),
		packed(float64(t.VoiceDB[1]), powerSteps),
		part(t.Correlation),
		part(t.Periodicity),
	}
}

// unpackedTraits reads what a block holds. Without any it is silent.
func unpackedTraits(b []byte) ffmpeg.Traits {
	if len(b) < traitBytes {
		b = []byte{math.MaxUint8, math.MaxUint8, math.MaxUint8, math.MaxUint8, 100, 100}
	}
	level := func(i int) float32 { return float32(unpacked(b[i], powerSteps)) }
	part := func(i int) float32 { return (float32(b[i]) - 100) / 100 }
	return ffmpeg.Traits{
		PowerDB:     [2]float32{level(0), level(1)},
		VoiceDB:     [2]float32{level(2), level(3)},
		Correlation: part(4),
		Periodicity: part(5),
	}
}

// traits returns what each block holds.
func (r *measuredRun) traits() []ffmpeg.Traits {
	var list []ffmpeg.Traits
	for at := 0; at+traitBytes <= len(r.Traits); at += traitBytes {
		list = append(list, unpackedTraits(r.Traits[at:]))
	}
	return list
}

// momentBytes is how many bytes of moments a block has.
const momentBytes = 2 * ffmpeg.MomentsInLevel

// How many steps of a packed level are a decibel. No limiter acts on peaks as faint as quarters end at.
const (
	peakSteps  = 4.0
	powerSteps = 2.0
)

// packed is a level in steps under +10 dB: 255 stands for all that is fainter.
func packed(db, steps float64) byte {
	return byte(math.Round(max(0, min((10-db)*steps, 255))))
}

// unpacked is the inverse of packed.
func unpacked(level byte, steps float64) float64 {
	return 10 - float64(level)/steps
}

// silence stands for minus infinity.
const silence = math.MinInt16

// hundredths returns a level in hundredths of a decibel, at most 300 dB. Everything under -300 dB is silence.
func hundredths(db float64) int16 {
	if math.IsInf(db, -1) || db < -300 {
		return silence
	}
	return int16(math.Round(100 * min(db, 300)))
}

// loudBlock is a tenth of a second that was measured.
type loudBlock struct {
	lufs, peak int16
	moments    []byte
	traits     []byte
}

// block finds the measured block at a time since the file's zero.
func (h *soundAnalysis) block(at time.Duration) (b loudBlock, ok bool) {
	for _, run := range h.Runs {
		if at < run.Run.From || at >= run.Run.Until {
			continue
		}
		i := int((at - run.Run.From) / timeline.Block)
		if i >= len(run.Peaks) {
			i = len(run.Peaks) - 1 // the last tenth is not a full one
		}
		if i < 0 {
			return loudBlock{lufs: silence, peak: silence}, true
		}
		// A momentary value covers the 400 ms that end with its block: the one centred here is later.
		return loudBlock{
			lufs:    run.LUFS[min(i+1, len(run.LUFS)-1)],
			peak:    run.Peaks[i],
			moments: run.Moments[momentBytes*i : momentBytes*(i+1)],
			traits:  run.Traits[traitBytes*i : traitBytes*(i+1)],
		}, true
	}
	return loudBlock{}, false
}

// measureSegment measures the sound of a segment, one pass over each of its runs. What FFmpeg cannot
// decode is left out of the runs. Without a mix its channels are heard as they are.
func measureSegment(
	ctx context.Context, p *probe.Prober, seg *probe.Segment, channels int, mix ffmpeg.Mix,
) (soundAnalysis, error) {
	open, err := p.Open(ctx, seg)
	if err != nil {
		return soundAnalysis{}, err
	}
	defer open.Close()
	h := soundAnalysis{Mix: mix}
	if mix == nil && seg.Sound.Channels > 2 && len(seg.SoundRuns) > 0 {
		longest := slices.MaxFunc(seg.SoundRuns, func(a, b timeline.Run) int {
			return cmp.Compare(a.Until-a.From, b.Until-b.From)
		})
		levels, _, err := decodeRun(p, open, longest, channels, func(s ffmpeg.Sound) (ffmpeg.ChannelLevels, error) {
			return p.Tool.MeasureChannels(ctx, s)
		})
		if err != nil {
			return soundAnalysis{}, err
		}
		h.Mix, h.LFE = multichannelMix(levels, channels)
	}
	for _, run := range seg.SoundRuns {
		levels, base, err := decodeRun(p, open, run, channels, func(s ffmpeg.Sound) (ffmpeg.Levels, error) {
			s.Mix = h.Mix
			return p.Tool.MeasureLevels(ctx, s)
		})
		if err != nil {
			return soundAnalysis{}, err
		}
		h.Runs = append(h.Runs, measured(int64(open.Sound.Rate), run, base, levels)...)
	}
	return h, nil
}

// decodeRun passes a run of an open segment to measure. Sample n of what FFmpeg counts is sample n + base of the run. What
// FFmpeg cannot decode is not there.
func decodeRun[T any](
	p *probe.Prober, open *probe.OpenSegment, run timeline.Run, channels int,
	measure func(ffmpeg.Sound) (T, error),
) (levels T, base int64, err error) {
	var none T
	samples := open.SoundSamples(run)
	view, base, err := samples.View(0, probe.SamplesIn(run.Until-run.From, samples.Rate))
	if err != nil {
		return none, 0, fmt.Errorf("decode the sound of %s: %w", open.Segment.Path, err)
	}
	served := p.Proxy.ServeSparse(view)
	levels, err = measure(ffmpeg.Sound{
		Source:   served,
		Channels: channels,
		From:     -base,
		Until:    probe.SamplesIn(run.Until-run.From, samples.Rate) - base,
	})
	if readErr := served.Close(); readErr != nil {
		err = readErr
	}
	if ffmpeg.IsUndecodable(err) {
		return none, base, nil
	}
	if err != nil {
		return none, 0, fmt.Errorf("decode the sound of %s: %w", open.Segment.Path, err)
	}
	return levels, base, nil
}

// samplesIn returns how many samples at [ffmpeg.SampleRate] lie before d, to the nearest.
func samplesIn(d time.Duration) int64 {
	return probe.SamplesIn(d, ffmpeg.SampleRate)
}

// measured splits a run at what could not be decoded and gives each rest its blocks. A packet that is
// missing leaves a gap between the chunks that were decoded. Their sample n is sample n + base of the run.
func measured(rate int64, run timeline.Run, base int64, levels ffmpeg.Levels) []measuredRun {
	var out []measuredRun
	blocks := levels.Blocks
	for _, chunk := range levels.Chunks {
		start := chunk.PTS + base
		r := measuredRun{Run: timeline.Run{
			From:  run.From + samplesTime(start, rate),
			Until: min(run.Until, run.From+samplesTime(start+chunk.Samples, rate)),
		}}
		n := min(len(blocks), int(chunk.Samples*10/rate))
		r.add(blocks[:n])
		blocks = blocks[n:]
		out = append(out, r)
	}
	return out
}

// add appends blocks to a run.
func (r *measuredRun) add(blocks []ffmpeg.Level) {
	for _, level := range blocks {
		r.LUFS = append(r.LUFS, hundredths(level.MomentaryLUFS))
		r.Peaks = append(r.Peaks, hundredths(level.TruePeakDBTP))
		traits := packedTraits(level.Traits)
		r.Traits = append(r.Traits, traits[:]...)
		for _, m := range level.Moments {
			r.Moments = append(
				r.Moments,
				packed(float64(m.PeakDBFS), peakSteps),
				packed(float64(m.PowerDB), powerSteps),
			)
		}
	}
}

// samplesTime returns how long n samples last at a rate. It divides in two steps, because n times 1e9
// overflows 64 bits after about two days at 48 kHz.
func samplesTime(n, rate int64) time.Duration {
	return time.Duration(n/rate)*time.Second + time.Duration(n%rate)*time.Second/time.Duration(rate)
}

// silenceThreshold is the peak under which a source counts as silent: 50 dB under its loud passages, but
// never under -70 nor over -50 dBTP. A dead microphone is far below, a pause in a lecture above.
func silenceThreshold(hearings []*soundAnalysis) int16 {
	var peaks []int16
	for _, h := range hearings {
		for _, run := range h.Runs {
			for _, peak := range run.Peaks {
				if peak > -7000 {
					peaks = append(peaks, peak)
				}
			}
		}
	}
	if len(peaks) == 0 {
		return -7000
	}
	slices.Sort(peaks)
	return max(-7000, min(-5000, peaks[len(peaks)*95/100]-5000))
}
