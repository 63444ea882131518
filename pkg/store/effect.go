package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectEffect = `select value from merger_effects where record_id = ? and kind = ? and subject = ?`

	insertEffect = `insert into merger_effects (record_id, kind, subject, value, created_at) values (?, ?, ?, ?, ?)`

	updateEffect = `update merger_effects set value = ? where record_id = ? and kind = ? and subject = ? and value = ?`

	selectUpload = `select file_id, session, md5, size, sent, source from merger_uploads where record_id = ?`

	replaceUpload = `replace into merger_uploads (record_id, file_id, session, md5, size, sent, source)
 select id, ?, ?, ?, ?, ?, ? from records` + held
)

// EffectPage is the kind of the effect whose value is the file of the report beside the video.
const EffectReport = "page"

// Effects keeps what was done outside for a record, so that it is done once.
type Effects struct{ *database }

// Uploads keeps the state of uploads to Drive.
type Uploads struct{ *database }

// Effect is what was noted about something done on the outside (an attachment, an announcement, a share,
// a notice) for a record: kind says what, subject to whom or what. [ErrNotFound] if nothing was.
func (s Effects) Get(ctx context.Context, record int64, kind, subject string) (value string, err error) {
	err = s.row(ctx, func(row scanner) error { return row.Scan(&value) }, selectEffect, record, kind, subject)
	if err != nil {
		return "", fmt.Errorf("look for the %s of record %d: %w", kind, record, err)
	}
	return value, nil
}

// SetEffect notes an effect before or after it takes place, once: it returns what is noted, which is
// value unless somebody was first.
func (s Effects) Set(ctx context.Context, record int64, kind, subject, value string) (string, error) {
	_, err := s.exec(ctx, insertEffect, record, kind, subject, value, s.nowMs())
	if err == nil {
		return value, nil
	}
	if !duplicate(err) {
		return "", fmt.Errorf("note the %s of record %d: %w", kind, record, err)
	}
	return s.Get(ctx, record, kind, subject)
}

// ReplaceEffect notes another value where was is noted; [ErrConflict] if something else is.
func (s Effects) Replace(ctx context.Context, record int64, kind, subject, was, value string) error {
	rows, err := s.exec(ctx, updateEffect, value, record, kind, subject, was)
	if err == nil && rows == 0 {
		err = ErrConflict
	}
	if err != nil {
		return fmt.Errorf("note another %s of record %d: %w", kind, record, err)
	}
	return nil
}

// Upload is how far the way of a merge to Drive is.
type Upload struct {
	FileID  string // made before the upload begins
	Session string // URI of the resumable session
	Source  string // the object that is uploaded, as its name and generation
	MD5     string // of the bytes so far or of the whole, as the caller defines it
	Size    int64
	Sent    int64 // bytes that Drive has said it keeps
}

// Upload reads the state of a record's upload; [ErrNotFound] if none was begun.
func (s Uploads) Get(ctx context.Context, record int64) (u Upload, err error) {
	err = s.row(ctx, func(row scanner) error {
		return row.Scan(&u.FileID, &u.Session, &u.MD5, &u.Size, &u.Sent, &u.Source)
	}, selectUpload, record)
	if err != nil {
		return Upload{}, fmt.Errorf("read the upload of record %d: %w", record, err)
	}
	return u, nil
}

// SaveUpload writes the state of the upload of the record that is held.
func (s Uploads) Save(ctx context.Context, h nvr.Lease, u Upload) error {
	rows, err := s.exec(ctx, replaceUpload, u.FileID, u.Session, u.MD5, u.Size, u.Sent, u.Source,
		h.Record, h.Attempt, h.Holder, h.Step)
	if err == nil && rows == 0 {
		err = fault.ErrStale
	}
	if err != nil {
		return fmt.Errorf("save the upload of record %d, attempt %d: %w", h.Record, h.Attempt, err)
	}
	return nil
}

// found drops the [ErrNotFound] of an answer.
func found(err error) (bool, error) {
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
