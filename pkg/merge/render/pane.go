package render

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// change says that a pane shows another picture from a frame of the record on.
type change struct {
	frame   int64
	picture []byte
	whole   bool // fills the whole picture
	spent   bool // the picture may be used again once it is replaced
}

// pane decodes what one pane shows over a slice and sends each change of its picture, in order.
type pane struct {
	r       *renderer
	pieces  []timeline.Piece // of the slice, in order; slates whole, pictures clipped
	changes chan change
	free    chan []byte // buffers to use again
}

// paneAhead is how many pictures a decoder may be ahead of the encoder.
const paneAhead = 3

func (r *renderer) newPane(pieces []timeline.Piece) *pane {
	return &pane{
		r:       r,
		pieces:  pieces,
		changes: make(chan change, paneAhead),
		free:    make(chan []byte, paneAhead+2),
	}
}

// run sends all changes of the pane. It closes the channel when there are no more.
func (p *pane) run(ctx context.Context) error {
	defer close(p.changes)
	for _, piece := range p.pieces {
		if piece.File < 0 {
			if err := p.slate(ctx, piece); err != nil {
				return err
			}
			continue
		}
		if err := p.film(ctx, piece); err != nil {
			return err
		}
	}
	return nil
}

func (p *pane) send(ctx context.Context, c change) error {
	select {
	case p.changes <- c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *pane) slate(ctx context.Context, piece timeline.Piece) error {
	width, height := p.r.size(piece.Whole)
	picture, err := drawSlate(slateFor(p.r.texts, p.r.plan, piece), width, height)
	if err != nil {
		return err
	}
	return p.send(ctx, change{
		frame:   max(piece.First, p.r.slice.First),
		picture: picture,
		whole:   piece.Whole,
	})
}

// film decodes a piece of a file and holds every picture against the file's table.
func (p *pane) film(ctx context.Context, piece timeline.Piece) error {
	open, err := p.r.segments.Open(ctx, piece.File)
	if err != nil {
		return err
	}
	want := p.r.wanted(open, piece)
	if len(want) == 0 {
		return fmt.Errorf(
			"segment %s: no picture for frames %d to %d of the plan",
			open.Segment.Path, piece.First, piece.End,
		)
	}
	width, height := p.r.size(piece.Whole)
	served := p.r.prober.Proxy.Serve(open.Object)
	stream, err := p.r.prober.Tool.OpenPictures(ctx, ffmpeg.Pictures{
		Source: served,
		Stream: open.Table.Stream,
		Seek:   open.SeekTo(want[0].pts),
		From:   want[0].pts,
		Until:  want[len(want)-1].pts + 1,
		Strict: true,
		Width:  width,
		Height: height,
		Fit:    true,
		Format: ffmpeg.YUV420P,
		HD:     open.Table.Picture.Height >= hdLines,
	})
	if err != nil {
		return errors.Join(err, served.Close())
	}
	missing, stalled, err := p.follow(ctx, stream, piece, want, ffmpeg.YUV420P.Bytes(width, height))
	stream.Close()
	if readErr := served.Close(); readErr != nil {
		return fmt.Errorf("render %s: %w", open.Segment.Path, readErr)
	}
	if err != nil {
		return fmt.Errorf("render %s: %w", open.Segment.Path, err)
	}
	if len(missing) > 0 {
		return &probe.DamagedError{Damages: open.Damages(missing, stalled)}
	}
	return nil
}

// hdLines is the height from which on pictures are coded as high definition is.
const hdLines = 720

// follow sends the pictures of a stream as the frames they are shown at, and returns those that were
// wanted and did not come. After the first of these nothing is sent any more, but the rest is still
// read: one look finds all that is broken. After the last one wanted the stream is left: FFmpeg may
// read on for seconds before it notices that no more is asked for. stalled reports whether FFmpeg stood
// still at the first of those that are missing at the end.
func (p *pane) follow(
	ctx context.Context, stream *ffmpeg.PictureStream, piece timeline.Piece, want []wanted, size int,
) (missing []int64, stalled bool, err error) {
	for next := 0; next < len(want); {
		buf := p.buffer(size)
		pts, err := stream.Next(buf)
		var broken *ffmpeg.Error
		switch {
		case errors.Is(err, io.EOF), errors.As(err, &broken) && !broken.Killed():
			for _, w := range want[next:] {
				missing = append(missing, w.pts)
			}
			return missing, errors.Is(err, ffmpeg.ErrStalled), nil
		case err != nil:
			return nil, false, err
		}
		for next < len(want) && want[next].pts < pts {
			missing = append(missing, want[next].pts)
			next++
		}
		if next == len(want) || want[next].pts != pts {
			p.release(buf) // a picture that the table does not list: nothing is shown of it
			continue
		}
		w := want[next]
		next++
		if w.frame >= piece.End || len(missing) > 0 || next < len(want) && want[next].frame <= w.frame {
			p.release(buf) // never on show: the next one comes at the same frame
			continue
		}
		if err := p.send(ctx, change{
			frame:   w.frame,
			picture: buf,
			whole:   piece.Whole,
			spent:   true,
		}); err != nil {
			return nil, false, err
		}
	}
	return missing, false, nil
}

func (p *pane) buffer(size int) []byte {
	select {
	case buf := <-p.free:
		if len(buf) == size {
			return buf
		}
	default:
	}
	return make([]byte, size)
}

func (p *pane) release(buf []byte) {
	select {
	case p.free <- buf:
	default:
	}
}

// wanted is a picture of a file and the frame of the record from which on it is shown.
type wanted struct {
	pts   int64
	frame int64
}

// wanted lists the pictures of a run that a piece shows, and the one before where the piece begins
// between two. The frame of a picture is the nearest to its instant, so it depends on nothing but
// the plan: not on the slice, not on where decoding began.
func (r *renderer) wanted(open *probe.OpenSegment, piece timeline.Piece) []wanted {
	window := r.plan.Window()
	zero := open.Segment.Start.Sub(r.plan.Start)
	var list []wanted
	for _, shot := range open.Shots {
		if shot.At < piece.Run.From || shot.At >= piece.Run.Until {
			continue
		}
		w := wanted{pts: shot.PTS, frame: window.Nearest(zero + shot.At)}
		if w.frame >= piece.End && len(list) > 0 {
			break
		}
		if w.frame <= piece.First && len(list) > 0 {
			list = list[:0] // only the last picture before the piece is still on show
		}
		list = append(list, wanted{pts: w.pts, frame: w.frame})
	}
	if len(list) > 0 {
		list[0].frame = piece.First // held from before, or shown a little early where nothing is before
	}
	return list
}
