package page

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// pageSize is how many records a page lists, and how many a stream follows.
const pageSize = 50

// eventsPath is where a page's script listens for changed records.
const eventsPath = "/recordings/events"

// recordingsPage is a person's requests.
type recordingsPage struct {
	Sent    bool   // the form was just sent
	Said    string // result of the button that was just pressed
	Records []recordItem
	Next    string // query of the next page; empty: this is the last
	Search  records.Search
	Rooms   []string
	States  []stateChoice
	All     bool // of everyone: an operator asked for them

	CanSeeAll bool   // the reader is an operator
	Live      string // where the script listens; empty: no record is worked on
}

// stateChoice is a state to filter by.
type stateChoice struct {
	records.State
	Text string
}

// showRecordings is GET /recordings. Parameters filter the list; all=1 lists everyone's records to an
// operator.
func (s *site) showRecordings(w http.ResponseWriter, r *http.Request) {
	before, ok := records.ReadCursor(r.URL.Query().Get("cursor"))
	if !ok {
		before = 0
	}
	caller := auth.CallerOf(r)
	search := records.ReadSearch(r.URL.Query()) // an invalid filter is left out, and the form shows it empty
	l := s.localizer(r)
	page := recordingsPage{
		Sent:   r.URL.Query().Get("sent") != "",
		Said:   s.said(r),
		Search: search,
		All:    caller.Operator && r.URL.Query().Get("all") != "",
		States: s.stateChoices(l),

		CanSeeAll: caller.Operator,
	}
	filter := search.Filter()
	if !page.All {
		filter.UserEmail = caller.Email
	}
	found, err := s.Records.Matching(r.Context(), records.Query{
		Filter: filter,
		Before: before,
		Limit:  pageSize,
		State:  search.State,
	})
	if err != nil {
		s.serverError(w, r, "list records", err)
		return
	}
	for i := range found.Rooms.Rooms {
		page.Rooms = append(page.Rooms, found.Rooms.Rooms[i].Name)
	}
	for i := range found.Records {
		record := &found.Records[i]
		item := s.item(l, record, found.Rooms.Zone(record.Room), page.All)
		item.Back = r.URL.Path
		page.Records = append(page.Records, item)
	}
	page.Live = liveAddress(page.Records)
	if page.All && page.Live != "" {
		page.Live += "&as=operator"
	}
	page.Next = page.nextQuery(found.Next)
	s.render(w, r, http.StatusOK, "recordings", frame{
		Title: l.T("page.recordings.title"),
		Nav:   "recordings",
		Body:  page,
	})
}

// nextQuery returns the query of the page that follows. It is empty if there is none.
func (p *recordingsPage) nextQuery(next int64) string {
	if next == 0 {
		return ""
	}
	query := p.Search.Values()
	query.Set("cursor", records.FormatCursor(next))
	if p.All {
		query.Set("all", "1")
	}
	return query.Encode()
}

// stateChoices returns the states to filter by.
func (s *site) stateChoices(l *i18n.Localizer) []stateChoice {
	var choices []stateChoice
	for _, state := range records.States() {
		choices = append(choices, stateChoice{State: state, Text: l.T("page.state-name." + string(state))})
	}
	return choices
}

// Results of a button, in the query of the page that follows.
const (
	saidRetried   = "retried"
	saidCancelled = "cancelled"
	saidCannot    = "cannot"

	saidRetriedAll = "retried-all"
	saidDismissed  = "dismissed"

	saidChanged   = "changed"
	saidUnchanged = "unchanged"
	saidTakenBack = "taken-back"
	saidRestored  = "restored"
	saidReleased  = "released"
	saidPosted    = "posted"
)

// said returns the result of the button that was pressed before this page, in words.
func (s *site) said(r *http.Request) string {
	switch said := r.URL.Query().Get("said"); said {
	case saidRetried, saidCancelled, saidCannot, saidRetriedAll, saidDismissed,
		saidChanged, saidUnchanged, saidTakenBack, saidRestored, saidReleased, saidPosted:
		return s.localizer(r).T("page.said." + said)
	}
	return ""
}

