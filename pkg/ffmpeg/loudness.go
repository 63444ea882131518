package ffmpeg

import (
	"context"
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Level is the loudness of 100 ms of sound.
type Level struct {
	// MomentaryLUFS is the loudness of the 400 ms that end with this block (EBU
	// R128, ITU-R BS.1770-4).
	MomentaryLUFS float64
	// TruePeakDBTP is the highest true peak in the block over all channels. It is
	// -Inf for digital silence.
	TruePeakDBTP float64
	// Moments are the stretches of 5 ms in the block. They show where a limiter
	// would act.
	Moments [MomentsInLevel]Moment
	// Traits tell a voice from a hum, and one channel from the other.
	Traits Traits
}

// MomentsInLevel is the number of moments in 100 ms.
const MomentsInLevel = 20

// Moment is the strength of 5 ms of sound. -Inf stands for digital silence.
type Moment struct {
	// PeakDBFS is the highest sample over all channels.
	PeakDBFS float32
	// PowerDB is the K-weighted mean square over all channels.
	PowerDB float32
}

// Levels is the result of measuring a stretch of sound.
type Levels struct {
	// Blocks has one level for each full 100 ms.
	Blocks []Level
	// Chunks is what was decoded, split at gaps.
	Chunks []Chunk
}

// ebur128 is the filter that measures and logs each block of 100 ms.
const ebur128 = "ebur128=peak=true:framelog=info"

// ebur128Line matches a line of that filter: momentary loudness and frame true
// peaks.
var ebur128Line = regexp.MustCompile(`\bt:\s*[\d.]+\s.*\bM:\s*(-?[\d.]+|-?inf|nan)\b.*FTPK:((?:\s*-?(?:[\d.]+|inf))+)\s*dBFS`)

// encoderLowpass leaves about as much of a sound as the encoder will, which drops
// everything above bandwidthHz. That is 1.5 dB of hiss, 0.5 dB of pink noise and
// nothing of speech.
const encoderLowpass = "lowpass=f=17000"

// MeasureLevels decodes sound and measures it as it will be after encoding.
func (t *Tool) MeasureLevels(ctx context.Context, s Sound) (Levels, error) {
	filter := s.mixFilter() + "," + encoderLowpass + "," + ebur128 + ",aformat=sample_fmts=flt"
	var meter *levelMeter
	levels, err := t.measure(ctx, s.Source, t.sound(s, filter, floats()...), func(out io.Reader) error {
		meter = newLevelMeter(s.Channels)
		return meter.read(out)
	})
	if err != nil {
		return Levels{}, err
	}
	for i := range levels.Blocks {
		meter.describe(&levels.Blocks[i], i)
	}
	return levels, nil
}

// describe fills in what the meter found in block i. The resampler may lack a few samples of the last one.
func (m *levelMeter) describe(level *Level, i int) {
	silent := float32(math.Inf(-1))
	for k := range level.Moments {
		level.Moments[k] = Moment{PeakDBFS: silent, PowerDB: silent}
	}
	if at := MomentsInLevel * i; at < len(m.moments) {
		copy(level.Moments[:], m.moments[at:])
	}
	level.Traits = silentTraits()
	if i < len(m.traits) {
		level.Traits = m.traits[i]
	}
}

// MeasureFinished measures sound that will not be encoded again. It leaves out the
// moments.
func (t *Tool) MeasureFinished(ctx context.Context, s Sound) (Levels, error) {
	filter := s.trimFilter() + ",aformat=channel_layouts=" + s.layout() + "," + ebur128
	c := t.sound(s, filter, "-f", "null", "-")
	return t.measure(ctx, s.Source, c, func(out io.Reader) error {
		_, err := io.Copy(io.Discard, out)
		return err
	})
}

// measure runs FFmpeg and collects the lines of ebur128. take reads the output.
func (t *Tool) measure(
	ctx context.Context, source Source, c command, take func(io.Reader) error,
) (levels Levels, err error) {
	err = repeat("measure loudness", func() (int64, error) {
		levels, err = t.measureOnce(ctx, source, c, take)
		return int64(len(levels.Blocks)), err
	})
	if err != nil {
		return Levels{}, err
	}
	return levels, nil
}

// measureOnce is measure without a second try. With an error it returns what was measured before.
func (t *Tool) measureOnce(
	ctx context.Context, source Source, c command, take func(io.Reader) error,
) (levels Levels, err error) {
	var chunks chunkLog
	r, err := t.open(ctx, "measure loudness", c, source, func(line string) bool {
		if chunks.read(line) {
			return true
		}
		m := ebur128Line.FindStringSubmatch(line)
		if m != nil {
			levels.Blocks = append(levels.Blocks, parseLevel(m[1], m[2]))
		}
		return m != nil
	})
	if err != nil {
		return Levels{}, err
	}
	takeErr := take(r.out)
	err = errors.Join(r.proc.wait(), takeErr)
	levels.Chunks = chunks.all
	return levels, err
}

// parseLevel parses the momentary loudness and the peaks of all channels as printed
// by ebur128.
func parseLevel(momentary, peaks string) Level {
	level := Level{MomentaryLUFS: decibels(momentary), TruePeakDBTP: math.Inf(-1)}
	for _, peak := range strings.Fields(peaks) {
		level.TruePeakDBTP = max(level.TruePeakDBTP, decibels(peak))
	}
	return level
}

// decibels parses a level. Anything that is not a number is silence.
func decibels(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) {
		return math.Inf(-1)
	}
	return value
}
