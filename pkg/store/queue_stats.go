package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectQueue = `select (select count(*) from records where free_at <= ?), (select count(*) from records where free_at > ?),
 (select coalesce(min(case when free_at > asked_at then free_at else asked_at end), 0) from records where free_at > 0 and free_at <= ?),
 (select count(*) from records where held_until >= ?), (select count(*) from records where held_until < ?)`

	selectLate = `select count(*) from records where free_at > 0 and free_at <= ? and asked_at <= ?`

	selectForeign = `select ` + recordColumns + ` from records
 where step = 'stage' and lease_until = 0 and coalesce(processing, 0) = 1 order by id desc limit ?`

	// A failure is dismissed by its attempt: one that fails again is listed again.
	selectFailures = `select ` + recordColumns + ` from records where step = 'failed' and not exists
 (select 1 from merger_effects
  where record_id = records.id and kind = 'dismissed' and subject = records.attempt)
 order by id desc limit ?`
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

// effectDismissed notes that an operator dismissed a failure. The subject is the attempt that failed.
const effectDismissed = "dismissed"

// Failed lists the newest failed records that no operator dismissed, at most limit, newest first.
func (s Records) Failed(ctx context.Context, limit int) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectFailures, limit)
	if err != nil {
		return nil, fmt.Errorf("list the failures: %w", err)
	}
	return records, nil
}

// Dismiss takes the failure of a record off the list of failures. The record stays as it is.
func (s Requests) Dismiss(ctx context.Context, r *nvr.Record, by string) error {
	_, err := Effects(s).Set(ctx, r.ID, effectDismissed, strconv.FormatInt(r.Attempt, 10), by)
	if err != nil {
		return fmt.Errorf("dismiss the failure of record %d: %w", r.ID, err)
	}
	return nil
}
