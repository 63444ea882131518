package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	insertRecord = `insert into records (event_name, room_name, date, start_time, end_time, user_email, event_id, asked_at)
 values (?, ?, ?, ?, ?, ?, ?, ?)`

	insertRequest = `insert into merger_requests (request, body, record_id, created_at) values (?, ?, ?, ?)`

	selectRequest = `select body, record_id from merger_requests where request = ?`
)

// Requests files requests, and changes and ends them for people and calendars.
type Requests struct{ *database }

// IdempotencyKey identifies a request, so that sending it repeatedly files one record.
type IdempotencyKey struct {
	Owner string // the namespace of Key: the id of an API key, or a session
	Key   string // chosen by the client
	Body  []byte // the request; the same key with another body is [ErrConflict]
}

// Insert files a new request with the title, room, date, times, requester and event of r. It returns the
// row. With an idempotency key, a repeated request returns the row of the first one, and created is false.
// Without a key, a broken connection can leave a row and an error.
func (s Requests) Insert(
	ctx context.Context, r nvr.Record, once *IdempotencyKey,
) (record nvr.Record, created bool, err error) {
	var id int64
	if once == nil {
		id, err = s.insertOnly(ctx, &r)
		created = true
	} else {
		id, created, err = s.insertOnce(ctx, &r, once)
	}
	if err != nil {
		return nvr.Record{}, false, fmt.Errorf(
			"file a request for room %q, %s %s: %w",
			r.Room, r.Date, r.StartTime, err,
		)
	}
	record, err = s.record(ctx, id)
	return record, created, err
}

// insertArgs are the parameters of [insertRecord].
func (d *database) insertArgs(r *nvr.Record) []any {
	return []any{
		null(r.Title),
		r.Room,
		r.Date,
		r.StartTime,
		r.EndTime,
		r.UserEmail,
		null(r.EventID),
		d.nowMs(),
	}
}

// insertOnly sends the insert once: without a key, a second try could file a second record.
func (s Requests) insertOnly(ctx context.Context, r *nvr.Record) (int64, error) {
	result, err := s.send(ctx, insertRecord, s.insertArgs(r)...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (s Requests) insertOnce(
	ctx context.Context, r *nvr.Record, once *IdempotencyKey,
) (id int64, created bool, err error) {
	request := digest([]byte(once.Owner + "\x00" + once.Key))
	body := digest(once.Body)
	if id, found, err := s.findRequest(ctx, request, body); found || err != nil {
		return id, false, err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, insertRecord, s.insertArgs(r)...)
		if err != nil {
			return err
		}
		if id, err = result.LastInsertId(); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, insertRequest, request, body, id, s.nowMs())
		return err
	})
	if err != nil && isDuplicate(err) { // a concurrent call filed it
		id, _, err = s.findRequest(ctx, request, body)
		return id, false, err
	}
	return id, err == nil, err
}

// findRequest returns the record of a request that was filed before. It returns [ErrConflict] if the
// request had another body.
func (s Requests) findRequest(ctx context.Context, request, body string) (id int64, found bool, err error) {
	var filed string
	scan := func(row scanner) error { return row.Scan(&filed, &id) }
	err = s.row(ctx, scan, selectRequest, request)
	if err == nil && filed != body {
		err = fmt.Errorf("the key was used for another request: %w", ErrConflict)
	}
	found, err = isFound(err)
	return id, found, err
}

// digest returns the SHA-256 of a text in hex. It has a fixed length and reveals nothing of the text, so
// it can be a key column and appear in logs.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
