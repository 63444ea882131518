package plan

import (
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Digest names all that shapes the frames and the sound of the merge. The title does not: it stands
// in the joined file's header only.
func (p *Plan) Digest() string {
	content := *p
	content.Title = ""
	return fingerprint(content)
}

// sliceContent is all that shapes one part.
type sliceContent struct {
	Renderer string
	FFmpeg   string
	Room     string
	Start    time.Time
	Encoding ffmpeg.Encoding
	Slice    Slice
	Left     []timeline.Piece
	Right    []timeline.Piece
	Takes    []timeline.Take
	GainDB   float64
	Limit    float64
	Files    []string // generations and how they are decoded, in the order of the pieces and takes
	Mixes    []mixed  `json:",omitempty"` // of the takes that are not heard the usual way
}

// mixed is how the channels of a take are heard, and of which sound track.
type mixed struct {
	Take   int
	Mix    ffmpeg.Mix
	Stream int `json:",omitempty"`
}

// SliceDigest names all that shapes one part: a part made for another plan, in which nothing of this
// slice was different, is this part.
func (p *Plan) SliceDigest(i int) string {
	s := p.Slices[i]
	c := sliceContent{
		Renderer: p.Renderer,
		FFmpeg:   p.FFmpeg,
		Room:     p.Room,
		Start:    p.Start,
		Encoding: p.Encoding,
		Slice:    s,
		Left:     p.Within(p.Left, s),
		Right:    p.Within(p.Right, s),
		GainDB:   p.Sound.GainDB,
		Limit:    p.Sound.LimitDBFS,
	}
	from, until := p.SoundRange(i)
	for _, take := range p.Sound.Takes {
		if take.First < until && take.End > from {
			if track := p.Segments[take.File].Sound; len(track.Mix) > 0 || track.Stream > 0 {
				c.Mixes = append(c.Mixes, mixed{Take: len(c.Takes), Mix: track.Mix, Stream: track.Stream})
			}
			c.Takes = append(c.Takes, take)
		}
	}
	name := func(file *int) {
		if *file >= 0 {
			c.Files = append(c.Files, decoding(p.Segments[*file]))
			*file = 0 // an index into this plan's list says nothing to another plan
		}
	}
	for i := range c.Left {
		name(&c.Left[i].File)
	}
	for i := range c.Right {
		name(&c.Right[i].File)
	}
	for i := range c.Takes {
		name(&c.Takes[i].File)
	}
	return fingerprint(c)
}

// decoding names a file and how it is decoded and placed, where that is not the usual way.
func decoding(seg *probe.Segment) string {
	name := seg.Generation
	if picture := seg.Picture; picture != nil {
		if picture.Stream != 0 {
			name += fmt.Sprintf(" stream %d", picture.Stream)
		}
		if picture.Fields != ffmpeg.NoFields {
			name += " fields " + string(picture.Fields)
		}
		if picture.Shape != (ffmpeg.Shape{}) {
			name += " shape " + picture.Shape.String()
		}
	}
	if seg.Sync != (probe.Sync{}) {
		name += fmt.Sprintf(" later by %d ns, %d ppb", seg.Sync.Lag, seg.Sync.DriftPPB)
	}
	return name
}

// Within clips pieces to a slice. A slate is left whole: it tells how long its hole is.
func (p *Plan) Within(pieces []timeline.Piece, s Slice) []timeline.Piece {
	var out []timeline.Piece
	for _, piece := range pieces {
		if piece.First < s.End && piece.End > s.First {
			if piece.File >= 0 {
				piece.First, piece.End = max(piece.First, s.First), min(piece.End, s.End)
				piece.Run = p.near(piece)
			}
			out = append(out, piece)
		}
	}
	return out
}

// near is what a piece can show of its run: from the picture that may still be on show where it
// begins, to its end, and a little. What happens to the file elsewhere is nothing to the slice.
func (p *Plan) near(piece timeline.Piece) timeline.Run {
	window := p.Window()
	seg := p.Segments[piece.File]
	zero := seg.Start.Sub(p.Start)
	little := 100*time.Millisecond + (seg.Since(seg.Length) - seg.Length).Abs()
	before, after := seg.Picture.Hold+timeline.HoldMax+little, little
	if !piece.Cause.IsZero() {
		before += timeline.DamageHold
	}
	if seg.Picture.Fields != ffmpeg.NoFields { // the neighbours of what is shown, too
		before, after = before+seg.Picture.Hold, after+seg.Picture.Hold
	}
	return timeline.Run{
		From:  max(piece.Run.From, window.Offset(piece.First)-zero-before),
		Until: min(piece.Run.Until, window.Offset(piece.End)-zero+after),
	}
}
