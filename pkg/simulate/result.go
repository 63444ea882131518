package simulate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/store"
)

// Point is the state at one instant. In a peak each field is its own maximum.
type Point struct {
	At      time.Duration
	Backlog int // records that are due and wait for claim
	Held    int // claimed, and not yet delivered
	Tasks   int
}

// Result is the result of a scenario. Delivery times count from the end of the lecture. Bulk requests for old
// footage are left out.
type Result struct {
	Scenario Scenario
	VCPU     int // of a task

	Asked, Delivered, Failed int
	Within                   float64 // share of the ordinary records that were delivered within InTime
	P50, P99, Max            time.Duration
	Peak                     Point
	Twice                    int // records that were merged more than once

	DriveUser, Calendar, Classroom int   // the most calls in a minute; of Drive, of a user
	UploadPeak                     int64 // bytes of a user and day
	Dead, Stale, Deliveries        int
	RefusedUploads, RefusedPosts   int
	Hours, Euro                    float64 // of video, and of Google's bill for it without storage
	Series                         []Point

	ordinary int
	took     []time.Duration // of each ordinary record that was delivered
}

// InTime is the promised delivery time; docs/runbook.md and package observe name the same.
const InTime = 4 * time.Hour

// spent counts the used resources.
type spent struct {
	deliveries, stale, dead      int
	refusedUploads, refusedPosts int
	dollars                      float64
}

// service adds the price of a delivery in USD. The instances of a pool share CPU and memory among the
// deliveries that they serve at a time.
func (s *spent) service(p pool, takes time.Duration, c Costs) {
	s.dollars += takes.Seconds() * (p.CPU*c.ServiceVCPU + p.GiB*c.ServiceGB) / float64(p.Concurrency)
}

// task adds the price of a task of the job in USD. A task has 1 GiB of memory for each vCPU.
func (s *spent) task(takes time.Duration, cpu int, c Costs) {
	s.dollars += takes.Seconds() * float64(cpu) * (c.TaskVCPU + c.TaskGiB) // a GiB a vCPU
}

// calls counts the calls to an API by minute.
type calls map[string]map[int64]int

// add counts n calls to an API in the minute of an instant.
func (c calls) add(api string, at time.Time, n int) {
	if c[api] == nil {
		c[api] = map[int64]int{}
	}
	c[api][at.Unix()/60] += n
}

// of returns how many calls were made in the minute of an instant.
func (c calls) of(api string, at time.Time) int {
	return c[api][at.Unix()/60]
}

// most returns the most calls to an API in one minute.
func (c calls) most(api string) (most int) {
	for _, n := range c[api] {
		most = max(most, n)
	}
	return most
}

// sample adds the state of the queue to the series and to the peaks.
func (w *deployment) sample() error {
	queue, err := w.p.Store.Queue.Stats(w.ctx)
	if err != nil {
		return err
	}
	w.idle = queue == (store.QueueStats{})
	p := Point{
		At:      w.at.Sub(w.begin),
		Backlog: queue.Due,
		Held:    queue.Held + queue.Expired,
		Tasks:   w.tasks.running,
	}
	w.series = append(w.series, p)
	w.peak.Backlog, w.peak.Held = max(w.peak.Backlog, p.Backlog), max(w.peak.Held, p.Held)
	return nil
}

// Run runs a scenario. root is the repository with terraform and the measurements. Deployments are
// independent: each has its own project, database and users.
func Run(ctx context.Context, s Scenario, costs Costs, root string) (*Result, error) {
	all := &Result{Scenario: s}
	part := s
	part.Rooms /= max(s.Deployments, 1)
	for range max(s.Deployments, 1) {
		r, err := runOne(ctx, part, costs, root)
		if err != nil {
			return nil, err
		}
		all.add(r)
		part.Seed++
	}
	slices.Sort(all.took)
	all.P50, all.P99, all.Max = quantile(all.took, 0.5), quantile(all.took, 0.99), quantile(all.took, 1)
	intime, _ := slices.BinarySearch(all.took, InTime+1)
	all.Within = float64(intime) / float64(max(all.ordinary, 1))
	return all, nil
}

