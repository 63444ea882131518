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

	"github.com/nvr-miem/merger/pkg/confine"
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

// FieldOrder is the order of the two fields of an interlaced picture.
type FieldOrder string

// The orders.
const (
	NoFields    FieldOrder = ""
	TopFirst    FieldOrder = "tff"
	BottomFirst FieldOrder = "bff"
)

// Shape is the ratio of a picture's width to its height as it is displayed, for example 16:9. The numbers are
// positive, or both zero.
type Shape struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// String returns the shape as people write it: 16:9.
func (s Shape) String() string { return strconv.Itoa(s.Width) + ":" + strconv.Itoa(s.Height) }

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

	// Fields is the order in which the two halves of interlaced pictures were taken. Each picture is
	// deinterlaced by itself and its neighbours. NoFields leaves the pictures as they are.
	Fields FieldOrder
	// FieldsFrom and FieldsUntil bound the PTS of the pictures that deinterlacing may look at. From and Until
	// lie inside. They are ignored without Fields.
	FieldsFrom, FieldsUntil int64
	// Shape is the shape of the picture where the file does not say it. Zero: as the file says.
	Shape Shape

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
		limits: confine.Limits{Memory: decodeMemory},
	}
}

// filter returns the filter graph. It cuts first, so that no later filter sees a timestamp out of range. It then
// logs the PTS of each picture, before a filter can change it. Deinterlacing comes before, because it looks at
// neighbours; after it, ticks are half as long.
func (p Pictures) filter() string {
	filter := trim(p.From, p.Until)
	if parity := p.Fields.parity(); parity != "" {
		filter = trim(p.FieldsFrom, p.FieldsUntil) +
			"bwdif=mode=send_frame:parity=" + parity + ":deint=all," +
			trim(doubled(p.From), doubled(p.Until))
	}
	filter += "showinfo=checksum=0,"
	if !p.Fit {
		return filter + fmt.Sprintf("scale=%d:%d:flags=area", p.Width, p.Height)
	}
	// shape is the input's display aspect ratio; both sizes are even, and at most the wanted ones.
	shape := "dar"
	if p.Shape.Width > 0 && p.Shape.Height > 0 {
		shape = fmt.Sprintf("%d/%d", p.Shape.Width, p.Shape.Height)
	}
	return filter + fmt.Sprintf(
		"scale=w='max(2,trunc(min(%[1]d,%[2]d*(%[3]s))/2)*2)':h='max(2,trunc(min(%[2]d,%[1]d/(%[3]s))/2)*2)':"+
			"flags=area:out_color_matrix=bt709:out_range=limited,pad=%[1]d:%[2]d:-1:-1:black:eval=frame,setsar=1",
		p.Width, p.Height, shape,
	)
}

// trim returns the filter that passes on the pictures of [from, until), and a comma.
func trim(from, until int64) string {
	cut := ""
	if from != FirstPTS {
		cut += ":start_pts=" + strconv.FormatInt(from, 10)
	}
	if until != LastPTS {
		cut += ":end_pts=" + strconv.FormatInt(until, 10)
	}
	if cut == "" {
		return ""
	}
	return "trim=" + cut[1:] + ","
}

// doubled converts a PTS, or an open end, to ticks half as long.
func doubled(pts int64) int64 {
	if pts == FirstPTS || pts == LastPTS {
		return pts
	}
	return 2 * pts
}

// parity returns FFmpeg's name of the order, or nothing.
func (o FieldOrder) parity() string {
	switch o {
	case TopFirst:
		return "tff"
	case BottomFirst:
		return "bff"
	default:
		return ""
	}
}

// Described is what a decoded picture says of itself.
type Described struct {
	// Fields is set for a picture that is flagged as interlaced.
	Fields FieldOrder
	// PixelWidth and PixelHeight are the shape of a pixel, or zero if neither the file nor the stream says it.
	PixelWidth, PixelHeight int
}

// shownPicture is a picture as the showinfo filter logs it.
type shownPicture struct {
	pts       int64
	concealed bool // a part of it was made up
	Described
}

// PictureStream returns pictures as they are decoded. It must be used by one
// goroutine.
type PictureStream struct {
	out  *output
	size int
	// pts are the timestamps of the current process, of which taken were used.
	pts   *ptsQueue[shownPicture]
	taken int
	// last is the picture that was returned last.
	last shownPicture
	// given is the number of pictures returned.
	given int
}

// showinfoLine matches a line of FFmpeg's showinfo filter.
var showinfoLine = regexp.MustCompile(
	`showinfo.*\bn:\s*\d+ pts:\s*(-?\d+|NOPTS)\b(?:.* sar:(\d+)/(\d+) s:\d+x\d+ i:(.))?`,
)

// parseShowinfo reads a line of the showinfo filter. It returns false for another line.
func parseShowinfo(line string) (shownPicture, bool) {
	m := showinfoLine.FindStringSubmatch(line)
	if m == nil {
		return shownPicture{}, false
	}
	pts, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		pts = FirstPTS // NOPTS: cannot be placed, the caller sees it out of range
	}
	shown := shownPicture{pts: pts}
	shown.PixelWidth, _ = strconv.Atoi(m[2]) // empty in a line without it
	shown.PixelHeight, _ = strconv.Atoi(m[3])
	switch m[4] {
	case "T":
		shown.Fields = TopFirst
	case "B":
		shown.Fields = BottomFirst
	}
	return shown, true
}

// concealLine matches what the H.264 decoder logs when it makes up a part of a picture.
var concealLine = regexp.MustCompile(`concealing \d+ DC, \d+ AC, \d+ MV errors`)

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
	queue := newPTSQueue[shownPicture]()
	var concealed, before bool // since the last picture, and before it
	r, err := t.open(ctx, "decode pictures", t.pictures(p), p.Source, func(line string) bool {
		shown, ok := parseShowinfo(line)
		if !ok {
			concealed = concealed || concealLine.MatchString(line)
			return false
		}
		if p.Fields.parity() != "" && shown.pts != FirstPTS {
			shown.pts /= 2
		}
		shown.concealed = concealed
		if p.Fields.parity() != "" { // a picture is logged once the next one is decoded
			shown.concealed = concealed || before
		}
		before, concealed = concealed, false
		queue.push(shown)
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

// Concealed reports whether the decoder made up a part of the picture that [PictureStream.Next] returned
// last, or of one between it and the picture before.
func (s *PictureStream) Concealed() bool {
	return s.last.concealed
}

// Described returns what the picture that [PictureStream.Next] returned last says of itself.
func (s *PictureStream) Described() Described { return s.last.Described }

// Close stops decoding.
func (s *PictureStream) Close() {
	s.out.Close()
}
