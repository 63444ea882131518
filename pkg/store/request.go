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

// Requests files requests, changes them and ends them.
type Requests struct{ *database }

// Once is what makes a request one request, however often it is sent.
type IdempotencyKey struct {
	Owner string // whose key: an API key's id, a session
	Key   string // as the client chose it
	Body  []byte // what was asked; the same key with another body is [ErrConflict]
}

// Insert files a new request (title, room, date, times, requester, event of r count) and returns its row.
// With a key, the same request returns the row of the first time and created false.
func (s Requests) Insert(ctx context.Context, r nvr.Record, once *IdempotencyKey) (record nvr.Record, created bool, err error) {
	var id int64
	if once == nil {
		id, err = s.insertOnly(ctx, &r)
		created = true
	} else {
		id, created, err = s.insertOnce(ctx, &r, once)
	}
	if err != nil {
		return nvr.Record{}, false, fmt.Errorf("file a request for room %q, %s %s: %w", r.Room, r.Date, r.StartTime, err)
	}
	record, err = s.record(ctx, id)
	return record, created, err
}

func (d *database) insertArgs(r *nvr.Record) []any {
	return []any{null(r.Title), r.Room, r.Date, r.StartTime, r.EndTime, r.UserEmail, null(r.EventID), d.nowMs()}
}

// insertOnly may leave a row and an error behind if the connection breaks: no key tells a second try
// that the first came through.
func (s Requests) insertOnly(ctx context.Context, r *nvr.Record) (int64, error) {
	result, err := s.send(ctx, insertRecord, s.insertArgs(r)...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (s Requests) insertOnce(ctx context.Context, r *nvr.Record, once *IdempotencyKey) (id int64, created bool, err error) {
	request := digest([]byte(once.Owner + "\x00" + once.Key))
	body := digest(once.Body)
	find := func() (bool, error) {
		var was string
		err := s.row(ctx, func(row scanner) error { return row.Scan(&was, &id) }, selectRequest, request)
		if err == nil && was != body {
			err = fmt.Errorf("the key was used for another request: %w", ErrConflict)
		}
		return found(err)
	}
	if found, err := find(); found || err != nil {
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
	if err != nil && duplicate(err) { // somebody filed it between our look and our insert
		_, err = find()
		return id, false, err
	}
	return id, err == nil, err
}

// digest is what stands for a text in a key column: of fixed length, and safe to show.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
