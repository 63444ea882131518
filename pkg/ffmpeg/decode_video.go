package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"time"
)

// PixelFormat is the memory layout of a picture: planes one after another, rows
// without padding.
type PixelFormat string

// The formats in use.
const (
	YUV420P PixelFormat = "yuv420p" // BT.709, limited range; 3/2 bytes a pixel
	RGB24   PixelFormat = "rgb24"   // 3 bytes a pixel
	Gray    PixelFormat = "gray"    // full range; 1 byte a pixel
)

// Bytes returns the size of a picture in bytes, or 0 for an unknown format.
func (f PixelFormat) Bytes(width, height int) int {
	switch f {
	case YUV420P:
		return width * height * 3 / 2
	case RGB24:
		return width * height * 3
	case Gray:
		return width * height
	default:
		return 0
	}
}

// Range of the timestamps of a whole file.
const (
	// FirstPTS and LastPTS leave an end of a range of timestamps open.
	FirstPTS = math.MinInt64
	LastPTS  = math.MaxInt64
)

// Pictures describes which pictures of a file to decode, and the format of the
// result.
type Pictures struct {
	// Source is the file.
	Source Source
	// Stream is the number of the picture stream in the file, from 0. Cover pictures do not count.
	Stream int

	// Seek is the time since PTS 0 at which reading starts, at or after the PTS of
	// the wanted key frame. Nil reads from the start.
	Seek *time.Duration
	// SeekAny lets reading start at any sample at or before Seek, in decoding order, whatever the file's
	// table of key frames says.
	SeekAny bool
	// From and Until bound the PTS of the decoded pictures: [From, Until), in ticks
	// of the stream. FirstPTS and LastPTS leave an end open.
	From, Until int64

	// KeyOnly decodes key frames only.
	KeyOnly bool
	// Strict drops a picture with any error in its data instead of showing a repaired one.
	Strict bool
	// Gradual is set if decoding starts where pictures become right little by little (intra refresh): the
	// first ones refer to what is not there. They are dropped, but they are decoded.
	Gradual bool

	// HD declares that pictures without a colour matrix are BT.709, as is usual
	// from 720 lines on. Otherwise they are BT.601.
	HD bool

	// Width and Height are the size of the decoded pictures in pixels, even
	// numbers.
	Width, Height int
	// Fit keeps the aspect ratio and centres the picture on black. Otherwise it is
	// stretched.
	Fit    bool
	Format PixelFormat
}

// pictures returns the run of ffmpeg. One thread decodes and one scales. More threads cost CPU time, and
// there are enough processes.
func (t *Tool) pictures(p Pictures) command {
	args := []string{"-threads", "1"}
	if p.KeyOnly {
		// Without the loop filter, decoding a key frame costs a sixth less. At the small
		// sizes at which key frames are classified, the loss of quality is negligible.
		args = append(args, "-skip_frame", "nokey", "-skip_loop_filter", "all")
	}
	if p.Strict && !p.Gradual {
		args = append(args, "-err_detect", "explode")
	}
	if p.Strict {
		args = append(args, "-flags", "-output_corrupt")
	}
	if p.HD {
		// The decoder's default, which what the stream says of itself overrides. Without it most
		// cameras' pictures are converted between two matrices, by way of RGB: as dear as decoding.
		args = append(args, "-colorspace", "bt709")
	}
	if p.Seek != nil && p.SeekAny {
		args = append(args, "-seek2any", "1")
	}
	if p.Seek != nil {
		args = append(args, "-noaccurate_seek", "-seek_timestamp", "1", "-ss", seconds(*p.Seek))
	}
	return command{
		program: t.ffmpeg,
		global:  append(quiet("info"), "-filter_threads", "1", "-copyts"),
		inputs:  []input{served(p.Source, args...)},
		output: []string{
			"-map", "0:V:" + strconv.Itoa(p.Stream), "-an", "-sn", "-dn",
			"-filter:v", p.filter(),
			"-fps_mode", "passthrough",
			"-c:v", "rawvideo", "-pix_fmt", string(p.Format),
			"-f", "rawvideo", "pipe:1",
		},
		limits: limits{memory: decodeMemory},
	}
}

