package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	insertRecord = `insert into records (event_name, room_name, date, start_time, end_time, user_email, event_id, asked_at,
 layout, held) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	insertRequest = `insert into merger_requests (request, body, record_id, created_at) values (?, ?, ?, ?)`

	selectRequest = `select body, record_id from merger_requests where request = ?`

	selectOpen = `select id from records where user_email = ? and step in ('stage', 'merge', 'upload', 'link') limit ?`
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
		id, created, err = s.insertOnce(ctx, &r, once, 0)
	}
	if err != nil {
		return nvr.Record{}, false, insertError(&r, err)
	}
	record, err = s.record(ctx, id)
	return record, created, err
}

// InsertWithin is [Requests.Insert] for a requester who may have at most most records that are not finished.
// It returns [ErrQuota] for one more. A repeated request returns its row however many there are. Concurrent
// requests cannot exceed the number together.
func (s Requests) InsertWithin(
	ctx context.Context, most int, r nvr.Record, once *IdempotencyKey,
) (record nvr.Record, created bool, err error) {
	if once == nil { // a random key makes the transaction safe to repeat
		once = &IdempotencyKey{Owner: "quota", Key: rand.Text()}
	}
	id, created, err := s.insertOnce(ctx, &r, once, most)
	if err != nil {
		return nvr.Record{}, false, insertError(&r, err)
	}
	record, err = s.record(ctx, id)
	return record, created, err
}

// insertError returns an error that names the request.
func insertError(r *nvr.Record, err error) error {
	return fmt.Errorf("file a request for room %q, %s %s: %w", r.Room, r.Date, r.StartTime, err)
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
		string(r.Layout),
		bit(r.Held),
	}
}

// insertOnly sends the insert once: without a key, a second try could file a second record.
func (s Requests) insertOnly(ctx context.Context, r *nvr.Record) (id int64, err error) {
	err = s.around(ctx, func() error {
		result, err := s.send(ctx, insertRecord, s.insertArgs(r)...)
		if err != nil {
			return err
		}
		id, err = result.LastInsertId()
		return err
	})
	return id, err
}

// insertOnce files a request unless one with its key is filed. most is the requester's quota; 0: none.
func (s Requests) insertOnce(
	ctx context.Context, r *nvr.Record, once *IdempotencyKey, most int,
) (id int64, created bool, err error) {
	request := digest([]byte(once.Owner + "\x00" + once.Key))
	body := digest(once.Body)
	if id, found, err := s.findRequest(ctx, request, body); found || err != nil {
		return id, false, err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		if err := s.checkQuota(ctx, tx, r.UserEmail, most); err != nil {
			return err
		}
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
	if isDuplicate(err) || errors.Is(err, ErrQuota) { // a concurrent call may have filed it
		if found, ok, findErr := s.findRequest(ctx, request, body); ok || findErr != nil {
			return found, false, findErr
		}
	}
	return id, err == nil, err
}

// checkQuota returns [ErrQuota] if a requester has most open records. It locks them, so that the requests of
// one person are counted one after the other.
func (s Requests) checkQuota(ctx context.Context, tx *sql.Tx, email string, most int) error {
	if most <= 0 {
		return nil
	}
	rows, err := tx.QueryContext(ctx, selectOpen+s.dialect.forUpdate, email, most)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err returns the error that matters
	open := 0
	for rows.Next() {
		open++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if open >= most {
		return ErrQuota
	}
	return nil
}

// HasOpen reports whether a requester has most records or more that are not finished.
func (s Requests) HasOpen(ctx context.Context, email string, most int) (bool, error) {
	open := 0
	scan := func(scanner) error {
		open++
		return nil
	}
	err := s.each(ctx, func() { open = 0 }, scan, selectOpen, email, most)
	return open >= most, err
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
