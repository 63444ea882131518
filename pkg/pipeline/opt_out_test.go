package pipeline_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// optOut stores an opt-out of room 504 from some seconds after 15:00 to others, as a sweep does.
func (w *env) optOut(event string, from, until int) {
	w.t.Helper()
	three := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	db := w.database()
	err := db.OptOuts.Save(context.Background(), store.OptOut{
		Calendar: calendarOf("504"),
		Event:    event,
		Room:     "504",
		Start:    three.Add(time.Duration(from) * time.Second),
		End:      three.Add(time.Duration(until) * time.Second),
	})
	w.must(errors.Join(err, db.Close()))
}

// told counts the notices to the operators.
func (w *env) told() (n int) {
	for id, count := range w.posts {
		if strings.HasPrefix(id, "record-1-opted-out-") {
			n += count
		}
	}
	return n
}

// TestOptOutOfRows withdraws what is asked for in opted-out time, by whatever way its row came: before it is
// claimed, and after.
func TestOptOutOfRows(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.optOut("e1", 0, 40)
	w.optOut("e2", 30, 90)
	w.sql(`insert into records (event_name, room_name, date, start_time, end_time, user_email, event_id)
 values ('Row', '504', '2026-11-20', '15:00', '15:01', 'a@example.org', 'another')`)
	w.claim()
	if r := w.row(); r.Step != nvr.StepWithdrawn || r.Reason != cause.OptedOut("504") || r.Processing {
		t.Errorf("the NVR's row is %+v", r)
	}
	w.sql("delete from merger_opt_outs")
	w.sql("update records set step = 'stage', reason = null")
	w.until(nvr.StepMerge)
	w.optOut("e1", 0, 90)
	w.sql("update records set step = 'stage', done = 0, processing = 0")
	w.clock.Move(time.Hour)
	if r := w.until(); r.Step != nvr.StepWithdrawn || r.Reason != cause.OptedOut("504") {
		t.Errorf("the claimed row is %+v", r)
	}
}

// TestOptOutBeforeJoin makes another plan when an opt-out comes while the parts are made.
func TestOptOutBeforeJoin(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.insert(nil)
	first := w.until(nvr.StepMerge)
	w.optOut("e1", 20, 40)
	second := w.until(nvr.StepUpload)
	if first.Digest == second.Digest || len(w.plan().Withheld) != 1 {
		t.Errorf("the plan withholds %v", w.plan().Withheld)
	}
	done := w.until()
	w.claim()
	if done.Step != nvr.StepDone || w.told() != 0 {
		t.Errorf("the record is %+v; %v", done, w.posts)
	}
}

// TestOptOutAfterMerge follows an opt-out that comes after the merge is made: before the upload, during it, and
// after the share.
func TestOptOutAfterMerge(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	t.Run("before the upload", func(t *testing.T) {
		w := s.begin(t)
		w.optOut("e1", -60, 60)
		if r := w.until(); r.Step != nvr.StepWithdrawn || r.Reason != cause.OptedOut("504") || r.FileID != "" {
			t.Errorf("the record is %+v", r)
		}
	})
	t.Run("during the upload", func(t *testing.T) {
		w := s.begin(t)
		w.door.answer = func(_ http.ResponseWriter, r *http.Request) bool {
			if a, ok := upload(r); ok && a.what == "send" {
				w.optOut("e1", 20, 40)
			}
			return false
		}
		r := w.until(nvr.StepMerge)
		w.door.answer = nil
		if f := w.facts(s.event, s.course); r.FileID == "" || f.videos != 0 || f.shares != 0 {
			t.Errorf("the former video is still there: %+v", f)
		}
		if len(w.plan().Withheld) != 1 {
			t.Errorf("the new plan withholds %v", w.plan().Withheld)
		}
	})
	t.Run("in the calendar only", func(t *testing.T) {
		w := s.begin(t)
		w.event("no recording")
		r := w.until()
		if f := w.facts(s.event, s.course); r.Step != nvr.StepWithdrawn || f.videos != 0 || f.shares != 0 {
			t.Errorf("the record is %+v, %+v", r, f)
		}
	})
	t.Run("after the share", func(t *testing.T) {
		w := s.begin(t)
		w.until()
		w.optOut("e1", 20, 40)
		w.claim()
		w.claim()
		want := cause.OptedOutLate("2026-11-20 15:00", "2026-11-20 15:00")
		if r := w.row(); r.Step != nvr.StepDone || w.told() != 1 || r.Reason != want {
			t.Errorf("the record is %+v; %v", r, w.posts)
		}
		if f := w.facts(s.event, s.course); f.videos != 1 || f.shares != 1 {
			t.Errorf("the video does not stay: %+v", f)
		}
		w.optOut("e1", 20, 50)
		w.optOut("e2", 70, 80)
		w.claim()
		if w.told() != 1 {
			t.Errorf("the operators are told again: %v", w.posts)
		}
	})
}

// TestShareDomains leaves a video unshared with a requester of another domain, who is told.
func TestShareDomains(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	for domain, shares := range map[string]int{"example.com": 0, "EXAMPLE.org": 1} {
		w := s.begin(t)
		w.settings.ShareDomains = []string{domain}
		r := w.until()
		why := i18n.ReadReason(r.Share)
		if f := w.facts(s.event, s.course); r.Step != nvr.StepDone || f.shares != shares ||
			shares == 0 && why != cause.ShareOutside("example.org") || w.posts["record-1-done"] != 1 {
			t.Errorf("%s: the record is %+v, %+v; %v", domain, r, f, w.posts)
		}
	}
}
