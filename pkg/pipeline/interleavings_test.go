package pipeline

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/calendar"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

//nolint:gochecknoglobals // flags of the test binary
var (
	interleavingSeed  = flag.Uint64("interleaving", 0, "replay this seed of TestInterleavings alone, with its trace")
	interleavingCount = flag.Int("interleavings", 0, "how many seeds TestInterleavings runs")
)

// TestInterleavings runs sweeps, claims, workers, a lecturer, requesters, the operator and the NVR beside each
// other under a virtual clock, in an order that a seed decides, down to the single call. Calls are refused, their
// answers are lost, processes die. In the end the records must be what the calendars say, and nothing may have
// been claimed too early, by two at once, or have been left behind.
//
// A failure names its seed. To replay it, with every call in order:
//
//	go test ./pkg/pipeline -run 'TestInterleavings$' -interleaving SEED -v
//
// -interleavings N runs the seeds 1 to N instead of 10,000 (250 with -short).
func TestInterleavings(t *testing.T) {
	t.Parallel()
	if *interleavingSeed != 0 {
		w := newInterleaved(t, storetest.SQLite(t))
		w.traced = true
		err := w.runSeed(*interleavingSeed)
		t.Log("\n" + w.trace.String())
		w.must(err)
		return
	}
	count := 10_000
	if testing.Short() {
		count = 250
	}
	if *interleavingCount > 0 {
		count = *interleavingCount
	}
	var next atomic.Uint64
	var failed atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 4) {
		w := newInterleaved(t, storetest.SQLite(t))
		group.Go(func() {
			for seed := next.Add(1); seed <= uint64(count) && failed.Load() < 5; seed = next.Add(1) {
				if err := w.runSeed(seed); err != nil {
					failed.Add(1)
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	group.Wait()
}

// runSeed runs one interleaving.
func (w *interleaved) runSeed(seed uint64) error {
	w.s.rand = rand.New(rand.NewPCG(seed, 0))
	w.begin()
	actors := w.populate()
	w.watch.rows = w.rows()
	w.s.faults = w.s.rand.IntN(4) > 0
	if err := w.s.run(actors...); err != nil {
		return err
	}
	w.s.faults = false
	if err := w.settleCalendars(); err != nil {
		return err
	}
	if err := w.compare(); err != nil {
		return err
	}
	if err := w.finish(); err != nil {
		return err
	}
	return w.final()
}

// watch is what the test knows of a run from every change of a row.
type watch struct {
	version   int64 // of the database, as the test's connection sees it
	rows      map[int64]nvr.Record
	begun     map[int64]bool // records that were claimed
	inserted  map[int64]bool // by the NVR
	requested []string       // the titles of requests
}

// check judges what the last step has changed.
func (w *interleaved) check(a *actor, _ fate) error {
	if w.failure != nil {
		return w.failure
	}
	version := w.watch.version
	if err := w.raw.QueryRow("pragma data_version").Scan(&version); err != nil {
		return err
	}
	if version == w.watch.version && !strings.HasPrefix(a.name, actsAsNVR) {
		return nil
	}
	w.watch.version = version
	return w.judge(a)
}

func (w *interleaved) judge(a *actor) error {
	if w.watch.begun == nil {
		w.watch.begun, w.watch.inserted = map[int64]bool{}, map[int64]bool{}
	}
	rows := w.rows()
	was := w.watch.rows
	w.watch.rows = rows
	taken := 0
	for _, id := range ids(rows) {
		before, there := was[id]
		now := rows[id]
		if there && sameRow(before, now) {
			continue
		}
		w.note("%-10s row %d is now %s attempt %d turn %d holder %.5q until %s due %s done %v processing %v %s-%s %q %s",
			a.name, id, now.Step, now.Attempt, now.Continuation, now.Holder, now.LeaseUntil.Format("15:04"),
			now.DueAt.Format("02 15:04"), now.Done, now.Processing, now.StartTime, now.EndTime, now.Title, now.Reason)
		if !there {
			w.watch.inserted[id] = strings.HasPrefix(a.name, actsAsNVR)
			continue
		}
		if err := w.judgeRow(a, &before, &now); err != nil {
			return fmt.Errorf("%s: %w\nwas %+v\nis  %+v", a.name, err, before, now)
		}
		if strings.HasPrefix(a.name, actsAsClaim) && now.Processing && now.Attempt > before.Attempt {
			w.watch.begun[id] = true
			if running(&now) && !running(&before) {
				taken++
			}
		}
	}
	if total := countRunning(rows); taken > 0 && total > w.atMost {
		return fmt.Errorf("%s: %d records run, at most %d may", a.name, total, w.atMost)
	}
	return nil
}

// running reports whether a record counts as one that is merged.
func running(r *nvr.Record) bool {
	return !r.LeaseUntil.IsZero() && r.DueAt.IsZero() && (r.Step == nvr.StepStage || r.Step == nvr.StepMerge)
}

func countRunning(rows map[int64]nvr.Record) (n int) {
	for _, r := range rows {
		if running(&r) {
			n++
		}
	}
	return n
}

func (w *interleaved) judgeRow(a *actor, was, is *nvr.Record) error {
	if is.Attempt < was.Attempt {
		return errors.New("the attempt went back")
	}
	kind, _, _ := strings.Cut(a.name, " ")
	if was.Step == nvr.StepWithdrawn && was.Reason.Is(cause.CodeCancelledBy) && is.Step != nvr.StepWithdrawn &&
		kind != actsAsOperator {
		return errors.New("what a person cancelled goes on")
	}
	switch kind {
	case actsAsSweep:
		return judgeSweep(was, is)
	case actsAsClaim:
		return w.judgeClaim(was, is)
	case actsAsWorker:
		return w.judgeWorker(a, was, is)
	}
	return nil
}

// judgeSweep judges what a sweep did: it leaves records at work alone.
func judgeSweep(was, is *nvr.Record) error {
	if !follows(was) && was.Step != nvr.StepWithdrawn && (is.Attempt != was.Attempt || is.Step != was.Step) {
		return errors.New("a sweep changed a record whose processing has begun")
	}
	return nil
}

// judgeClaim judges what a claim did.
func (w *interleaved) judgeClaim(was, is *nvr.Record) error {
	now := w.clock.Now()
	if is.Attempt == was.Attempt || !is.Step.Working() {
		return nil
	}
	if !store.Claimable(was) {
		if was.LeaseUntil.IsZero() || !was.LeaseUntil.Before(now) {
			return fmt.Errorf("claimed at %s, while its lease was live", now)
		}
		return nil
	}
	room := nvr.Room{Zone: w.zone(), SegmentLength: 30 * time.Minute}
	if _, end, err := was.Window(room.Zone); err != nil || now.Before(lastSegmentEnd(end, room)) {
		return fmt.Errorf("claimed at %s, before it was due (%w)", now, err)
	}
	return nil
}

// judgeWorker judges what a worker did: it enters what is free, and writes what it holds.
func (w *interleaved) judgeWorker(a *actor, was, is *nvr.Record) error {
	expired := was.Holder == "" || was.LeaseUntil.Before(w.clock.Now())
	if is.Holder != "" && is.Holder != was.Holder {
		a.holder = is.Holder
		if !expired {
			return errors.New("two hold the record")
		}
		return nil
	}
	if is.Holder != "" && a.holder == "" {
		a.holder = is.Holder // a task of the same execution
	}
	if was.Holder != "" && was.Holder != a.holder && !expired {
		return errors.New("a worker wrote what another holds")
	}
	return nil
}

// settleCalendars sweeps without faults until a sweep changes nothing.
func (w *interleaved) settleCalendars() error {
	a := &actor{name: actsAsSweep}
	for range 8 {
		before := w.watch.rows
		for _, room := range w.rooms {
			if err := w.sweeper.SweepRoom(context.Background(), room); err != nil {
				return fmt.Errorf("sweep without faults: %w", err)
			}
		}
		if err := w.judge(a); err != nil {
			return err
		}
		if equalRows(before, w.watch.rows) {
			return nil
		}
	}
	return errors.New("the sweeps do not come to rest")
}

// sameRow reports whether two records are equal, also in their edits.
func sameRow(a, b nvr.Record) bool {
	edits := a.Asked() == b.Asked() && (a.Edits.Asked == nil) == (b.Edits.Asked == nil)
	a.Edits.Asked, b.Edits.Asked = nil, nil
	return edits && a == b
}

func equalRows(a, b map[int64]nvr.Record) bool {
	for id, r := range a {
		if other, there := b[id]; !there || !sameRow(r, other) {
			return false
		}
	}
	return len(a) == len(b)
}

// compare holds the records against what the calendars say.
func (w *interleaved) compare() error {
	var errs []error
	for _, name := range w.rooms {
		room, err := w.store.Rooms.Get(context.Background(), name)
		if err != nil {
			return err
		}
		errs = append(errs, w.compareRoom(&room))
	}
	return errors.Join(errs...)
}

func (w *interleaved) compareRoom(room *nvr.Room) error {
	ctx, now := context.Background(), w.clock.Now()
	listed, err := w.store.Events.List(ctx, room.Calendar, "2026-01-01")
	if err != nil {
		return err
	}
	last, ofEvents := map[string]nvr.Record{}, map[int64]bool{}
	var errs []error
	for _, e := range listed {
		if former, there := last[e.Key.Event]; there && !w.watch.begun[former.ID] {
			errs = append(errs, fmt.Errorf("event %s has a further record, though %d was never begun", e.Key.Event, former.ID))
		}
		last[e.Key.Event] = e.Record
		ofEvents[e.Record.ID] = true
	}
	var outs []nvr.Interval
	asks := map[string]func() error{}
	for event, err := range w.client.Events(ctx, room.Calendar, now.Add(-defaultSpan), now.AddDate(1, 0, 0)) {
		if err != nil {
			return err
		}
		if out, ok := optOutOf(&event, room, nil); ok && out.Start.Before(now.Add(defaultSpan)) {
			outs = append(outs, nvr.Interval{Start: out.Start, End: out.End})
		}
		asks[event.ID] = func() error {
			wish, refusal := calendar.Read(eventOf(&event), *room, "")
			r, there := last[event.ID]
			if !there && (refusal != calendar.Wanted || !event.Start.Before(now.Add(defaultSpan))) {
				return nil
			}
			if !there {
				return fmt.Errorf("event %s has no record", event.ID)
			}
			start, _, err := r.Window(room.Zone)
			if far := now.Add(defaultSpan); !event.Start.Before(far) && (!follows(&r) || !start.Before(far)) {
				return err // it is looked at when it comes near
			}
			return w.compareEvent(room, &r, wish, refusal, outs)
		}
	}
	for id, ask := range asks {
		if err := ask(); err != nil {
			errs = append(errs, fmt.Errorf("event %s: %w", id, err))
		}
	}
	for id, r := range w.watch.rows {
		if r.Room != room.Name {
			continue
		}
		if r.EventID != "" && !ofEvents[id] && !w.watch.inserted[id] {
			errs = append(errs, fmt.Errorf("record %d of event %s is of no request", id, r.EventID))
		}
		if err := compareOptOuts(room, &r, outs, now.Add(-defaultSpan)); err != nil {
			errs = append(errs, fmt.Errorf("record %+v: %w", r, err))
		}
	}
	return errors.Join(errs...)
}

// compareEvent holds the newest record of an event against what it asks for.
func (w *interleaved) compareEvent(
	room *nvr.Room, r *nvr.Record, wish calendar.Wish, refusal calendar.Refusal, outs []nvr.Interval,
) error {
	if refusal != calendar.Wanted {
		if follows(r) {
			return fmt.Errorf("it asks for no record (%s), but it has %+v", refusal, r)
		}
		return nil
	}
	to := nvr.Record{Room: room.Name, Date: wish.Date, StartTime: wish.StartTime, EndTime: wish.EndTime}
	if r.Step == nvr.StepWithdrawn {
		start, end, err := r.Window(room.Zone)
		if r.Reason.Is(cause.CodeCancelledBy) || err == nil && nvr.Cover(nvr.Within(outs, start, end), start, end) {
			return nil
		}
		return fmt.Errorf("its record is withdrawn: %+v", r)
	}
	if !sameWindow(r, &to) {
		return fmt.Errorf("it is at %+v, its record %+v", wish, r)
	}
	if follows(r) && r.Edits.Asked == nil && (r.Title != wish.Title || r.UserEmail != wish.UserEmail) {
		return fmt.Errorf("it is %+v, its record %+v", wish, r)
	}
	return nil
}

// compareOptOuts holds a record against the times that must not be recorded. What ended before from is not looked
// at any more.
func compareOptOuts(room *nvr.Room, r *nvr.Record, outs []nvr.Interval, from time.Time) error {
	start, end, err := r.Window(room.Zone)
	if err != nil || !end.After(from) {
		return err
	}
	covered := nvr.Cover(nvr.Within(outs, start, end), start, end)
	switch {
	case covered && store.Claimable(r):
		return errors.New("it is in opted-out time")
	case !covered && r.Step == nvr.StepWithdrawn && r.Reason.Is(cause.CodeOptedOut):
		return errors.New("it stays withdrawn, though nothing asks for no recording")
	}
	return nil
}

// finish lets everything work without faults until nothing is left to do.
func (w *interleaved) finish() error {
	const day, lease = 24 * time.Hour, interleavedLease + time.Second
	today := append([]time.Duration{6 * time.Hour}, slices.Repeat([]time.Duration{lease}, 15)...)
	later := append([]time.Duration{8 * day, 13 * day}, slices.Repeat([]time.Duration{lease}, 15)...)
	for _, move := range slices.Concat(today, later) {
		w.clock.Move(move)
		if move > lease {
			if err := w.settleCalendars(); err != nil {
				return err
			}
		}
		if err := w.finishDue(); err != nil {
			return err
		}
		if w.ended() {
			return errors.Join(w.settleCalendars(), w.compare())
		}
	}
	return fmt.Errorf("records do not end: %+v", w.watch.rows)
}

// finishDue claims what is due, and works until no message is left.
func (w *interleaved) finishDue() error {
	ctx := context.Background()
	worker, claimer := &actor{name: actsAsWorker}, &actor{name: actsAsClaim}
	if err := errors.Join(w.processes[0].Claim(ctx), w.judge(claimer)); err != nil {
		return fmt.Errorf("claim without faults: %w", err)
	}
	for range 200 {
		if len(w.queue) == 0 && w.openLaunch() == nil {
			break
		}
		worker.holder = ""
		w.work(ctx, worker)
		if err := errors.Join(w.failure, w.judge(worker)); err != nil {
			return err
		}
	}
	return nil
}

func (w *interleaved) ended() bool {
	for _, r := range w.watch.rows {
		if r.Step.Working() || store.Claimable(&r) || !r.DueAt.IsZero() {
			return false
		}
	}
	return true
}

// final judges what is left.
func (w *interleaved) final() error {
	var errs []error
	for id, r := range w.watch.rows {
		notice := ""
		switch {
		case r.Step == nvr.StepDone && r.Revision > 1:
			notice = fmt.Sprintf("record-%d-revised-%d", id, r.Revision)
		case r.Step == nvr.StepDone:
			notice = fmt.Sprintf("record-%d-done", id)
		case r.Step == nvr.StepFailed:
			notice = fmt.Sprintf("record-%d-failed", id)
		}
		if notice != "" && w.posts[notice] == 0 {
			errs = append(errs, fmt.Errorf("the notice %s was never sent", notice))
		}
	}
	titles := map[string]int{}
	for _, r := range w.watch.rows {
		titles[r.Asked().Title]++
	}
	for _, title := range w.watch.requested {
		if titles[title] > 1 {
			errs = append(errs, fmt.Errorf("the request %q has %d records", title, titles[title]))
		}
	}
	return errors.Join(errs...)
}
