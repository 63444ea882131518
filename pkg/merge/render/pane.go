package render

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// change is another picture of a pane, shown from a frame of the record on.
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
	place   plan.Box
	changes chan change
	free    chan []byte // buffers to use again
}

// paneAhead is how many pictures a decoder may be ahead of the encoder. Few are enough to keep both busy, and
// a picture of 1920x1080 takes 3 MB.
const paneAhead = 3

// newPane returns a pane at a place in the picture. Two more buffers than changes exist: one that is being
// decoded, and one that is shown.
func (r *renderer) newPane(pieces []timeline.Piece, place plan.Box) *pane {
	return &pane{
		r:       r,
		pieces:  pieces,
		place:   place,
		changes: make(chan change, paneAhead),
		free:    make(chan []byte, paneAhead+2),
	}
}

// box returns where the pane's pictures go: its place, or the whole picture.
func (p *pane) box(whole bool) plan.Box {
	if whole {
		return p.r.plan.Panes().Whole
	}
	return p.place
}

// run sends all changes of the pane, and closes the channel after the last one, or after an error.
func (p *pane) run(ctx context.Context) error {
	defer close(p.changes)
	for _, piece := range p.pieces {
		if piece.File < 0 {
			if err := p.slate(ctx, piece); err != nil {
				return err
			}
			continue
		}
		if err := p.decodePiece(ctx, piece); err != nil {
			return err
		}
	}
	return nil
}

