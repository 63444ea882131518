package simulate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// deployment is one simulated deployment.
type deployment struct {
	clock

	ctx    context.Context //nolint:containedctx // of the run; every event happens within it
	s      Scenario
	costs  Costs
	size   size
	chance *rand.Rand

	p   *app.Process
	out *outside
	ask []*asked // the real clients of the instances that upload

	begin    time.Time
	idle     bool // nothing is asked for, and nothing under way: claim would find nothing
	lectures map[int64]*lecture
	order    []*lecture // as they were asked for
	services map[string]*service
	works    []*work // under way
	epoch    int     // of the region: what began in an earlier one has died with it
	tasks    tasks

	uploaded map[string]int64 // by user and day
	calls    calls
	spent    spent
	series   []Point
	peak     Point
}

// lecture is what the recorders and Google hold of a record.
type lecture struct {
	id          int64
	room        string
	from, to    time.Time
	segmentsAt  time.Time // when the last of its segments is in the bucket
	bytes       int64
	course      bool
	bulk        bool
	linked      bool
	uploadedAt  time.Time
	doneAt      time.Time
	joined      int
	processedIn time.Duration
}

// length returns how long the lecture lasts, without the wait for its segments.
func (l *lecture) length() time.Duration {
	return l.to.Sub(l.from)
}

// service is the instances of one function.
type service struct {
	pool

	busy int
}

// work is a delivery or an execution that holds a record.
type work struct {
	service *service // nil: an execution
	hold    nvr.Lease
	job     *job
}

// newDeployment opens the database, the fakes and the process in a directory.
func newDeployment(ctx context.Context, s Scenario, costs Costs, root, dir string) (w *deployment, err error) {
	w = &deployment{
		ctx:      ctx,
		s:        s,
		costs:    costs,
		chance:   rand.New(rand.NewPCG(s.Seed, 0)), //nolint:gosec // chance that can be repeated
		lectures: map[int64]*lecture{},
		uploaded: map[string]int64{},
		calls:    calls{},
	}
	if w.size, err = readSize(root, s.Size); err != nil {
		return nil, err
	}
	if s.Users > 0 {
		w.size.Users = s.Users
	}
	w.services = map[string]*service{
		"stage":  {pool: w.size.Stage},
		"upload": {pool: w.size.Upload},
		"link":   {pool: w.size.Link},
	}
	if w.out, err = open(ctx, s.Limits.Retained); err != nil {
		return nil, err
	}
	c, err := config.From(ctx, envconfig.MapLookuper(map[string]string{
		"LOG_LEVEL":       "error",
		"DATABASE":        "sqlite:" + filepath.Join(dir, "nvr.db"),
		"PUBSUB_ENDPOINT": w.out.topics,
		"RUN_ENDPOINT":    "http://" + w.out.runs,
		"MAX_MERGES":      strconv.Itoa(w.size.MaxMerges),
	}))
	if err != nil {
		return nil, errors.Join(err, w.out.Close())
	}
	w.begin = time.Date(2026, 11, 23, 0, 0, 0, 0, c.Zone()) // a Monday
	w.at = w.begin
	w.p, err = app.New(
		ctx,
		c,
		slog.New(slog.DiscardHandler),
		func() time.Time { return w.at },
		app.StoreAlone,
		app.Topics,
		app.Jobs,
	)
	if err != nil {
		return nil, errors.Join(err, w.out.Close())
	}
	for range w.size.Upload.Instances {
		client, failed := newAsked(w.p.Now, w.size.Users)
		w.ask, err = append(w.ask, client), errors.Join(err, failed)
	}
	if err == nil {
		err = w.furnish()
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Close implements io.Closer.
func (w *deployment) Close() error {
	return errors.Join(w.p.Close(), w.out.Close())
}

// furnish creates the rooms and plans the periodic events.
func (w *deployment) furnish() error {
	if err := w.p.DB.Schema.Migrate(w.ctx, store.Adoption{}); err != nil {
		return err
	}
	for i := range w.s.Rooms {
		if _, err := w.p.Store.Rooms.Save(w.ctx, nvr.Room{
			Name:     room(i),
			Calendar: room(i) + "@calendar",
		}); err != nil {
			return err
		}
	}
	w.timetable()
	for day := range time.Duration(w.s.Days + daysAfter) {
		for at := day * 24 * time.Hour; at < (day+1)*24*time.Hour; at += w.size.Recover {
			w.on(w.begin.Add(at), func() error { return w.tick(at) })
		}
	}
	if w.s.Region != (Outage{}) {
		w.on(w.begin.Add(w.s.Region.From), w.lose)
	}
	return nil
}

// daysAfter bounds how long a run continues after the last lecture.
const daysAfter = 14

// room returns the name of a room by its number, so that names sort as numbers do.
func room(i int) string {
	return fmt.Sprintf("R%05d", i)
}

// timetable plans the requests. Each is in the database before its lecture ends.
func (w *deployment) timetable() {
	for day := range w.s.Days {
		date := w.begin.AddDate(0, 0, day)
		if date.Weekday() == time.Saturday || date.Weekday() == time.Sunday {
			continue
		}
		for i := range w.s.Rooms {
			for _, slot := range w.s.Slots {
				if w.chance.Float64() >= slot.Held {
					continue
				}
				l := w.lecture(room(i), date, slot)
				w.on(l.from, func() error { return w.request(l) })
			}
		}
	}
	b := w.s.Bulk
	for n := range b.Records {
		past := w.begin.AddDate(0, 0, -1-n/b.Rooms%13)
		l := w.lecture(room(n%b.Rooms), past, w.s.Slots[n/b.Rooms/13%len(w.s.Slots)])
		l.bulk = true
		w.on(w.begin.Add(b.At), func() error { return w.request(l) })
	}
}

// lecture returns a lecture in a slot of a day. Its segments arrive after the half hour in which it ends. Its
// size varies by 30 % around the mean, and the time for which Drive processes it by 50 %.
func (w *deployment) lecture(room string, date time.Time, slot Slot) *lecture {
	at := func(clock string) time.Time {
		t, _ := nvr.Wall(date.Format(time.DateOnly), clock, w.begin.Location()) // ours
		return t
	}
	l := &lecture{
		room:   room,
		from:   at(slot.Start),
		to:     at(slot.End),
		course: w.chance.Float64() < w.costs.WithCourse,
	}
	const half = 30 * time.Minute
	lastEnd := l.to.Add(half - time.Nanosecond).Truncate(half)
	l.segmentsAt = lastEnd.Add(w.between(w.costs.SegmentLo, w.costs.SegmentHi))
	l.bytes = int64(w.costs.GBHour * 1e9 * l.length().Hours() * (0.7 + 0.6*w.chance.Float64()))
	l.processedIn = time.Duration(float64(l.length()) * w.costs.Processing * (0.5 + w.chance.Float64()))
	return l
}

// between returns a random duration in [low, high).
func (w *deployment) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.chance.Float64()*float64(high-low))
}

