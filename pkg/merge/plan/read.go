package plan

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// errMoreText reports text after the end of the plan.
var errMoreText = errors.New("more text after the end")

// ErrNotPlan means that a text is not a plan that this renderer can render.
var ErrNotPlan = errors.New("not a plan")

// ReadPlan reads what [Plan.JSON] wrote, in this process or another one. The plan is whole but for the
// bytes of its segments: see [Plan.Bind]. Everything that rendering relies on is checked; a failed check
// returns [ErrNotPlan].
func ReadPlan(text []byte) (*Plan, error) {
	p := &Plan{}
	err := decode(text, p)
	if err == nil {
		err = p.check()
	}
	if err == nil {
		err = p.localise()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotPlan, err)
	}
	for _, seg := range p.Segments {
		seg.Clip = probe.Clip{Path: seg.Path, Generation: seg.Generation}
		// A plan may name its segments otherwise than files are named; rendering does not need the name.
		if name, err := nvr.ParseSegmentName(path.Base(seg.Path)); err == nil {
			seg.Name = name
		}
	}
	return p, nil
}

// Bind sets how the segments of a plan are opened. open receives a segment's path and generation, and must
// fail if that generation no longer exists. It is called from several goroutines.
func (p *Plan) Bind(open func(ctx context.Context, path, generation string) (probe.Bytes, error)) {
	for _, seg := range p.Segments {
		seg.Open = func(ctx context.Context) (probe.Bytes, error) {
			return open(ctx, seg.Path, seg.Generation)
		}
	}
}

// localise gives the plan's times the room's zone again, of which JSON keeps only the offset. Slates and
// chapters show the room's time on both sides of a clock change.
func (p *Plan) localise() error {
	zone, err := time.LoadLocation(p.TimeZone)
	same := func(t time.Time) bool {
		return t.In(zone).Format(time.RFC3339) == t.Format(time.RFC3339)
	}
	if err != nil || !same(p.Start) || !same(p.End) {
		// A zone that has no name in the tables is a fixed offset; then there is no clock change.
		if p.Start.Format("-07:00") != p.End.Format("-07:00") {
			return fmt.Errorf(
				"its clock changes, and time zone %q is unknown",
				p.TimeZone,
			)
		}
		_, offset := p.Start.Zone()
		zone = time.FixedZone(p.TimeZone, offset)
	}
	p.Start, p.End = p.Start.In(zone), p.End.In(zone)
	for _, seg := range p.Segments {
		seg.Start = seg.Start.In(zone)
	}
	return nil
}
