package machine

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// callTimeout is the deadline of a scheduled call, before the time scale. It is Cloud Scheduler's longest.
const callTimeout = 30 * time.Minute

// schedule is an entry of the scheduler.
type schedule struct {
	function string
	query    string
	every    time.Duration // before the time scale
}

// schedules returns the entries of Cloud Scheduler.
func schedules() []schedule {
	return []schedule{
		{"calendar", "", 5 * time.Minute},
		{"claim", "", 30 * time.Minute},
		{"claim", "recover", time.Minute},
		{"standby", "", 5 * time.Minute},
		{"calendar", "renew", 24 * time.Hour},
	}
}

// runSchedules calls the functions as Cloud Scheduler does, until ctx ends.
func (m *machine) runSchedules(ctx context.Context) {
	var running sync.WaitGroup
	for _, s := range schedules() {
		running.Go(func() { m.runSchedule(ctx, s) })
	}
	running.Go(func() { m.runVerify(ctx) })
	if m.o.SpareDays > 0 {
		running.Go(func() { m.runLifecycle(ctx) })
	}
	running.Wait()
}

// lifecycleEvery is how often expired segments are deleted, before the time scale. Cloud Storage does it
// within a day.
const lifecycleEvery = time.Hour

// spare returns how long segments that no record needs are kept.
func (m *machine) spare() time.Duration {
	return time.Duration(m.o.SpareDays) * 24 * time.Hour
}

// runLifecycle deletes expired segments, as the rule of the bucket does, until ctx ends.
func (m *machine) runLifecycle(ctx context.Context) {
	ticker := time.NewTicker(max(time.Millisecond, m.scaled(lifecycleEvery)))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		deleted, err := m.buckets.DeleteExpired(segmentsBucket)
		if err != nil {
			m.log.WarnContext(ctx, "expired segments could not be deleted; the next run tries again", "err", err)
		}
		if deleted > 0 {
			m.log.InfoContext(ctx, "deleted expired segments", "segments", deleted)
		}
	}
}

// runSchedule makes the calls of one entry, the first at once.
func (m *machine) runSchedule(ctx context.Context, s schedule) {
	ticker := time.NewTicker(max(time.Millisecond, m.scaled(s.every)))
	defer ticker.Stop()
	for {
		err := m.call(ctx, s)
		if err != nil && ctx.Err() == nil {
			m.log.WarnContext(
				ctx, "a scheduled call failed; the next one follows",
				"function", s.function,
				"err", err,
			)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// scaled returns a wait divided by the time scale.
func (m *machine) scaled(wait time.Duration) time.Duration {
	return time.Duration(float64(wait) / m.o.TimeScale)
}

// call posts to the function of an entry.
func (m *machine) call(ctx context.Context, s schedule) error {
	address := urlOf(m.inside) + "/functions/" + s.function
	if s.query != "" {
		address += "?" + s.query
	}
	ctx, stop := context.WithTimeout(ctx, max(time.Second, m.scaled(callTimeout)))
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close() // only the status counts
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("post to %s: %s", address, response.Status)
	}
	return nil
}
