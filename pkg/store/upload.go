package store

import (
	"context"
	"fmt"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectUpload = `select file_id, session, md5, size, sent, source from merger_uploads where record_id = ?`

	selectDelivered = `select r.id, r.room_name, r.date, r.file_id, coalesce(r.link, ''), u.md5, u.size
 from records r join merger_uploads u on u.record_id = r.id and u.file_id = r.file_id
 where r.id > ? and r.step = 'done' and u.md5 <> '' and r.date >= ? order by r.id limit ?`

	replaceUpload = `replace into merger_uploads (record_id, file_id, session, md5, size, sent, source)
 select id, ?, ?, ?, ?, ?, ? from records` + held
)

// Uploads keeps the state of uploads to Drive.
type Uploads struct{ *database }

// Upload is the state of the upload of one merge to Drive.
type Upload struct {
	FileID  string // generated before the upload begins
	Session string // URI of the resumable session
	Source  string // the uploaded object, as its name and generation
	MD5     string // of the bytes so far or of the whole file, as the caller defines it
	Size    int64  // bytes
	Sent    int64  // bytes that Drive has confirmed
}

// Get reads the state of a record's upload. It returns [ErrNotFound] if none has begun.
func (s Uploads) Get(ctx context.Context, record int64) (u Upload, err error) {
	scan := func(row scanner) error {
		return row.Scan(&u.FileID, &u.Session, &u.MD5, &u.Size, &u.Sent, &u.Source)
	}
	if err := s.row(ctx, scan, selectUpload, record); err != nil {
		return Upload{}, fmt.Errorf("read the upload of record %d: %w", record, err)
	}
	return u, nil
}

// Save stores the state of the upload of a leased record. It returns [fault.ErrStale] if the lease is
// lost.
func (s Uploads) Save(ctx context.Context, h nvr.Lease, u Upload) error {
	args := []any{u.FileID, u.Session, u.MD5, u.Size, u.Sent, u.Source}
	rows, err := s.exec(ctx, replaceUpload, append(args, heldArgs(&h)...)...)
	if err == nil && rows == 0 {
		err = fault.ErrStale
	}
	if err != nil {
		return fmt.Errorf("save the upload of record %d, attempt %d: %w", h.Record, h.Attempt, err)
	}
	return nil
}

// Delivered is the video of a record that is done.
type Delivered struct {
	Record int64
	Room   string
	Date   string // YYYY-MM-DD, of the room
	FileID string // on Drive
	Link   string
	MD5    string // hex
	Size   int64  // bytes
}

// Delivered lists the videos of records with a higher number than after, lowest first, whose date is since or
// later. Records that the NVR made, and those whose upload is not known, are left out.
func (s Uploads) Delivered(ctx context.Context, since string, after int64, limit int) (list []Delivered, err error) {
	reset := func() { list = nil }
	scan := func(row scanner) error {
		var d Delivered
		err := row.Scan(&d.Record, &d.Room, &d.Date, &d.FileID, &d.Link, &d.MD5, &d.Size)
		list = append(list, d)
		return err
	}
	if err := s.each(ctx, reset, scan, selectDelivered, after, since, limit); err != nil {
		return nil, fmt.Errorf("list the delivered videos: %w", err)
	}
	return list, nil
}
