package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// The kinds of actors, by which their names begin.
const (
	actsAsSweep    = "sweep"
	actsAsClaim    = "claim"
	actsAsWorker   = "worker"
	actsAsLecturer = "lecturer"
	actsAsPerson   = "person"
	actsAsOperator = "operator"
	actsAsNVR      = "nvr"
	actsAsClock    = "clock"
)

// populate gives the run its rooms, events and requests, and returns its actors.
func (w *interleaved) populate() []*actor {
	w.t.Helper()
	r := w.s.rand
	w.atMost = 1 + r.IntN(3)
	w.page = []string{"", "1", "2"}[r.IntN(3)]
	for i := range 1 + r.IntN(2) {
		room := fmt.Sprint(504 + i)
		w.rooms = append(w.rooms, room)
		_, err := w.store.Rooms.Save(w.t.Context(), nvr.Room{Name: room, Calendar: w.calendarOfRoom(room)})
		w.must(err)
	}
	w.sweeper = &Calendar{
		Store:     CalendarStoreOf(w.store),
		Workspace: w.client,
		Now:       w.clock.Now,
		Log:       w.logger(),
		Settings:  CalendarSettings{Members: r.IntN(8) == 0},
	}
	w.processes = []*Pipeline{w.newProcess(), w.newProcess()}
	for range 1 + r.IntN(3) {
		w.insertEvent()
	}
	return []*actor{
		w.actor(actsAsSweep+" 1", 2, w.sweepOnce), w.actor(actsAsSweep+" 2", 2, w.sweepOnce),
		w.actor(actsAsClaim+" 1", 2, w.claimer(0)), w.actor(actsAsClaim+" 2", 2, w.claimer(1)),
		w.actor(actsAsWorker+" 1", 16, w.work), w.actor(actsAsWorker+" 2", 16, w.work),
		w.actor(actsAsLecturer, 2+r.IntN(3), w.lecture), w.actor(actsAsPerson, r.IntN(3), w.request),
		w.actor(actsAsOperator, r.IntN(2), w.operate), w.actor(actsAsNVR, r.IntN(2), w.insertRow),
		w.actor(actsAsClock, 5, w.moveClock),
	}
}

// actor does something some times, each in a process of its own.
func (w *interleaved) actor(name string, times int, do func(context.Context, *actor)) *actor {
	a := &actor{name: name}
	a.act = func(a *actor) {
		for range times {
			a.holder = ""
			a.process(func(ctx context.Context) { do(ctx, a) })
			w.s.idle()
		}
	}
	return a
}

// result notes how a process ended. What no fault explains is a failure of the run.
func (w *interleaved) result(a *actor, what string, err error) {
	w.note("%-10s %s: %v", a.name, what, err)
	if err == nil || a.killed || errors.Is(err, errRefused) || errors.Is(err, store.ErrConflict) ||
		errors.Is(err, store.ErrNotFound) {
		return
	}
	if !w.s.faults && w.failure == nil {
		w.failure = fmt.Errorf("%s: %s: %w", a.name, what, err)
	}
}

func (w *interleaved) room() string { return w.rooms[w.s.rand.IntN(len(w.rooms))] }

func (w *interleaved) sweepOnce(ctx context.Context, a *actor) {
	w.result(a, "sweep", w.sweeper.SweepRoom(ctx, w.room()))
}

func (w *interleaved) claimer(process int) func(context.Context, *actor) {
	return func(ctx context.Context, a *actor) {
		p := w.processes[process]
		do := []func(context.Context) error{p.Claim, p.Claim, p.Recover, p.Standby}[w.s.rand.IntN(4)]
		w.result(a, "claim", do(ctx))
	}
}

// moveClock moves the clock to where something is due, or a lease ends.
func (w *interleaved) moveClock(context.Context, *actor) {
	by := []time.Duration{
		time.Minute,
		interleavedLease / 2,
		interleavedLease + time.Second,
		time.Hour,
		2 * time.Hour,
	}[w.s.rand.IntN(5)]
	w.clock.Move(by)
}

// someSpan is the time of an event: today, or, seldom, so far away that no sweep lists it.
func (w *interleaved) someSpan() (start, end time.Time) {
	r := w.s.rand
	start = w.start.Add(time.Duration(r.IntN(8)-2) * 30 * time.Minute)
	if r.IntN(10) == 0 {
		start = start.AddDate(0, 0, 20)
	}
	return start, start.Add(time.Duration(1+r.IntN(2)) * 30 * time.Minute)
}

func (w *interleaved) eventSpan() map[string]any {
	start, end := w.someSpan()
	return map[string]any{
		"start": map[string]any{"dateTime": start.Format(time.RFC3339), "timeZone": interleavedZone},
		"end":   map[string]any{"dateTime": end.Format(time.RFC3339), "timeZone": interleavedZone},
	}
}

