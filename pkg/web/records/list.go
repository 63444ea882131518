package records

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// ownRecord reads a record that the caller may see; another's is answered as if it were not there.
func (s *Service) Owned(w http.ResponseWriter, r *http.Request, id int64, say httpapi.ErrorWriter) (nvr.Record, bool) {
	record, err := s.Store.Records.Get(r.Context(), id)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && !auth.CallerOf(r).Owns(&record):
		say(w, r, http.StatusNotFound, "there is no such record")
	case err != nil:
		httpapi.ServerError(w, r, s.Log, say, "read a record", err)
	default:
		return record, true
	}
	return nvr.Record{}, false
}

// withdrawnBy is the reason of a record that a person withdrew.
func WithdrawnBy(email string) nvr.Reason {
	return nvr.Reason{En: "Withdrawn by " + email + ".", Ru: "Отозвано: " + email + "."}
}

const maxScanned = 5000 // rows that one page may look through for a state that only the clock decides

// list gives the first records of a filter that pass, and the cursor of the next page.
func (s *Service) List(ctx context.Context, filter store.Filter, before int64, limit int, pass func(*View) bool) (views []View, next *string, err error) {
	views = []View{}
	for scanned := 0; ; {
		records, more, err := s.Store.Records.List(ctx, filter, before, limit)
		if err != nil {
			return nil, nil, err
		}
		zones, err := s.Zones(ctx, records...)
		if err != nil {
			return nil, nil, err
		}
		for i := range records {
			if len(views) == limit {
				return views, httpapi.Nullable(FormatCursor(before)), nil
			}
			v := NewView(&records[i], zones.Zone(records[i].Room), s.Now())
			before = records[i].ID
			if pass(&v) {
				views = append(views, v)
			}
		}
		scanned += len(records)
		if more == 0 {
			return views, nil, nil
		}
		if len(views) == limit || scanned > maxScanned {
			return views, httpapi.Nullable(FormatCursor(before)), nil
		}
	}
}

// formatCursor and readCursor make a row's number into what clients hand back without reading it.
func FormatCursor(before int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte("before " + strconv.FormatInt(before, 10)))
}

func ReadCursor(cursor string) (before int64, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	number, ok := strings.CutPrefix(string(raw), "before ")
	if err != nil || !ok {
		return 0, false
	}
	before, err = strconv.ParseInt(number, 10, 64)
	return before, err == nil && before > 0 && FormatCursor(before) == cursor
}