// send passes a change to the compositor. It waits while the pane is [paneAhead] changes ahead.
func (p *pane) send(ctx context.Context, c change) error {
	select {
	case p.changes <- c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// slate draws the slate of a piece and sends it as one change, at the first frame of the piece within the
// slice.
func (p *pane) slate(ctx context.Context, piece timeline.Piece) error {
	box := p.box(piece.Whole)
	picture, err := drawSlate(slateFor(p.r.texts, p.r.plan, piece), box.Width, box.Height)
	if err != nil {
		return err
	}
	return p.send(ctx, change{
		frame:   max(piece.First, p.r.slice.First),
		picture: picture,
		whole:   piece.Whole,
	})
}

// decodePiece decodes a piece of a file and compares every picture with the file's table.
func (p *pane) decodePiece(ctx context.Context, piece timeline.Piece) error {
	open, err := p.r.segments.Open(ctx, piece.File)
	if err != nil {
		return err
	}
	want, err := p.r.wanted(open, piece)
	if err != nil {
		return fmt.Errorf("render %s: %w", open.Segment.Path, err)
	}
	if len(want) == 0 {
		return fmt.Errorf(
			"segment %s: no picture for frames %d to %d of the plan",
			open.Segment.Path, piece.First, piece.End,
		)
	}
	from, until := neighbours(open, piece.Run, want)
	start, err := open.StartFor(ctx, from)
	if err != nil {
		return fmt.Errorf("render %s: %w", open.Segment.Path, err)
	}
	box := p.box(piece.Whole)
	served := p.r.prober.Proxy.Serve(open.Object)
	request := ffmpeg.Pictures{
		Source: served,
		Stream: open.Table.Stream,
		Shape:  open.Segment.Picture.Shape,
		Fields: open.Segment.Picture.Fields,

		FieldsFrom:  from,
		FieldsUntil: until,

		Seek:    start.Seek,
		SeekAny: start.Any,
		From:    want[0].pts,
		Until:   want[len(want)-1].pts + 1,
		Strict:  true,
		Gradual: start.Gradual,
		Width:   box.Width,
		Height:  box.Height,
		Fit:     true,
		Format:  ffmpeg.YUV420P,
		HD:      open.Table.Picture.Height >= hdLines,
	}
	stream, err := p.r.prober.Tool.OpenPictures(ctx, request)
	if err != nil {
		return errors.Join(err, served.Close())
	}
	f := &follower{
		pane:       p,
		open:       open,
		inspection: open.Inspect(start),
		piece:      piece,
		want:       want,
		size:       ffmpeg.YUV420P.Bytes(box.Width, box.Height),
	}
	err = f.follow(ctx, stream)
	stream.Close()
	if readErr := served.Close(); readErr != nil {
		return fmt.Errorf("render %s: %w", open.Segment.Path, readErr)
	}
	if err != nil {
		return fmt.Errorf("render %s: %w", open.Segment.Path, err)
	}
	if f.damaged() {
		return &probe.DamagedError{Damages: open.Damages(f.missing, f.stalled, f.inspection.Found())}
	}
	return nil
}

// neighbours returns the range of PTS [from, until) that is decoded for wanted pictures. Deinterlacing looks at
// the picture before the first wanted one and at the one behind the last, as far as the run has them. So a
// picture is the same wherever decoding begins.
func neighbours(open *probe.OpenSegment, run timeline.Run, want []wanted) (from, until int64) {
	from, until = want[0].pts, want[len(want)-1].pts+1
	if open.Segment.Picture.Fields == ffmpeg.NoFields {
		return from, until
	}
	first := from
	for _, shot := range open.Shots {
		if shot.At < run.From || shot.At >= run.Until {
			continue
		}
		if shot.PTS < first {
			from = shot.PTS
		}
		if shot.PTS >= until {
			return from, shot.PTS + 1
		}
	}
	return from, until
}

// hdLines is the height from which pictures that name no colour matrix are taken to be BT.709.
const hdLines = 720

// follower sends the pictures of a stream as the frames they are shown at.
type follower struct {
	*pane
	open       *probe.OpenSegment
	inspection *probe.Inspection
	piece      timeline.Piece
	want       []wanted
	size       int // of a picture in bytes

	next    int     // the picture of want that comes next
	missing []int64 // the PTS of pictures that were wanted and did not come, or not whole
	// stalled reports whether FFmpeg stood still at the first of those that are missing at the end.
	stalled bool
}

// follow follows a stream. After the first missing picture it sends nothing, but reads on, so that one pass
// finds all damage. It leaves the stream after the last wanted picture, because FFmpeg may read on for
// seconds before it notices that no more is asked for.
func (f *follower) follow(ctx context.Context, stream *ffmpeg.PictureStream) error {
	for f.next < len(f.want) {
		buf := f.buffer(f.size)
		pts, err := stream.Next(buf)
		switch {
		case errors.Is(err, io.EOF), ffmpeg.IsUndecodable(err):
			f.stalled = errors.Is(err, ffmpeg.ErrStalled)
			return f.lose(ffmpeg.LastPTS)
		case err != nil:
			return err
		}
		if err := f.lose(pts); err != nil {
			return err
		}
		if err := f.inspection.Through(pts); err != nil {
			return err
		}
		if stream.Concealed() {
			f.missing = append(f.missing, pts)
		}
		if err := f.take(ctx, pts, buf); err != nil {
			return err
		}
	}
	return nil
}

// damaged reports whether damage was found so far.
func (f *follower) damaged() bool {
	return len(f.missing) > 0 || len(f.inspection.Found()) > 0
}

// lose notes that the wanted pictures before a PTS did not come. A sample without a picture is not lost: the
// picture before it stays visible.
func (f *follower) lose(before int64) error {
	for ; f.next < len(f.want) && f.want[f.next].pts < before; f.next++ {
		pts := f.want[f.next].pts
		empty, err := f.open.IsEmpty(pts)
		if err != nil {
			return err
		}
		if !empty {
			f.missing = append(f.missing, pts)
		}
	}
	return nil
}

// take sends a picture if it is wanted and will be visible.
func (f *follower) take(ctx context.Context, pts int64, buf []byte) error {
	if f.next == len(f.want) || f.want[f.next].pts != pts {
		f.release(buf) // a picture that the table does not list: nothing is shown of it
		return nil
	}
	w := f.want[f.next]
	f.next++
	replaced, err := f.isReplaced(w)
	if err != nil {
		return err
	}
	if w.frame >= f.piece.End || f.damaged() || replaced {
		f.release(buf) // never on show
		return nil
	}
	return f.send(ctx, change{
		frame:   w.frame,
		picture: buf,
		whole:   f.piece.Whole,
		spent:   true,
	})
}

// isReplaced reports whether a later picture is shown from the same frame on, so that this one is never
// visible.
func (f *follower) isReplaced(w wanted) (bool, error) {
	for i := f.next; i < len(f.want) && f.want[i].frame <= w.frame; i++ {
		empty, err := f.open.IsEmpty(f.want[i].pts)
		if err != nil || !empty {
			return true, err
		}
	}
	return false, nil
}

// buffer returns a free buffer of a size in bytes, or a new one.
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

// release gives a buffer back for reuse. A buffer too many is left to the garbage collector.
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

// wanted returns the pictures of a run that a piece shows, in order, and the one before if the piece begins
// between two pictures. The frame of a picture is the nearest to its instant. It depends only on the plan,
// not on the slice or on where decoding begins.
func (r *renderer) wanted(open *probe.OpenSegment, piece timeline.Piece) ([]wanted, error) {
	window := r.plan.Window()
	zero := open.Segment.Start.Sub(r.plan.Start)
	var list []wanted
	first := 0 // the picture that is on show where the piece begins
	for _, shot := range open.Shots {
		if shot.At < piece.Run.From || shot.At >= piece.Run.Until {
			continue
		}
		w := wanted{pts: shot.PTS, frame: window.Nearest(zero + open.Segment.Since(shot.At))}
		if w.frame >= piece.End && len(list) > 0 {
			break
		}
		if w.frame <= piece.First {
			first = len(list)
		}
		list = append(list, w)
	}
	return onShow(open, list, first, piece.First)
}

// onShow drops the pictures before the one of index first, which is visible at frame. If that sample holds no
// picture, the last one before it that does stays visible, or the first one after it is shown a little early.
func onShow(open *probe.OpenSegment, list []wanted, first int, frame int64) ([]wanted, error) {
	if len(list) == 0 {
		return nil, nil
	}
	holds := func(i int) (bool, error) {
		empty, err := open.IsEmpty(list[i].pts)
		return !empty, err
	}
	begin := -1
	for i := first; i >= 0 && begin < 0; i-- {
		whole, err := holds(i)
		if err != nil {
			return nil, err
		}
		if whole {
			begin = i
		}
	}
	for i := first + 1; i < len(list) && begin < 0; i++ {
		whole, err := holds(i)
		if err != nil {
			return nil, err
		}
		if whole {
			begin = i
		}
	}
	if begin < 0 {
		begin = first
	}
	list = list[begin:]
	list[0].frame = frame // held from before, or shown a little early where nothing is before
	return list, nil
}
