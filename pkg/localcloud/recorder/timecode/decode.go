package timecode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

// Shape is the aspect ratio of a source.
type Shape struct{ Width, Height int }

// Film is a finished merge or a source's file, with what is needed to find the strips in it.
type Film struct {
	Path          string
	Width, Height int         // of its pictures
	Start         time.Time   // instant of frame 0; a day or two off does no harm
	Rate          ffmpeg.Rate // of its frames; zero: 25
	Shapes        []Shape     // of the sources in it; nil: 16:9 and 4:3
}

// Frame is the readings of one frame. In a merge, Left and Right are the panes, halves of the
// picture, and Centre is a source alone in the whole picture. A source's own file has its reading
// in Centre.
type Frame struct {
	Index               int
	PTS                 int64 // ticks of the stream
	Left, Right, Centre Reading
}

// readHeight is the height to which larger pictures are scaled down. Strips stay readable there.
const readHeight = 360

// ReadFrames decodes a film and reads every frame.
func ReadFrames(ctx context.Context, tool *ffmpeg.Tool, film Film) ([]Frame, error) {
	url, stop, err := serve(ctx, film.Path)
	if err != nil {
		return nil, err
	}
	defer stop()
	width := film.Width
	height := film.Height
	if height > readHeight {
		width, height = width*readHeight/height&^1, readHeight
	}
	stream, err := tool.OpenPictures(ctx, ffmpeg.Pictures{
		Source: ffmpeg.URL(url),
		From:   ffmpeg.FirstPTS,
		Until:  ffmpeg.LastPTS,
		Width:  width,
		Height: height,
		Format: ffmpeg.Gray,
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", film.Path, err)
	}
	defer stream.Close()
	look := newLook(film, width, height)
	buf := make([]byte, width*height)
	var frames []Frame
	for {
		pts, err := stream.Next(buf)
		if errors.Is(err, io.EOF) {
			return frames, nil
		}
		if err != nil {
			return frames, fmt.Errorf("read frame %d of %s: %w", len(frames), film.Path, err)
		}
		frame := look.at(buf, film.Start.Add(film.rate().At(int64(len(frames)))))
		frame.Index = len(frames)
		frame.PTS = pts
		frames = append(frames, frame)
	}
}

// rate returns the frame rate, by default 25.
func (f Film) rate() ffmpeg.Rate {
	if f.Rate == (ffmpeg.Rate{}) {
		return ffmpeg.Rate{Num: 25, Den: 1}
	}
	return f.Rate
}

// look knows where strips can be in a picture.
type look struct {
	width               int
	left, right, centre []rect
}

// newLook computes the places for pictures decoded at a size.
func newLook(film Film, width, height int) look {
	shapes := film.Shapes
	if shapes == nil {
		shapes = []Shape{{16, 9}, {4, 3}}
	}
	l := look{width: width}
	for _, s := range shapes {
		// The geometry is the film's; only then is it scaled to what is decoded.
		half := fit(s, film.Width/2, film.Height)
		whole := fit(s, film.Width, film.Height)
		l.left = append(l.left, half.scale(width, film.Width, height, film.Height))
		half.x += film.Width / 2 * one
		l.right = append(l.right, half.scale(width, film.Width, height, film.Height))
		l.centre = append(l.centre, whole.scale(width, film.Width, height, film.Height))
	}
	return l
}

// fit centres a shape in a box with even sizes, as a letterbox does.
func fit(s Shape, width, height int) rect {
	w, h := width, height
	if width*s.Height > height*s.Width {
		w = height * s.Width / s.Height &^ 1
	} else {
		h = width * s.Height / s.Width &^ 1
	}
	return rect{
		x: (width - w) * one / 2,
		y: (height - h) * one / 2,
		w: w * one,
		h: h * one,
	}
}

// scale converts a rect from one picture size to another.
func (r rect) scale(toW, fromW, toH, fromH int) rect {
	return rect{
		x: r.x * toW / fromW,
		y: r.y * toH / fromH,
		w: r.w * toW / fromW,
		h: r.h * toH / fromH,
	}
}

// at reads one picture. If a source fills the picture, the panes are absent.
func (l look) at(luma []byte, near time.Time) Frame {
	if centre := l.best(luma, l.centre, near); centre.State == Valid {
		return Frame{Centre: centre}
	}
	f := Frame{Left: l.best(luma, l.left, near), Right: l.best(luma, l.right, near)}
	if f.Left.State == Absent && f.Right.State == Absent {
		f.Centre = l.best(luma, l.centre, near)
	}
	return f
}

// best returns the most complete reading of some places.
func (l look) best(luma []byte, places []rect, near time.Time) Reading {
	var best Reading
	for _, place := range places {
		if r := read(luma, l.width, place, near); r.State > best.State {
			best = r
		}
	}
	return best
}

// serve serves one file on the loopback interface, because FFmpeg reads by HTTP only.
func serve(ctx context.Context, path string) (url string, stop func(), err error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("serve %s: %w", path, err)
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(
		w http.ResponseWriter, r *http.Request,
	) {
		http.ServeFile(w, r, path)
	})}
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	return "http://" + listener.Addr().String() + "/film.mp4", func() { _ = server.Close() }, nil
}
