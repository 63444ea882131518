package store

import (
	"context"
	"errors"
	"fmt"
)

const (
	selectEffect = `select value from merger_effects where record_id = ? and kind = ? and subject = ?`

	selectEffects = `select subject, value from merger_effects where record_id = ? and kind = ? order by subject`

	insertEffect = `insert into merger_effects (record_id, kind, subject, value, created_at) values (?, ?, ?, ?, ?)`

	updateUnposted = `update merger_effects set value = '' where record_id = ? and kind in (?, ?)`

	updateEffect = `update merger_effects set value = ? where record_id = ? and kind = ? and subject = ? and value = ?`
)

// Kinds of effects.
const (
	EffectReport    = "page"      // value: the id of the report file beside the video
	EffectAnnounced = "announced" // subject: course/file; value: the announcement; empty: begun
	EffectPosted    = "posted"    // subject: the file; value: the course's code, once its announcement is public
)

// Effects keeps which effects a record has had on other systems, so that each happens once. An effect is
// an attachment, an announcement, a share or a notice.
type Effects struct{ *database }

// Get returns the value of an effect of a record. kind names the effect, subject its target. It returns
// [ErrNotFound] if the effect is not stored.
func (s Effects) Get(ctx context.Context, record int64, kind, subject string) (value string, err error) {
	scan := func(row scanner) error { return row.Scan(&value) }
	if err := s.row(ctx, scan, selectEffect, record, kind, subject); err != nil {
		return "", fmt.Errorf("read effect %s of record %d: %w", kind, record, err)
	}
	return value, nil
}

// All returns the values of a record's effects of a kind, by their subjects.
func (s Effects) All(ctx context.Context, record int64, kind string) (values map[string]string, err error) {
	reset := func() { values = map[string]string{} }
	scan := func(row scanner) error {
		var subject, value string
		err := row.Scan(&subject, &value)
		values[subject] = value
		return err
	}
	if err := s.each(ctx, reset, scan, selectEffects, record, kind); err != nil {
		return nil, fmt.Errorf("list the effects %s of record %d: %w", kind, record, err)
	}
	return values, nil
}

// Set stores an effect unless it is already stored. It returns the stored value: value, or that of the
// caller who was first. Call it before or after the effect takes place.
func (s Effects) Set(ctx context.Context, record int64, kind, subject, value string) (string, error) {
	_, err := s.exec(ctx, insertEffect, record, kind, subject, value, s.nowMs())
	if err == nil {
		return value, nil
	}
	if !isDuplicate(err) {
		return "", fmt.Errorf("store effect %s of record %d: %w", kind, record, err)
	}
	return s.Get(ctx, record, kind, subject)
}

// Replace changes the value of an effect from was to value. It returns [ErrConflict] if another value, or
// none, is stored.
func (s Effects) Replace(ctx context.Context, record int64, kind, subject, was, value string) error {
	rows, err := s.exec(ctx, updateEffect, value, record, kind, subject, was)
	if err == nil && rows == 0 {
		err = ErrConflict
	}
	if err != nil {
		return fmt.Errorf("replace effect %s of record %d: %w", kind, record, err)
	}
	return nil
}

// isFound reports whether err is nil. It drops [ErrNotFound] and returns every other error.
func isFound(err error) (bool, error) {
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
