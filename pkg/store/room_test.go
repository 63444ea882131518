package store_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

func TestRooms(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		moscow := must(time.LoadLocation("Europe/Moscow"))(t)
		room := nvr.Room{
			Name:          "504 б/1",
			Drive:         "https://drive.google.com/drive/folders/abc",
			Calendar:      "c",
			MainSource:    "172.18.191.24/0",
			ScreenSource:  "172.18.191.25/0",
			SoundSource:   "172.18.191.24/0",
			Zone:          moscow,
			Language:      "ru",
			SegmentLength: 15 * time.Minute,
			Layout:        nvr.LayoutStage,
		}
		id := must(r.Rooms.Save(ctx, room))(t)
		source := nvr.Source{Name: "board", IP: "172.18.191.30", Port: "554", Merge: "right"}
		source.ID = must(r.Rooms.SaveSource(ctx, id, source))(t)
		room.ID, room.Sources = id, []nvr.Source{source}
		if got := must(r.Rooms.Get(ctx, room.Name))(t); !reflect.DeepEqual(got, room) {
			t.Fatalf("got\n%+v, want\n%+v", got, room)
		}
		room.Zone, room.Language, room.SegmentLength = time.UTC, "en", 30*time.Minute
		room.Layout = nvr.LayoutSide // is kept: the deployment may be configured otherwise
		must(r.Rooms.Save(ctx, room))(t)
		source.Port = "8554"
		must(r.Rooms.SaveSource(ctx, id, source))(t)
		room.Sources[0] = source
		r.sql(t, `insert into rooms (name) values ('505')`)
		rooms := must(r.Rooms.List(ctx))(t)
		if len(rooms) != 2 || !reflect.DeepEqual(rooms[0], room) || rooms[1].Name != "505" || rooms[1].SegmentLength != 30*time.Minute {
			t.Fatalf("rooms:\n%+v, want first\n%+v", rooms, room)
		}
		// Another default reaches the rooms that have no setting of their own.
		other := must(store.Open(ctx, r.dsn, store.Options{
			Now:      r.clock.Now,
			Defaults: store.Defaults{Language: "ru"},
		}))(t)
		defer func() { ok(t, other.Close()) }()
		if got := must(other.Rooms.Get(ctx, "505"))(t); got.Language != "ru" {
			t.Errorf("language %q", got.Language)
		}
		if _, err := r.Rooms.Get(ctx, "504 Б/1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a room by a name in other case: %v", err)
		}
		ok(t, r.Rooms.DeleteSource(ctx, id, source.ID))
		ok(t, r.Rooms.Delete(ctx, id))
		if _, err := r.Rooms.Get(ctx, room.Name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a deleted room: %v", err)
		}
		if _, err := r.Rooms.Save(ctx, room); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("saved a deleted room: %v", err)
		}
	})
}

func TestSegmentsAreIndexedByDifference(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		segment := func(time, source string, generation int64) store.Segment {
			return store.Segment{
				Name: nvr.SegmentName{
					Date:   "2026-11-20",
					Time:   time,
					Room:   "504",
					Source: source,
				},
				Bytes:      1 << 20,
				Generation: generation,
			}
		}
		day := []store.Segment{
			segment("10:00", "24", 1),
			segment("10:00", "25", 2),
			segment("10:30", "24", 3),
		}
		index := func(want int) {
			t.Helper()
			if got := must(r.Segments.Index(ctx, "504", "2026-11-20", day))(t); got != want {
				t.Fatalf("%d changes, want %d", got, want)
			}
			got := must(r.Segments.On(ctx, "504", "2026-11-20"))(t)
			for i := range got {
				got[i].Analysis = nil
			}
			if !reflect.DeepEqual(got, day) {
				t.Fatalf("footage %+v, want %+v", got, day)
			}
		}
		index(3)
		index(0)
		look := store.Analysis{
			Seconds:   1799.5,
			Stretches: []store.Stretch{{To: 420}, {From: 420, To: 1799.5, Presentation: true}},
		}
		ok(t, r.Segments.SaveAnalysis(ctx, day[1].Name, 2, look))
		ok(t, r.Segments.SaveAnalysis(ctx, day[0].Name, 99, look)) // another generation: no effect
		got := must(r.Segments.On(ctx, "504", "2026-11-20"))(t)
		if got[0].Analysis != nil || got[1].Analysis == nil || !reflect.DeepEqual(*got[1].Analysis, look) {
			t.Fatalf("looks: %+v", got)
		}
		day[1].Generation = 5
		day = day[:2]
		index(2)
		if got := must(r.Segments.On(ctx, "504", "2026-11-20"))(t); got[1].Analysis != nil {
			t.Error("a new generation kept the look of the old one")
		}
		if days := must(r.Segments.CountByDay(ctx, "504", "2026-11-01", "2026-11-30"))(t); len(days) != 2 || days[0] != (store.DayCount{
			Date:     "2026-11-20",
			Source:   "24",
			Segments: 1,
		}) {
			t.Errorf("days: %+v", days)
		}
		ok(t, r.Segments.Forget(ctx, "504", "2026-11-21"))
		if got := must(r.Segments.On(ctx, "504", "2026-11-20"))(t); len(got) != 0 {
			t.Errorf("forgotten: %+v", got)
		}
	})
}

