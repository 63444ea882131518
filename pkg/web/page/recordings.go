package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/report"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// maxLive is how many records of one page are followed.
const maxLive = 50

// recordingsPage is what a person asked for.
type recordingsPage struct {
	Sent    bool
	Said    string
	Records []recordItem
	Next    string
	Live    string // where the script listens; empty: nothing moves
}

// recordItem is a record as the pages show it.
type recordItem struct {
	records.View
	Name       string
	Day        string
	Hours      string
	Who        string // whose it is; empty on one's own page
	StateWords string
	Left       string // how long it still takes
	Bar        bool
	Reason     string
	Cause      string // for operators
	Notes      []string
	Link       string
	Report     string
	Thumbnail  string
	CanRetry   bool
	CanCancel  bool
	Back       string
}

// item shows a record on a page; operators see whose it is and why it failed.
func (s *site) item(language string, r *nvr.Record, zone *time.Location, operators bool) recordItem {
	v := records.NewView(r, zone, s.records.Now())
	i := recordItem{View: v, Name: r.Title, Day: s.words.ShortDay(language, r.Date), Hours: hours(r), Link: safeLink(r.Link), Back: "/recordings"}
	i.StateWords = s.stateWords(language, r, &v, zone)
	i.Bar = v.State == records.Merging
	if v.State == records.Merging {
		i.Left = s.leftWords(language, s.records.Watcher.Left(r.ID))
	}
	if v.Reason != nil && (v.State == records.Failed || v.State == records.Waiting || v.State == records.Queued) {
		i.Reason = inLanguage(language, *v.Reason)
	}
	if r.Share != "" && r.Share != "shared" {
		i.Notes = append(i.Notes, s.words.T(language, "note.share", inLanguage(language, nvr.ReadReason(r.Share))))
	}
	if r.Course != "" {
		i.Notes = append(i.Notes, s.words.T(language, "note.course", inLanguage(language, nvr.ReadReason(r.Course))))
	}
	id := strconv.FormatInt(r.ID, 10)
	if r.Digest != "" && (v.State == records.Done || v.State == records.Uploading || v.State == records.Linking) && s.Options.Report != nil {
		i.Report = "/recordings/" + id + "/report"
	}
	if v.State == records.Done && r.Digest != "" && s.Options.Thumbnail != nil {
		i.Thumbnail = "/recordings/" + id + "/thumbnail"
	}
	i.CanRetry = v.State == records.Failed || v.State == records.Withdrawn
	i.CanCancel = !v.State.Ended()
	if operators {
		i.Who, i.Back = r.UserEmail, "/operators"
		if v.State == records.Failed || r.Tries > 0 {
			i.Cause = r.Cause
		}
	}
	return i
}

// inLanguage picks the sentence of a language.
func inLanguage(language string, reason nvr.Reason) string {
	if language == "ru" && reason.Ru != "" {
		return reason.Ru
	}
	return reason.En
}

// safeLink lets only web addresses become links.
func safeLink(link string) string {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return link
	}
	return ""
}

func (s *site) stateWords(language string, r *nvr.Record, v *records.View, zone *time.Location) string {
	switch {
	case v.State == records.Merging:
		return s.words.T(language, "state.merging", v.Percent)
	case v.State == records.Queued && r.Holder != "":
		return s.words.T(language, "state.preparing")
	case v.State == records.Waiting:
		if _, end, err := r.Window(zone); err == nil && end.After(s.records.Now()) {
			return s.words.T(language, "state.waiting-end")
		}
	}
	return s.words.T(language, "state."+string(v.State))
}

func (s *site) leftWords(language string, left time.Duration) string {
	switch {
	case left <= 0:
		return ""
	case left < time.Minute:
		return s.words.T(language, "left.less")
	}
	return s.words.T(language, "left.minutes", int(math.Ceil(left.Minutes())))
}

// showRecordings is GET /recordings.
func (s *site) showRecordings(w http.ResponseWriter, r *http.Request) {
	language := s.words.Language(r)
	before, ok := records.ReadCursor(r.URL.Query().Get("cursor"))
	if !ok {
		before = 0
	}
	list, next, err := s.records.Store.Records.List(r.Context(), store.Filter{UserEmail: auth.CallerOf(r).Email}, before, maxLive)
	if err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "list records", err)
		return
	}
	zones, err := s.records.Zones(r.Context(), list...)
	if err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "list the rooms", err)
		return
	}
	page := recordingsPage{Sent: r.URL.Query().Get("sent") != ""}
	page.Said = s.said(r)
	for i := range list {
		page.Records = append(page.Records, s.item(language, &list[i], zones.Zone(list[i].Room), false))
	}
	page.Live = liveAddress("/recordings/events", page.Records)
	if next > 0 {
		page.Next = records.FormatCursor(next)
	}
	s.render(w, r, http.StatusOK, "recordings", shown{Title: s.words.T(language, "recordings.title"), Nav: "recordings", User: s.user(r), Body: page})
}

// said is what became of the button that was pressed before this page.
func (s *site) said(r *http.Request) string {
	switch said := r.URL.Query().Get("said"); said {
	case "retried", "cancelled", "cannot":
		return s.words.T(s.words.Language(r), "recordings."+said)
	}
	return ""
}

