package records

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

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
	State  State                  // empty: all
	MayUse func(room string) bool // reports whether records of a room are listed; nil: of all
}

// List returns one page of records, the newest first.
func (s *Service) List(ctx context.Context, q Query) (Page, error) {
	page := Page{Records: []View{}}
	found, err := s.Matching(ctx, q)
	if err != nil {
		return page, err
	}
	for i := range found.Records {
		r := &found.Records[i]
		page.Records = append(page.Records, s.NewView(r, found.Rooms.Zone(r.Room), found.At))
	}
	if found.Next > 0 {
		page.Next = httpapi.Nullable(FormatCursor(found.Next))
	}
	return page, nil
}

// Matches are the rows of one page, the newest first.
type Matches struct {
	Records []nvr.Record
	Rooms   *RoomList
	At      time.Time // the instant of their states
	Next    int64     // number that the rows of the next page are below; 0: this is the last
}

// Matching returns the rows of one page.
func (s *Service) Matching(ctx context.Context, q Query) (Matches, error) {
	found := Matches{At: s.Now(), Next: q.Before}
	if err := s.match(ctx, q, &found); err != nil {
		return Matches{}, err
	}
	s.readSummaries(ctx, found.Records)
	return found, nil
}

// match reads rows until a page is full, no rows are left or [maxScanned] are read.
func (s *Service) match(ctx context.Context, q Query, found *Matches) error {
	for scanned := 0; scanned < maxScanned && len(found.Records) < q.Limit; {
		rows, more, err := s.Store.Records.List(ctx, q.Filter, found.Next, q.Limit)
		if err != nil {
			return err
		}
		found.Rooms, err = s.CachedRooms(ctx, rows...)
		if err != nil {
			return err
		}
		for i := range rows {
			if len(found.Records) == q.Limit {
				return nil
			}
			found.Next = rows[i].ID
			if s.matches(q, &rows[i], found) {
				found.Records = append(found.Records, rows[i])
			}
		}
		if more == 0 {
			found.Next = 0
			return nil
		}
		scanned += len(rows)
	}
	return nil
}

// matches reports whether a row passes what is not a column.
func (s *Service) matches(q Query, r *nvr.Record, found *Matches) bool {
	if q.MayUse != nil && !q.MayUse(r.Room) {
		return false
	}
	return q.State == "" || StateOf(r, found.Rooms.Zone(r.Room), found.At) == q.State
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
