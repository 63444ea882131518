package ffmpeg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
)

// Encoding describes how a part is encoded. Parts are joined without changing a
// byte, so that all parts of a merge share one value.
type Encoding struct {
	Width  int `json:"width"`
	Height int `json:"height"`
	// Rate is the constant frame rate in frames per second.
	Rate int `json:"rate"`
	// CRF is the constant rate factor of x264.
	CRF float64 `json:"crf"`
	// GOPFrames is the distance of key frames in frames. Frames count on a grid
	// that begins at midnight of the room's day; see [EncodeInput.FirstFrame].
	GOPFrames int `json:"gop_frames"`
	// Channels is the number of audio channels: 1 or 2.
	Channels int `json:"channels"`
	// AudioBytes is the audio bit rate in bytes per second.
	AudioBytes int `json:"audio_bytes"`
}

// EncodeInput describes the content of a part.
type EncodeInput struct {
	// FirstFrame is the index of the first frame on the grid of key frames. It determines the
	// position of key frames.
	FirstFrame int64
	// GainDB amplifies the sound. LimitDBFS, if negative, is the ceiling of sample
	// peaks.
	GainDB    float64
	LimitDBFS float64
}

// bandwidthHz is the bandwidth that the encoder keeps, in mono and stereo.
// encoderLowpass corresponds to it.
const bandwidthHz = 18000

// command returns the run of ffmpeg: pictures on pipe 0, sound on pipe 3, fragmented MP4 on pipe 1.
//
// The preset superfast with macroblock-tree rate control, a short lookahead, no
// B-frames and full-pixel motion costs less than half of veryfast at about the same
// size and quality. One thread is the cheapest per frame. See docs/cost.md for the
// measurements.
func (e Encoding) command(program string, in EncodeInput) command {
	return command{
		program: program,
		global:  append(quiet("warning"), "-filter_threads", "1"),
		inputs: []input{
			pipe(
				rawVideo, 0,
				"-pixel_format", string(YUV420P),
				"-video_size", fmt.Sprintf("%dx%d", e.Width, e.Height),
				"-framerate", strconv.Itoa(e.Rate),
			),
			pipe(float32LE, 3, "-ar", strconv.Itoa(SampleRate), "-ac", strconv.Itoa(e.Channels)),
		},
		output: e.output(in),
	}
}

// output returns the options of the encoders and the muxer.
func (e Encoding) output(in EncodeInput) []string {
	gop := strconv.Itoa(e.GOPFrames)
	phase := strconv.FormatInt(in.FirstFrame%int64(e.GOPFrames), 10)
	return []string{
		"-map", "0:v",
		"-map", "1:a",
		"-filter:a", in.soundFilter(),
		// FFmpeg 7 takes the colours from the pictures.
		"-filter:v", "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
		"-c:v", "libx264",
		"-preset", "superfast",
		"-profile:v", "high",
		"-pix_fmt", string(YUV420P),
		"-threads", "1",
		"-crf", strconv.FormatFloat(e.CRF, 'f', -1, 64),
		"-x264-params", "mbtree=1:rc-lookahead=3:bframes=0:subme=0:aq-mode=2:open-gop=0:force-cfr=1",
		"-g", gop,
		"-force_key_frames", "expr:not(mod(n+" + phase + "," + gop + "))",
		"-color_primaries", "bt709",
		"-color_trc", "bt709",
		"-colorspace", "bt709",
		"-color_range", "tv",
		// The default coder adds so much noise to single frames that peaks stand 2.6 dB over the limit.
		"-c:a", "aac",
		"-profile:a", "aac_low",
		"-aac_coder", "fast",
		"-cutoff", strconv.Itoa(bandwidthHz),
		"-b:a", strconv.Itoa(8 * e.AudioBytes),
		"-f", "mp4",
		"-movflags", "+frag_keyframe+empty_moov+default_base_moof",
		"-frag_duration", "500000",
		"pipe:1",
	}
}

// soundFilter returns the audio filter graph: gain, then limiter.
func (in EncodeInput) soundFilter() string {
	filter := "volume=" + strconv.FormatFloat(in.GainDB, 'f', 2, 64) + "dB"
	if in.LimitDBFS < 0 {
		limit := strconv.FormatFloat(math.Pow(10, in.LimitDBFS/20), 'f', 6, 64)
		filter += ",alimiter=level=0:latency=1:attack=5:release=50:limit=" + limit
	}
	return filter
}

// Encoder encodes pictures and samples to fragmented MP4. Pictures, sound and
// output need three goroutines, because FFmpeg reads and writes each in its own
// order.
type Encoder struct {
	proc     *process
	pictures io.WriteCloser
	sound    io.WriteCloser
	output   io.ReadCloser
	raw      []byte
}

// OpenEncoder starts an encoder. It must be ended by [Encoder.Wait].
func (t *Tool) OpenEncoder(ctx context.Context, e Encoding, in EncodeInput) (*Encoder, error) {
	cmd := e.command(t.ffmpeg, in).prepare(ctx)
	pictures, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("encode a part: %w", err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("encode a part: %w", err)
	}
	enlargePipe(pictures)
	readEnd, writeEnd, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("encode a part: %w", err)
	}
	defer func() { _ = readEnd.Close() }() // the child has its own copy
	cmd.ExtraFiles = []*os.File{readEnd}
	w := newWatch(nil)
	enc := &Encoder{
		pictures: watchedWriter{pictures, w.side()},
		sound:    watchedWriter{writeEnd, w.side()},
		output:   watchedReader{output, w.side()},
	}
	enc.proc, err = t.start(ctx, launch{doing: "encode a part", cmd: cmd, watch: w})
	if err != nil {
		return nil, errors.Join(err, writeEnd.Close())
	}
	return enc, nil
}

// WritePicture sends the next picture to the encoder.
func (e *Encoder) WritePicture(picture []byte) error {
	if _, err := e.pictures.Write(picture); err != nil {
		return fmt.Errorf("hand a picture to the encoder: %w", err)
	}
	return nil
}

// ClosePictures ends the pictures.
func (e *Encoder) ClosePictures() error {
	return e.pictures.Close()
}

// WriteSound sends the next interleaved samples to the encoder.
func (e *Encoder) WriteSound(samples []float32) error {
	if need := 4 * len(samples); cap(e.raw) < need {
		e.raw = make([]byte, need)
	}
	raw := e.raw[:4*len(samples)]
	for i, s := range samples {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(s))
	}
	if _, err := e.sound.Write(raw); err != nil {
		return fmt.Errorf("hand sound to the encoder: %w", err)
	}
	return nil
}

// CloseSound ends the sound.
func (e *Encoder) CloseSound() error {
	return e.sound.Close()
}

// Output returns the fragmented MP4. It must be read to its end before
// [Encoder.Wait].
func (e *Encoder) Output() io.Reader {
	return e.output
}

// Stop kills an encoder whose output is not needed. Wait must still be called.
func (e *Encoder) Stop() {
	e.proc.stop()
}

// Wait waits for the end of the encoder.
func (e *Encoder) Wait() error {
	return e.proc.wait()
}
