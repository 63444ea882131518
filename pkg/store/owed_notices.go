package store

import (
	"context"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectOwed = `select ` + recordColumns + ` from records where step = 'failed' and due_at = 1 order by id limit ?`

	updateNotified = `update records set due_at = 0 where id = ? and attempt = ? and step = 'failed' and due_at = 1`
)

// Notices keeps which failures the requester must still be notified of. A failed record has due_at = 1
// from the instant of its failure until its notice is sent, so that a killed process loses no notice.
type Notices struct{ *database }

// Owed lists the failed records whose requester has not been notified yet, at most limit.
func (s Notices) Owed(ctx context.Context, limit int) ([]nvr.Record, error) {
	records, err := s.records(ctx, selectOwed, limit)
	if err != nil {
		return nil, fmt.Errorf("list the owed notices: %w", err)
	}
	return records, nil
}

// MarkSent stores that the requester of a failed record was notified. A record that has changed since it
// was read stays as it is.
func (s Notices) MarkSent(ctx context.Context, r nvr.Record) error {
	if _, err := s.exec(ctx, updateNotified, r.ID, r.Attempt); err != nil {
		return fmt.Errorf("mark the notice of record %d as sent: %w", r.ID, err)
	}
	return nil
}
