package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// TestStepsHaveTheirRights takes records through all steps, each with the rights of its component in the
// database: one that is delivered, taken back and restored, one without footage and one whose message is dead.
// No step may even log that the database refused something.
func TestStepsHaveTheirRights(t *testing.T) {
	t.Parallel()
	w := newEnvOn(t, storetest.MariaDBOfComponents(t))
	var log bytes.Buffer
	w.log = slog.NewTextHandler(&log, nil)
	s := &trace{course: w.course("ALG"), event: w.event("поток: ALG")}
	w.insert(recordOf(s.event))
	fileID := w.until().FileID
	f := w.facts(s.event, s.course)
	if wrong := f.once(""); wrong != "" {
		t.Error(wrong)
	}
	w.takeBack()
	w.until()
	if wrong := w.takenBack(s, fileID); wrong != "" {
		t.Error(wrong)
	}
	w.restore()
	w.until()
	if wrong := w.facts(s.event, s.course).once(f.md5); wrong != "" {
		t.Error(wrong)
	}

	as := func(component string, do func(context.Context, *pipeline.Pipeline) error) {
		t.Helper()
		if err := w.live(&process{as: component}, do); err != nil {
			t.Errorf("%s: %v", component, err)
		}
	}
	claim := func(ctx context.Context, p *pipeline.Pipeline) error { return p.Claim(ctx) }
	w.settings.DeferNotices = true
	old := w.insert(func(r *nvr.Record) { r.Date = "2026-11-19" }) // without footage
	as("claim", claim)
	as("stage", w.next().do)
	w.settings.DeferNotices = false
	w.person(func(ctx context.Context, db *store.Store) error {
		at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		return db.OptOuts.Save(ctx, store.OptOut{
			Calendar: calendarOf("504"), Event: "e", Room: "504", Start: at, End: at.Add(time.Minute),
		})
	})
	as("claim", claim) // tells what the others owe
	dead := w.insert(func(r *nvr.Record) { r.Date = "2026-11-19" })
	as("claim", claim)
	message := w.next().claim
	as("fail", func(ctx context.Context, p *pipeline.Pipeline) error { return p.Fail(ctx, message, "dead") })
	for _, id := range []int64{old.ID, dead.ID} {
		if rec := w.rowOf(id); rec.Step != nvr.StepFailed || w.posts[fmt.Sprintf("record-%d-failed", id)] != 1 {
			t.Errorf("%+v, notices %v", rec, w.posts)
		}
	}
	w.clock.Move(2 * time.Hour)
	as("standby", func(ctx context.Context, p *pipeline.Pipeline) error { return p.Standby(ctx) })
	as("calendar", func(ctx context.Context, p *pipeline.Pipeline) error { return p.IndexSegments(ctx, 2) })
	as("calendar", func(ctx context.Context, p *pipeline.Pipeline) error { return p.ReportIdleScreens(ctx) })
	as("calendar", func(ctx context.Context, p *pipeline.Pipeline) error { return p.PurgeExpired(ctx) })
	if strings.Contains(log.String(), "denied") {
		t.Errorf("the database refused something:\n%s", &log)
	}
}

// TestCalendarHasItsRights sweeps calendars with the rights of the component calendar.
func TestCalendarHasItsRights(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *sweepWorld){
		"events":   testEventsLife,
		"opt-outs": testOptOutCoversEveryRecord,
		"adoption": testAdoption,
		"channels": testChannels,
		"members":  testEventMembers,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := storetest.MariaDBOfComponents(t)
			test(t, newSweepWorldAs(t, db.DSN, db.As("calendar"), "504", "505"))
		})
	}
}
