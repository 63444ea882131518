package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectQueue = `select (select count(*) from records where free_at <= ?), (select count(*) from records where free_at > ?),
 (select coalesce(min(case when free_at > asked_at then free_at else asked_at end), 0) from records where free_at > 0 and free_at <= ?),
 (select count(*) from records where held_until >= ?), (select count(*) from records where held_until < ?)`

	selectLate = `select count(*) from records where free_at > 0 and free_at <= ? and asked_at <= ?`

	selectForeign = `select ` + recordColumns + ` from records
 where step = 'stage' and lease_until = 0 and coalesce(processing, 0) = 1 order by id desc limit ?`

	selectFailures = `select ` + recordColumns + ` from records where step = 'failed' order by id desc limit ?`
)

// QueueStats counts the records by what they wait for.
type QueueStats struct {
	Due     int       // free and due
	Waiting int       // free and not due yet
	Oldest  time.Time // when the longest waiting due record became due; zero: none is due and scheduled
	Held    int       // with a lease or in a pause after a failure
	Expired int       // with an expired lease
}

// Stats counts the queue. Its cost depends on the queue, not on the number of finished records.
func (s Queue) Stats(ctx context.Context) (q QueueStats, err error) {
	now := s.nowMs()
	var oldest int64
	err = s.row(ctx, func(row scanner) error {
		return row.Scan(&q.Due, &q.Waiting, &oldest, &q.Held, &q.Expired)
	}, selectQueue, now, now, now, now, now)
	if err != nil {
		return QueueStats{}, fmt.Errorf("count the queue: %w", err)
	}
	q.Oldest = instant(oldest)
	return q, nil
}

// CountOverdue counts the free records that were requested and due before an instant.
func (s Queue) CountOverdue(ctx context.Context, before time.Time) (count int, err error) {
	err = s.row(
		ctx,
		func(row scanner) error { return row.Scan(&count) },
		selectLate,
		before.UnixMilli(),
		before.UnixMilli(),
	)
	if err != nil {
		return 0, fmt.Errorf("count the overdue records: %w", err)
	}
	return count, nil
}

// ForeignProcessing lists the records that another program is or was processing (processing = 1 without a
// lease), newest first. Only a person can decide about them.
func (s Records) ForeignProcessing(ctx context.Context, limit int) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectForeign, limit)
	if err != nil {
		return nil, fmt.Errorf("list the records of another program: %w", err)
	}
	return records, nil
}

// FailureGroup counts the failures on one step for one reason.
type FailureGroup struct {
	Step   nvr.Step
	Reason cause.Cause
	Count  int
	Last   int64 // id of the newest record
}

// Failures groups the newest failed records, at most limit, by step and reason, most frequent first.
func (s Records) Failures(ctx context.Context, limit int) ([]FailureGroup, error) {
	records, err := s.records(ctx, selectFailures, limit)
	if err != nil {
		return nil, fmt.Errorf("list the failures: %w", err)
	}
	var failures []FailureGroup
	for _, r := range records {
		at := slices.IndexFunc(failures, func(f FailureGroup) bool {
			return f.Step == r.FailedStep && f.Reason == r.Reason
		})
		if at < 0 {
			at = len(failures)
			failures = append(failures, FailureGroup{
				Step:   r.FailedStep,
				Reason: r.Reason,
				Last:   r.ID,
			})
		}
		failures[at].Count++
	}
	slices.SortStableFunc(failures, func(a, b FailureGroup) int {
		return cmp.Compare(b.Count, a.Count)
	})
	return failures, nil
}
