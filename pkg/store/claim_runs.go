package store

import (
	"context"
	"fmt"
	"time"
)

const (
	replaceRun = `replace into merger_runs (name, ended_at) values (?, ?)`

	selectRun = `select ended_at from merger_runs where name = ?`
)

// Runs keeps when each phase of the periodic functions last ran to its end.
type Runs struct{ *database }

// Mark stores that the runs of these names have just ended.
func (s Runs) Mark(ctx context.Context, names ...string) error {
	for _, name := range names {
		if _, err := s.exec(ctx, replaceRun, name, s.nowMs()); err != nil {
			return fmt.Errorf("store the end of run %s: %w", name, err)
		}
	}
	return nil
}

// Last returns when the last run of this name ended, in UTC. It returns [ErrNotFound] if none has ended.
func (s Runs) Last(ctx context.Context, name string) (time.Time, error) {
	var at int64
	scan := func(row scanner) error { return row.Scan(&at) }
	if err := s.row(ctx, scan, selectRun, name); err != nil {
		return time.Time{}, fmt.Errorf("read the last run of %s: %w", name, err)
	}
	return instant(at), nil
}
