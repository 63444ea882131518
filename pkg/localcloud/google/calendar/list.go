package calendar

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

const (
	// Bounds of maxResults:
	// https://developers.google.com/workspace/calendar/api/v3/reference/events/list
	pageSize    = 250 // the default
	maxPageSize = 2500
)

// get answers events.get. A cancelled event is returned, too.
func (c *Calendar) get(call *api.Call) (*api.Answer, error) {
	var answer *api.Answer
	var err error
	c.db.View(func() {
		var how shown
		if how, err = c.wishes(call); err != nil {
			return
		}
		var e *event
		if e, err = c.find(named(call), call.Path["eventId"]); err != nil {
			return
		}
		answer = &api.Answer{Body: c.show(e, how), Header: http.Header{"Etag": {e.etag()}}}
		if call.Request.Header.Get("If-None-Match") == e.etag() {
			answer = &api.Answer{Status: http.StatusNotModified, Header: answer.Header}
		}
	})
	return answer, err
}

// wish is what a listing is asked for.
type wish struct {
	from, to     time.Time // zero: no bound
	updatedMin   time.Time
	since        int64 // changes after this one; -1: all events
	single       bool
	deleted      bool
	words        string
	iCalUID      string
	types        []string
	privateProps []string
	sharedProps  []string
	order        string
}

// readWish reads the parameters of a listing and refuses combinations that Calendar refuses.
func readWish(call *api.Call) (wish, error) {
	q := call.Query
	w := wish{
		since:        -1,
		single:       call.Flag("singleEvents"),
		deleted:      call.Flag("showDeleted"),
		words:        strings.ToLower(q.Get("q")),
		iCalUID:      q.Get("iCalUID"),
		types:        q["eventTypes"],
		privateProps: q["privateExtendedProperty"],
		sharedProps:  q["sharedExtendedProperty"],
		order:        q.Get("orderBy"),
	}
	// They were checked to be times; what is not there stays zero.
	w.from, _ = time.Parse(time.RFC3339, q.Get("timeMin"))
	w.to, _ = time.Parse(time.RFC3339, q.Get("timeMax"))
	w.updatedMin, _ = time.Parse(time.RFC3339, q.Get("updatedMin"))
	switch {
	case !w.from.IsZero() && !w.to.IsZero() && !w.to.After(w.from):
		return w, api.Refuse(
			http.StatusBadRequest, "timeRangeEmpty", "The specified time range is empty.",
		)
	case w.order == "startTime" && !w.single:
		return w, api.Refuse(
			http.StatusBadRequest,
			"invalid",
			"The requested ordering is not available for the particular query.",
		)
	}
	if token := q.Get("syncToken"); token != "" {
		for _, other := range []string{
			"iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin",
		} {
			if q.Has(other) {
				return w, api.Invalid(
					"syncToken", "Sync token cannot be used with request parameter %s.", other,
				)
			}
		}
		text, err := base64.RawURLEncoding.DecodeString(token)
		if _, scanErr := fmt.Sscanf(
			string(text), "since %d", &w.since,
		); err != nil || scanErr != nil {
			return w, api.Refuse(
				http.StatusGone,
				"fullSyncRequired",
				"Sync token is no longer valid, a full sync is required.",
			)
		}
		w.deleted = true
	}
	return w, nil
}

// list answers events.list.
func (c *Calendar) list(call *api.Call) (*api.Answer, error) {
	w, err := readWish(call)
	if err != nil {
		return nil, err
	}
	return c.answerList(call, w, func() ([]*event, error) {
		return c.matching(named(call), w)
	})
}

// instances answers events.instances: the instances of one series.
func (c *Calendar) instances(call *api.Call) (*api.Answer, error) {
	w, err := readWish(call)
	if err != nil {
		return nil, err
	}
	w.single, w.order = true, "startTime"
	original := call.Query.Get("originalStart")
	return c.answerList(call, w, func() ([]*event, error) {
		series, err := c.find(named(call), call.Path["eventId"])
		if err != nil {
			return nil, err
		}
		all, err := c.expand(series, w, c.byInstance(series.Calendar))
		return slices.DeleteFunc(all, func(e *event) bool {
			start := api.Child(e.Resource, "originalStartTime")
			return !c.fits(e, w) ||
				original != "" && api.Text(start, "dateTime") != original &&
					api.Text(start, "date") != original
		}), err
	})
}

