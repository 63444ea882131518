package pipeline_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// TestCanvasDays: a day of nothing but the card is said of, one slide saves it, and so does too little footage.
func TestCanvasDays(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	clock := storetest.NewClock()
	s := storetest.Open(t, storetest.SQLite(t), store.Options{
		Now:      clock.Now,
		Defaults: store.Defaults{Zone: time.UTC},
	})
	yesterday := clock.Now().AddDate(0, 0, -1).Format(time.DateOnly)
	for room, day := range map[string]struct {
		files int
		slide bool
	}{"dark": {8, false}, "lit": {8, true}, "rare": {2, false}} {
		if _, err := s.Rooms.Save(ctx, nvr.Room{
			Name:         room,
			ScreenSource: "172.18.191.21/0",
		}); err != nil {
			t.Fatal(err)
		}
		var segments []store.Segment
		for i := range day.files {
			name := nvr.SegmentName{
				Room:   room,
				Date:   yesterday,
				Time:   fmt.Sprintf("%02d:%02d", 9+i/2, i%2*30),
				Source: "21",
			}
			segments = append(segments, store.Segment{Name: name, Bytes: 1, Generation: 1})
		}
		if _, err := s.Segments.Index(ctx, room, yesterday, segments); err != nil {
			t.Fatal(err)
		}
		for i, segment := range segments {
			look := store.Analysis{
				Seconds:   1800,
				Stretches: []store.Stretch{{From: 0, To: 1800, Presentation: day.slide && i == 3}},
			}
			if err := s.Segments.SaveAnalysis(ctx, segment.Name, 1, look); err != nil {
				t.Fatal(err)
			}
		}
	}
	var log bytes.Buffer
	p := &pipeline.Pipeline{
		Texts: i18n.Default(),
		Store: pipeline.StoreOf(s),
		Now:   clock.Now,
		Log:   observe.Logger(&log, observe.Options{}),
	}
	if err := p.ReportIdleScreens(ctx); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"event":"canvas_day","room":"dark"`) {
		t.Error(text)
	}
}

// TestAPanicIsSeen: it is tried again as any failure, and said once, as Error Reporting reads it.
func TestAPanicIsSeen(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	clock := storetest.NewClock()
	s := storetest.Open(t, storetest.SQLite(t), store.Options{
		Now:      clock.Now,
		Defaults: store.Defaults{Zone: time.UTC, SegmentLength: time.Hour},
	})
	if _, err := s.Rooms.Save(ctx, nvr.Room{
		Name:       "504",
		MainSource: "172.18.191.24/0",
	}); err != nil {
		t.Fatal(err)
	}
	rec, _, err := s.Requests.Insert(
		ctx,
		nvr.Record{
			Room:      "504",
			Date:      "2026-11-20",
			StartTime: "10:00",
			EndTime:   "11:00",
			UserEmail: "a@example.org",
		},
		nil,
	)
	if err != nil {
		t.Fatal(err)
	}
	claim, err := s.Queue.Claim(ctx, rec, nvr.StepStage, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p := &pipeline.Pipeline{
		Texts: i18n.Default(),
		Store: pipeline.StoreOf(s),
		Now:   clock.Now,
		Log:   observe.Logger(&log, observe.Options{}), // without any bucket
		Settings: pipeline.Settings{
			Lease:       time.Hour,
			PushBudget:  time.Hour,
			PushTimeout: time.Hour,
			RetryPauses: []time.Duration{time.Minute},
		},
	}
	if err := p.Stage(ctx, claim); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "goroutine ") {
			seen = append(seen, line)
		}
	}
	if len(seen) != 1 || !strings.Contains(seen[0], `"severity":"ERROR"`) || !strings.Contains(seen[0], `"stack_trace":"panic: `) || !strings.Contains(seen[0], `"record":1,`) {
		t.Errorf("%q", seen)
	}
	if rec, err = s.Records.Get(ctx, rec.ID); err != nil || rec.Tries != 1 || rec.Step != nvr.StepStage {
		t.Errorf("%+v %v", rec, err)
	}
}
