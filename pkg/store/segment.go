package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectSegments = `select time, source, bytes, generation, kept_until, coalesce(look, '') from merger_segments
 where room = ? and date = ? order by time, source`

	insertSegment = `insert into merger_segments (room, date, time, source, bytes, generation, kept_until)
 values (?, ?, ?, ?, ?, ?, ?)`

	// A new generation has other contents, so the analysis of the old one is deleted.
	updateSegment = `update merger_segments set bytes = ?, generation = ?, kept_until = ?, look = null
 where room = ? and date = ? and time = ? and source = ?`

	updateKeptUntil = `update merger_segments set kept_until = ?
 where room = ? and date = ? and time = ? and source = ? and generation = ?`

	deleteSegment = `delete from merger_segments where room = ? and date = ? and time = ? and source = ? and generation = ?`

	updateAnalysis = `update merger_segments set look = ?
 where room = ? and date = ? and time = ? and source = ? and generation = ?`

	selectDays = `select date, source, count(*) from merger_segments where room = ? and date >= ? and date <= ?
 group by date, source order by date, source`

	deleteSegmentsBefore = `delete from merger_segments where room = ? and date < ?`
)

// Segments is the index of the footage in the bucket.
type Segments struct{ *database }

// Segment is one file of footage in the index.
type Segment struct {
	Name       nvr.SegmentName
	Bytes      int64
	Generation int64     // of the object in the bucket
	KeptUntil  time.Time // when the bucket deletes it, UTC; zero: by its age alone
	Analysis   *Analysis // nil: not analysed yet
}

// Analysis is what was found in one generation of a segment. Its JSON is the column look.
type Analysis struct {
	Seconds   float64   `json:"seconds,omitempty"`   // length of the footage
	Fault     string    `json:"fault,omitempty"`     // why the file cannot be used; empty if it can
	Silent    bool      `json:"silent,omitempty"`    // the source should have sound, but no sound is audible
	Stretches []Stretch `json:"stretches,omitempty"` // of a screen, over the whole length
}

// Stretch is a part of a screen's segment. From and To are seconds from the start of the segment.
type Stretch struct {
	From         float64 `json:"from"`
	To           float64 `json:"to"`
	Presentation bool    `json:"presentation,omitempty"` // false: the idle screen of the encoder
}

// On lists the footage of a room on a date (YYYY-MM-DD), by time and source.
func (s Segments) On(ctx context.Context, room, date string) ([]Segment, error) {
	var segments []Segment
	reset := func() { segments = nil }
	scan := func(row scanner) error {
		segment := Segment{Name: nvr.SegmentName{Room: room, Date: date}}
		var analysis string
		var keptUntil int64
		err := row.Scan(
			&segment.Name.Time,
			&segment.Name.Source,
			&segment.Bytes,
			&segment.Generation,
			&keptUntil,
			&analysis,
		)
		segment.KeptUntil = instant(keptUntil)
		if err == nil && analysis != "" {
			err = json.Unmarshal([]byte(analysis), &segment.Analysis)
		}
		segments = append(segments, segment)
		return err
	}
	if err := s.each(ctx, reset, scan, selectSegments, room, date); err != nil {
		return nil, fmt.Errorf("list the footage of room %q on %s: %w", room, date, err)
	}
	return segments, nil
}

// segmentKey identifies a segment within one day of one room.
type segmentKey struct{ time, source string }

func keyOf(segment *Segment) segmentKey {
	return segmentKey{
		segment.Name.Time,
		segment.Name.Source,
	}
}

// segmentChange is one statement that updates the index.
type segmentChange struct {
	statement string
	args      []any
}

// Index updates the index of a room's day to a listing of the bucket. segments is the listing of the whole
// day; their analyses are ignored. Only differences are written. It returns their number.
func (s Segments) Index(ctx context.Context, room, date string, segments []Segment) (changes int, err error) {
	known, err := s.On(ctx, room, date)
	if err != nil {
		return 0, err
	}
	writes := segmentChanges(room, date, known, segments)
	if len(writes) == 0 {
		return 0, nil
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		for _, write := range writes {
			_, err := tx.ExecContext(ctx, write.statement, write.args...)
			if err != nil && !isDuplicate(err) { // a concurrent sweep indexed it; the next sweep compares again
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

// segmentChanges returns the statements that turn the known segments of a day into the listed ones.
func segmentChanges(room, date string, known, listed []Segment) []segmentChange {
	gone := make(map[segmentKey]*Segment, len(known))
	for i := range known {
		gone[keyOf(&known[i])] = &known[i]
	}
	var changes []segmentChange
	for _, segment := range listed {
		key := keyOf(&segment)
		old := gone[key]
		delete(gone, key)
		if old == nil {
			args := []any{room, date, key.time, key.source, segment.Bytes, segment.Generation, millis(segment.KeptUntil)}
			changes = append(changes, segmentChange{insertSegment, args})
		} else if old.Generation != segment.Generation || old.Bytes != segment.Bytes {
			args := []any{segment.Bytes, segment.Generation, millis(segment.KeptUntil), room, date, key.time, key.source}
			changes = append(changes, segmentChange{updateSegment, args})
		} else if !old.KeptUntil.Equal(segment.KeptUntil) {
			args := []any{millis(segment.KeptUntil), room, date, key.time, key.source, segment.Generation}
			changes = append(changes, segmentChange{updateKeptUntil, args})
		}
	}
	for key, segment := range gone {
		args := []any{room, date, key.time, key.source, segment.Generation}
		changes = append(changes, segmentChange{deleteSegment, args})
	}
	return changes
}

// SaveAnalysis stores the analysis of one generation of a segment. If the index has another generation by
// now, nothing is stored.
func (s Segments) SaveAnalysis(ctx context.Context, name nvr.SegmentName, generation int64, analysis Analysis) error {
	text, err := json.Marshal(analysis)
	if err != nil {
		return fmt.Errorf("save the analysis of %s: %w", name, err)
	}
	args := []any{string(text), name.Room, name.Date, name.Time, name.Source, generation}
	if _, err := s.exec(ctx, updateAnalysis, args...); err != nil {
		return fmt.Errorf("save the analysis of %s: %w", name, err)
	}
	return nil
}

// DayCount is the number of segments of one source on one date (YYYY-MM-DD).
type DayCount struct {
	Date, Source string
	Segments     int
}

// CountByDay counts the footage of a room on the dates from and to and those between (YYYY-MM-DD). Dates
// without footage are left out.
func (s Segments) CountByDay(ctx context.Context, room, from, to string) ([]DayCount, error) {
	var days []DayCount
	reset := func() { days = nil }
	scan := func(row scanner) error {
		var day DayCount
		err := row.Scan(&day.Date, &day.Source, &day.Segments)
		days = append(days, day)
		return err
	}
	if err := s.each(ctx, reset, scan, selectDays, room, from, to); err != nil {
		return nil, fmt.Errorf("count the footage of room %q: %w", room, err)
	}
	return days, nil
}

// Forget deletes the footage of a room before a date (YYYY-MM-DD) from the index. The bucket keeps it.
func (s Segments) Forget(ctx context.Context, room, before string) error {
	if _, err := s.exec(ctx, deleteSegmentsBefore, room, before); err != nil {
		return fmt.Errorf(
			"remove the footage of room %q before %s from the index: %w",
			room, before, err,
		)
	}
	return nil
}
