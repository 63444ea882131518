package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

func TestEffectsHaveOneWinner(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		if _, err := r.Effects.Get(ctx, 7, "attachment", "file-1"); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("nothing noted: %v", err)
		}
		won := make([]string, 8)
		var all sync.WaitGroup
		for i := range won {
			all.Go(func() {
				value, err := r.Effects.Set(ctx, 7, "announcement", "course", string(rune('a'+i)))
				if err != nil {
					t.Error(err)
				}
				won[i] = value
			})
		}
		all.Wait()
		noted := must(r.Effects.Get(ctx, 7, "announcement", "course"))(t)
		for i, value := range won {
			if value != noted {
				t.Errorf("caller %d was told %q, noted is %q", i, value, noted)
			}
		}
		ok(t, r.Effects.Replace(ctx, 7, "announcement", "course", noted, "z"))
		if err := r.Effects.Replace(ctx, 7, "announcement", "course", noted, "y"); !errors.Is(err, store.ErrConflict) {
			t.Errorf("replaced what is not there: %v", err)
		}
		must(r.Effects.Set(ctx, 7, "announcement", "COURSE", "upper"))(t) // ids differ by case
		if got := must(r.Effects.Get(ctx, 7, "announcement", "course"))(t); got != "z" {
			t.Errorf("noted %q", got)
		}
	})
}

func TestUploadIsFenced(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepUpload)
		if _, err := r.Uploads.Get(ctx, hold.Record); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("none begun: %v", err)
		}
		upload := store.Upload{
			FileID:  "f",
			Session: "https://example.org/?upload_id=1",
			Source:  "merges/x#1",
			MD5:     "",
			Size:    3 << 30,
			Sent:    8 << 20,
		}
		ok(t, r.Uploads.Save(ctx, hold, upload))
		upload.Sent += 8 << 20
		ok(t, r.Uploads.Save(ctx, hold, upload))
		if got := must(r.Uploads.Get(ctx, hold.Record))(t); got != upload {
			t.Errorf("got %+v, want %+v", got, upload)
		}
		must(r.Leases.Continue(ctx, hold, lease))(t)
		stale(t, r.Uploads.Save(ctx, hold, upload))
	})
}

// TestDelivered lists the videos of records that are done, from a date and a record on.
func TestDelivered(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		hold := r.work(t, nvr.StepUpload)
		file, link := "F", "https://drive.example.org/F"
		ok(t, r.Uploads.Save(ctx, hold, store.Upload{FileID: file, MD5: "d4", Size: 7, Sent: 7}))
		next := must(r.Leases.Advance(ctx, hold, nvr.StepLink, store.Change{FileID: &file, Link: &link}, lease))(t)
		list := func(since string, after int64) []store.Delivered {
			return must(r.Uploads.Delivered(ctx, since, after, 10))(t)
		}
		if got := list("", 0); len(got) != 0 {
			t.Errorf("before it is done: %+v", got)
		}
		hold = must2(r.Leases.Enter(ctx, next, "linker", lease))(t)
		must(r.Leases.Advance(ctx, hold, nvr.StepDone, store.Change{}, lease))(t)
		record := r.record(t, hold.Record)
		want := store.Delivered{
			Record: hold.Record, Room: record.Room, Date: record.Date, FileID: file, Link: link, MD5: "d4", Size: 7,
		}
		for _, since := range []string{"", record.Date} {
			if got := list(since, 0); len(got) != 1 || got[0] != want {
				t.Errorf("since %q: %+v, want %+v", since, got, want)
			}
		}
		if got := list("9999-01-01", 0); len(got) != 0 {
			t.Errorf("since another day: %+v", got)
		}
		if got := list("", hold.Record); len(got) != 0 {
			t.Errorf("after it: %+v", got)
		}
	})
}

// TestCost holds the statements that a step costs.
func TestCost(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		before := r.Statements()
		cost := func(what string, want int64) {
			t.Helper()
			if got := r.Statements() - before; got != want {
				t.Errorf("%s: %d statements, want %d", what, got, want)
			}
			before = r.Statements()
		}
		record := must(r.insert(lecture()))(t)
		cost("insert", 2)
		claim := must(r.Queue.Claim(ctx, record, nvr.StepStage, lease))(t)
		cost("take", 1)
		_, hold, err := r.Leases.Enter(ctx, claim, "one", lease)
		ok(t, err)
		cost("enter", 2)
		ok(t, r.Leases.Renew(ctx, hold, lease))
		cost("renew", 1)
		must(r.Leases.Advance(ctx, hold, nvr.StepMerge, store.Change{}, lease))(t)
		cost("advance", 1)
		must(r.Rooms.List(ctx))(t)
		cost("rooms", 2)
		must(r.Segments.Index(ctx, "504", "2026-11-20", nil))(t)
		cost("a day without change", 1)
	})
}
