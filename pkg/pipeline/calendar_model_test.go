package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// model is what a calendar says, as the test made it.
type model struct {
	w     *sweepWorld
	r     *rand.Rand
	ids   []string
	begun map[int64]string // records whose processing began, with their window then
}

// TestSweepModel edits calendars at random, sweeps at random moments (also two at once, cut off at any
// call, with answers lost), and holds in the end that the records are what the calendars say.
func TestSweepModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newSweepWorld(t, "504", "505")
			m := &model{w: w, r: rand.New(rand.NewPCG(seed, 5)), begun: map[int64]string{}}
			w.must(w.table.Add(faults.Rule{
				API:    faults.Any,
				Method: faults.Any,
				Rate:   0.05,
				Kind:   faults.Broken,
				Seed:   int64(seed),
			}))
			w.must(w.table.Add(faults.Rule{
				API:    faults.Any,
				Method: faults.Any,
				Rate:   0.05,
				Kind:   faults.Lost,
				Seed:   int64(seed),
			}))
			steps := 90
			if testing.Short() {
				steps = 30
			}
			for range steps {
				m.edit()
				m.sweepSomehow()
				if m.r.IntN(12) == 0 {
					m.beginOne()
				}
			}
			w.table.Clear()
			w.must(w.sweep.Sweep(context.Background()))
			m.compare(t)
			before := w.records("504")
			w.must(w.sweep.Sweep(context.Background()))
			if after := w.records("504"); !slices.Equal(before, after) {
				t.Errorf("a further sweep changes\n%v\nto\n%v", before, after)
			}
		})
	}
}

func (m *model) room() string { return []string{"504", "505"}[m.r.IntN(2)] }

func (m *model) span() map[string]any {
	day, hour := 10+m.r.IntN(20), 8+m.r.IntN(10)
	return span(
		fmt.Sprintf("2026-11-%02dT%02d:00:00+03:00", day, hour),
		fmt.Sprintf("2026-11-%02dT%02d:30:00+03:00", day, hour+m.r.IntN(2)),
	)
}

// edit does to a calendar what people do.
func (m *model) edit() {
	w, room := m.w, m.room()
	path := eventsPath(room)
	if len(m.ids) == 0 || m.r.IntN(4) == 0 {
		if status, e := w.ask("POST", path, with(m.span(), "summary", fmt.Sprint("event ", len(m.ids)))); status == http.StatusOK {
			m.ids = append(m.ids, e["id"].(string))
		}
		return
	}
	id := m.ids[m.r.IntN(len(m.ids))] // in this calendar or not: a wrong one is refused
	switch m.r.IntN(6) {
	case 0:
		w.ask("DELETE", path+"/"+id, nil)
	case 1:
		w.ask("PATCH", path+"/"+id, map[string]any{"status": "confirmed"})
	case 2:
		w.ask(
			"PATCH",
			path+"/"+id,
			map[string]any{"description": []string{"без записи", ""}[m.r.IntN(2)]},
		)
	case 3:
		w.ask(
			"PATCH",
			path+"/"+id,
			map[string]any{"summary": fmt.Sprint("renamed ", m.r.IntN(100))},
		)
	case 4:
		w.ask("POST", path+"/"+id+"/move?destination="+url.QueryEscape(calendarOf(m.room())), nil)
	default:
		w.ask("PATCH", path+"/"+id, m.span())
	}
}

var errKilled = errors.New("killed")

// cutAt ends a sweep at its n-th call, before or after the call.
type cutAt struct {
	n     int
	after bool
	kill  context.CancelCauseFunc
}

// RoundTrip implements [http.RoundTripper].
func (c *cutAt) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n--
	if c.n == 0 && !c.after {
		c.kill(errKilled)
		return nil, errKilled
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if c.n == 0 {
		c.kill(errKilled)
	}
	return response, err
}

