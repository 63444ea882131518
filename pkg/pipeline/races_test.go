package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
)

// creates is the object of the work bucket that a request would make by a compose or an upload; empty
// if it does neither.
func creates(r *http.Request) string {
	const objects = "/storage/v1/b/work/o"
	switch name, composed := strings.CutSuffix(r.URL.Path, "/compose"); {
	case r.Method != http.MethodPost:
		return ""
	case composed:
		return strings.TrimPrefix(name, objects+"/")
	case r.URL.Path == "/upload"+objects:
		return r.URL.Query().Get("name")
	}
	return ""
}

// meetings hold who is about to make an object until a second one is about to make the same.
type meetings struct {
	mu   sync.Mutex
	come map[string]int
	all  map[string]chan struct{}
}

func (m *meetings) wait(name string) {
	m.mu.Lock()
	if m.all[name] == nil {
		m.all[name] = make(chan struct{})
	}
	all := m.all[name]
	if m.come[name]++; m.come[name] == 2 {
		close(all)
	}
	m.mu.Unlock()
	<-all
}

// strays are media that no part names.
func (w *env) strays() []string {
	w.t.Helper()
	named := map[string]bool{}
	for _, name := range w.objects("work", "1/parts/") {
		var part struct{ Media string }
		w.must(json.Unmarshal(w.work(name), &part))
		named[part.Media] = true
	}
	return slices.DeleteFunc(w.objects("work", "1/media/"), func(name string) bool {
		return named[name]
	})
}

// TestRaces: what several do at once, or one that was overtaken does late, makes nothing twice, takes
// nothing away, and fails nothing.
func TestRaces(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.insert(nil)
	w.until(nvr.StepMerge)
	w.launched()
	tasks, planned := slices.Clone(w.tasks), w.save()
	w.step()
	struck := func(r *http.Request) bool { return strings.HasPrefix(creates(r), "1/merges/") }
	if err := w.live(&process{strike: struck}, w.next().do); !errors.Is(err, errDied) {
		t.Fatalf("the second task was to die before it joins: %v", err)
	}
	w.tasks = slices.Clone(tasks)
	rendered := w.save() // both parts are there
	t.Run("two executions render at once", func(t *testing.T) {
		if testing.Short() {
			t.Skip("renders")
		}
		twoExecutions(t, open(t, planned.copy(t)), &process{})
	})
	t.Run("two executions join at once", func(t *testing.T) {
		together := &meetings{come: map[string]int{}, all: map[string]chan struct{}{}}
		twoExecutions(t, open(t, rendered.copy(t)), &process{strike: func(r *http.Request) bool {
			if struck(r) {
				together.wait(creates(r))
			}
			return false
		}})
	})
	t.Run("a stale attempt commits a part", func(t *testing.T) {
		if testing.Short() {
			t.Skip("renders")
		}
		staleAttempt(t, open(t, planned.copy(t)), func(r *http.Request) bool {
			return strings.HasPrefix(creates(r), "1/parts/")
		})
	})
	t.Run("a stale attempt joins", func(t *testing.T) {
		staleAttempt(t, open(t, rendered.copy(t)), struck)
	})
}

// twoExecutions runs every task twice at once: jobs.run cannot be deduplicated.
func twoExecutions(t *testing.T, w *env, l *process) {
	w.must(w.live(l, func(ctx context.Context, p *pipeline.Pipeline) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, task := range slices.Concat(w.tasks, w.tasks) {
			group.Go(func() error { return p.Merge(ctx, task) })
		}
		return group.Wait()
	}))
	w.tasks = nil
	rec := w.row()
	if rec.Step != nvr.StepUpload || rec.Tries != 0 || rec.Cause != "" || rec.Reason != (cause.Cause{}) || len(w.queue) != 1 {
		t.Errorf("row %+v, messages %v", rec, w.queue)
	}
	if parts, merges := w.objects("work", "1/parts/"), w.objects("work", "1/merges/"); len(parts) != 2 || len(merges) != 1 || len(w.strays()) != 0 {
		t.Errorf("parts %v, merges %v, strays %v", parts, merges, w.strays())
	}
	once(t, w)
}

// staleAttempt holds a task of the first attempt just before it makes an object, until a second attempt
// has made the merge.
func staleAttempt(t *testing.T, w *env, makes func(*http.Request) bool) {
	var overtaken atomic.Bool
	var row nvr.Record
	var made map[string]int64
	l := &process{strike: func(r *http.Request) bool {
		if makes(r) && overtaken.CompareAndSwap(false, true) {
			w.clock.Move(2 * time.Minute) // its lease runs out
			row = w.until(nvr.StepUpload)
			made = w.generations("work", "1/")
		}
		return false
	}}
	stale := w.tasks[len(w.tasks)-1]
	w.tasks = nil
	w.must(w.live(l, func(ctx context.Context, p *pipeline.Pipeline) error {
		return p.Merge(ctx, stale)
	}))
	if row.Attempt != stale.Claim.Attempt+1 || row.Step != nvr.StepUpload || row.Tries != 0 {
		t.Fatalf("the second attempt: %+v", row)
	}
	if after := w.row(); after != row || len(w.queue) != 1 || w.queue[0] != row.Claim() {
		t.Errorf("row %+v, want %+v; messages %v", after, row, w.queue)
	}
	now := w.generations("work", "1/")
	for name, generation := range made {
		if now[name] != generation && !(strings.HasPrefix(name, "1/media/") && now[name] == 0) {
			t.Errorf("%s was of generation %d, is %d", name, generation, now[name])
		}
	}
	if strays := w.strays(); len(strays) != 0 || len(now) > len(made) {
		t.Errorf("left behind: %v of %v", strays, slices.Collect(maps.Keys(now)))
	}
	once(t, w)
}

// once brings the record to its end and wants one video, one notice and nothing left.
func once(t *testing.T, w *env) {
	t.Helper()
	rec := w.until()
	if f := w.facts("", ""); rec.Step != nvr.StepDone || rec.Tries != 0 || f.videos != 1 || f.shares != 1 || f.notices != 1 || len(f.left) != 0 {
		t.Errorf("in the end: %+v", f)
	}
	w.frames(1500)
}