// answerList sorts events and answers with one page of them.
func (c *Calendar) answerList(
	call *api.Call, w wish, find func() ([]*event, error),
) (*api.Answer, error) {
	var body api.Object
	var err error
	c.db.View(func() {
		var how shown
		if how, err = c.wishes(call); err != nil {
			return
		}
		var found []*event
		if found, err = find(); err != nil {
			return
		}
		c.sort(found, w.order)
		from, to, next, pageErr := api.Page(
			call, len(found), max(1, min(call.Int("maxResults", pageSize), maxPageSize)),
		)
		if err = pageErr; err != nil {
			return
		}
		items := make([]any, 0, to-from)
		for _, e := range found[from:to] {
			items = append(items, c.show(e, how))
		}
		body = c.frame(named(call), how)
		body["items"] = items
		if next != "" {
			body["nextPageToken"] = next
		} else if w.order == "" && w.words == "" && w.from.IsZero() && w.to.IsZero() {
			body["nextSyncToken"] = base64.RawURLEncoding.EncodeToString(fmt.Appendf(
				nil, "since %d", c.sequence,
			))
		}
	})
	if err != nil {
		return nil, err
	}
	return api.OK(body)
}

// frame returns the fields of a listing that describe its calendar.
func (c *Calendar) frame(calendar string, how shown) api.Object {
	about := c.showCalendar(calendar, "calendar#calendar")
	zone := about["timeZone"]
	if how.zone != nil {
		zone = how.zone.String()
	}
	updated := ""
	for _, e := range c.events.All() {
		if strings.EqualFold(e.Calendar, calendar) {
			updated = max(updated, e.updated())
		}
	}
	body := api.Object{
		"kind":             "calendar#events",
		"etag":             fmt.Sprintf(`"%d"`, c.sequence),
		"summary":          about["summary"],
		"timeZone":         zone,
		"accessRole":       "owner",
		"defaultReminders": []any{},
	}
	if updated != "" {
		body["updated"] = updated
	}
	return body
}

// matching returns the events of a calendar that fit a wish.
func (c *Calendar) matching(calendar string, w wish) ([]*event, error) {
	exceptions := c.byInstance(calendar)
	var found []*event
	for _, e := range c.events.All() {
		if !strings.EqualFold(e.Calendar, calendar) {
			continue
		}
		if w.single && e.isSeries() {
			instances, err := c.expand(e, w, exceptions)
			if err != nil {
				return nil, err
			}
			found = append(found, instances...)
			continue
		}
		if e.series() != "" {
			series := c.events.Get(eventKey(calendar, e.series()))
			if w.single && series != nil && series.isSeries() && c.standsFor(series, e) {
				continue // listed among the instances
			}
			if series != nil && series.cancelled() {
				e = e.with(api.Merge(e.Resource, api.Object{"status": cancelled}))
			}
		}
		found = append(found, e)
	}
	return slices.DeleteFunc(found, func(e *event) bool { return !c.fits(e, w) }), nil
}

// standsFor reports whether an exception is returned when its series is expanded.
func (c *Calendar) standsFor(series, exception *event) bool {
	return strings.HasPrefix(exception.id(), series.id()+"_")
}

// byInstance returns the exceptions of a calendar by their ids.
func (c *Calendar) byInstance(calendar string) map[string]*event {
	exceptions := map[string]*event{}
	for _, e := range c.events.All() {
		if e.series() != "" && strings.EqualFold(e.Calendar, calendar) {
			exceptions[e.id()] = e
		}
	}
	return exceptions
}

