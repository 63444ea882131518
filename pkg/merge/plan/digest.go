package plan

import (
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/nvr"
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
	Start    time.Time // from which frames and samples count: midnight
	Encoding ffmpeg.Encoding
	Slice    Slice
	Left     []timeline.Piece
	Right    []timeline.Piece
	Layout   nvr.Layout       `json:",omitempty"`
	Other    []timeline.Piece `json:",omitempty"`
	Takes    []timeline.Take
	GainDB   float64
	Limit    float64
	Leveler  sound.Curve `json:",omitempty"`
	Files    []string    // generations and how they are decoded, in the order of the pieces and takes
	Mixes    []mixed     `json:",omitempty"` // of the takes that are not heard the usual way
}

// mixed is how the channels of a take are heard, and of which sound track.
type mixed struct {
	Take   int
	Mix    ffmpeg.Mix
	Stream int `json:",omitempty"`
}

// SliceDigest names all that shapes one part: a part made for another plan, in which nothing of this
// slice was different, is this part. Frames and samples count from midnight, so that another start of the
// record does not change the parts behind it.
func (p *Plan) SliceDigest(i int) string {
	s := p.Slices[i]
	c := sliceContent{
		Renderer: p.Renderer,
		FFmpeg:   p.FFmpeg,
		Room:     p.Room,
		Start:    p.zero(),
		Encoding: p.Encoding,
		Slice:    Slice{First: p.Origin + s.First, End: p.Origin + s.End},
		Layout:   p.Layout,
		GainDB:   p.Sound.GainDB,
		Limit:    p.Sound.LimitDBFS,
	}
	c.Left = p.digestPieces(&c, p.Within(p.Left, s))
	c.Right = p.digestPieces(&c, p.Within(p.Right, s))
	c.Other = p.digestPieces(&c, p.Within(p.Other, s))
	from, until := p.SoundRange(i)
	c.Leveler = p.Sound.Leveler.Within(from, until)
	for i := range c.Leveler {
		c.Leveler[i].Sample += p.Sample(p.Origin)
	}
	for _, take := range p.Sound.Takes {
		if take.First >= until || take.End <= from {
			continue
		}
		seg := p.Segments[take.File]
		if len(seg.Sound.Mix) > 0 || seg.Sound.Stream > 0 {
			c.Mixes = append(c.Mixes, mixed{Take: len(c.Takes), Mix: seg.Sound.Mix, Stream: seg.Sound.Stream})
		}
		c.Takes = append(c.Takes, p.digestTake(take, from, until))
		c.Files = append(c.Files, decoding(seg))
	}
	return fingerprint(c)
}

// digestPieces counts pieces from midnight, and names their files to c. An index into this plan's list of
// files says nothing to another plan.
func (p *Plan) digestPieces(c *sliceContent, pieces []timeline.Piece) []timeline.Piece {
	for i := range pieces {
		piece := &pieces[i]
		piece.First += p.Origin
		piece.End += p.Origin
		if piece.File >= 0 {
			c.Files = append(c.Files, decoding(p.Segments[piece.File]))
			piece.File = 0
		}
	}
	return pieces
}

// digestTake clips a take to the samples [from, until) that are mixed, and counts it from midnight. Plans of
// the former renderer name their parts by whole takes.
func (p *Plan) digestTake(take timeline.Take, from, until int64) timeline.Take {
	if p.Renderer != formerRenderer {
		if take.First+take.FadeIn <= from {
			take.First, take.FadeIn = from, 0
		}
		if take.End-take.FadeOut >= until {
			take.End, take.FadeOut = until, 0
		}
	}
	origin := p.Sample(p.Origin)
	take.First, take.End, take.Start = take.First+origin, take.End+origin, take.Start+origin
	take.File = 0
	return take
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

// Within clips pieces to a slice. A slate stays whole, because it shows how long its gap is.
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