// liveAddress is where what still moves on a page is followed.
func liveAddress(path string, items []recordItem) string {
	var ids []string
	for i := range items {
		if !items[i].State.Ended() {
			ids = append(ids, strconv.FormatInt(items[i].ID, 10))
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return path + "?ids=" + strings.Join(ids, ",")
}

// readIDs reads the ids of a live address; nil if they are no such list.
func readIDs(list string) []int64 {
	var ids []int64
	for number := range strings.SplitSeq(list, ",") {
		id, err := strconv.ParseInt(number, 10, 64)
		if err != nil || id < 1 || len(ids) == 2*maxLive {
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

// recordingsEvents is GET /recordings/events?ids=: the entries of a page, written anew whenever one
// changes.
func (s *site) recordingsEvents(w http.ResponseWriter, r *http.Request) {
	language, operators := s.words.Language(r), r.URL.Query().Get("as") == "operator" && auth.CallerOf(r).Operator
	ids := readIDs(r.URL.Query().Get("ids"))
	if ids == nil {
		s.sayPage(w, r, http.StatusBadRequest, "")
		return
	}
	var list []nvr.Record
	var seen [][]byte
	all, err := s.records.Store.Records.ByID(r.Context(), ids)
	for i := 0; err == nil && i < len(all); i++ {
		var one []byte
		if one, err = s.records.Encode(r.Context(), &all[i]); err == nil && auth.CallerOf(r).Owns(&all[i]) {
			list, seen = append(list, all[i]), append(seen, one)
		}
	}
	if err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "read records", err)
		return
	}
	watch := s.records.Watcher.Add(list, seen)
	defer s.records.Watcher.Remove(watch)
	stream := httpapi.NewStream(w)
	for len(list) > 0 || stream.Write([]byte(": \n\n")) {
		zones, err := s.records.Zones(r.Context(), list...)
		if err != nil {
			return // the browser comes again
		}
		for i := range list {
			item := s.item(language, &list[i], zones.Zone(list[i].Room), operators)
			html, err := s.fragment(language, "recordings", "record", item)
			if err != nil {
				s.log.ErrorContext(r.Context(), "could not write a record's entry", "record", list[i].ID, "err", err)
				return
			}
			if !stream.Send("record", html) {
				return
			}
		}
		if !s.records.Await(r, watch, stream) {
			return
		}
		list, _ = s.records.Watcher.Take(watch)
	}
}

// decideRecording is POST /recordings/{id}/retry and /cancel.
func (s *site) decideRecording(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		s.sayPage(w, r, http.StatusNotFound, "")
		return
	}
	record, ok := s.records.Owned(w, r, id, s.sayPage)
	if !ok {
		return
	}
	var said string
	switch r.PathValue("what") {
	case "retry":
		said, err = "retried", s.records.Store.Requests.Retry(r.Context(), record.ID)
	case "cancel":
		said, err = "cancelled", s.records.Store.Requests.Withdraw(r.Context(), record.ID, records.WithdrawnBy(auth.CallerOf(r).Email))
	default:
		s.sayPage(w, r, http.StatusNotFound, "")
		return
	}
	switch {
	case errors.Is(err, store.ErrConflict):
		said = "cannot"
	case err != nil:
		httpapi.ServerError(w, r, s.log, s.sayPage, "change a record", err)
		return
	}
	back := ownPath(r.PostFormValue("back"))
	if back == "/" {
		back = "/recordings"
	}
	http.Redirect(w, r, back+"?said="+said, http.StatusSeeOther)
}

// pageRecord is the record of a path under /recordings/{id}/.
func (s *site) pageRecord(w http.ResponseWriter, r *http.Request) (nvr.Record, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		s.sayPage(w, r, http.StatusNotFound, "")
		return nvr.Record{}, false
	}
	return s.records.Owned(w, r, id, s.sayPage)
}

// showReport is GET /recordings/{id}/report: what was made and why, as a page.
func (s *site) showReport(w http.ResponseWriter, r *http.Request) {
	record, ok := s.pageRecord(w, r)
	if !ok {
		return
	}
	var body []byte
	var err error
	if s.Options.Report != nil {
		body, err = s.Options.Report(r.Context(), record)
	}
	if err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "read a report", err)
		return
	}
	if len(body) == 0 {
		s.sayMessage(w, r, http.StatusNotFound, "report.none")
		return
	}
	var made report.Report
	if err := json.Unmarshal(body, &made); err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "read a report", err)
		return
	}
	language := report.English
	if s.words.Language(r) == "ru" {
		language = report.Russian
	}
	var page bytes.Buffer
	if err := made.HTML(&page, language, nil); err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "write a report", err)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src data:; frame-ancestors 'none'; base-uri 'none'; style-src "+styleHash(page.Bytes()))
	w.Header().Set(httpapi.ContentType, httpapi.HTMLType)
	_, _ = w.Write(page.Bytes()) // a browser that is gone reads nothing
}

// styleHash allows exactly the style that a page of one file brings along.
func styleHash(page []byte) string {
	_, rest, _ := bytes.Cut(page, []byte("<style>"))
	style, _, ok := bytes.Cut(rest, []byte("</style>"))
	if !ok {
		return "'none'"
	}
	sum := sha256.Sum256(style)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// showThumbnail is GET /recordings/{id}/thumbnail.
func (s *site) showThumbnail(w http.ResponseWriter, r *http.Request) {
	record, ok := s.pageRecord(w, r)
	if !ok {
		return
	}
	var body []byte
	var err error
	if s.Options.Thumbnail != nil {
		body, err = s.Options.Thumbnail(r.Context(), record)
	}
	if err != nil || len(body) == 0 {
		s.sayPage(w, r, http.StatusNotFound, "")
		return
	}
	httpapi.WriteTagged(w, r, "image/jpeg", body)
}