// expand returns the instances of a series that may fit a wish. Exceptions replace their
// instances.
func (c *Calendar) expand(series *event, w wish, exceptions map[string]*event) ([]*event, error) {
	zone, _ := c.zoneOf(series.Calendar)
	s, err := readSeries(series, zone)
	if err != nil {
		return nil, err
	}
	var found []*event
	for _, e := range s.between(w.from, w.to, c.o.Now()) {
		if exceptions[e.id()] == nil {
			found = append(found, e)
		}
	}
	// An exception may have been moved in time: it fits by where it is now.
	for _, e := range exceptions {
		if e.series() != series.id() {
			continue
		}
		if series.cancelled() {
			e = e.with(api.Merge(e.Resource, api.Object{"status": cancelled}))
		}
		found = append(found, e)
	}
	return found, nil
}

// fits reports whether a listing wants an event.
func (c *Calendar) fits(e *event, w wish) bool {
	updated, _ := time.Parse(time.RFC3339, e.updated())
	switch {
	case e.Sequence <= w.since, updated.Before(w.updatedMin):
		return false
	case e.cancelled() && !w.deleted && (w.single || e.series() == "" || c.seriesGone(e)):
		// Without single events, cancelled instances are told: they are holes in a series.
		return false
	case w.iCalUID != "" && api.Text(e.Resource, "iCalUID") != w.iCalUID:
		return false
	case len(w.types) > 0 && !slices.Contains(w.types, api.Text(e.Resource, "eventType")):
		return false
	case w.words != "" && !mentions(e.Resource, w.words):
		return false
	}
	properties := api.Child(e.Resource, "extendedProperties")
	return hasAll(api.Child(properties, "private"), w.privateProps) &&
		hasAll(api.Child(properties, "shared"), w.sharedProps) &&
		c.within(e, w)
}

// seriesGone reports whether the series of an instance was cancelled.
func (c *Calendar) seriesGone(e *event) bool {
	series := c.events.Get(eventKey(e.Calendar, e.series()))
	return series == nil || series.cancelled()
}

// mentions reports whether the texts of an event contain all words, as the parameter q asks.
func mentions(o api.Object, words string) bool {
	text := api.Text(o, "summary") + " " + api.Text(o, "description") + " " + api.Text(o, "location")
	for _, a := range append(api.Objects(o, "attendees"), api.Child(o, "organizer")) {
		text += " " + api.Text(a, "email") + " " + api.Text(a, "displayName")
	}
	text = strings.ToLower(text)
	for word := range strings.FieldsSeq(words) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// hasAll reports whether properties contain all wanted ones, written key=value.
func hasAll(properties api.Object, wanted []string) bool {
	for _, pair := range wanted {
		name, value, _ := strings.Cut(pair, "=")
		if api.Text(properties, name) != value {
			return false
		}
	}
	return true
}

// within reports whether an event overlaps the time of a listing.
func (c *Calendar) within(e *event, w wish) bool {
	zone, _ := c.zoneOf(e.Calendar)
	if e.isSeries() {
		s, err := readSeries(e, zone)
		return err == nil && len(s.between(w.from, w.to, c.o.Now())) > 0
	}
	start, _, err := readTime(e.Resource, "start", zone)
	if err != nil {
		return false
	}
	end, _, err := readTime(e.Resource, "end", zone)
	if err != nil {
		return false
	}
	return (w.from.IsZero() || end.After(w.from)) && (w.to.IsZero() || start.Before(w.to))
}

// sort sorts events by the parameter orderBy.
func (c *Calendar) sort(found []*event, order string) {
	start := map[*event]time.Time{}
	if order == "startTime" {
		for _, e := range found {
			zone, _ := c.zoneOf(e.Calendar)
			start[e], _, _ = readTime(e.Resource, "start", zone)
		}
	}
	slices.SortFunc(found, func(a, b *event) int {
		var n int
		switch order {
		case "startTime":
			n = start[a].Compare(start[b])
		case "updated":
			n = strings.Compare(a.updated(), b.updated())
		default:
			n = int(a.Sequence - b.Sequence)
		}
		if n == 0 {
			n = strings.Compare(a.id(), b.id())
		}
		return n
	})
}
