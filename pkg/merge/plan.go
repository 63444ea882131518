package merge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Renderer names the rules by which a plan becomes pictures and sound. It changes whenever the same
// plan would give other frames.
const Renderer = "4"

// Plan is every decision about a merge, with the numbers behind it. The same plan gives the same
// frames, whoever renders it, in whatever slices at once.
type Plan struct {
	Renderer string `json:"renderer"`
	FFmpeg   string `json:"ffmpeg"`

	Room     string    `json:"room"`
	Title    string    `json:"title"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	TimeZone string    `json:"time_zone"`
	Frames   int64     `json:"frames"`
	Policy   Policy    `json:"policy"`

	Encoding ffmpeg.Encoding `json:"encoding"`
	Segments []*Segment      `json:"segments"`
	Verdicts []Judged        `json:"verdicts"` // of the screen source, file by file
	Damages  []Damage        `json:"damages,omitempty"`

	Sources []PlannedSource  `json:"sources"`
	Scenes  []timeline.Scene `json:"scenes"`
	Left    []timeline.Piece `json:"left"`
	Right   []timeline.Piece `json:"right"`
	Sound   PlannedSound     `json:"sound"`
	Slices  []Slice          `json:"slices"`
}

// PlannedSource is a source over the whole record.
type PlannedSource struct {
	Role   nvr.Role        `json:"role,omitempty"` // empty: sound only
	Source string          `json:"source"`
	Spans  []timeline.Span `json:"spans"`
}

// PlannedSound is whose sound is heard, and how loud.
type PlannedSound struct {
	Channels   int              `json:"channels"`
	Target     *float64         `json:"target_lufs"` // nil: loudness is left as it was
	Measured   *Measured        `json:"measured,omitempty"`
	GainDB     float64          `json:"gain_db"`
	LimitDBFS  float64          `json:"limit_dbfs,omitempty"` // 0: no limiter
	Candidates []string         `json:"candidates"`           // last octets, best first
	Thresholds map[string]int16 `json:"silent_below_dbtp_hundredths,omitempty"`
	Heard      []Heard          `json:"heard"`
	Takes      []timeline.Take  `json:"takes"`
}

// Heard is a stretch of the record's sound, in tenths of a second, and where it comes from.
type Heard struct {
	First  int64  `json:"first"`
	End    int64  `json:"end"`
	Source string `json:"source"` // empty: nothing is heard
	Reason string `json:"reason"`
}

// Measured is the loudness of the record's sound before the gain.
type Measured struct {
	LUFS         float64 `json:"lufs"`
	TruePeakDBTP float64 `json:"true_peak_dbtp"`
}

// Judged is a screen segment's verdicts, in time since its zero.
type Judged struct {
	Path      string          `json:"path"`
	HalfHour  bool            `json:"half_hour_presentation"` // as a whole
	Stretches []JudgedStretch `json:"stretches"`
}

// JudgedStretch is one verdict.
type JudgedStretch struct {
	From         time.Duration `json:"from"`
	Until        time.Duration `json:"until"`
	Presentation bool          `json:"presentation"`
	Cause        string        `json:"cause"`
}

// Slice is a run of frames that one task renders: [First, End).
type Slice struct {
	First int64 `json:"first"`
	End   int64 `json:"end"`
}

// packetSamples is the length of an AAC-LC packet.
const packetSamples = 1024

// gridFrames is the smallest count of frames that is also a whole count of AAC packets at 48 kHz:
// slices begin at its multiples, so that parts join by whole packets.
func gridFrames(rate int) int64 {
	for frames := int64(1); ; frames++ {
		if frames*ffmpeg.SampleRate%(int64(rate)*packetSamples) == 0 {
			return frames
		}
	}
}

// cutSlices divides the record. A rest under a second belongs to the slice before it.
func cutSlices(frames int64, rate int, length time.Duration) []Slice {
	grid := gridFrames(rate)
	step := int64(math.Ceil(length.Seconds()*float64(rate)/float64(grid))) * grid
	var slices []Slice
	for first := int64(0); first < frames; first += step {
		slices = append(slices, Slice{First: first, End: min(first+step, frames)})
	}
	if n := len(slices); n > 1 && slices[n-1].End-slices[n-1].First < int64(rate) {
		slices[n-2].End = slices[n-1].End
		slices = slices[:n-1]
	}
	return slices
}

// JSON is the plan as plan.json holds it. The same plan gives the same bytes.
func (p *Plan) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the plan as JSON: %w", err)
	}
	return append(text, '\n'), nil
}

// Digest names all that shapes the frames and the sound of the merge. The title does not: it stands
// in the joined file's header only.
func (p *Plan) Digest() string {
	content := *p
	content.Title = ""
	return digest(content)
}

// Empty tells whether there is nothing to show at all.
func (p *Plan) Empty() bool {
	for _, piece := range p.Left {
		if piece.File >= 0 {
			return false
		}
	}
	for _, piece := range p.Right {
		if piece.File >= 0 {
			return false
		}
	}
	return true
}

// Window is the record's time in frames.
func (p *Plan) Window() timeline.Window {
	return timeline.Window{Start: p.Start, Frames: p.Frames, Rate: p.Encoding.Rate}
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
	Files    []string // generations, in the order of the pieces and takes
}

// SliceDigest names all that shapes one part: a part made for another plan, in which nothing of this
// slice was different, is this part.
func (p *Plan) SliceDigest(i int) string {
	s := p.Slices[i]
	c := sliceContent{
		Renderer: p.Renderer, FFmpeg: p.FFmpeg, Room: p.Room, Start: p.Start, Encoding: p.Encoding, Slice: s,
		Left: p.within(p.Left, s), Right: p.within(p.Right, s), GainDB: p.Sound.GainDB, Limit: p.Sound.LimitDBFS,
	}
	from, until := p.soundRange(i)
	for _, take := range p.Sound.Takes {
		if take.First < until && take.End > from {
			c.Takes = append(c.Takes, take)
		}
	}
	name := func(file *int) {
		if *file >= 0 {
			c.Files = append(c.Files, p.Segments[*file].Generation)
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
	return digest(c)
}

// within clips pieces to a slice. A slate is left whole: it tells how long its hole is.
func (p *Plan) within(pieces []timeline.Piece, s Slice) []timeline.Piece {
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
	const little = 100 * time.Millisecond
	return timeline.Run{
		From:  max(piece.Run.From, window.Offset(piece.First)-zero-seg.Picture.Hold-timeline.HoldMax-little),
		Until: min(piece.Run.Until, window.Offset(piece.End)-zero+little),
	}
}

func digest(content any) string {
	text, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Sprintf("a plan holds only what JSON can: %v", err))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Packets of sound that are encoded before a slice and after it, and dropped: the encoder's state
// and the overlap of its blocks at the joint are those of one encode.
const (
	leadPackets = 16
	tailPackets = 4
)

// soundRange is which samples the encoder of slice i is given.
func (p *Plan) soundRange(i int) (from, until int64) {
	s := p.Slices[i]
	from, until = p.sample(s.First), p.sample(s.End)
	until = (until+packetSamples-1)/packetSamples*packetSamples + tailPackets*packetSamples
	if i > 0 {
		from -= leadPackets * packetSamples
	}
	return from, until
}

// packetWindow is which of the encoder's packets belong to slice i. The encoder's packet j holds the
// blocks j-1 and j: the very first is priming, which only the first slice keeps.
func (p *Plan) packetWindow(i int) (first, count int64) {
	s := p.Slices[i]
	count = (p.sample(s.End)+packetSamples-1)/packetSamples - p.sample(s.First)/packetSamples
	if i == 0 {
		return 0, count + 1
	}
	return leadPackets + 1, count
}

// sample is the first sample of a frame.
func (p *Plan) sample(frame int64) int64 {
	return frame * ffmpeg.SampleRate / int64(p.Encoding.Rate)
}
