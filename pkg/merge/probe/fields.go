package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/interlace"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/timeline"
)

const (
	// spots is the number of places of a file whose pictures are examined, spotPictures how many there.
	spots        = 5
	spotPictures = 4
	// widestExamined is the width to which pictures are narrowed for it. Their height stays.
	widestExamined = 960
)

// format is what the pictures of a file say and show of their form. It is stored.
type format struct {
	Flagged     ffmpeg.FieldOrder `json:"flagged,omitempty"` // by the stream
	Measured    interlace.Order   `json:"measured,omitempty"`
	PixelWidth  int               `json:"pixel_width,omitempty"` // the shape of a pixel; 0: not said
	PixelHeight int               `json:"pixel_height,omitempty"`
}

// examine finds out how the segment's pictures are to be decoded: whether they are interlaced, and what their
// shape is. It decodes a few pictures, once for a generation.
func (p *Prober) examine(ctx context.Context, seg *Segment, t *Table, object rangeproxy.Object) error {
	if seg.Picture == nil || len(seg.PictureRuns) == 0 || len(t.Picture.Entries) > 1 {
		return nil
	}
	key := "format-" + Fingerprint([]any{seg.Generation, t.Stream, p.Tool.Version()})
	f, err := Learn(p.Learned, key, func() (format, error) { return p.examinePictures(ctx, t, object) })
	if err != nil {
		return fmt.Errorf("examine the pictures of %s: %w", seg.Path, err)
	}
	whole := timeline.Run{Until: seg.Length}
	if seg.Picture.Fields = f.fields(); seg.Picture.Fields != ffmpeg.NoFields {
		seg.Warn(whole, cause.Interlaced())
	}
	width, height := seg.Picture.Width, seg.Picture.Height
	seg.Picture.Shape = guessShape(width, height, f.PixelWidth, f.PixelHeight)
	if seg.Picture.Shape != (ffmpeg.Shape{}) {
		seg.Warn(whole, cause.ShapeGuessed(width, height, seg.Picture.Shape.String()))
	}
	return nil
}

// fields returns the order of the fields of a file's pictures. What they show counts more than their flags.
func (f format) fields() ffmpeg.FieldOrder {
	switch f.Measured {
	case interlace.TopFirst:
		return ffmpeg.TopFirst
	case interlace.BottomFirst:
		return ffmpeg.BottomFirst
	case interlace.Progressive:
		return ffmpeg.NoFields
	default:
		return f.Flagged
	}
}

// examinePictures decodes pictures of a few spots of a file. A file that FFmpeg cannot decode keeps the
// format that is known until then: rendering finds out what of it is lost.
func (p *Prober) examinePictures(ctx context.Context, t *Table, object rangeproxy.Object) (format, error) {
	request := ffmpeg.Pictures{
		Stream: t.Stream,
		From:   ffmpeg.FirstPTS,
		Until:  ffmpeg.LastPTS,
		Width:  t.Picture.Width &^ 1,
		Height: t.Picture.Height &^ 1,
		Format: ffmpeg.Gray,
	}
	if request.Width > widestExamined {
		request.Width = request.Width / 2 &^ 1
	}
	if request.Width == 0 || request.Height == 0 {
		return format{}, nil
	}
	starts := t.spots()
	if len(starts) == 0 {
		return format{}, nil
	}
	read, wanted := object, spotPictures
	if t.Picture.Viewable() {
		view, err := mp4.NewStretchView(object, t.Picture, stretches(starts, spotPictures))
		if err != nil {
			return format{}, err
		}
		read, wanted, request.Stream = view, len(starts)*spotPictures, 0
	} else {
		middle := t.Picture.Samples[starts[len(starts)/2]].PTS
		at := mp4.Time{Ticks: middle, Scale: t.Picture.Timescale}.Duration() + time.Microsecond
		request.Seek, request.From = &at, middle
	}
	served := p.Proxy.Serve(rangeproxy.Share(read))
	request.Source = served
	f, err := p.readFormat(ctx, request, wanted)
	if readErr := served.Close(); readErr != nil {
		return format{}, errors.Join(readErr, context.Cause(ctx))
	}
	return f, err
}

// readFormat reads pictures, spotPictures of each spot.
func (p *Prober) readFormat(ctx context.Context, request ffmpeg.Pictures, wanted int) (format, error) {
	stream, err := p.Tool.OpenPictures(ctx, request)
	if err != nil {
		return format{}, err
	}
	defer stream.Close()
	var f format
	detector := interlace.Detector{Width: request.Width, Height: request.Height}
	buf := make([]byte, request.Format.Bytes(request.Width, request.Height))
	flags := map[ffmpeg.FieldOrder]int{}
	for n := range wanted {
		_, err := stream.Next(buf)
		if errors.Is(err, io.EOF) || ffmpeg.IsUndecodable(err) && context.Cause(ctx) == nil {
			break
		}
		if err != nil {
			return format{}, err
		}
		if n > 0 && n%spotPictures == 0 {
			detector.Cut()
		}
		detector.Add(buf)
		said := stream.Described()
		flags[said.Fields]++
		f.PixelWidth, f.PixelHeight = said.PixelWidth, said.PixelHeight
	}
	f.Measured = detector.Verdict()
	if top, bottom := flags[ffmpeg.TopFirst], flags[ffmpeg.BottomFirst]; top+bottom > flags[ffmpeg.NoFields] {
		f.Flagged = ffmpeg.TopFirst
		if bottom > top {
			f.Flagged = ffmpeg.BottomFirst
		}
	}
	return f, nil
}

// spots lists samples at which the pictures of a spot begin: of each part of the file the key frame after
// which most changes, as the sizes of the next samples tell.
func (t *Table) spots() []int {
	samples := t.Picture.Samples
	type spot struct {
		at   int
		size int64
	}
	var all []spot
	for i := range samples {
		if i+spotPictures > len(samples) || !samples[i].Key {
			continue
		}
		size, usable := int64(0), true
		for n := i; n < i+spotPictures; n++ {
			s := &samples[n]
			usable = usable && !s.Hidden && !s.Lost && s.PTS >= samples[i].PTS
			if n > i {
				size += int64(s.Size)
			}
		}
		if usable {
			all = append(all, spot{at: i, size: size})
		}
	}
	var starts []int
	for n := range spots {
		part := all[n*len(all)/spots : (n+1)*len(all)/spots]
		if len(part) == 0 {
			continue
		}
		best := slices.MaxFunc(part, func(a, b spot) int { return int(a.size - b.size) })
		if len(starts) == 0 || best.at >= starts[len(starts)-1]+spotPictures {
			starts = append(starts, best.at)
		}
	}
	return starts
}

// stretches lists the samples of stretches of a length that begin at starts.
func stretches(starts []int, length int) []int {
	var list []int
	for _, start := range starts {
		for n := range length {
			list = append(list, start+n)
		}
	}
	return list
}
