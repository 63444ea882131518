package records

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// ReadID returns the record number of a path. Only the canonical form is accepted: 1, not +1 or
// 01.
func ReadID(text string) (id int64, ok bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, false
	}
	return id, strconv.FormatInt(id, 10) == text
}

// Owned returns the record of the path's {id} if the caller may see it. Otherwise it answers 404,
// also for another person's record, so that numbers reveal nothing.
func (s *Service) Owned(w http.ResponseWriter, r *http.Request, fail httpapi.ErrorWriter) (nvr.Record, bool) {
	id, ok := ReadID(r.PathValue("id"))
	if !ok {
		fail(w, r, http.StatusNotFound, "there is nothing at this path")
		return nvr.Record{}, false
	}
	record, err := s.Store.Records.Get(r.Context(), id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		httpapi.ServerError(w, r, s.Log, fail, "read a record", err)
		return nvr.Record{}, false
	}
	if err != nil || !auth.CallerOf(r).Owns(&record) {
		fail(w, r, http.StatusNotFound, "there is no such record")
		return nvr.Record{}, false
	}
	return record, true
}

// WithdrawnBy returns the reason of a record that a person cancelled.
func WithdrawnBy(email string) cause.Cause {
	return cause.CancelledBy(email)
}

// maxScanned bounds how many rows one page of a list reads. A state that depends on the clock is
// not a column, so rows are read and filtered.
const maxScanned = 5000

// Page is one page of a list.
type Page struct {
	Records []View  `json:"records"`
	Next    *string `json:"next"` // cursor of the next page; null: this is the last
}

// Query selects the records of one page.
type Query struct {
	Filter store.Filter
	Before int64 // only records with a lower number; 0: all
	Limit  int
	Pass   func(*View) bool // filters by what is not a column
}

// List returns one page of records, the newest first.
func (s *Service) List(ctx context.Context, q Query) (Page, error) {
	page := Page{Records: []View{}}
	before := q.Before
	for scanned := 0; ; {
		rows, more, err := s.Store.Records.List(ctx, q.Filter, before, q.Limit)
		if err != nil {
			return page, err
		}
		rooms, err := s.CachedRooms(ctx, rows...)
		if err != nil {
			return page, err
		}
		s.readSummaries(ctx, rows)
		for i := range rows {
			if len(page.Records) == q.Limit {
				page.Next = httpapi.Nullable(FormatCursor(before))
				return page, nil
			}
			v := s.NewView(&rows[i], rooms.Zone(rows[i].Room), s.Now())
			before = rows[i].ID
			if q.Pass(&v) {
				page.Records = append(page.Records, v)
			}
		}
		scanned += len(rows)
		if more == 0 {
			return page, nil
		}
		if len(page.Records) == q.Limit || scanned > maxScanned {
			page.Next = httpapi.Nullable(FormatCursor(before))
			return page, nil
		}
	}
}

// Matching returns one page of rows in a state, the newest first, and the cursor of the next page, 0 if there
// is none. An empty state selects all.
func (s *Service) Matching(
	ctx context.Context, filter store.Filter, state State, before int64, limit int,
) (list []nvr.Record, next int64, err error) {
	next = before
	for scanned := 0; scanned < maxScanned; {
		rows, more, err := s.Store.Records.List(ctx, filter, next, limit)
		if err != nil {
			return nil, 0, err
		}
		rooms, err := s.CachedRooms(ctx, rows...)
		if err != nil {
			return nil, 0, err
		}
		for i := range rows {
			if len(list) == limit {
				s.readSummaries(ctx, list)
				return list, next, nil
			}
			next = rows[i].ID
			if state == "" || StateOf(&rows[i], rooms.Zone(rows[i].Room), s.Now()) == state {
				list = append(list, rows[i])
			}
		}
		if more == 0 {
			next = 0
			break
		}
		if len(list) == limit {
			break
		}
		scanned += len(rows)
	}
	s.readSummaries(ctx, list)
	return list, next, nil
}

// cursorPrefix stands before the number in a cursor, so that nothing else decodes to one.
const cursorPrefix = "before "

// FormatCursor returns the cursor of the records before a number. Clients pass it back unread.
func FormatCursor(before int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorPrefix + strconv.FormatInt(before, 10)))
}

// ReadCursor reads a cursor of [FormatCursor]; ok is false for any other text.
func ReadCursor(cursor string) (before int64, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return 0, false
	}
	number, ok := strings.CutPrefix(string(raw), cursorPrefix)
	if !ok {
		return 0, false
	}
	before, err = strconv.ParseInt(number, 10, 64)
	return before, err == nil && before > 0 && FormatCursor(before) == cursor
}
