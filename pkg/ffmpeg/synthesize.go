package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Rate is a frame rate as a fraction: 25/1, 30000/1001.
type Rate struct{ Num, Den int }

// String returns the rate in FFmpeg's syntax.
func (r Rate) String() string {
	return strconv.Itoa(r.Num) + "/" + strconv.Itoa(r.Den)
}

// At returns the time of picture n since picture 0, rounded to the nanosecond.
func (r Rate) At(n int64) time.Duration {
	per := int64(time.Second) * int64(r.Den)
	whole := n / int64(r.Num)
	rest := n % int64(r.Num)
	return time.Duration(whole*per + (rest*per+int64(r.Num)/2)/int64(r.Num))
}

// Count returns how many pictures begin within d.
func (r Rate) Count(d time.Duration) int64 {
	n := int64(d/time.Second) * int64(r.Num) / int64(r.Den)
	for r.At(n) < d {
		n++
	}
	return n
}

// Codec is the video encoder of a recording.
type Codec string

// The codecs that recorders use.
const (
	H264 Codec = "libx264"
	HEVC Codec = "libx265"
)

// Span is a run of pictures [From, Until), counted from 0.
type Span struct{ From, Until int64 }

// RecordedPictures describes how raw YUV420P pictures become the video track of a
// recording.
type RecordedPictures struct {
	Codec         Codec
	Width, Height int // even numbers
	Rate          Rate
	// GOP is the number of pictures from key frame to key frame.
	GOP int
	// BFrames is the number of B-frames between two others, or 0.
	BFrames int
	// CRF is the rate factor of the encoder. 0 selects its default.
	CRF int
	// Timescale is in ticks per second. 0 leaves it to the muxer.
	Timescale int
	Late      time.Duration
	// Drop are pictures to leave out. The others keep their times. With DropPeriod
	// the spans repeat with that period, in pictures.
	Drop       []Span
	DropPeriod int64
}

// RecordedSound describes how samples (16 bit, little endian, mono) become the
// audio track.
type RecordedSound struct {
	SampleRate int // Hz
	Late       time.Duration
}

// Recording describes an MP4 file made from raw pictures and samples.
type Recording struct {
	// File is the path, which is overwritten if it exists.
	File     string
	Pictures *RecordedPictures // nil: no picture track
	Sound    *RecordedSound    // nil: no sound track
	// FirstPTS is the time of the earliest sample of the file.
	FirstPTS time.Duration
	// NoEditList omits the edit list. B-frames and priming then appear as first
	// timestamps above 0.
	NoEditList bool
	// MoovFirst moves the index to the front of the complete file.
	MoovFirst bool
	// Bare writes an H.264 stream with parameter sets and without a container, for
	// [Tool.Copy].
	Bare bool
}

// Record runs an encoder. The functions write the raw pictures and samples, each in
// its own goroutine, and end the track by returning. The function of an absent
// track is not called.
func (t *Tool) Record(
	ctx context.Context,
	r Recording,
	pictures, sound func(io.Writer) error,
) error {
	doing := "record " + r.File
	cmd := r.command(t.ffmpeg).prepare(ctx)
	w := newWatch(nil)
	var feeds []feed
	if r.Pictures != nil {
		in, err := cmd.StdinPipe()
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		enlargePipe(in)
		feeds = append(feeds, feed{watchedWriter{in, w.side()}, pictures})
	}
	var readEnd *os.File
	if r.Sound != nil {
		out, in, err := os.Pipe()
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		readEnd = out
		cmd.ExtraFiles = []*os.File{out}
		feeds = append(feeds, feed{watchedWriter{in, w.side()}, sound})
	}
	proc, err := t.start(ctx, launch{doing: doing, cmd: cmd, watch: w})
	if readEnd != nil {
		_ = readEnd.Close() // the child has its own; ours would keep the pipe alive
	}
	if err != nil {
		for _, f := range feeds {
			_ = f.to.Close()
		}
		return err
	}
	fedErr := feedAll(proc, feeds)
	if err := proc.wait(); err != nil && !errors.Is(fedErr, errFeed) {
		return err
	}
	return fedErr
}

// feed is a pipe to FFmpeg and the function that fills it.
type feed struct {
	to   io.WriteCloser
	fill func(io.Writer) error
}

// errFeed marks an error of a feed, which then explains FFmpeg's error.
var errFeed = errors.New("feed the encoder")

