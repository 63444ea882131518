package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	updateReleased = `update records set held = 0, release_at = 0, edits = ?` + snapshot

	updateReleaseAt = `update records set release_at = ?` + held

	selectReleases = `select id from records where release_at > 0 and release_at <= ? order by release_at limit ?`
)

// Release lets a held record be attached and announced, also one that is not delivered yet. A record that is not
// held stays as it is.
func (s Requests) Release(ctx context.Context, id int64) error {
	return s.decide(ctx, "release", id, func(r *nvr.Record) (string, []any, error) {
		if !r.Held {
			return "", nil, nil
		}
		edits := r.Edits
		edits.Released = true
		if edits.TakenBack == "" && (r.Step == nvr.StepDone || r.Step == nvr.StepLink) {
			free := *r
			free.Held = false
			return s.move(&free, nvr.StepLink, edits, cause.Cause{})
		}
		text, err := json.Marshal(edits)
		return updateReleased, append([]any{string(text)}, snapshotArgs(r)...), err
	})
}

// ReleaseAt sets when a held record is released by itself.
func (s Leases) ReleaseAt(ctx context.Context, h nvr.Lease, at time.Time) error {
	return s.changeHeld(ctx, "set the release of", &h, updateReleaseAt, millis(at))
}

// Releases lists the held records that were delivered and are to be released by now, at most limit.
func (s Queue) Releases(ctx context.Context, limit int) (ids []int64, err error) {
	reset := func() { ids = nil }
	scan := func(row scanner) error {
		var id int64
		err := row.Scan(&id)
		ids = append(ids, id)
		return err
	}
	if err := s.each(ctx, reset, scan, selectReleases, s.nowMs(), limit); err != nil {
		return nil, fmt.Errorf("list the records to release: %w", err)
	}
	return ids, nil
}
