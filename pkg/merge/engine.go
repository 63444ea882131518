package merge

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// Engine surveys, plans and renders. Its fields are set before its first use; it is safe for
// concurrent use.
type Engine struct {
	Tool   *ffmpeg.Tool
	Proxy  *rangeproxy.Proxy
	Screen *presence.Judge
	// Learned keeps what analysing a segment gave, under a key that names its generation. It may
	// forget; then the segment is analysed again.
	Learned  Memory
	Progress func(Progress) // called from several goroutines; may be nil

	Analysis  rangeproxy.Meter // bytes of segments read to survey, judge and measure
	Rendering rangeproxy.Meter // bytes of segments read to render
}

// Memory keeps what was learned, here or elsewhere. Keys are made of letters, digits and hyphens. It is
// called from several goroutines.
type Memory interface {
	// Load fills value and returns true, or returns false.
	Load(key string, value any) bool
	Save(key string, value any) error
}

// Stage is what a merge is doing.
type Stage string

// The stages.
const (
	Surveying Stage = "survey"
	Analysing Stage = "analyse"
	Rendering Stage = "render"
	Joining   Stage = "join"
)

// Progress is how far a stage is.
type Progress struct {
	Stage       Stage
	Done, Total int64 // segments, segments, frames, bytes
}

func (e *Engine) progress(stage Stage, done, total int64) {
	if e.Progress != nil {
		e.Progress(Progress{Stage: stage, Done: done, Total: total})
	}
}

// probeWorkers is how many segments are read at once while surveying and analysing.
const probeWorkers = 2

// Plan surveys the clips, judges the screen, measures the sound, and decides everything about the
// merge. damages are stretches that rendering an earlier plan found undecodable.
func (e *Engine) Plan(ctx context.Context, req Request, clips []Clip, damages []Damage) (*Plan, error) {
	var own []Clip
	for _, clip := range clips {
		if ok, _ := req.Belongs(clip.Name); ok {
			own = append(own, clip)
		}
	}
	slices.SortFunc(own, func(a, b Clip) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name.String(), b.Name.String())
		}
		return strings.Compare(a.Path, b.Path)
	})
	segments := make([]*Segment, len(own))
	if err := e.each(ctx, Surveying, len(own), func(ctx context.Context, i int) (err error) {
		segments[i], err = e.survey(ctx, req, own[i], damages)
		return err
	}); err != nil {
		return nil, err
	}
	dropDuplicates(req, segments)
	p := &planner{Engine: e, req: req, window: req.Window(), plan: &Plan{
		Renderer: Renderer, FFmpeg: e.Tool.Version(),
		Room: req.Room, Title: req.Title, Start: req.Start, End: req.End, TimeZone: req.Start.Location().String(),
		Frames: req.Window().Frames, Policy: req.Policy, Segments: segments, Damages: damages,
		Encoding: encoding(req), Slices: cutSlices(req.Window().Frames, req.Rate, req.Slice),
	}}
	if err := p.pictures(ctx); err != nil {
		return nil, err
	}
	if err := p.sound(ctx); err != nil {
		return nil, err
	}
	return p.plan, nil
}

// Encoder settings; see make bench for what they cost and give.
const (
	gopSeconds = 2
	audioBytes = 16000 // with a quarter less, the joints of slices begin to stand out of the encoder's noise
)

// crfAt is x264's rate factor at 25, 30 or 50 fps. It gives shorter pictures a coarser quantiser, and two
// ways of cutting the same record into slices must not come out further apart than 38 dB (TestSlicesGiveTheSame).
func crfAt(rate int) float64 {
	switch rate {
	case 30:
		return 26
	case 50:
		return 25.4
	default:
		return 27.8
	}
}

func encoding(req Request) ffmpeg.Encoding {
	return ffmpeg.Encoding{
		Width: req.Width, Height: req.Height, Rate: req.Rate, CRF: crfAt(req.Rate), GOPFrames: gopSeconds * req.Rate,
		Channels: 1, AudioBytes: audioBytes,
	}
}

// each does the same to n segments, a few at once, and reports progress.
func (e *Engine) each(ctx context.Context, stage Stage, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(probeWorkers)
	var done atomic.Int64
	e.progress(stage, 0, int64(n))
	for i := range n {
		group.Go(func() error {
			if err := do(ctx, i); err != nil {
				return err
			}
			e.progress(stage, done.Add(1), int64(n))
			return nil
		})
	}
	return group.Wait()
}