// feedAll fills all pipes. If FFmpeg ends early, the pipes break, and FFmpeg's
// error explains it.
func feedAll(proc *process, feeds []feed) error {
	errs := make([]error, len(feeds))
	var all sync.WaitGroup
	for i, f := range feeds {
		all.Go(func() {
			err := f.fill(f.to)
			switch closeErr := f.to.Close(); {
			case err == nil &&
				(closeErr == nil || errors.Is(closeErr, os.ErrClosed) || errors.Is(closeErr, syscall.EPIPE)):
			case err == nil:
				errs[i] = closeErr
			case errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed):
				errs[i] = err
			default:
				errs[i] = fmt.Errorf("%w: %w", errFeed, err)
				proc.stop()
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// command returns the run of ffmpeg.
func (r Recording) command(program string) command {
	c := command{program: program, global: append(quiet("warning"), "-y")}
	if p := r.Pictures; p != nil {
		c.inputs = append(c.inputs, pipe(
			rawVideo, 0,
			"-pixel_format", string(YUV420P),
			"-video_size", fmt.Sprintf("%dx%d", p.Width, p.Height),
			"-framerate", p.Rate.String(),
			"-itsoffset", seconds(p.Late),
		))
	}
	if s := r.Sound; s != nil {
		c.inputs = append(c.inputs, pipe(
			int16LE, 3,
			"-ar", strconv.Itoa(s.SampleRate),
			"-ac", "1",
			"-itsoffset", seconds(s.Late),
		))
	}
	c.output = r.output()
	return c
}

// output returns the options of the encoders and the muxer.
func (r Recording) output() []string {
	var args []string
	if r.Pictures != nil {
		args = append(args, "-map", "0:v")
	}
	if r.Sound != nil {
		args = append(args, "-map", strconv.Itoa(len(args)/2)+":a", "-c:a", "aac", "-b:a", "96k")
	}
	if r.Pictures != nil {
		args = append(args, r.Pictures.args()...)
	}
	args = append(
		args, "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v",
		"+bitexact", "-flags:a", "+bitexact",
	)
	if r.Bare {
		return append(args, "-f", "h264", "file:"+r.File)
	}
	if r.FirstPTS != 0 {
		args = append(args, "-output_ts_offset", seconds(r.FirstPTS))
	}
	if r.NoEditList {
		args = append(args, "-use_editlist", "0")
	}
	if r.MoovFirst {
		args = append(args, "-movflags", "+faststart")
	}
	return append(args, "-movie_timescale", editScale, "-f", "mp4", "file:"+r.File)
}

// editScale is the resolution of edit lists in ticks per second. The muxer's
// default of 1 ms would move late sound by up to 32 samples.
const editScale = "48000"

// args returns the options of the video encoder.
func (p RecordedPictures) args() []string {
	args := []string{
		"-c:v", string(p.Codec),
		"-preset", "ultrafast",
		"-threads", "1",
		"-g", strconv.Itoa(p.GOP),
		"-bf", strconv.Itoa(p.BFrames),
		"-pix_fmt", string(YUV420P),
		"-color_range", "tv",
		"-colorspace", "bt709",
		"-color_primaries", "bt709",
		"-color_trc", "bt709",
		"-fps_mode", "passthrough",
	}
	switch p.Codec {
	case HEVC:
		args = append(args, "-x265-params", "log-level=error:pools=none:frame-threads=1:scenecut=0:keyint="+strconv.Itoa(p.GOP)+":min-keyint="+strconv.Itoa(p.GOP)+
			":bframes="+strconv.Itoa(p.BFrames), "-tag:v", "hvc1")
	default:
		args = append(args, "-sc_threshold", "0", "-keyint_min", strconv.Itoa(p.GOP))
	}
	if p.CRF > 0 {
		args = append(args, "-crf", strconv.Itoa(p.CRF))
	}
	if p.Timescale > 0 {
		args = append(args, "-video_track_timescale", strconv.Itoa(p.Timescale))
	}
	if len(p.Drop) > 0 {
		n := "n"
		if p.DropPeriod > 0 {
			n = fmt.Sprintf("mod(n,%d)", p.DropPeriod)
		}
		args = append(args, "-filter:v", "select='not("+anyOf(n, p.Drop)+")'")
	}
	return args
}

// anyOf returns an expression that is true within any of the spans. It is a
// balanced tree, because FFmpeg rejects expressions nested deeper than 100 levels.
func anyOf(n string, spans []Span) string {
	if len(spans) == 1 {
		return fmt.Sprintf("between(%s,%d,%d)", n, spans[0].From, spans[0].Until-1)
	}
	half := len(spans) / 2
	return "(" + anyOf(n, spans[:half]) + "+" + anyOf(n, spans[half:]) + ")"
}
