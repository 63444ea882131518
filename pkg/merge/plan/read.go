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

// ErrNotPlan reports that a text is not a plan that this renderer can follow.
var ErrNotPlan = errors.New("not a plan")

// ReadPlan reads what [Plan.JSON] wrote, in this process or another one. The plan is whole but for the
// bytes of its segments: see [Plan.Bind]. Everything that rendering relies on is checked; what does
// not hold is [ErrNotPlan].
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

// Bind says how the segments of a plan are opened. open is given a segment's path and generation, and
// must fail if that generation is not there any more. It is called from several goroutines.
func (p *Plan) Bind(open func(ctx context.Context, path, generation string) (probe.Bytes, error)) {
	for _, seg := range p.Segments {
		seg.Open = func(ctx context.Context) (probe.Bytes, error) {
			return open(ctx, seg.Path, seg.Generation)
		}
	}
}

// localise gives the plan's instants the room's zone again, of which JSON keeps the offset only: slates
// and chapters tell the room's time on both sides of a clock change.
func (p *Plan) localise() error {
	zone, err := time.LoadLocation(p.TimeZone)
	same := func(t time.Time) bool {
		return t.In(zone).Format(time.RFC3339) == t.Format(time.RFC3339)
	}
	if err != nil || !same(p.Start) || !same(p.End) {
		// A zone that has no name in the tables is a fixed offset; then there is no clock change.
		if p.Start.Format("-07:00") != p.End.Format("-07:00") {
			return fmt.Errorf(
				"the clock changes in it, and nothing is known of time zone %q",
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
