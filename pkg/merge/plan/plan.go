package plan

import (
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/merge/sound"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Renderer names the rules by which a plan becomes pictures and sound. It changes whenever the same
// plan would give other frames.
const Renderer = "5"

// formerRenderer names the rules by which frames counted from the record's start. Its plans have no origin,
// and can still be rendered.
const formerRenderer = "4"

// Plan is every decision about a merge, with the numbers behind it. The same plan gives the same
// frames, whichever task renders it, however it is cut into slices.
type Plan struct {
	Renderer string `json:"renderer"`
	FFmpeg   string `json:"ffmpeg"`

	Room     string    `json:"room"`
	Title    string    `json:"title"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	TimeZone string    `json:"time_zone"`
	Frames   int64     `json:"frames"`
	// Origin is the number of the first frame, counted from midnight of the room's day. Slices and packets of
	// sound lie on a grid that begins at midnight, so that a record with another start shares them.
	Origin int64  `json:"origin,omitempty"`
	Policy Policy `json:"policy"`
	// Layout is empty for [nvr.LayoutSide], as in plans of former versions.
	Layout   nvr.Layout `json:"layout,omitempty"`
	Withheld []Slice    `json:"withheld,omitempty"` // frames that must not be shown

	Encoding ffmpeg.Encoding  `json:"encoding"`
	Segments []*probe.Segment `json:"segments"`
	Verdicts []probe.Judged   `json:"verdicts"` // of the screen source, file by file
	Damages  []probe.Damage   `json:"damages,omitempty"`
	Warnings []Warning        `json:"warnings,omitempty"` // beside those of the segments
	Synced   []Synced         `json:"sync,omitempty"`

	Sources []PlannedSource  `json:"sources"`
	Scenes  []timeline.Scene `json:"scenes"`
	Slides  []ShownSlide     `json:"slides,omitempty"`
	Left    []timeline.Piece `json:"left"`
	Right   []timeline.Piece `json:"right"`
	Other   []timeline.Piece `json:"other,omitempty"` // the third picture of [nvr.LayoutStage]
	Sound   sound.Planned    `json:"sound"`
	Slices  []Slice          `json:"slices"`
}

// PlannedSource is a source over the whole record.
type PlannedSource struct {
	Role   nvr.Role        `json:"role,omitempty"` // empty: sound only
	Source string          `json:"source"`
	Spans  []timeline.Span `json:"spans"`
}

// Synced is how a source was measured against the one that is heard.
type Synced struct {
	Source    string        `json:"source"`
	Reference string        `json:"reference"`
	Offset    time.Duration `json:"offset_ns"` // by which the source is later, at the start of its first file
	DriftPPB  int64         `json:"drift_ppb"` // parts in 1e9 by which its clock runs slower
	Sure      bool          `json:"sure"`
	Windows   int           `json:"windows"` // stretches of sound that agree
}

// Empty reports whether there is nothing to show at all.
func (p *Plan) Empty() bool {
	return !slices.ContainsFunc(p.Pieces(), func(piece timeline.Piece) bool { return piece.File >= 0 })
}

// Pieces returns the pieces of all panes.
func (p *Plan) Pieces() []timeline.Piece {
	return slices.Concat(p.Left, p.Right, p.Other)
}

// zero returns the instant from which frames count on the grid of slices.
func (p *Plan) zero() time.Time {
	return p.Start.Add(-timeline.Window{Rate: p.Encoding.Rate}.Offset(p.Origin))
}

// Window is the record's time in frames.
func (p *Plan) Window() timeline.Window {
	return timeline.Window{
		Start:  p.Start,
		Frames: p.Frames,
		Rate:   p.Encoding.Rate,
	}
}
