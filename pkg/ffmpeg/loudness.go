package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Level is the loudness of a tenth of a second of sound.
type Level struct {
	// Momentary is the loudness of the 400 ms that end with this block (EBU R128, ITU-R BS.1770-4).
	MomentaryLUFS float64
	// TruePeak is the highest true peak inside the block over all channels; -Inf for digital silence.
	TruePeakDBTP float64
	// Moments are the block's stretches of 5 ms: what a limiter would act on.
	Moments [MomentsInLevel]Moment
}

// MomentsInLevel is how many moments a tenth of a second has.
const MomentsInLevel = 20

// Moment is how strong 5 ms of sound are. -Inf stands for digital silence.
type Moment struct {
	PeakDBFS float32 // highest sample over all channels
	PowerDB  float32 // mean square over all channels, weighted as loudness is
}

// Levels is what measuring a stretch of sound gave.
type Levels struct {
	Blocks []Level // one for each full tenth of a second
	Chunks []Chunk // what was decoded, gaps apart
}

// ebur128 measures tenth by tenth of a second and logs each ([ebur128Line]).
const ebur128 = "ebur128=peak=true:framelog=info"

var ebur128Line = regexp.MustCompile(`\bt:\s*[\d.]+\s.*\bM:\s*(-?[\d.]+|-?inf|nan)\b.*FTPK:((?:\s*-?(?:[\d.]+|inf))+)\s*dBFS`)

// encoderLowpass leaves of a sound about as much as the encoder will, which drops what lies above [bandwidthHz]:
// 1.5 dB of hiss, half a decibel of pink noise, nothing of speech.
const encoderLowpass = "lowpass=f=17000"

// MeasureLevels decodes sound and measures it as it will be once encoded, tenth by tenth of a second.
func (t *Tool) MeasureLevels(ctx context.Context, s Sound) (Levels, error) {
	args := append(s.input(), "-filter:a",
		s.cut()+",aformat=channel_layouts="+s.layout()+",aresample="+strconv.Itoa(SampleRate)+","+encoderLowpass+","+ebur128+",aformat=sample_fmts=flt",
		"-c:a", "pcm_f32le", "-f", "f32le", "pipe:1")
	var moments []Moment
	levels, err := t.measure(ctx, args, func(out io.Reader) (err error) {
		moments, err = readMoments(out, s.Channels)
		return err
	})
	if err != nil {
		return Levels{}, err
	}
	for i := range levels.Blocks {
		for k := range levels.Blocks[i].Moments {
			levels.Blocks[i].Moments[k] = Moment{PeakDBFS: float32(math.Inf(-1)), PowerDB: float32(math.Inf(-1))}
		}
		if at := MomentsInLevel * i; at < len(moments) { // the resampler may lack a few samples of the last one
			copy(levels.Blocks[i].Moments[:], moments[at:])
		}
	}
	return levels, nil
}

// MeasureFinished measures sound that is not to be encoded again. Moments are not looked at.
func (t *Tool) MeasureFinished(ctx context.Context, s Sound) (Levels, error) {
	args := append(s.input(), "-filter:a", s.cut()+",aformat=channel_layouts="+s.layout()+","+ebur128, "-f", "null", "-")
	return t.measure(ctx, args, func(out io.Reader) error {
		_, err := io.Copy(io.Discard, out)
		return err
	})
}

// measure runs FFmpeg and gathers what [ebur128] says; take reads its output.
func (t *Tool) measure(ctx context.Context, args []string, take func(io.Reader) error) (Levels, error) {
	cmd := exec.CommandContext(ctx, t.ffmpeg, args...) // #nosec G204 -- typed values only
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Levels{}, fmt.Errorf("measure loudness: %w", err)
	}
	enlargePipe(out)
	var levels Levels
	var chunks chunkLog
	proc, err := start(ctx, "measure loudness", cmd, func(line string) bool {
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
	takeErr := take(out)
	if err := errors.Join(proc.wait(), takeErr); err != nil {
		return Levels{}, err
	}
	levels.Chunks = chunks.all
	return levels, nil
}

// readMoments measures samples, 5 ms by 5 ms. The rest at the end is left out.
func readMoments(from io.Reader, channels int) ([]Moment, error) {
	raw := make([]byte, 4*channels*SampleRate/10/MomentsInLevel)
	samples := make([]float32, len(raw)/4)
	filters := make([]*kWeighting, channels)
	for i := range filters {
		filters[i] = newKWeighting()
	}
	var all []Moment
	for {
		_, err := io.ReadFull(from, raw)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("measure loudness: %w", err)
		}
		readFloats(samples, raw)
		peak, square := 0.0, 0.0
		for i, s := range samples {
			peak = max(peak, math.Abs(float64(s)))
			v := filters[i%channels].next(float64(s))
			square += v * v
		}
		all = append(all, Moment{PeakDBFS: float32(20 * math.Log10(peak)), PowerDB: float32(10 * math.Log10(square/float64(len(samples))))})
	}
}

// parseLevel reads the momentary loudness and the peaks of all channels as ebur128 prints them.
func parseLevel(momentary, peaks string) Level {
	level := Level{MomentaryLUFS: decibels(momentary), TruePeakDBTP: math.Inf(-1)}
	for _, peak := range strings.Fields(peaks) {
		level.TruePeakDBTP = max(level.TruePeakDBTP, decibels(peak))
	}
	return level
}

// decibels reads a level; what is no number is silence.
func decibels(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) {
		return math.Inf(-1)
	}
	return value
}
