package store

import (
	"context"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const selectSome = `select ` + recordColumns + ` from records where id in (?` // and as many more

// someAtOnce bounds one statement's parameters.
const someAtOnce = 500

// RecordsByID reads the records of these ids, in any order; those that are not there are left out.
func (s Records) ByID(ctx context.Context, ids []int64) ([]nvr.Record, error) {
	var all []nvr.Record
	for len(ids) > 0 {
		part := ids[:min(len(ids), someAtOnce)]
		ids = ids[len(part):]
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = id
		}
		records, err := s.records(ctx, selectSome+more(len(part)), args...)
		if err != nil {
			return nil, fmt.Errorf("read %d records: %w", len(part), err)
		}
		all = append(all, records...)
	}
	return all, nil
}
