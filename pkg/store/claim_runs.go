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

// Runs keeps when each periodic function last ran to its end.
type Runs struct{ *database }

// MarkRun notes that what these names stand for has got to its end, now.
func (s Runs) Mark(ctx context.Context, names ...string) error {
	for _, name := range names {
		if _, err := s.exec(ctx, replaceRun, name, millis(s.now())); err != nil {
			return fmt.Errorf("note the run of %s: %w", name, err)
		}
	}
	return nil
}

// LastRun is when the last run of this name got to its end; [ErrNotFound] if none ever did.
func (s Runs) Last(ctx context.Context, name string) (time.Time, error) {
	var at int64
	if err := s.row(ctx, func(r scanner) error { return r.Scan(&at) }, selectRun, name); err != nil {
		return time.Time{}, fmt.Errorf("look for the last run of %s: %w", name, err)
	}
	return instant(at), nil
}