// sweepSomehow loses a notification, doubles it, or kills the sweep that it wakes.
func (m *model) sweepSomehow() {
	ctx := context.Background()
	switch m.r.IntN(5) {
	case 0: // lost
	case 1:
		_ = m.w.sweep.Sweep(ctx) // faults may end it: that is the point
	case 2:
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = m.w.sweep.SweepRoom(ctx, "504")
		}()
		_ = m.w.sweep.SweepRoom(ctx, "504")
		<-done
	default:
		killed, kill := context.WithCancelCause(ctx)
		m.w.strike = &cutAt{n: 1 + m.r.IntN(3), after: m.r.IntN(2) == 0, kill: kill}
		_ = m.w.sweep.SweepRoom(killed, m.room())
		m.w.strike = nil
		kill(nil)
	}
}

// beginOne lets a worker have a free record.
func (m *model) beginOne() {
	records, _, err := m.w.store.Records.List(context.Background(), store.Filter{}, 0, 1000)
	m.w.must(err)
	for i := range records {
		if r := &records[i]; store.Claimable(r) && m.r.IntN(3) == 0 {
			m.w.begin(r.ID)
			m.begun[r.ID] = r.Date + r.StartTime + r.EndTime
			return
		}
	}
}

// compare holds the records of both rooms against what the calendars list.
func (m *model) compare(t *testing.T) {
	t.Helper()
	for _, room := range []string{"504", "505"} {
		answer := m.w.call(
			"GET",
			eventsPath(room)+"?maxResults=2500&timeMin=2026-11-06T12:00:00Z&timeMax=2026-12-04T12:00:00Z",
			nil,
		)
		want := map[string]string{}
		windows := map[string]nvr.Interval{}
		var optedOut []nvr.Interval
		items, _ := answer["items"].([]any)
		for _, item := range items {
			e := item.(map[string]any)
			if e["status"] == "cancelled" {
				continue
			}
			start, err := time.Parse(time.RFC3339, e["start"].(map[string]any)["dateTime"].(string))
			m.w.must(err)
			end, err := time.Parse(time.RFC3339, e["end"].(map[string]any)["dateTime"].(string))
			m.w.must(err)
			if e["description"] != nil && e["description"] != "" {
				optedOut = append(optedOut, nvr.Interval{Start: start, End: end})
				continue
			}
			windows[e["id"].(string)] = nvr.Interval{Start: start, End: end}
			zone := time.FixedZone("MSK", 3*3600)
			if end.After(start) {
				want[e["id"].(string)] = start.In(zone).Format("2006-01-02 15:04") + "-" + end.In(zone).Format("15:04")
			}
		}
		events, err := m.w.store.Events.List(context.Background(), calendarOf(room), "2026-11-01")
		m.w.must(err)
		last := map[string]store.Event{}
		for _, e := range events {
			if was, there := last[e.Key.Event]; there && m.begun[was.Record.ID] == "" {
				t.Errorf(
					"event %s has two records, and the first was never begun: %+v, %+v",
					e.Key.Event, was, e,
				)
			}
			last[e.Key.Event] = e
		}
		for id, window := range want {
			e, there := last[id]
			if at := windows[id]; nvr.Cover(optedOut, at.Start, at.End) && m.begun[e.Record.ID] == "" {
				if e.Record.Step != nvr.StepWithdrawn {
					t.Errorf("event %s lies in opted-out time, its record is %+v", id, e.Record)
				}
				delete(last, id)
				continue
			}
			got := e.Record.Date + " " + e.Record.StartTime + "-" + e.Record.EndTime
			if !there || got != window || !e.Record.Step.Working() {
				t.Errorf(
					"room %s, event %s: the calendar says %s, the record %s on %q (%+v)",
					room, id, window, got, e.Record.Step, e.Key,
				)
			}
			delete(last, id)
		}
		for id, e := range last {
			if e.Record.Step.Working() && m.begun[e.Record.ID] == "" {
				t.Errorf("room %s, event %s is no more, its record is %+v", room, id, e.Record)
			}
		}
	}
}
