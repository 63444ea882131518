package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// TestComponentsMayDoTheirWork runs what the walks of packages pipeline and web do not reach: the operators'
// commands, and the rare statements of the steps. Each runs as the database user of its component.
func TestComponentsMayDoTheirWork(t *testing.T) {
	t.Parallel()
	c := storetest.MariaDBOfComponents(t)
	root := openMariaDB(t, c.DSN)
	ctx := t.Context()
	_, err := openSQL(t, c.DSN).ExecContext(ctx,
		"insert into users (email, role, api_key) values ('a@example.org', 'user', 'k')")
	ok(t, err)
	rec, _, err := root.Requests.Insert(ctx, nvr.Record{
		Title:     "A",
		Room:      "504",
		Date:      "2026-11-20",
		StartTime: "10:00",
		EndTime:   "11:00",
		UserEmail: "a@example.org",
	}, nil)
	ok(t, err)
	out := store.OptOut{Calendar: "c", Event: "e", Room: "504", Start: time.Unix(1, 0), End: time.Unix(2, 0)}

	for component, work := range map[string]func(*store.Store) []error{
		"upload": func(s *store.Store) []error { return []error{s.OptOuts.Save(ctx, out)} },
		"claim": func(s *store.Store) []error {
			_, errStats := s.Queue.Stats(ctx)
			_, errReleases := s.Queue.Releases(ctx, 10)
			_, errOwed := s.Notices.Owed(ctx, 10)
			return []error{
				errStats, errReleases, errOwed,
				s.OptOuts.MarkTold(ctx, out),
				s.Requests.Release(ctx, rec.ID),
				s.Requests.SetReason(ctx, rec, cause.OptedOut("504")),
			}
		},
		"doctor": func(s *store.Store) []error { return operatorsWork(ctx, s, rec.ID) },
		"verify": func(s *store.Store) []error {
			_, err := s.Uploads.Delivered(ctx, "2026-11-01", 0, 10)
			_, _, errVersion := s.Schema.Version(ctx)
			return []error{err, errVersion}
		},
	} {
		if err := errors.Join(work(openMariaDB(t, c.As(component)))...); err != nil {
			t.Errorf("%s: %v", component, err)
		}
	}
	if left, err := root.Records.Get(ctx, rec.ID); err != nil || left.UserEmail != "" || left.Title != "" {
		t.Errorf("the person is not erased: %+v %v", left, err)
	}
}

// operatorsWork does with a record, rooms and keys what the commands of the job doctor do.
func operatorsWork(ctx context.Context, s *store.Store, record int64) []error {
	_, _, errVersion := s.Schema.Version(ctx)
	users, errUsers := s.Keys.NVRUsers(ctx)
	_, errImport := s.Keys.Import(ctx, users)
	_, key, errAdd := s.Keys.Add(ctx, store.Key{Email: "a@example.org"})
	_, errKeys := s.Keys.List(ctx)
	room, errRoom := s.Rooms.Save(ctx, nvr.Room{Name: "505", Language: "ru", Layout: "stage"})
	_, errSource := s.Rooms.SaveSource(ctx, room, nvr.Source{Name: "a", IP: "172.18.191.24"})
	_, errChanged := s.Rooms.Save(ctx, nvr.Room{ID: room, Name: "506"})
	_, errForeign := s.Records.ForeignProcessing(ctx, 10)
	_, errFootage := s.Segments.CountByDay(ctx, "505", "2026-11-01", "2026-11-20")
	_, errDelivered := s.Uploads.Delivered(ctx, "2026-11-01", 0, 10)
	errs := []error{
		errVersion, errUsers, errImport, errAdd, errKeys, errRoom, errSource, errChanged, errForeign, errFootage,
		errDelivered,
		s.Keys.Revoke(ctx, key.ID),
		s.Rooms.Delete(ctx, room),
		s.Requests.Withdraw(ctx, record, cause.OptedOut("504")),
		s.Requests.Retry(ctx, record),
	}
	if len(users) != 1 {
		errs = append(errs, errors.New("the NVR's key was not found"))
	}
	_, errErase := s.Requests.Erase(ctx, "a@example.org")
	return append(errs, errErase)
}
