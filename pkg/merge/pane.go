package merge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
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
	return &pane{r: r, pieces: pieces, changes: make(chan change, paneAhead), free: make(chan []byte, paneAhead+2)}
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
	picture, err := drawSlate(p.r.plan.slateFor(piece), width, height)
	if err != nil {
		return err
	}
	return p.send(ctx, change{frame: max(piece.First, p.r.slice.First), picture: picture, whole: piece.Whole})
}

// pictureRuns decodes a piece of a file and holds every picture against the file's table.
func (p *pane) film(ctx context.Context, piece timeline.Piece) error {
	open, err := p.r.open(ctx, piece.File)
	if err != nil {
		return err
	}
	want := p.r.wanted(open, piece)
	if len(want) == 0 {
		return fmt.Errorf("segment %s: no picture for frames %d to %d of the plan", open.seg.Path, piece.First, piece.End)
	}
	width, height := p.r.size(piece.Whole)
	served := p.r.Proxy.Serve(open.object)
	stream, err := p.r.Tool.OpenPictures(ctx, ffmpeg.Pictures{
		URL: served.URL, Seek: open.seekTo(want[0].pts), From: want[0].pts, Until: want[len(want)-1].pts + 1,
		Strict: true, Width: width, Height: height, Fit: true, Format: ffmpeg.YUV420P,
		HD: open.table.picture.Height >= hdLines,
	})
	if err != nil {
		return errors.Join(err, served.Close())
	}
	missing, err := p.follow(ctx, stream, piece, want, ffmpeg.YUV420P.Bytes(width, height))
	stream.Close()
	if readErr := served.Close(); readErr != nil {
		return fmt.Errorf("render %s: %w", open.seg.Path, readErr)
	}
	if err != nil {
		return fmt.Errorf("render %s: %w", open.seg.Path, err)
	}
	if len(missing) > 0 {
		return &DamagedError{Damages: open.damages(missing)}
	}
	return nil
}

// hdLines is the height from which on pictures are coded as high definition is.
const hdLines = 720

// follow sends the pictures of a stream as the frames they are shown at, and returns those that were
// wanted and did not come. After the first of these nothing is sent any more, but the rest is still
// read: one look finds all that is broken. After the last one wanted the stream is left: FFmpeg may
// read on for seconds before it notices that no more is asked for.
func (p *pane) follow(ctx context.Context, stream *ffmpeg.PictureStream, piece timeline.Piece, want []wanted, size int) ([]wanted, error) {
	var missing []wanted
	for next := 0; next < len(want); {
		buf := p.buffer(size)
		pts, err := stream.Next(buf)
		var broken *ffmpeg.Error
		switch {
		case errors.Is(err, io.EOF), errors.As(err, &broken) && !broken.Killed():
			return append(missing, want[next:]...), nil
		case err != nil:
			return nil, err
		}
		for next < len(want) && want[next].pts < pts {
			missing = append(missing, want[next])
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
		if err := p.send(ctx, change{frame: w.frame, picture: buf, whole: piece.Whole, spent: true}); err != nil {
			return nil, err
		}
	}
	return missing, nil
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
func (r *renderer) wanted(open *openSegment, piece timeline.Piece) []wanted {
	window := r.plan.Window()
	zero := open.seg.Start.Sub(r.plan.Start)
	var list []wanted
	for _, shot := range open.shots {
		if shot.at < piece.Run.From || shot.at >= piece.Run.Until {
			continue
		}
		w := wanted{pts: shot.pts, frame: window.Nearest(zero + shot.at)}
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

// seekTo is where to begin reading so that the picture of a PTS can be decoded: at the key frame
// before it. A microsecond is added, for FFmpeg's seconds are cut to microseconds.
func (o *openSegment) seekTo(pts int64) *time.Duration {
	i, found := slices.BinarySearch(o.keys, pts)
	if !found {
		i--
	}
	if i <= 0 {
		return nil
	}
	at := (o.ticks(o.keys[i])) + time.Microsecond
	return &at
}

// damages turns missing pictures into stretches of the file: from a picture that did not come to the
// next key frame, for what is decoded in between rests on it.
func (o *openSegment) damages(missing []wanted) []Damage {
	var out []Damage
	for _, m := range missing {
		from, until := o.extent(m.pts)
		if n := len(out); n > 0 && from <= out[n-1].Until {
			out[n-1].Until = max(out[n-1].Until, until)
			continue
		}
		out = append(out, Damage{Path: o.seg.Path, Generation: o.seg.Generation, From: from, Until: until})
	}
	return out
}

// extent is how far the loss of one picture reaches. Pictures that are decoded after it and shown
// before it (B-frames) are lost with it.
func (o *openSegment) extent(pts int64) (from, until time.Duration) {
	track := o.table.picture
	first := slices.IndexFunc(o.table.picture.Samples, func(s sample) bool { return !s.Hidden && s.PTS == pts })
	from, until = o.table.at(track, pts), o.end()
	for i := first; i >= 0 && i < len(track.Samples); i++ {
		s := &track.Samples[i]
		if i > first && s.Key {
			until = o.table.at(track, s.PTS)
			break
		}
		if !s.Hidden {
			from = min(from, o.table.at(track, s.PTS))
		}
	}
	return from, until
}
