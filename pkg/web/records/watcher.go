package records

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

const (
	// pollEvery is the pause between two reads of the watched records.
	pollEvery = time.Second
	// pollTime limits one read.
	pollTime = 10 * time.Second
	// minProgress is how many percent must pass before the remaining time is estimated.
	minProgress = 3
)

// Watcher follows records for all streams at once: one statement a pause reads every watched
// record. It reads only while there are streams. It is safe for concurrent use.
type Watcher struct {
	read   func(ctx context.Context, ids []int64) ([]nvr.Record, error)
	encode func(ctx context.Context, r *nvr.Record) ([]byte, error) // differs if a reader sees a change
	every  time.Duration
	now    func() time.Time
	log    *slog.Logger

	mu       sync.Mutex
	subjects map[int64]*subject
	polling  bool
}

// subject is a record that at least one stream watches.
type subject struct {
	record  nvr.Record
	encoded []byte
	watches map[*Watch]struct{}

	// When the merge was first seen, and its percentage then. The time is zero outside of merging.
	since time.Time
	from  int
}

// Watch is one stream's interest in some records. [Watch.Close] ends it.
type Watch struct {
	watcher *Watcher
	ready   chan struct{}      // holds a token while changed is not empty
	changed map[int64]struct{} // guarded by the watcher's mu
}

// Change is a record that a reader sees differently than before.
type Change struct {
	Record  nvr.Record
	Encoded []byte // its view as JSON
}

// Watch starts to follow records that were just read. It returns them as the first changes.
func (s *Service) Watch(ctx context.Context, records []nvr.Record) (*Watch, []Change, error) {
	first := make([]Change, len(records))
	for i := range records {
		encoded, err := s.Encode(ctx, &records[i])
		if err != nil {
			return nil, nil, err
		}
		first[i] = Change{Record: records[i], Encoded: encoded}
	}
	return s.Watcher.add(first), first, nil
}

// add registers a watch of records and starts the polling if it does not run yet.
func (w *Watcher) add(first []Change) *Watch {
	watch := &Watch{
		watcher: w,
		ready:   make(chan struct{}, 1),
		changed: map[int64]struct{}{},
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range first {
		id := c.Record.ID
		if w.subjects[id] == nil {
			w.subjects[id] = &subject{
				record:  c.Record,
				encoded: c.Encoded,
				watches: map[*Watch]struct{}{},
			}
			w.subjects[id].trackMerge(w.now())
		}
		w.subjects[id].watches[watch] = struct{}{}
	}
	if !w.polling && len(w.subjects) > 0 {
		w.polling = true
		go w.poll()
	}
	return watch
}

// Close ends the watch.
func (watch *Watch) Close() {
	w := watch.watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, s := range w.subjects {
		delete(s.watches, watch)
		if len(s.watches) == 0 {
			delete(w.subjects, id)
		}
	}
}

// Wait waits for a change and keeps the stream alive. It reports whether there is one; false: the
// client is gone.
func (watch *Watch) Wait(ctx context.Context, stream *httpapi.Stream) bool {
	beat := time.NewTicker(httpapi.BeatEvery)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-watch.ready:
			return true
		case <-beat.C:
			if !stream.Beat() {
				return false
			}
		}
	}
}

// Take returns the records that changed since the last call, sorted by number.
func (watch *Watch) Take() []Change {
	w := watch.watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	var changes []Change
	for _, id := range slices.Sorted(maps.Keys(watch.changed)) {
		if s := w.subjects[id]; s != nil {
			changes = append(changes, Change{Record: s.record, Encoded: s.encoded})
		}
	}
	clear(watch.changed)
	return changes
}

// Left estimates the remaining time of a merge that is watched. It is 0 if there is no estimate
// yet.
func (w *Watcher) Left(id int64) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.subjects[id]
	if s == nil || s.since.IsZero() {
		return 0
	}
	progress := s.record.Progress - s.from
	if progress < minProgress {
		return 0
	}
	took := w.now().Sub(s.since)
	return took * time.Duration(100-s.record.Progress) / time.Duration(progress)
}

// trackMerge remembers when and where a merge was first seen. A merge that starts over is tracked
// from the start.
func (s *subject) trackMerge(now time.Time) {
	switch {
	case s.record.Step != nvr.StepMerge:
		s.since = time.Time{}
	case s.since.IsZero() || s.record.Progress < s.from:
		s.since, s.from = now, s.record.Progress
	}
}

// poll reads the watched records until there are none.
func (w *Watcher) poll() {
	ticker := time.NewTicker(w.every)
	defer ticker.Stop()
	for range ticker.C {
		ids := w.watchedIDs()
		if ids == nil {
			return
		}
		w.pollOnce(ids)
	}
}

// watchedIDs returns the numbers of the watched records. If there are none, it marks the polling
// as ended.
func (w *Watcher) watchedIDs() []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.subjects) == 0 {
		w.polling = false
		return nil
	}
	return slices.Collect(maps.Keys(w.subjects))
}

// pollOnce reads the records of the numbers once. A failure is logged; the next read makes up for it.
func (w *Watcher) pollOnce(ids []int64) {
	ctx, stop := context.WithTimeout(context.Background(), pollTime)
	defer stop()
	records, err := w.read(ctx, ids)
	if err != nil {
		w.log.WarnContext(ctx, "could not read the watched records", "err", err)
		return
	}
	for i := range records {
		encoded, err := w.encode(ctx, &records[i])
		if err != nil {
			w.log.WarnContext(
				ctx, "could not encode a watched record",
				"record", records[i].ID,
				"err", err,
			)
			continue
		}
		w.publish(&records[i], encoded)
	}
}

// publish wakes the watches of a record if its view changed.
func (w *Watcher) publish(r *nvr.Record, encoded []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.subjects[r.ID]
	if s == nil {
		return
	}
	s.record = *r
	s.trackMerge(w.now())
	if slices.Equal(s.encoded, encoded) {
		return
	}
	s.encoded = encoded
	for watch := range s.watches {
		watch.changed[r.ID] = struct{}{}
		select {
		case watch.ready <- struct{}{}:
		default: // it has its token already
		}
	}
}