// about returns a random duration within a fifth of d.
func (w *deployment) about(d time.Duration) time.Duration {
	return w.between(d*4/5, d*6/5)
}

// request inserts the record of a lecture, as the sweep of the calendars would.
func (w *deployment) request(l *lecture) error {
	rec, _, err := w.p.Store.Requests.Insert(w.ctx, nvr.Record{
		Room:      l.room,
		Date:      l.from.Format(time.DateOnly),
		StartTime: l.from.Format("15:04"),
		EndTime:   l.to.Format("15:04"),
		UserEmail: "teacher@example.org",
		EventID:   "e" + l.room + l.from.Format("0201504"),
	}, nil)
	if err != nil {
		return err
	}
	l.id, w.idle = rec.ID, false
	w.lectures[l.id] = l
	w.order = append(w.order, l)
	return nil
}

// tick makes the calls of Cloud Scheduler at an offset: claim or recover, the sweep, and standby. The sweep
// makes one call per room, which the quota of Calendar spreads over the time until the next sweep.
func (w *deployment) tick(offset time.Duration) error {
	up := !w.s.Region.during(offset)
	if up {
		w.calls.add(
			"calendar",
			w.at,
			w.s.Rooms*int(w.size.Recover/time.Second)/int(w.size.Sweep/time.Second),
		)
	}
	if w.idle {
		w.series = append(w.series, Point{At: offset})
		return nil
	}
	var runs []func(context.Context) error
	switch {
	case !up || w.s.Claim.during(offset):
	case offset%w.size.Claim == 0:
		runs = append(runs, w.p.Claim)
	default:
		runs = append(runs, w.p.Recover)
	}
	if up && offset%w.size.Standby == 0 && !w.s.Standby.during(offset) {
		runs = append(runs, w.p.Standby)
	}
	for _, run := range runs {
		if err := run(w.ctx); err != nil {
			return err
		}
	}
	for _, m := range w.out.collect() {
		w.send(m)
	}
	return w.sample()
}

// send publishes a message, which Pub/Sub pushes at once.
func (w *deployment) send(m message) {
	w.after(w.between(50*time.Millisecond, time.Second), func() error { return w.push(m, 0) })
}
