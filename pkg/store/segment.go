package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectSegments = `select time, source, bytes, generation, coalesce(look, '') from merger_segments
 where room = ? and date = ? order by time, source`

	insertSegment = `insert into merger_segments (room, date, time, source, bytes, generation) values (?, ?, ?, ?, ?, ?)`

	// Another generation has other contents: what was seen in the old one is void.
	updateSegment = `update merger_segments set bytes = ?, generation = ?, look = null where room = ? and date = ? and time = ? and source = ?`

	deleteSegment = `delete from merger_segments where room = ? and date = ? and time = ? and source = ? and generation = ?`

	updateLook = `update merger_segments set look = ? where room = ? and date = ? and time = ? and source = ? and generation = ?`

	selectDays = `select date, source, count(*) from merger_segments where room = ? and date >= ? and date <= ?
 group by date, source order by date, source`

	deleteSegmentsBefore = `delete from merger_segments where room = ? and date < ?`
)

// Segments is the index of the footage in the bucket.
type Segments struct{ *database }

// Segment is one file of footage as the index knows it.
type Segment struct {
	Name       nvr.SegmentName
	Bytes      int64
	Generation int64
	Analysis   *Analysis // nil: not looked at
}

// Look is what was seen in one generation of a segment.
type Analysis struct {
	Seconds   float64   `json:"seconds,omitempty"`   // of footage in it
	Fault     string    `json:"fault,omitempty"`     // why it cannot be used; empty if it can
	Silent    bool      `json:"silent,omitempty"`    // it should have sound, and has none to hear
	Stretches []Stretch `json:"stretches,omitempty"` // of a screen: what is on it, over the whole length
}

// Stretch is a part of a screen's segment, in seconds from its start.
type Stretch struct {
	From         float64 `json:"from"`
	To           float64 `json:"to"`
	Presentation bool    `json:"presentation,omitempty"` // false: only the encoder's canvas
}

// segmentKey is a segment within a day of a room.
type segmentKey struct{ time, source string }

// Footage lists what there is of a room on a date (YYYY-MM-DD), by time and source.
func (s Segments) On(ctx context.Context, room, date string) ([]Segment, error) {
	var segments []Segment
	err := s.each(ctx, func() { segments = nil }, func(row scanner) error {
		segment := Segment{Name: nvr.SegmentName{Room: room, Date: date}}
		var look string
		err := row.Scan(&segment.Name.Time, &segment.Name.Source, &segment.Bytes, &segment.Generation, &look)
		if err == nil && look != "" {
			err = json.Unmarshal([]byte(look), &segment.Analysis)
		}
		segments = append(segments, segment)
		return err
	}, selectSegments, room, date)
	if err != nil {
		return nil, fmt.Errorf("list the footage of room %q on %s: %w", room, date, err)
	}
	return segments, nil
}

// IndexSegments makes the index of a room's day what a listing of the bucket found: segments is the whole
// day, its looks are ignored. Only differences are written; it returns how many there were.
func (s Segments) Index(ctx context.Context, room, date string, segments []Segment) (changes int, err error) {
	known, err := s.On(ctx, room, date)
	if err != nil {
		return 0, err
	}
	gone := make(map[segmentKey]Segment, len(known))
	for _, segment := range known {
		gone[segmentKey{segment.Name.Time, segment.Name.Source}] = segment
	}
	type write struct {
		statement string
		args      []any
	}
	var writes []write
	for _, segment := range segments {
		key := segmentKey{segment.Name.Time, segment.Name.Source}
		was, there := gone[key]
		delete(gone, key)
		switch {
		case !there:
			writes = append(writes, write{insertSegment, []any{room, date, key.time, key.source, segment.Bytes, segment.Generation}})
		case was.Generation != segment.Generation || was.Bytes != segment.Bytes:
			writes = append(writes, write{updateSegment, []any{segment.Bytes, segment.Generation, room, date, key.time, key.source}})
		}
	}
	for key, segment := range gone {
		writes = append(writes, write{deleteSegment, []any{room, date, key.time, key.source, segment.Generation}})
	}
	if len(writes) == 0 {
		return 0, nil
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		for _, write := range writes {
			_, err := tx.ExecContext(ctx, write.statement, write.args...)
			if err != nil && !duplicate(err) { // another sweep indexed it: the next one compares again
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("index the footage of room %q on %s: %w", room, date, err)
	}
	return len(writes), nil
}

// SaveLook notes what was seen in a segment, if the index still has that generation.
func (s Segments) SaveAnalysis(ctx context.Context, name nvr.SegmentName, generation int64, look Analysis) error {
	text, err := json.Marshal(look)
	if err != nil {
		return fmt.Errorf("note what %s shows: %w", name, err)
	}
	if _, err := s.exec(ctx, updateLook, string(text), name.Room, name.Date, name.Time, name.Source, generation); err != nil {
		return fmt.Errorf("note what %s shows: %w", name, err)
	}
	return nil
}

// DayCount is how many segments of a source there are on a date.
type DayCount struct {
	Date, Source string
	Segments     int
}

// FootageDays counts the footage of a room on the dates from and to, and those between. A date without footage
// has no line.
func (s Segments) CountByDay(ctx context.Context, room, from, to string) ([]DayCount, error) {
	var days []DayCount
	err := s.each(ctx, func() { days = nil }, func(row scanner) error {
		var day DayCount
		err := row.Scan(&day.Date, &day.Source, &day.Segments)
		days = append(days, day)
		return err
	}, selectDays, room, from, to)
	if err != nil {
		return nil, fmt.Errorf("count the footage of room %q: %w", room, err)
	}
	return days, nil
}

// ForgetSegments takes the footage of a room before a date out of the index.
func (s Segments) Forget(ctx context.Context, room, before string) error {
	if _, err := s.exec(ctx, deleteSegmentsBefore, room, before); err != nil {
		return fmt.Errorf("forget the footage of room %q before %s: %w", room, before, err)
	}
	return nil
}
