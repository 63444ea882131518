package pipeline_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/localcloud/pubsub"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// claimer is a pipeline that can claim, and how it is asked how many records run.
type claimer struct {
	*pipeline.Pipeline
	t     *testing.T
	clock *storetest.Clock
}

// newClaimer has a room and some records that are due, and places for three.
func newClaimer(t *testing.T, records int) *claimer {
	ctx := context.Background()
	c := &claimer{t: t, clock: storetest.NewClock()}
	s := storetest.Open(t, storetest.SQLite(t), store.Options{Now: c.clock.Now})
	if _, err := s.Rooms.Save(ctx, nvr.Room{Name: "504"}); err != nil {
		t.Fatal(err)
	}
	server, err := pubsub.Start(ctx, pubsub.Options{
		Project: "local",
		Topics:  []string{"stage"},
		Now:     time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	topics, err := dispatch.NewTopics(ctx, dispatch.TopicsOptions{
		Project:  "local",
		Endpoint: server.Addr(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = topics.Close() })
	c.Pipeline = &pipeline.Pipeline{
		Texts:    i18n.Default(),
		Store:    pipeline.StoreOf(s),
		Topics:   topics,
		Now:      c.clock.Now,
		Log:      slog.New(slog.DiscardHandler),
		Settings: pipeline.Settings{MaxMerges: 3, Lease: 3 * time.Minute},
	}
	for range records {
		c.insert("10:00")
	}
	return c
}

// insert files a request for a lecture that begins at a time and lasts until noon.
func (c *claimer) insert(start string) int64 {
	c.t.Helper()
	rec, _, err := c.Store.Requests.Insert(
		context.Background(),
		nvr.Record{
			Room:      "504",
			Date:      "2026-11-19",
			StartTime: start,
			EndTime:   "12:00",
			UserEmail: "a@example.org",
		},
		nil,
	)
	if err != nil {
		c.t.Fatal(err)
	}
	return rec.ID
}

func (c *claimer) running(what string, want int) {
	c.t.Helper()
	if got, err := c.Store.Queue.CountRunning(context.Background()); err != nil || got != want {
		c.t.Errorf("%s: %d running, %v; want %d", what, got, err, want)
	}
}

// TestPlaces: whatever becomes of those that run, no more do than there are places for.
func TestPlaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := newClaimer(t, 9)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var claims sync.WaitGroup
	for range 4 {
		claims.Go(func() {
			if err := c.Claim(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	claims.Wait()
	c.running("four claims at once", 3)

	c.clock.Move(time.Hour) // all leases run out; they are taken over, and nothing beside them
	must(c.Claim(ctx))
	c.running("taken over", 3)

	_, hold, err := c.Store.Leases.Enter(
		ctx,
		nvr.Claim{Record: 1, Attempt: 2, Step: nvr.StepStage},
		"one",
		time.Hour,
	)
	must(err)
	_, err = c.Store.Leases.Release(ctx, hold, store.Setback{
		Pause: func(int64) time.Duration { return time.Minute },
		Cause: "x",
	})
	must(err)
	must(c.Claim(ctx))
	c.running("one pauses, and another has its place", 3)
	c.clock.Move(2 * time.Minute)
	must(c.Recover(ctx))
	c.running("its pause is over, and it waits for a place", 3)
	if rec, err := c.Store.Records.Get(ctx, 1); err != nil || rec.Attempt != 2 {
		t.Errorf("record 1 went on without a place: %+v, %v", rec, err)
	}
	_, hold, err = c.Store.Leases.Enter(
		ctx,
		nvr.Claim{Record: 2, Attempt: 2, Step: nvr.StepStage},
		"two",
		time.Hour,
	)
	must(err)
	must(c.Store.Leases.Fail(ctx, hold, cause.Legacy("x", "x"), "x"))
	must(c.Claim(ctx))
	c.running("the place of one that has failed", 3)
	if rec, err := c.Store.Records.Get(ctx, 1); err != nil || rec.Attempt != 3 {
		t.Errorf("record 1 waits though there is a place: %+v, %v", rec, err)
	}
}

// TestStandBy: standby does that half of claim's work which is not done, and leaves it alone again once it is.
func TestStandBy(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := newClaimer(t, 9)
	c.Settings.StandbyAfter, c.Settings.Lease = 45*time.Minute, 24*time.Hour
	fresh := int64(0) // a record that came after claim had looked
	for _, at := range []struct {
		what   string
		after  time.Duration
		do     func(context.Context) error
		want   int // records at work in the end
		looked bool
	}{
		{"claim has three places", 0, c.Claim, 3, false},
		{"the next one is claim's to give away", 14 * time.Minute, c.Standby, 3, false},
		{"nobody fills the places", 2 * time.Minute, c.Standby, 5, false},
		{"nor does he now", 5 * time.Minute, c.Standby, 6, false},
		{"somebody does again", 20 * time.Minute, c.Recover, 7, false},
		{"but nobody looks through what is new", 5 * time.Minute, c.Standby, 7, true},
		{"claim is back", 5 * time.Minute, c.Claim, 9, true},
		{"and all is left to it", 5 * time.Minute, c.Standby, 9, true},
	} {
		c.clock.Move(at.after)
		if err := at.do(ctx); err != nil {
			t.Fatalf("%s: %v", at.what, err)
		}
		c.running(at.what, at.want)
		c.Settings.MaxMerges++ // one more place each time
		if fresh == 0 {
			fresh = c.insert("11:00")
		}
		if rec, err := c.Store.Records.Get(ctx, fresh); err != nil || rec.DueAt.IsZero() == at.looked {
			t.Errorf("%s: the new record is due at %v, %v", at.what, rec.DueAt, err)
		}
	}
}