// runOne runs the scenario for one deployment.
func runOne(ctx context.Context, s Scenario, costs Costs, root string) (result *Result, err error) {
	dir, err := os.MkdirTemp(memory(), "nvr-simulate")
	if err != nil {
		return nil, fmt.Errorf("make a place for the database: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, err := newDeployment(ctx, s, costs, root, dir)
	if err != nil {
		return nil, fmt.Errorf("open scenario %s: %w", s.Name, err)
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	for hour := range (s.Days + daysAfter) * 24 {
		if err := w.run(w.begin.Add(time.Duration(hour+1) * time.Hour)); err != nil {
			return nil, fmt.Errorf("scenario %s, hour %d: %w", s.Name, hour, err)
		}
		if w.idle && hour+1 >= s.Days*24 {
			break
		}
	}
	return w.result(), nil
}

// memory returns a directory for files in memory, or "" for the default directory.
func memory() string {
	const shm = "/dev/shm"
	if stat, err := os.Stat(shm); err == nil && stat.IsDir() {
		return shm
	}
	return ""
}

func (w *deployment) result() *Result {
	r := &Result{
		VCPU:           w.size.MergeCPU,
		Asked:          len(w.order),
		Peak:           w.peak,
		Series:         w.series,
		Calendar:       w.calls.most("calendar"),
		Classroom:      w.calls.most("classroom"),
		Dead:           w.spent.dead,
		Stale:          w.spent.stale,
		Deliveries:     w.spent.deliveries,
		RefusedUploads: w.spent.refusedUploads,
		RefusedPosts:   w.spent.refusedPosts,
	}
	for i := range w.size.Users {
		r.DriveUser = max(r.DriveUser, w.calls.most(fmt.Sprintf("user %d", i)))
	}
	for _, bytes := range w.uploaded {
		r.UploadPeak = max(r.UploadPeak, bytes)
	}
	for _, l := range w.order {
		r.Hours += l.length().Hours()
		if l.joined > 1 {
			r.Twice++
		}
		if !l.bulk {
			r.ordinary++
		}
		if l.doneAt.IsZero() {
			r.Failed++
			continue
		}
		r.Delivered++
		if !l.bulk {
			r.took = append(r.took, l.doneAt.Sub(l.to))
		}
	}
	r.Euro = w.spent.dollars * w.costs.EuroDollar
	return r
}

// add adds the result of a deployment. Totals are summed. Of values that a quota of Google limits, the
// largest is kept. The peaks of tasks and queues are summed as if they were simultaneous.
func (r *Result) add(one *Result) {
	r.VCPU = one.VCPU
	r.Asked, r.Delivered, r.Failed, r.Twice = r.Asked+one.Asked, r.Delivered+one.Delivered, r.Failed+one.Failed, r.Twice+one.Twice
	r.Peak.Backlog, r.Peak.Held, r.Peak.Tasks = r.Peak.Backlog+one.Peak.Backlog, r.Peak.Held+one.Peak.Held, r.Peak.Tasks+one.Peak.Tasks
	r.DriveUser, r.Calendar, r.Classroom = max(r.DriveUser, one.DriveUser), max(r.Calendar, one.Calendar), max(r.Classroom, one.Classroom)
	r.UploadPeak = max(r.UploadPeak, one.UploadPeak)
	r.Dead, r.Stale, r.Deliveries = r.Dead+one.Dead, r.Stale+one.Stale, r.Deliveries+one.Deliveries
	r.RefusedUploads, r.RefusedPosts = r.RefusedUploads+one.RefusedUploads, r.RefusedPosts+one.RefusedPosts
	r.Hours, r.Euro = r.Hours+one.Hours, r.Euro+one.Euro
	r.ordinary, r.took = r.ordinary+one.ordinary, append(r.took, one.took...)
	for i, p := range one.Series {
		if i == len(r.Series) {
			r.Series = append(r.Series, Point{At: p.At})
		}
		r.Series[i].Backlog, r.Series[i].Held = r.Series[i].Backlog+p.Backlog, r.Series[i].Held+p.Held
	}
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(math.Ceil(q*float64(len(sorted))))-1]
}