func TestChannels(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		channel := store.Channel{ID: "ch1", Calendar: "c", ExpiresAt: r.clock.Now().Add(time.Hour)}
		ok(t, r.Channels.Save(ctx, channel, "token"))
		channel.Resource = "res"
		ok(t, r.Channels.Save(ctx, channel, "token"))
		got := must(r.Channels.Get(ctx, "ch1"))(t)
		if got.Resource != "res" || !got.ExpiresAt.Equal(channel.ExpiresAt) || !got.VerifyToken("token") || got.VerifyToken("other") || got.VerifyToken("") {
			t.Errorf("channel %+v", got)
		}
		if all := must(r.Channels.List(ctx))(t); len(all) != 1 {
			t.Errorf("channels %+v", all)
		}
		ok(t, r.Channels.Delete(ctx, "ch1"))
		if _, err := r.Channels.Get(ctx, "ch1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a forgotten channel: %v", err)
		}
	})
}

func TestKeys(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		secret, key, err := r.Keys.Add(ctx, store.Key{
			Email:     "a@example.org",
			Rooms:     []string{"504"},
			ExpiresAt: r.clock.Now().Add(time.Hour),
		})
		ok(t, err)
		if len(secret) < 40 || key.Prefix != secret[:8] || !key.Allows("504") || key.Allows("505") || key.AnyAddress {
			t.Fatalf("key %+v", key)
		}
		if got := must(r.Keys.Find(ctx, secret))(t); !reflect.DeepEqual(got, key) {
			t.Errorf("got %+v, want %+v", got, key)
		}
		for _, wrong := range []string{"", secret + "x", secret[:len(secret)-1]} {
			if _, err := r.Keys.Find(ctx, wrong); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("key %q: %v", wrong, err)
			}
		}
		r.clock.Move(time.Hour)
		if _, err := r.Keys.Find(ctx, secret); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an expired key: %v", err)
		}

		users := []store.User{
			{Email: "b@example.org", Key: "0b2f"},
			{Email: "c@example.org", Key: "11111111-2222-3333-4444-555555555555"},
		}
		for i, user := range users {
			r.sql(
				t,
				`insert into users (email, role, api_key) values (?, 'user', ?)`,
				user.Email,
				user.Key,
			)
			r.sql(
				t,
				`insert into users (email, role, api_key) values (?, 'user', null)`,
				"none"+string(rune('0'+i)),
			)
		}
		if got := must(r.Keys.NVRUsers(ctx))(t); !reflect.DeepEqual(got, users) {
			t.Fatalf("users %+v", got)
		}
		if got := must(r.Keys.Import(ctx, users))(t); got != 2 {
			t.Errorf("imported %d, want 2", got)
		}
		old := must(r.Keys.Find(ctx, "0b2f"))(t)
		if !old.AnyAddress || !old.Imported || old.Email != "b@example.org" || !old.Allows("505") || old.Prefix != "" {
			t.Errorf("imported key %+v", old)
		}
		ok(t, r.Keys.Revoke(ctx, old.ID))
		if err := r.Keys.Revoke(ctx, old.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("revoked twice: %v", err)
		}
		if got := must(r.Keys.Import(ctx, users))(t); got != 0 {
			t.Errorf("imported again: %d", got)
		}
		if _, err := r.Keys.Find(ctx, "0b2f"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a revoked key came back: %v", err)
		}
		if all := must(r.Keys.List(ctx))(t); len(all) != 3 || all[1].RevokedAt.IsZero() {
			t.Errorf("keys %+v", all)
		}
		for _, text := range r.texts(t, `select hash from merger_api_keys`) {
			if text == secret || text == "0b2f" {
				t.Error("a secret lies in the database")
			}
		}
	})
}

func TestOpenTwice(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		storetest.Open(t, r.dsn, store.Options{Now: r.clock.Now}) // migrates what is migrated
		current, needed, err := r.Schema.Version(context.Background())
		if err != nil || current != needed {
			t.Errorf("schema %d of %d: %v", current, needed, err)
		}
	})
}
