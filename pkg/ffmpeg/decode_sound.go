package ffmpeg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/confine"
)

// SampleRate is the rate of all decoded sound, in Hz.
const SampleRate = 48000

// Sound describes which samples of the first audio track of a file to decode.
type Sound struct {
	// Source is the file.
	Source Source
	// Seek is the time at which reading starts, as in [Pictures].
	Seek *time.Duration

	// From and Until bound the decoded samples: [From, Until), in samples at the
	// rate of the track since PTS 0. FirstPTS and LastPTS leave an end open.
	From, Until int64
	// Channels is the number of channels of the result: 1 or 2.
	Channels int
	// Mix says how the track's channels become those of the result.
	Mix Mix
}

// Mix has a row for each channel of the result, and in it the gain of each channel of the track, in the
// order of the stream. An empty mix leaves it to FFmpeg, which mixes by the names of the channels.
type Mix [][]float64

// filter returns FFmpeg's filter, or "" for an empty mix.
func (m Mix) filter() string {
	if len(m) == 0 {
		return ""
	}
	rows := make([]string, len(m))
	for out, gains := range m {
		var terms []string
		for in, gain := range gains {
			if gain != 0 {
				terms = append(terms, fmt.Sprintf("%.4f*c%d", gain, in))
			}
		}
		if len(terms) == 0 {
			terms = []string{"0*c0"}
		}
		rows[out] = fmt.Sprintf("c%d=%s", out, strings.Join(terms, "+"))
	}
	return "pan=" + Sound{Channels: len(m)}.layout() + "|" + strings.Join(rows, "|")
}

// Chunk is a decoded stretch: its start and its length in samples at the rate of
// the track.
type Chunk struct {
	PTS     int64
	Samples int64
}

// sound returns a run of ffmpeg that passes the sound through a filter to an output.
func (t *Tool) sound(s Sound, filter string, to ...string) command {
	args := []string{"-threads", "1", "-vn"}
	if s.Seek != nil {
		args = append(args, "-noaccurate_seek", "-seek_timestamp", "1", "-ss", seconds(*s.Seek))
	}
	return command{
		program: t.ffmpeg,
		global:  append(quiet("info"), "-filter_threads", "1", "-copyts"),
		inputs:  []input{served(s.Source, args...)},
		output:  append([]string{"-map", "0:a:0", "-sn", "-dn", "-filter:a", filter}, to...),
		limits:  confine.Limits{Memory: decodeMemory},
	}
}

// floats returns the output of raw samples.
func floats() []string {
	return []string{"-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"}
}

// trimFilter returns the head of the filter graph. It trims before any filter that could
// fill a gap, then logs each chunk.
func (s Sound) trimFilter() string {
	bounds := ""
	if s.From != FirstPTS {
		bounds += ":start_pts=" + strconv.FormatInt(s.From, 10)
	}
	if s.Until != LastPTS {
		bounds += ":end_pts=" + strconv.FormatInt(s.Until, 10)
	}
	if bounds == "" {
		return "ashowinfo"
	}
	return "atrim=" + bounds[1:] + ",ashowinfo"
}

// mixFilter returns the filter graph from the decoder to what is heard: the cut, the mix and 48 kHz. What is
// measured and what is mixed pass through the same graph. Samples are floats before the channels are mixed:
// FFmpeg mixes integers with other gains, so that they cannot overflow.
func (s Sound) mixFilter() string {
	filters := []string{s.trimFilter(), "aformat=sample_fmts=fltp"}
	if mix := s.Mix.filter(); mix != "" {
		filters = append(filters, mix)
	}
	return strings.Join(append(
		filters,
		"aresample="+strconv.Itoa(SampleRate),
		"aformat=sample_fmts=flt:channel_layouts="+s.layout(),
	), ",")
}

// layout returns FFmpeg's name of the channel layout.
func (s Sound) layout() string {
	if s.Channels == 1 {
		return "mono"
	}
	return "stereo"
}

// SoundStream returns decoded samples. It must be used by one goroutine.
type SoundStream struct {
	out    *output
	bytes  []byte
	done   bool
	chunks *chunkLog // of the current process
}

// chunkLog collects the chunks that ashowinfo logs.
type chunkLog struct{ all []Chunk }

// ashowinfoLine matches a line of FFmpeg's ashowinfo filter.
var ashowinfoLine = regexp.MustCompile(`ashowinfo.*\bn:\s*\d+ pts:\s*(-?\d+|NOPTS)\b.*\bnb_samples:\s*(\d+)`)

// read parses a line of ashowinfo. It returns false for any other line. Adjacent
// chunks are merged, so that the log stays small.
func (c *chunkLog) read(line string) bool {
	m := ashowinfoLine.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	pts, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		pts = FirstPTS
	}
	samples, err := strconv.ParseInt(m[2], 10, 64)
	if err != nil {
		return false
	}
	// Runs of chunks without a gap are one: the log stays small whatever the file's length.
	if n := len(c.all); n > 0 && c.all[n-1].PTS+c.all[n-1].Samples == pts {
		c.all[n-1].Samples += samples
		return true
	}
	c.all = append(c.all, Chunk{PTS: pts, Samples: samples})
	return true
}

// OpenSound starts decoding. The stream must be closed.
func (t *Tool) OpenSound(ctx context.Context, s Sound) (*SoundStream, error) {
	stream := &SoundStream{}
	var err error
	stream.out, err = newOutput("decode sound", func() (*run, error) {
		chunks := &chunkLog{}
		r, err := t.open(ctx, "decode sound", t.sound(s, s.mixFilter(), floats()...), s.Source, chunks.read)
		stream.chunks = chunks
		return r, err
	})
	if err != nil {
		return nil, err
	}
	return stream, nil
}

// Read fills dst with interleaved samples and returns their number. It is less than
// len(dst) only together with io.EOF, if FFmpeg succeeded, or with an [*Error].
func (s *SoundStream) Read(dst []float32) (int, error) {
	if s.done {
		return 0, io.EOF
	}
	if need := 4 * len(dst); cap(s.bytes) < need {
		s.bytes = make([]byte, need)
	}
	raw := s.bytes[:4*len(dst)]
	n, err := io.ReadFull(s.out, raw)
	readFloats(dst[:n/4], raw)
	if err == nil {
		return n / 4, nil
	}
	s.done = true
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n / 4, err
}

// readFloats decodes little-endian samples.
func readFloats(dst []float32, raw []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
}

// Chunks returns what was decoded before resampling, split at gaps. It is valid
// after the end.
func (s *SoundStream) Chunks() []Chunk {
	return s.chunks.all
}

// Close stops decoding.
func (s *SoundStream) Close() {
	s.done = true
	s.out.Close()
}
