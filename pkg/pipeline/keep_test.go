package pipeline_test

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
)

const day = 24 * time.Hour

// keptDays are how many days after its start each segment of a source is kept, by the time in its name: by
// the bucket, which the index must agree with. 0 is for ever.
func (w *env) keptDays(source string) map[string]float64 {
	w.t.Helper()
	db := w.database()
	indexed, err := db.Segments.On(context.Background(), "504", "2026-11-20")
	w.must(errors.Join(err, db.Close()))
	days := map[string]float64{}
	for _, segment := range indexed {
		if segment.Name.Source != source {
			continue
		}
		object := w.segment(segment.Name)
		custom, _ := object["customTime"].(string)
		until, _ := time.Parse(time.RFC3339Nano, custom) // zero without
		if !until.Equal(segment.KeptUntil) {
			w.t.Errorf("%s: the bucket keeps it until %v, the index says %v", segment.Name, until, segment.KeptUntil)
		}
		start, err := nvr.Wall(segment.Name.Date, segment.Name.Time, w.zone())
		w.must(err)
		days[segment.Name.Time] = 0
		if !until.IsZero() {
			days[segment.Name.Time] = float64(until.Sub(start)) / float64(day)
		}
	}
	return days
}

// segment is a segment's object as the API shows it.
func (w *env) segment(name nvr.SegmentName) map[string]any {
	w.t.Helper()
	object := name.Room + "/" + name.Date + "/" + name.String()
	return w.call("GET", "/storage/v1/b/segments/o/"+url.PathEscape(object), nil)
}

func (w *env) zone() *time.Location {
	zone, err := time.LoadLocation("Europe/Moscow")
	w.must(err)
	return zone
}

// index looks through the bucket as the calendar's sweep does.
func (w *env) index() error {
	return w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
		return p.IndexSegments(ctx, 2)
	})
}

// putHours puts segments of a source that hold no footage.
func (w *env) putHours(source string, times ...string) {
	w.t.Helper()
	for _, at := range times {
		name := nvr.SegmentName{Date: "2026-11-20", Time: at, Room: "504", Source: source}
		w.putBytes("segments", "504/2026-11-20/"+name.String(), []byte("x"))
	}
}

// TestKeepByNeed: a segment that no record needs is kept for the spare days. A later record of its hours
// extends that, a withdrawn one does not shorten it.
func TestKeepByNeed(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.settings.Spare = 3 * day
	w.putHours("30", "08:24", "08:25", "09:00", "09:09", "09:10", "11:00")      // of a minute each
	w.insert(func(r *nvr.Record) { r.StartTime, r.EndTime = "08:35", "09:00" }) // with margins 08:25 to 09:10
	w.must(w.index())
	want := map[string]float64{"08:24": 3, "08:25": 14, "09:00": 14, "09:09": 14, "09:10": 3, "11:00": 3}
	if got := w.keptDays("30"); !maps.Equal(got, want) {
		t.Errorf("kept for days: %v, want %v", got, want)
	}

	w.insert(func(r *nvr.Record) { r.StartTime, r.EndTime = "11:05", "11:20" })
	w.sql(`update records set step = 'withdrawn' where id = 1`)
	w.must(w.index())
	want["11:00"] = 14
	if got := w.keptDays("30"); !maps.Equal(got, want) {
		t.Errorf("after another request, kept for days: %v, want %v", got, want)
	}
}

// TestKeepsAllWithoutSpareDays: unless told, nothing is given a time to be deleted at.
func TestKeepsAllWithoutSpareDays(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.putHours("30", "08:00", "08:30")
	w.must(w.index())
	if got := w.keptDays("30"); !maps.Equal(got, map[string]float64{"08:00": 0, "08:30": 0}) {
		t.Errorf("kept for days: %v", got)
	}
}

// TestStageKeepsItsSegments: a record's segments are kept from the moment that it is made, before the next
// look through the bucket.
func TestStageKeepsItsSegments(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.settings.Spare = 3 * day
	w.must(w.index())
	if got := w.keptDays("24")["15:00"]; got != 3 {
		t.Fatalf("before the request: kept for %v days", got)
	}
	w.insert(nil)
	w.until(nvr.StepMerge)
	object := w.segment(nvr.SegmentName{Date: "2026-11-20", Time: "15:00", Room: "504", Source: "24"})
	start, err := nvr.Wall("2026-11-20", "15:00", w.zone())
	w.must(err)
	if got, want := object["customTime"], start.Add(14*day).Format(time.RFC3339); got != want {
		t.Errorf("kept until %v, want %v", got, want)
	}
}