// liveAddress returns where changes of the records that are worked on are sent. It is empty if none is. A
// stream occupies an instance, so that a record that waits for its end or for footage has none: the script
// reads the page again from time to time.
func liveAddress(items []recordItem) string {
	var ids []string
	for i := range items {
		if state := items[i].State; state != records.Waiting && !state.Ended() {
			ids = append(ids, strconv.FormatInt(items[i].ID, 10))
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return eventsPath + "?ids=" + strings.Join(ids, ",")
}

// readIDs reads the numbers of a live address. It is nil if the list is malformed or too long.
func readIDs(list string) []int64 {
	var ids []int64
	for number := range strings.SplitSeq(list, ",") {
		id, err := strconv.ParseInt(number, 10, 64)
		if err != nil || id < 1 || len(ids) == 2*pageSize {
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

// streamRecordings is GET /recordings/events?ids=: the HTML of records, at once and after each
// change. It ends when the last of them has ended. Then it answers 204, after which browsers do not
// reconnect.
func (s *site) streamRecordings(w http.ResponseWriter, r *http.Request) {
	ids := readIDs(r.URL.Query().Get("ids"))
	if ids == nil {
		s.failPage(w, r, http.StatusBadRequest, "")
		return
	}
	list, err := s.ownedRecords(r, ids)
	if err != nil {
		s.serverError(w, r, "read records", err)
		return
	}
	watch, changes, err := s.Records.Watch(r.Context(), list)
	if err != nil {
		s.serverError(w, r, "read records", err)
		return
	}
	defer watch.Close()
	open := openRecords{}
	if !open.update(changes) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	stream := httpapi.NewStream(w)
	for s.sendItems(r, stream, changes) && open.update(changes) && watch.Wait(r.Context(), stream) {
		changes = watch.Take()
	}
}

// openRecords are the records of a stream that have not ended, by number.
type openRecords map[int64]bool

// update notes changes. It reports whether a record is left that has not ended.
func (o openRecords) update(changes []records.Change) bool {
	for i := range changes {
		record := &changes[i].Record
		if records.StateOf(record, time.UTC, time.Time{}).Ended() { // the zone shapes only earlier states
			delete(o, record.ID)
		} else {
			o[record.ID] = true
		}
	}
	return len(o) > 0
}

// ownedRecords reads the records that the caller may see. It leaves out all others.
func (s *site) ownedRecords(r *http.Request, ids []int64) ([]nvr.Record, error) {
	all, err := s.Records.Store.Records.ByID(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	var owned []nvr.Record
	for i := range all {
		if auth.CallerOf(r).Owns(&all[i]) {
			owned = append(owned, all[i])
		}
	}
	return owned, nil
}

// sendItems sends the HTML of changed records. It reports whether the stream goes on; a browser
// reconnects if not.
func (s *site) sendItems(r *http.Request, stream *httpapi.Stream, changes []records.Change) bool {
	l := s.localizer(r)
	forOperators := r.URL.Query().Get("as") == "operator" && auth.CallerOf(r).Operator
	for i := range changes {
		record := &changes[i].Record
		rooms, err := s.Records.CachedRooms(r.Context(), *record)
		if err != nil {
			return false
		}
		item := s.item(l, record, rooms.Zone(record.Room), forOperators)
		html, err := s.execute(l.Language(), "recordings", "record", item)
		if err != nil {
			const message = "could not write a record's entry"
			s.Log.ErrorContext(r.Context(), message, "record", record.ID, "err", err)
			return false
		}
		if !stream.Send("record", html) {
			return false
		}
	}
	return true
}

// retry is POST /recordings/{id}/retry.
func (s *site) retry(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, saidRetried, s.Records.Store.Requests.Retry)
}

// cancel is POST /recordings/{id}/cancel.
func (s *site) cancel(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, saidCancelled, func(ctx context.Context, id int64) error {
		return s.Records.Store.Requests.Withdraw(
			ctx,
			id,
			records.WithdrawnBy(auth.CallerOf(r).Email),
		)
	})
}

// change applies a button to a record and returns to the page that the form names.
func (s *site) change(
	w http.ResponseWriter,
	r *http.Request,
	said string,
	do func(context.Context, int64) error,
) {
	record, ok := s.Records.Owned(w, r, s.failPage)
	if !ok {
		return
	}
	err := do(r.Context(), record.ID)
	if errors.Is(err, store.ErrConflict) {
		said, err = saidCannot, nil
	}
	if err != nil {
		s.serverError(w, r, "change a record", err)
		return
	}
	back := ownPath(r.PostFormValue("back"))
	if back == "/" {
		back = "/recordings"
	}
	http.Redirect(w, r, back+"?said="+said, http.StatusSeeOther)
}
