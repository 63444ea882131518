package google_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gcalendar "google.golang.org/api/calendar/v3"
	"google.golang.org/api/option"
)

func (w *env) calendar(user string) *gcalendar.Service {
	w.t.Helper()
	s, err := gcalendar.NewService(
		w.t.Context(),
		option.WithEndpoint(w.base+"/calendar/v3/"),
		option.WithHTTPClient(&http.Client{Transport: asUser(user)}),
	)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

const room = "room504@resource.calendar.google.com"

func at(text string) *gcalendar.EventDateTime {
	return &gcalendar.EventDateTime{DateTime: text, TimeZone: "Europe/Moscow"}
}

func lecture(title string) *gcalendar.Event {
	return &gcalendar.Event{
		Summary: title,
		Start:   at("2026-11-20T15:10:00+03:00"),
		End:     at("2026-11-20T16:30:00+03:00"),
	}
}

// brief lists events as summary@start or summary!status.
func brief(events []*gcalendar.Event) string {
	var list []string
	for _, e := range events {
		switch {
		case e.Status == "cancelled":
			list = append(list, e.Summary+"!"+e.Status)
		case e.Start.Date != "":
			list = append(list, e.Summary+"@"+e.Start.Date)
		default:
			list = append(list, e.Summary+"@"+e.Start.DateTime)
		}
	}
	return strings.Join(list, " ")
}

func (w *env) listed(s *gcalendar.Service, calendar string, deleted bool) string {
	w.t.Helper()
	list, err := s.Events.List(calendar).TimeMin("2026-10-01T00:00:00Z").TimeMax("2027-01-01T00:00:00Z").SingleEvents(true).ShowDeleted(deleted).OrderBy("startTime").Do()
	if err != nil {
		w.t.Fatal(err)
	}
	return brief(list.Items)
}

func TestCalendarEvent(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s := w.calendar("ivanov@example.org")
	e, err := s.Events.Insert(room, lecture("Algebra")).Do()
	if err != nil {
		t.Fatal(err)
	}
	if e.Creator.Email != "ivanov@example.org" || e.Creator.Self || e.Organizer.Email != room ||
		!e.Organizer.Self ||
		e.Status != "confirmed" ||
		e.ICalUID != e.Id+"@google.com" || e.Start.DateTime != "2026-11-20T15:10:00+03:00" || e.Etag == "" || e.HtmlLink == "" {
		t.Errorf("made: %+v", e)
	}
	attach := func(etag, link string) (*gcalendar.Event, error) {
		call := s.Events.Patch(
			room,
			e.Id,
			&gcalendar.Event{
				Attachments: []*gcalendar.EventAttachment{
					{FileUrl: link, Title: "Video", MimeType: "video/mp4"},
				},
			},
		).SupportsAttachments(true).SendUpdates("none")
		call.Header().Set("If-Match", etag)
		return call.Do()
	}
	link := w.base + "/file/d/1abc_DEF-g/view"
	patched, err := attach(e.Etag, link)
	if err != nil {
		t.Fatal(err)
	}
	if len(patched.Attachments) != 1 || patched.Attachments[0].FileId != "1abc_DEF-g" ||
		patched.Attachments[0].FileUrl != link ||
		patched.Etag == e.Etag ||
		patched.Summary != "Algebra" ||
		patched.Sequence != 0 {
		t.Errorf("attached: %+v", patched)
	}
	_, err = attach(e.Etag, link)
	refused(t, err, 412, "conditionNotMet")
	_, err = attach(patched.Etag, "")
	refused(t, err, 400, "required")
	many := &gcalendar.Event{}
	for i := range 26 {
		many.Attachments = append(
			many.Attachments, &gcalendar.EventAttachment{FileUrl: fmt.Sprint("https://example.org/", i)},
		)
	}
	_, err = s.Events.Patch(room, e.Id, many).SupportsAttachments(true).Do()
	refused(t, err, 400, "invalid")
	if ignored, err := s.Events.Patch(
		room, e.Id, &gcalendar.Event{Attachments: many.Attachments[:1]},
	).Do(); err != nil || len(ignored.Attachments) != 1 || ignored.Attachments[0].FileId == "" {
		t.Errorf("without supportsAttachments: %+v, %v", ignored, err)
	}
	moved, err := s.Events.Patch(
		room,
		e.Id,
		&gcalendar.Event{
			Start: at("2026-11-20T16:10:00+03:00"),
			End:   at("2026-11-20T17:30:00+03:00"),
		},
	).Do()
	if err != nil || moved.Sequence != 1 || len(moved.Attachments) != 1 {
		t.Errorf("at another time: %+v, %v", moved, err)
	}
	if err := s.Events.Delete(room, e.Id).Do(); err != nil {
		t.Fatal(err)
	}
	refused(t, s.Events.Delete(room, e.Id).Do(), 410, "deleted")
	if got := w.listed(s, room, false); got != "" {
		t.Errorf("after its deletion: %s", got)
	}
	if got := w.listed(s, room, true); got != "Algebra!cancelled" {
		t.Errorf("with the deleted: %s", got)
	}
	w.restart()
	s = w.calendar("ivanov@example.org")
	if back, err := s.Events.Patch(
		room, e.Id, &gcalendar.Event{Status: "confirmed"},
	).Do(); err != nil || back.Status != "confirmed" || len(back.Attachments) != 1 {
		t.Errorf("restored: %+v, %v", back, err)
	}
	if got := w.listed(s, room, false); got != "Algebra@2026-11-20T16:10:00+03:00" {
		t.Errorf("after its return: %s", got)
	}
	_, err = s.Events.Insert(room, &gcalendar.Event{Id: e.Id, Start: e.Start, End: e.End}).Do()
	refused(t, err, 409, "duplicate")
	_, err = s.Events.Get(room, "none").Do()
	refused(t, err, 404, "notFound")
}

func TestCalendarCopies(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	teacher, s := "petrov@example.org", w.calendar("petrov@example.org")
	e := lecture("Invited")
	e.Attendees = []*gcalendar.EventAttendee{
		{Email: room, Resource: true},
		{Email: "guest@example.org"},
	}
	e, err := s.Events.Insert("primary", e).Do()
	if err != nil {
		t.Fatal(err)
	}
	inRoom, err := s.Events.Get(room, e.Id).Do()
	if err != nil {
		t.Fatal(err)
	}
	if inRoom.Organizer.Email != teacher || inRoom.Organizer.Self || inRoom.ICalUID != e.ICalUID ||
		!inRoom.Attendees[0].Self ||
		inRoom.Attendees[0].ResponseStatus != "needsAction" ||
		inRoom.Creator.Email != teacher {
		t.Errorf("the room's copy: %+v", inRoom)
	}
	attachment := []*gcalendar.EventAttachment{{FileUrl: w.base + "/file/d/FILE/view"}}
	_, err = s.Events.Patch(
		room, e.Id, &gcalendar.Event{Attachments: attachment},
	).SupportsAttachments(true).Do()
	refused(t, err, 403, "forbiddenForNonOrganizer")
	if _, err := s.Events.Patch(
		teacher, e.Id, &gcalendar.Event{Attachments: attachment},
	).SupportsAttachments(true).Do(); err != nil {
		t.Fatal(err)
	}
	if inRoom, err = s.Events.Get(room, e.Id).Do(); err != nil || len(inRoom.Attachments) != 1 ||
		inRoom.Attachments[0].FileId != "FILE" {
		t.Errorf("the attachment in the room's calendar: %+v, %v", inRoom, err)
	}
	// The room answers.
	inRoom.Attendees[0].ResponseStatus = "accepted"
	if _, err := s.Events.Patch(
		room, e.Id, &gcalendar.Event{Attendees: inRoom.Attendees},
	).Do(); err != nil {
		t.Error(err)
	}
	if own, err := s.Events.Get(teacher, e.Id).Do(); err != nil ||
		own.Attendees[0].ResponseStatus != "accepted" {
		t.Errorf("the answer at the organiser's: %+v, %v", own, err)
	}
	// The guest takes it out of his calendar; a change does not bring it back.
	if err := s.Events.Delete("guest@example.org", e.Id).Do(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Events.Patch(teacher, e.Id, &gcalendar.Event{Summary: "Renamed"}).Do(); err != nil {
		t.Fatal(err)
	}
	if got := w.listed(s, "guest@example.org", false); got != "" {
		t.Errorf("the guest has %s", got)
	}
	if got := w.listed(s, room, false); got != "Renamed@2026-11-20T15:10:00+03:00" {
		t.Errorf("the room has %s", got)
	}
	// The room is invited no more, then again; then the event is cancelled and comes back.
	for _, step := range []struct {
		patch *gcalendar.Event
		want  string
	}{
		{
			&gcalendar.Event{
				Attendees: []*gcalendar.EventAttendee{{Email: "guest@example.org"}},
			}, "!cancelled",
		},
		{
			&gcalendar.Event{
				Attendees: []*gcalendar.EventAttendee{{Email: room}},
			}, "Renamed@2026-11-20T15:10:00+03:00",
		},
		{&gcalendar.Event{Status: "cancelled"}, "!cancelled"},
		{&gcalendar.Event{Status: "confirmed"}, "Renamed@2026-11-20T15:10:00+03:00"},
	} {
		if _, err := s.Events.Patch(teacher, e.Id, step.patch).Do(); err != nil {
			t.Fatal(err)
		}
		if got := w.listed(s, room, true); got != step.want {
			t.Errorf("the room has %s, want %s", got, step.want)
		}
	}
}

func TestCalendarMove(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s := w.calendar("")
	e := lecture("M")
	e.Recurrence = []string{"RRULE:FREQ=DAILY;COUNT=3"}
	e, err := s.Events.Insert(room, e).Do()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Events.Delete(room, e.Id+"_20261121T121000Z").Do(); err != nil {
		t.Fatal(err)
	}
	moved, err := s.Events.Move(room, e.Id, "room505").Do()
	if err != nil || moved.Id != e.Id || moved.Organizer.Email != "room505" || !moved.Organizer.Self {
		t.Errorf("moved: %+v, %v", moved, err)
	}
	if got := w.listed(s, room, false); got != "" {
		t.Errorf("where it was: %s", got)
	}
	if old, err := s.Events.Get(room, e.Id).Do(); err != nil || old.Status != "cancelled" {
		t.Errorf("what is left: %+v, %v", old, err)
	}
	if got, want := w.listed(s, "room505", false), "M@2026-11-20T15:10:00+03:00 M@2026-11-22T15:10:00+03:00"; got != want {
		t.Errorf("where it is: %s", got)
	}
	if _, err := s.Events.Move("room505", e.Id, room).Do(); err != nil {
		t.Fatal(err)
	}
	if got := w.listed(s, room, false); strings.Count(got, "M@") != 2 {
		t.Errorf("back again: %s", got)
	}
}

func TestCalendarLists(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s := w.calendar("")
	for i := range 7 {
		e := &gcalendar.Event{
			Summary: fmt.Sprintf("E%d", i),
			Start:   at(fmt.Sprintf("2026-11-%02dT10:00:00+03:00", 10+i)),
			End:     at(fmt.Sprintf("2026-11-%02dT11:00:00+03:00", 10+i)),
		}
		if _, err := s.Events.Insert(room, e).Do(); err != nil {
			t.Fatal(err)
		}
	}
	day := &gcalendar.Event{
		Summary: "Day",
		Start:   &gcalendar.EventDateTime{Date: "2026-11-12"},
		End:     &gcalendar.EventDateTime{Date: "2026-11-13"},
	}
	if _, err := s.Events.Insert(room, day).Do(); err != nil {
		t.Fatal(err)
	}
	var pages int
	var all []*gcalendar.Event
	err := s.Events.List(room).SingleEvents(true).OrderBy("startTime").MaxResults(3).Pages(t.Context(), func(l *gcalendar.Events) error {
		pages++
		all = append(all, l.Items...)
		return nil
	})
	if err != nil || pages != 3 || len(all) != 8 || all[2].Summary != "Day" {
		t.Errorf("%d pages: %s, %v", pages, brief(all), err)
	}
	// The end of a window is exclusive, and so is its begin for an event that ends then.
	list, err := s.Events.List(room).TimeMin("2026-11-11T11:00:00+03:00").TimeMax(
		"2026-11-13T10:00:00+03:00",
	).SingleEvents(true).OrderBy("startTime").TimeZone("UTC").Do()
	if err != nil || brief(list.Items) != "Day@2026-11-12 E2@2026-11-12T07:00:00Z" ||
		list.TimeZone != "UTC" {
		t.Errorf("a window: %s, %v", brief(list.Items), err)
	}
	if list, err := s.Events.List(room).Q("e3").Do(); err != nil ||
		brief(list.Items) != "E3@2026-11-13T10:00:00+03:00" {
		t.Errorf("words: %s, %v", brief(list.Items), err)
	}
	full, err := s.Events.List(room).SingleEvents(true).Do()
	if err != nil || full.NextSyncToken == "" {
		t.Fatalf("%+v, %v", full, err)
	}
	if err := s.Events.Delete(room, all[0].Id).Do(); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Events.List(room).SingleEvents(true).SyncToken(full.NextSyncToken).Do(); err != nil ||
		brief(list.Items) != "E0!cancelled" {
		t.Errorf("what changed: %s, %v", brief(list.Items), err)
	}
	_, err = s.Events.List(room).SyncToken("old").Do()
	refused(t, err, 410, "fullSyncRequired")
	_, err = s.Events.List(room).OrderBy("startTime").Do()
	refused(t, err, 400, "invalid")
	_, err = s.Events.List(room).TimeMin("2026-11-20T00:00:00Z").TimeMax("2026-11-19T00:00:00Z").Do()
	refused(t, err, 400, "timeRangeEmpty")
	if empty, err := s.Events.List("new-room").Do(); err != nil || len(empty.Items) != 0 {
		t.Errorf("an unused calendar: %+v, %v", empty, err)
	}
}

func TestCalendarIsStrictWithRequests(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	const times = `"start":{"dateTime":"2026-11-20T15:10:00+03:00"},"end":{"dateTime":"2026-11-20T16:30:00+03:00"}`
	const zoned = `"start":{"dateTime":"2026-11-20T15:10:00","timeZone":"Europe/Moscow"},"end":{"dateTime":"2026-11-20T16:30:00","timeZone":"Europe/Moscow"}`
	events := "/calendar/v3/calendars/room%2F504/events"
	for _, tt := range []struct {
		method, path, body string
		status             int
		reason             string
	}{
		{"POST", events, `{` + times + `}`, 200, ""},
		{"POST", events, `{` + zoned + `,"recurrence":["RRULE:FREQ=DAILY;COUNT=2"]}`, 200, ""},
		{
			"POST",
			events,
			`{` + times + `,"recurrence":["RRULE:FREQ=DAILY;COUNT=2"]}`,
			400,
			"required",
		},
		{"POST", events, `{` + zoned + `,"recurrence":["RRULE:FREQ=SECONDLY"]}`, 400, "invalid"},
		{"POST", events, `{` + zoned + `,"recurrence":["FREQ=DAILY"]}`, 400, "invalid"},
		{
			"POST",
			events,
			`{` + zoned + `,"recurrence":["RRULE:FREQ=DAILY;INTERVAL=x"]}`,
			400,
			"invalid",
		},
		{"POST", events, `{` + times + `,"colour":1}`, 400, "invalid"},
		{"POST", events, `{` + times + `,"summary":1}`, 400, "invalid"},
		{"POST", events, `{` + times + `,"status":"perhaps"}`, 400, "invalid"},
		{"POST", events, `{` + times + `,"id":"Wrong"}`, 400, "invalid"},
		{"POST", events, `{` + times + `,"attendees":[{"email":"unknown"}]}`, 400, "invalid"},
		{"POST", events, `{"summary":"x"}`, 400, "required"},
		{
			"POST", events, `{"start":{"dateTime":"2026-11-20T15:10:00"},"end":{"dateTime":"2026-11-20T16:10:00"}}`, 400, "invalid",
		},
		{
			"POST", events, `{"start":{"dateTime":"2026-11-20T15:10:00Z"},"end":{"date":"2026-11-21"}}`, 400, "invalid",
		},
		{
			"POST", events, `{"start":{"dateTime":"2026-11-20T15:10:00Z"},"end":{"dateTime":"2026-11-20T15:00:00Z"}}`, 400, "timeRangeEmpty",
		},
		{
			"POST", events, `{"start":{"dateTime":"2026-11-20T15:10:00Z","timeZone":"Mars"},"end":{"dateTime":"2026-11-20T15:00:00Z"}}`, 400, "invalid",
		},
		{"POST", events + "?sendUpdates=some", `{` + times + `}`, 400, "invalid"},
		{"GET", events + "?timeMin=2026-11-20T00:00:00", "", 400, "invalid"},
		{"GET", events + "?maxResults=0", "", 400, "invalid"},
		{"GET", events + "?timeMan=x", "", 400, "invalid"},
		{"POST", events + "/x/move", "", 400, "required"},
		{"GET", "/calendar/v3/colors", "", 501, "notImplemented"},
	} {
		a := w.call(tt.method, tt.path, tt.body)
		if a.status != tt.status || a.reason() != tt.reason {
			t.Errorf(
				"%s %s %s: %d %s, want %d %s: %s",
				tt.method,
				tt.path,
				tt.body,
				a.status,
				a.reason(),
				tt.status,
				tt.reason,
				a.text,
			)
		}
	}
	list := w.want(200, "GET", events+"?fields=items(summary,start/dateTime)", "")
	text, _ := json.Marshal(list.body)
	if want := `{"items":[{"start":{"dateTime":"2026-11-20T15:10:00+03:00"}},{"start":{"dateTime":"2026-11-20T15:10:00+03:00"}}]}`; string(text) != want {
		t.Errorf("fields: %s", text)
	}
	if me := w.want(
		200, "GET", "/calendar/v3/calendars/primary", "", "X-Workspace-User", "me@example.org",
	); me.body["id"] != "me@example.org" {
		t.Errorf("the caller's own: %s", me.text)
	}
}

func TestCalendarTellsOfChanges(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	got := make(chan http.Header, 100)
	fail := make(chan bool, 1)
	fail <- true
	watcher := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		select {
		case <-fail:
			rw.WriteHeader(http.StatusServiceUnavailable)
		default:
			got <- r.Header
		}
	}))
	t.Cleanup(watcher.Close)
	s := w.calendar("")
	for _, address := range []string{"http://example.org/", "ftp://127.0.0.1/", "http://10.0.0.1/", "::"} {
		_, err := s.Events.Watch(
			room,
			&gcalendar.Channel{Id: "c", Type: "web_hook", Address: address},
		).Do()
		refused(t, err, 400, "push.webhookUrlNotHttps")
	}
	channel, err := s.Events.Watch(
		room,
		&gcalendar.Channel{
			Id:      "c1",
			Type:    "web_hook",
			Address: watcher.URL + "/calendar-notifications/",
			Token:   "secret",
		},
	).Do()
	if err != nil {
		t.Fatal(err)
	}
	if channel.ResourceId == "" || channel.Expiration != w.clock.Now().Add(7*24*time.Hour).UnixMilli() {
		t.Errorf("the channel: %+v", channel)
	}
	_, err = s.Events.Watch(
		room,
		&gcalendar.Channel{Id: "c1", Type: "web_hook", Address: watcher.URL},
	).Do()
	refused(t, err, 400, "channelIdNotUnique")
	next := func(state string) {
		t.Helper()
		select {
		case h := <-got:
			if h.Get("X-Goog-Channel-ID") != "c1" || h.Get("X-Goog-Channel-Token") != "secret" ||
				h.Get("X-Goog-Resource-State") != state ||
				h.Get("X-Goog-Resource-ID") != channel.ResourceId ||
				h.Get("X-Goog-Message-Number") == "" {
				t.Errorf("notice: %v", h)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no notice of %s", state)
		}
	}
	next("sync")
	if _, err := s.Events.Insert(room, lecture("x")).Do(); err != nil {
		t.Fatal(err)
	}
	next("exists")
	if err := s.Channels.Stop(&gcalendar.Channel{Id: "c1", ResourceId: "other"}).Do(); err == nil {
		t.Error("stopped by another resource")
	}
	if err := s.Channels.Stop(&gcalendar.Channel{
		Id:         "c1",
		ResourceId: channel.ResourceId,
	}).Do(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Events.Insert(room, lecture("y")).Do(); err != nil {
		t.Fatal(err)
	}
	w.stop()
	if len(got) > 0 {
		t.Errorf("a stopped channel was told: %v", <-got)
	}
}
