package records

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// watchEvery is the pause between two looks at the records that somebody watches.
const watchEvery = time.Second

// watcher looks for everybody at once: one statement a pause reads all records that are watched, and who
// watches an unchanged one costs nothing. It looks only while somebody watches.
type Watcher struct {
	read  func(ctx context.Context, ids []int64) ([]nvr.Record, error)
	show  func(ctx context.Context, r *nvr.Record) ([]byte, error) // what a watcher would see: a change of it is a change
	every time.Duration
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	watched map[int64]*watched
	looking bool
}

// watched is a record that somebody watches.
type watched struct {
	record nvr.Record
	shown  []byte
	by     map[*Watch]struct{}

	// Since when it has been merging, as far as we saw, and how far it was then.
	since time.Time
	from  int
}

// watch is one who watches: woken holds a token when changed is not empty.
type Watch struct {
	woken   chan struct{}
	changed map[int64]struct{} // guarded by the watcher's mu
}

// add begins to watch records as they were just read.
func (w *Watcher) Add(records []nvr.Record, shown [][]byte) *Watch {
	each := &Watch{woken: make(chan struct{}, 1), changed: map[int64]struct{}{}}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range records {
		id := records[i].ID
		if w.watched[id] == nil {
			w.watched[id] = &watched{record: records[i], shown: shown[i], by: map[*Watch]struct{}{}}
			w.watched[id].pace(w.now())
		}
		w.watched[id].by[each] = struct{}{}
	}
	if !w.looking && len(w.watched) > 0 {
		w.looking = true
		go w.look()
	}
	return each
}

// remove ends a watch.
func (w *Watcher) Remove(each *Watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, one := range w.watched {
		if delete(one.by, each); len(one.by) == 0 {
			delete(w.watched, id)
		}
	}
}

// take gives what changed since the last time, with what is shown of it.
func (w *Watcher) Take(each *Watch) (records []nvr.Record, shown [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(each.changed)) {
		if one := w.watched[id]; one != nil {
			records, shown = append(records, one.record), append(shown, one.shown)
		}
	}
	clear(each.changed)
	return records, shown
}

// left guesses how long a merge that is watched still takes; 0 if it is too early to tell.
func (w *Watcher) Left(id int64) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.watched[id]
	if one == nil || one.since.IsZero() || one.record.Progress < one.from+3 {
		return 0
	}
	took := w.now().Sub(one.since)
	return took * time.Duration(100-one.record.Progress) / time.Duration(one.record.Progress-one.from)
}

// pace remembers where a merge was first seen.
func (one *watched) pace(now time.Time) {
	switch {
	case one.record.Step != nvr.StepMerge:
		one.since = time.Time{}
	case one.since.IsZero() || one.record.Progress < one.from:
		one.since, one.from = now, one.record.Progress
	}
}

// look reads what is watched until nobody watches.
func (w *Watcher) look() {
	ticker := time.NewTicker(w.every)
	defer ticker.Stop()
	for range ticker.C {
		w.mu.Lock()
		ids := slices.Collect(maps.Keys(w.watched))
		if len(ids) == 0 {
			w.looking = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		w.lookOnce(ids)
	}
}

func (w *Watcher) lookOnce(ids []int64) {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	records, err := w.read(ctx, ids)
	if err != nil {
		w.log.WarnContext(ctx, "could not look at the watched records", "err", err)
		return
	}
	for i := range records {
		shown, err := w.show(ctx, &records[i])
		if err != nil {
			w.log.WarnContext(ctx, "could not show a watched record", "record", records[i].ID, "err", err)
			continue
		}
		w.tell(&records[i], shown)
	}
}

// tell wakes those who watch a record, if it shows something new.
func (w *Watcher) tell(r *nvr.Record, shown []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.watched[r.ID]
	if one == nil {
		return
	}
	one.record = *r
	one.pace(w.now())
	if slices.Equal(one.shown, shown) {
		return
	}
	one.shown = shown
	for each := range one.by {
		each.changed[r.ID] = struct{}{}
		select {
		case each.woken <- struct{}{}:
		default:
		}
	}
}

// Await waits for a change; false if the reader is gone.
func (s *Service) Await(r *http.Request, watch *Watch, stream *httpapi.Stream) bool {
	beat := time.NewTicker(httpapi.BeatEvery)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return false
		case <-watch.woken:
			return true
		case <-beat.C:
			if !stream.Write([]byte(": \n\n")) {
				return false
			}
		}
	}
}
