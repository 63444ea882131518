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
	"time"
)

// PixelFormat is how a picture lies in memory: planes one after another, rows without padding.
type PixelFormat string

// The formats in use.
const (
	YUV420P PixelFormat = "yuv420p" // BT.709, limited range; 3/2 bytes a pixel
	RGB24   PixelFormat = "rgb24"   // 3 bytes a pixel
	Gray    PixelFormat = "gray"    // full range; 1 byte a pixel
)

// Bytes is the size of a picture.
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
	FirstPTS = math.MinInt64
	LastPTS  = math.MaxInt64
)

// Pictures says which pictures of a file to decode, and into what.
type Pictures struct {
	URL string // loopback URL of the file

	// Seek is where to start reading, at or after the PTS of the key frame wanted, as time since
	// PTS 0. Nil reads from the start.
	Seek *time.Duration
	// From and Until bound the PTS of the pictures handed over: [From, Until), in ticks of the
	// stream. FirstPTS and LastPTS leave an end open.
	From, Until int64

	// KeyOnly decodes key frames alone.
	KeyOnly bool
	// Strict drops a picture with any error in its data instead of showing a repaired one.
	Strict bool

	// HD says that pictures that do not name their colour matrix are BT.709, as is usual from 720
	// lines on; otherwise they are taken for BT.601.
	HD bool

	Width, Height int // of the pictures handed over, even numbers
	// Fit keeps the picture's shape and centres it on black; otherwise it is stretched.
	Fit    bool
	Format PixelFormat
}

// args is ffmpeg's argument list.
func (p Pictures) args() []string {
	// One thread decodes and one scales: more of them cost CPU time, and there are processes enough.
	args := []string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info", "-filter_threads", "1", "-copyts", "-threads", "1"}
	if p.KeyOnly {
		// Without the loop filter a key frame is a sixth cheaper, and hardly worse at the sizes that
		// key frames are looked at.
		args = append(args, "-skip_frame", "nokey", "-skip_loop_filter", "all")
	}
	if p.Strict {
		args = append(args, "-err_detect", "explode", "-flags", "-output_corrupt")
	}
	if p.HD {
		// The decoder's default, which what the stream says of itself overrides. Without it most
		// cameras' pictures are converted between two matrices, by way of RGB: as dear as decoding.
		args = append(args, "-colorspace", "bt709")
	}
	if p.Seek != nil {
		args = append(args, "-noaccurate_seek", "-seek_timestamp", "1", "-ss", seconds(*p.Seek))
	}
	args = append(append(args, httpInput()...), "-i", p.URL, "-map", "0:V:0", "-an", "-sn", "-dn",
		"-filter:v", p.filter(), "-fps_mode", "passthrough", "-c:v", "rawvideo", "-pix_fmt", string(p.Format),
		"-f", "rawvideo", "pipe:1")
	return args
}

// httpInput is how FFmpeg reads from loopback: nothing else, and only so much ahead. Left to itself the
// kernel lets a connection take megabytes that nobody wants once the last picture has come.
func httpInput() []string {
	return []string{"-protocol_whitelist", "http,tcp", "-recv_buffer_size", "131072"}
}

// filter cuts first, so that nothing behind it ever sees a timestamp out of range; then each
// picture's PTS is logged; only then comes what could change it.
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
	w, h := p.Width, p.Height
	return filter + fmt.Sprintf(
		"scale=w='max(2,trunc(min(%d,%d*dar)/2)*2)':h='max(2,trunc(min(%d,%d/dar)/2)*2)':flags=area:out_color_matrix=bt709:out_range=limited,"+
			"pad=%d:%d:-1:-1:black:eval=frame,setsar=1", w, h, h, w, w, h)
}

// PictureStream hands pictures over as they are decoded. One goroutine may use it.
type PictureStream struct {
	proc *process
	out  io.ReadCloser
	pts  *ptsQueue[int64]
	size int
	done bool
}

var showinfoLine = regexp.MustCompile(`showinfo.*\bn:\s*\d+ pts:\s*(-?\d+|NOPTS)\b`)

// OpenPictures starts to decode. The stream must be closed.
func (t *Tool) OpenPictures(ctx context.Context, p Pictures) (*PictureStream, error) {
	if p.Width <= 0 || p.Height <= 0 || p.Format.Bytes(p.Width, p.Height) == 0 {
		return nil, fmt.Errorf("decode pictures: no such picture: %dx%d %q", p.Width, p.Height, p.Format)
	}
	cmd := exec.CommandContext(ctx, t.ffmpeg, p.args()...) // #nosec G204 -- typed values only
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("decode pictures: %w", err)
	}
	enlargePipe(out)
	s := &PictureStream{out: out, pts: newPTSQueue[int64](), size: p.Format.Bytes(p.Width, p.Height)}
	s.proc, err = start(ctx, "decode pictures", cmd, func(line string) bool {
		m := showinfoLine.FindStringSubmatch(line)
		if m == nil {
			return false
		}
		pts, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			pts = FirstPTS // NOPTS: cannot be placed, the caller sees it out of range
		}
		s.pts.push(pts)
		return true
	})
	if err != nil {
		return nil, err
	}
	go func() {
		s.proc.log.Wait()
		s.pts.close()
	}()
	return s, nil
}

// Next reads the next picture into buf, which must be of its size, and returns its PTS. At the end
// it returns io.EOF if FFmpeg ended well, else an [*Error].
func (s *PictureStream) Next(buf []byte) (int64, error) {
	if s.done {
		return 0, io.EOF
	}
	if len(buf) != s.size {
		return 0, fmt.Errorf("decode pictures: buffer of %d bytes for a picture of %d", len(buf), s.size)
	}
	_, err := io.ReadFull(s.out, buf)
	if err != nil {
		s.done = true
		if waitErr := s.proc.wait(); waitErr != nil {
			return 0, waitErr
		}
		if errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		return 0, fmt.Errorf("decode pictures: %w", err)
	}
	pts, ok := s.pts.pop()
	if !ok {
		return 0, errors.New("decode pictures: a picture came without its timestamp")
	}
	return pts, nil
}

// Close ends the decoding, also before its end.
func (s *PictureStream) Close() {
	if !s.done {
		s.done = true
		s.proc.discard(s.out)
	}
}