func (w *interleaved) newName(of string) string {
	w.people++
	return fmt.Sprint(of, " ", w.people)
}

func (w *interleaved) insertEvent() {
	e := w.eventSpan()
	e["id"] = fmt.Sprintf("e%05d", len(w.lectures))
	e["summary"] = w.newName("lecture")
	if w.s.rand.IntN(3) == 0 {
		e["description"] = "без записи"
	}
	w.lectures = append(w.lectures, e["id"].(string))
	w.edit("POST", w.eventsOf(w.room()), e)
}

// lecture does to a calendar what people do.
func (w *interleaved) lecture(context.Context, *actor) {
	r := w.s.rand
	id := w.lectures[r.IntN(len(w.lectures))] // in this calendar or not
	path := w.eventsOf(w.room())
	switch r.IntN(9) {
	case 0:
		w.insertEvent()
	case 1:
		w.edit("DELETE", path+"/"+id, nil)
	case 2:
		w.edit("PATCH", path+"/"+id, map[string]any{"status": "confirmed"})
	case 3, 4:
		w.edit("PATCH", path+"/"+id, map[string]any{"description": "без записи"})
	case 5:
		w.edit("PATCH", path+"/"+id, map[string]any{"description": ""})
	case 6:
		w.edit("PATCH", path+"/"+id, map[string]any{"summary": w.newName("renamed")})
	case 7:
		w.edit("POST", path+"/"+id+"/move?destination="+url.QueryEscape(w.calendarOfRoom(w.room())), nil)
	default:
		w.edit("PATCH", path+"/"+id, w.eventSpan())
	}
}

// someRecord is a record that is there; 0 if none is.
func (w *interleaved) someRecord() int64 {
	if all := ids(w.watch.rows); len(all) > 0 {
		return all[w.s.rand.IntN(len(all))]
	}
	return 0
}

// wanted is a request of a person who has no event.
func (w *interleaved) wanted() nvr.Record {
	start, end := w.someSpan()
	zone := w.zone()
	return nvr.Record{
		Title:     w.newName("request"),
		Room:      w.room(),
		Date:      start.In(zone).Format(time.DateOnly),
		StartTime: start.In(zone).Format("15:04"),
		EndTime:   end.In(zone).Format("15:04"),
		UserEmail: "student@example.org",
	}
}

func (w *interleaved) zone() *time.Location {
	zone, err := time.LoadLocation(interleavedZone)
	w.must(err)
	return zone
}

// request asks for a record, twice for the same; cancels one; or changes one.
func (w *interleaved) request(ctx context.Context, a *actor) {
	requests, id := w.store.Requests, w.someRecord()
	switch w.s.rand.IntN(3) {
	case 0:
		w.requests++
		once := &store.IdempotencyKey{Owner: "person", Key: fmt.Sprint(w.requests)}
		r := w.wanted()
		w.watch.requested = append(w.watch.requested, r.Title)
		for range 2 {
			_, _, err := requests.InsertWithin(ctx, 50, r, once)
			w.result(a, "insert", err)
		}
	case 1:
		w.result(a, fmt.Sprint("cancel ", id), requests.Withdraw(ctx, id, cause.CancelledBy("student@example.org")))
	default:
		title := w.newName("edited")
		_, err := requests.Edit(ctx, id, func(r nvr.Record) (nvr.Record, error) {
			r.Title, r.Edits.StartAfter = title, r.Edits.StartAfter+1
			return r, nil
		})
		w.result(a, fmt.Sprint("edit ", id), err)
	}
}

func (w *interleaved) operate(ctx context.Context, a *actor) {
	id := w.someRecord()
	w.result(a, fmt.Sprint("retry ", id), w.store.Requests.Retry(ctx, id))
}

// insertRow is what the NVR does: it inserts a row, of an event or not.
func (w *interleaved) insertRow(context.Context, *actor) {
	r := w.wanted()
	if w.s.rand.IntN(2) == 0 {
		r.EventID = w.lectures[w.s.rand.IntN(len(w.lectures))]
	}
	_, err := w.raw.ExecContext(w.t.Context(),
		`insert into records (event_name, room_name, date, start_time, end_time, user_email, event_id)
 values (?, ?, ?, ?, ?, ?, ?)`, r.Title, r.Room, r.Date, r.StartTime, r.EndTime, r.UserEmail, r.EventID)
	w.must(err)
}

