package store

import (
	"context"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// idsPerStatement bounds the parameters of one statement. SQLite and MySQL both allow more.
const idsPerStatement = 500

// ByID reads the records of ids, in any order. Ids without a record are skipped.
func (s Records) ByID(ctx context.Context, ids []int64) ([]nvr.Record, error) {
	var all []nvr.Record
	for len(ids) > 0 {
		count := min(len(ids), idsPerStatement)
		args := make([]any, count)
		for i, id := range ids[:count] {
			args[i] = id
		}
		ids = ids[count:]
		records, err := s.records(ctx, selectMany+moreParams(count), args...)
		if err != nil {
			return nil, fmt.Errorf("read %d records: %w", count, err)
		}
		all = append(all, records...)
	}
	return all, nil
}
