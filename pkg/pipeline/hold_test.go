package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// TestHold delivers a held record to its requester alone. Then it releases the record, or lets two days pass, and
// kills the process at points of the link that follows: the video is attached and posted once, and there is no second
// notice.
func TestHold(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s := &trace{course: w.course("ALG"), event: w.event("поток: ALG")}
	w.insert(func(r *nvr.Record) { r.EventID, r.Held = s.event, true })
	rec := w.until()
	f := w.facts(s.event, s.course)
	if rec.Step != nvr.StepDone || !rec.Held || f.shares != 1 || f.attachments+f.posts+f.draft != 0 || f.notices != 1 {
		t.Fatalf("held: %+v", f)
	}
	w.clock.Move(47 * time.Hour)
	w.claim()
	if rec = w.row(); rec.Step != nvr.StepDone || !rec.Held {
		t.Fatalf("after 47 hours: %+v", rec)
	}
	held := w.save()
	w.clock.Move(2 * time.Hour)
	w.claim()
	w.until()
	if wrong := w.facts(s.event, s.course).once(""); wrong != "" || w.row().Held {
		t.Errorf("after two days: held %t\n%s", w.row().Held, wrong)
	}

	// An event asks for no recording of a part meanwhile: what is shared stays, and goes nowhere else.
	w = open(t, held.copy(t))
	w.posts["record-1-done"] = 1
	w.optOut("late", 20, 40)
	w.person(func(ctx context.Context, db *store.Store) error { return db.Requests.Release(ctx, 1) })
	rec = w.until()
	f = w.facts(s.event, s.course)
	if note := cause.OptedOut("504"); f.shares != 1 || f.attachments+f.posts+f.draft != 0 || i18n.ReadReason(rec.Course) != note {
		t.Errorf("released after an opt-out: %+v, course %q", f, rec.Course)
	}

	w = open(t, held.copy(t))
	w.posts["record-1-done"] = 1
	for range 2 {
		w.person(func(ctx context.Context, db *store.Store) error { return db.Requests.Release(ctx, 1) })
	}
	s.scenes = map[string]snapshot{}
	s.walk(w)
	if wrong := w.facts(s.event, s.course).once(""); wrong != "" || w.row().Held {
		t.Fatalf("released: held %t\n%s", w.row().Held, wrong)
	}
	for _, name := range s.order {
		s.killAt(t, name, func(w *env, at int64) {
			if wrong := w.facts(s.event, s.course).once(""); wrong != "" {
				t.Errorf("%s killed at point %d:\n%s", name, at, wrong)
			}
		})
	}
}

// TestHoldBeforeTheDelivery releases a held record before it is delivered: it is delivered as any other.
func TestHoldBeforeTheDelivery(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	course, event := w.course("ALG"), w.event("поток: ALG")
	w.insert(func(r *nvr.Record) { r.EventID, r.Held = event, true })
	w.person(func(ctx context.Context, db *store.Store) error { return db.Requests.Release(ctx, 1) })
	w.until()
	if wrong := w.facts(event, course).once(""); wrong != "" {
		t.Error(wrong)
	}
}