// filter returns the filter graph. It cuts first, so that no later filter sees a
// timestamp out of range. It then logs the PTS of each picture, before a filter can
// change it.
func (p Pictures) filter() string {
	cut := ""
	if p.From != FirstPTS {
		cut += ":start_pts=" + strconv.FormatInt(p.From, 10)
	}
	if p.Until != LastPTS {
		cut += ":end_pts=" + strconv.FormatInt(p.Until, 10)
	}
	filter := "showinfo=checksum=0,"
	if cut != "" {
		filter = "trim=" + cut[1:] + "," + filter
	}
	if !p.Fit {
		return filter + fmt.Sprintf("scale=%d:%d:flags=area", p.Width, p.Height)
	}
	// dar is the input's display aspect ratio; both sizes are even, and at most the wanted ones.
	w := p.Width
	h := p.Height
	return filter + fmt.Sprintf(
		"scale=w='max(2,trunc(min(%d,%d*dar)/2)*2)':h='max(2,trunc(min(%d,%d/dar)/2)*2)':flags=area:out_color_matrix=bt709:out_range=limited,"+
			"pad=%d:%d:-1:-1:black:eval=frame,setsar=1", w, h, h, w, w, h)
}

// PictureStream returns pictures as they are decoded. It must be used by one
// goroutine.
type PictureStream struct {
	out  *output
	size int
	// pts are the timestamps of the current process, of which taken were used.
	pts   *ptsQueue[stamp]
	taken int
	last  stamp // of the picture returned last
	// given is the number of pictures returned.
	given int
}

// showinfoLine matches a line of FFmpeg's showinfo filter.
var showinfoLine = regexp.MustCompile(`showinfo.*\bn:\s*\d+ pts:\s*(-?\d+|NOPTS)\b`)

// concealLine matches what the H.264 decoder logs when it makes up a part of a picture.
var concealLine = regexp.MustCompile(`concealing \d+ DC, \d+ AC, \d+ MV errors`)

// stamp is the timestamp of a picture, and whether a part of it was made up.
type stamp struct {
	pts       int64
	concealed bool
}

// OpenPictures starts decoding. The stream must be closed.
func (t *Tool) OpenPictures(ctx context.Context, p Pictures) (*PictureStream, error) {
	if p.Width <= 0 ||
		p.Height <= 0 ||
		p.Format.Bytes(p.Width, p.Height) == 0 {
		return nil, fmt.Errorf(
			"decode pictures: no such picture: %dx%d %q",
			p.Width,
			p.Height,
			p.Format,
		)
	}
	s := &PictureStream{size: p.Format.Bytes(p.Width, p.Height)}
	var err error
	s.out, err = newOutput("decode pictures", func() (*run, error) { return s.start(ctx, t, p) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// start starts a process that decodes the pictures.
func (s *PictureStream) start(ctx context.Context, t *Tool, p Pictures) (*run, error) {
	queue := newPTSQueue[stamp]()
	concealed := false // since the last picture
	r, err := t.open(ctx, "decode pictures", t.pictures(p), p.Source, func(line string) bool {
		m := showinfoLine.FindStringSubmatch(line)
		if m == nil {
			concealed = concealed || concealLine.MatchString(line)
			return false
		}
		pts, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			pts = FirstPTS // NOPTS: cannot be placed, the caller sees it out of range
		}
		queue.push(stamp{pts: pts, concealed: concealed})
		concealed = false
		return true
	})
	if err != nil {
		return nil, err
	}
	go func() {
		r.proc.log.Wait()
		queue.close()
	}()
	s.pts = queue
	s.taken = 0
	return r, nil
}

// Next reads the next picture into buf, which must have its size, and returns its
// PTS. At the end it returns io.EOF if FFmpeg succeeded, otherwise an [*Error].
func (s *PictureStream) Next(buf []byte) (int64, error) {
	if len(buf) != s.size {
		return 0, fmt.Errorf(
			"decode pictures: buffer of %d bytes for a picture of %d",
			len(buf),
			s.size,
		)
	}
	_, err := io.ReadFull(s.out, buf)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, fmt.Errorf("decode pictures: %w", err)
	}
	if err != nil {
		return 0, err
	}
	s.given++
	ok := true
	for ; ok && s.taken < s.given; s.taken++ {
		s.out.run.await(func() { s.last, ok = s.pts.pop() })
	}
	if !ok {
		return 0, errors.New("decode pictures: a picture came without its timestamp")
	}
	return s.last.pts, nil
}

// Concealed reports whether the decoder made up a part of a picture between the last two that [Next]
// returned, or of the last one.
//
// [Next]: https://pkg.go.dev/github.com/nvr-miem/merger/pkg/ffmpeg#PictureStream.Next
func (s *PictureStream) Concealed() bool {
	return s.last.concealed
}

// Close stops decoding.
func (s *PictureStream) Close() {
	s.out.Close()
}
