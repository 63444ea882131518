package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// logQueue writes down how much waits. Claim does so at each run: if the line is missing, nothing moves.
func (p *Pipeline) logQueue(ctx context.Context) error {
	queue, err := p.Store.Queue.Stats(ctx)
	if err != nil {
		return err
	}
	late, err := p.Store.Queue.CountOverdue(ctx, p.Now().Add(-observe.InTime))
	if err != nil {
		return err
	}
	oldest := time.Duration(0)
	if !queue.Oldest.IsZero() {
		oldest = max(0, p.Now().Sub(queue.Oldest))
	}
	p.Log.InfoContext(ctx, "queue", observe.Queue(
		queue.Due+queue.Waiting,
		oldest,
		queue.Held,
		late,
	))
	return nil
}

// seenAtLeast is how much of a screen's day must have been looked at before the day is judged. Only
// footage that a record used is looked at.
const seenAtLeast = 3 * time.Hour

// ReportIdleScreens logs every room whose encoder sent only its idle screen yesterday, by the room's date. It
// is called once a day.
func (p *Pipeline) ReportIdleScreens(ctx context.Context) error {
	rooms, err := p.Store.Rooms.List(ctx)
	if err != nil {
		return fmt.Errorf("list the rooms: %w", err)
	}
	for _, room := range rooms {
		date := p.Now().In(room.Zone).AddDate(0, 0, -1).Format(time.DateOnly)
		segments, err := p.Store.Segments.On(ctx, room.Name, date)
		if err != nil {
			return err
		}
		if canvasOnly(room, segments) {
			p.Log.WarnContext(
				ctx, "the encoder showed only its idle screen all day",
				observe.Canvas(room.Name, date),
			)
		}
	}
	return nil
}

// canvasOnly reports whether a room's screen was judged for long enough, and never showed a presentation.
func canvasOnly(room nvr.Room, segments []store.Segment) bool {
	screen, seen := nvr.Octet(room.ScreenSource), 0.0
	for _, segment := range segments {
		if segment.Analysis == nil || segment.Name.Source != screen {
			continue
		}
		if slices.ContainsFunc(segment.Analysis.Stretches, func(s store.Stretch) bool {
			return s.Presentation
		}) {
			return false
		}
		for _, stretch := range segment.Analysis.Stretches {
			seen += stretch.To - stretch.From
		}
	}
	return screen != "" && seen >= seenAtLeast.Seconds()
}