// work delivers a message, again perhaps, or too late, or runs a task of the job.
func (w *interleaved) work(ctx context.Context, a *actor) {
	r := w.s.rand
	if l := w.openLaunch(); l != nil && (len(w.queue) == 0 || r.IntN(2) == 0) {
		w.task(ctx, a, l)
		return
	}
	var claim nvr.Claim
	switch again := r.IntN(6) == 0; {
	case again && len(w.delivered) > 0:
		claim = w.delivered[r.IntN(len(w.delivered))]
	case len(w.queue) > 0:
		at := r.IntN(len(w.queue))
		claim = w.queue[at]
		w.queue = append(w.queue[:at], w.queue[at+1:]...)
		w.delivered = append(w.delivered, claim)
	default:
		return
	}
	p := w.processes[r.IntN(len(w.processes))]
	var err error
	if w.s.faults && r.IntN(20) == 0 {
		err = p.Fail(ctx, claim, "could not be delivered")
	} else {
		err = p.work(ctx, job{claim: claim, body: w.step(claim.Step), continues: claim.Step == nvr.StepStage})
	}
	w.result(a, fmt.Sprintf("deliver %+v", claim), ignoreHeld(err))
	if err != nil || a.killed {
		w.queue = append(w.queue, claim) // Pub/Sub delivers it again
	}
}

func ignoreHeld(err error) error {
	if errors.Is(err, ErrHeld) {
		return nil
	}
	return err
}

// step is the body of a step, without footage.
func (w *interleaved) step(step nvr.Step) func(*worker, context.Context) error {
	do := w.stageStep
	switch step { //nolint:exhaustive // no message names another
	case nvr.StepUpload:
		do = w.uploadStep
	case nvr.StepLink:
		do = w.linkStep
	}
	return func(worker *worker, ctx context.Context) error { return do(ctx, worker) }
}

// trouble is what may come between a worker and the end of its step.
func (w *interleaved) trouble(ctx context.Context, worker *worker) error {
	if !w.s.faults {
		return nil
	}
	switch w.s.rand.IntN(16) {
	case 0:
		r := worker.rec
		return &fault.PermanentError{
			Cause: cause.NoFootage(r.Room, r.Date, r.StartTime, r.EndTime),
			Err:   errFootage,
		}
	case 1:
		return errors.New("some trouble")
	case 2:
		return &fault.Deferral{Until: w.clock.Now().Add(5 * time.Minute), Cause: cause.WillRetry("stage")}
	case 3:
		return worker.p.Store.Leases.Renew(ctx, worker.hold, interleavedLease)
	case 4:
		if worker.budget != nil {
			return worker.continueLater(ctx)
		}
	}
	return nil
}

// beginWork does what stage and merge begin with, and has some trouble. It reports whether the work goes on.
func (w *interleaved) beginWork(ctx context.Context, worker *worker) (bool, error) {
	if _, err := worker.withheld(ctx); errors.Is(err, errOptedOut) {
		return false, worker.endOptedOut(ctx)
	} else if err != nil {
		return false, err
	}
	err := w.trouble(ctx, worker)
	return err == nil, err
}

func (w *interleaved) stageStep(ctx context.Context, worker *worker) error {
	if on, err := w.beginWork(ctx, worker); !on {
		return err
	}
	next, err := worker.advance(ctx, nvr.StepMerge, store.Change{Digest: new("digest")})
	if err != nil {
		return err
	}
	return w.s.around("launch", func() error {
		w.launches = append(w.launches, &launched{key: LaunchKey(next), claim: next, created: w.clock.Now()})
		return nil
	})
}

// openLaunch is an execution that runs.
func (w *interleaved) openLaunch() *launched {
	for _, l := range w.launches {
		if l.ended.IsZero() {
			return l
		}
	}
	return nil
}

// task runs the one task of an execution.
func (w *interleaved) task(ctx context.Context, a *actor, l *launched) {
	p := w.processes[0]
	body := func(worker *worker, ctx context.Context) error {
		if on, err := w.beginWork(ctx, worker); !on {
			return err
		}
		return worker.advanceAndSend(ctx, nvr.StepUpload, store.Change{})
	}
	a.holder = l.key // of every task of the execution
	err := p.work(ctx, job{claim: l.claim, holder: l.key, body: body})
	w.result(a, "task "+l.key, ignoreHeld(err))
	if l.ended.IsZero() && (err == nil || w.s.rand.IntN(2) == 0) {
		l.ended, l.failed = w.clock.Now(), err != nil || a.killed
	}
}

func (w *interleaved) uploadStep(ctx context.Context, worker *worker) error {
	if err := w.trouble(ctx, worker); err != nil {
		return err
	}
	if gone, err := worker.checkWithdrawn(ctx); err != nil || gone {
		return err
	}
	if err := worker.findOptOuts(ctx); err != nil {
		return err
	}
	if _, err := worker.withheld(ctx); errors.Is(err, errOptedOut) {
		return worker.endOptedOut(ctx)
	} else if err != nil {
		return err
	}
	return worker.advanceAndSend(ctx, nvr.StepLink, store.Change{Link: new("link")})
}

func (w *interleaved) linkStep(ctx context.Context, worker *worker) error {
	if err := w.trouble(ctx, worker); err != nil {
		return err
	}
	if err := worker.notifyDone(ctx); err != nil {
		return err
	}
	return worker.end(ctx, nvr.StepDone, store.Change{})
}
