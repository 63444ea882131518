package workspace_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/calendar/v3"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/workspace"
)

const (
	roomCalendar = "room504@group.calendar.google.com"
	roomUser     = "rooms@school.example"
	teacher      = "teacher@school.example"
)

var video = workspace.Attachment{
	FileID: "f1",
	URL:    videoLink,
	Title:  "Lecture.mp4",
	MIME:   "video/mp4",
}

func (w *env) event(user, in string, e *calendar.Event) *calendar.Event {
	w.t.Helper()
	if e.Start == nil {
		e.Start = &calendar.EventDateTime{DateTime: "2026-11-20T15:10:00+03:00"}
		e.End = &calendar.EventDateTime{DateTime: "2026-11-20T16:30:00+03:00"}
	}
	var made calendar.Event
	w.askAs(user, "POST", "/calendar/v3/calendars/"+in+"/events?supportsAttachments=true", e, &made)
	return &made
}

func (w *env) readEvent(in, id string) *calendar.Event {
	w.t.Helper()
	var e calendar.Event
	w.ask("GET", "/calendar/v3/calendars/"+in+"/events/"+id, nil, &e)
	return &e
}

func (w *env) calendarClient() *workspace.Client {
	return w.client(workspace.Subjects{Calendar: roomUser})
}

func attachedIDs(e *calendar.Event) string {
	var ids []string
	for _, a := range e.Attachments {
		ids = append(ids, a.FileUrl)
	}
	return strings.Join(ids, " ")
}

func TestAttachUnderFaultsIsOneAttachment(t *testing.T) {
	t.Parallel()
	for seed := range int64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := begin(t, google.Options{})
			other := &calendar.EventAttachment{
				FileUrl: "https://drive.google.com/file/d/slides/view",
				Title:   "Slides",
			}
			e := w.event(
				teacher,
				roomCalendar,
				&calendar.Event{
					Summary:     "Lecture",
					Attachments: []*calendar.EventAttachment{other},
				},
			)
			w.fail(0.4, seed)
			for range 2 {
				if err := w.calendarClient().Attach(t.Context(), roomCalendar, e.Id, video, "ru"); err != nil {
					t.Fatal(err)
				}
			}
			if got := attachedIDs(w.readEvent(roomCalendar, e.Id)); got != other.FileUrl+" "+videoLink {
				t.Errorf("attached %s", got)
			}
		})
	}
}

func TestAttachAtOnceLosesNothing(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	e := w.event(teacher, roomCalendar, &calendar.Event{Summary: "Lecture"})
	var workers sync.WaitGroup
	for i := range 6 {
		c := w.calendarClient()
		file := workspace.Attachment{
			FileID: fmt.Sprint("f", i/2),
			URL:    fmt.Sprintf("https://drive.google.com/file/d/f%d/view", i/2),
			Title:  "x",
			MIME:   "video/mp4",
		}
		workers.Go(func() {
			if err := c.Attach(t.Context(), roomCalendar, e.Id, file, "ru"); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	if got := w.readEvent(roomCalendar, e.Id).Attachments; len(got) != 3 {
		t.Errorf("%d attachments", len(got))
	}
}

func TestAttachToOneInstanceOfASeries(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	series := w.event(teacher, roomCalendar, &calendar.Event{
		Summary:    "Lecture",
		Recurrence: []string{"RRULE:FREQ=WEEKLY;COUNT=3"},
		Start: &calendar.EventDateTime{
			DateTime: "2026-11-20T15:10:00+03:00",
			TimeZone: "Europe/Moscow",
		},
		End: &calendar.EventDateTime{
			DateTime: "2026-11-20T16:30:00+03:00",
			TimeZone: "Europe/Moscow",
		},
	})
	c := w.calendarClient()
	var ids []string
	for e, err := range c.Events(t.Context(), roomCalendar, noon.AddDate(0, 0, -1), noon.AddDate(0, 1, 0)) {
		if err != nil {
			t.Fatal(err)
		}
		if e.RecurringID != series.Id || e.AllDay || e.End.Sub(e.Start) != 80*time.Minute {
			t.Errorf("%+v", e)
		}
		ids = append(ids, e.ID)
	}
	if len(ids) != 3 {
		t.Fatalf("instances %v", ids)
	}
	if err := c.Attach(t.Context(), roomCalendar, ids[1], video, "ru"); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		if got := len(w.readEvent(roomCalendar, id).Attachments); (got == 1) != (i == 1) {
			t.Errorf("instance %d has %d attachments", i, got)
		}
	}
	if err := c.Attach(t.Context(), roomCalendar, series.Id, video, "ru"); !errors.Is(err, workspace.ErrNotFound) {
		t.Errorf("to the series: %v", err)
	}
}

func TestAttachGoesToTheOrganiser(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	e := w.event(
		teacher,
		teacher,
		&calendar.Event{
			Summary:   "Lecture",
			Attendees: []*calendar.EventAttendee{{Email: roomCalendar}},
		},
	)
	w.fail(0.3, 1)
	c := w.calendarClient()
	shown, err := c.Event(t.Context(), roomCalendar, e.Id)
	if err != nil || shown.OrganizerSelf || shown.OrganizerCalendar(roomCalendar) != teacher || shown.Creator != teacher || shown.Response != "needsAction" {
		t.Errorf("%+v, %v", shown, err)
	}
	for range 2 {
		if err := c.Attach(t.Context(), roomCalendar, e.Id, video, "ru"); err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range []string{teacher, roomCalendar} {
		if got := attachedIDs(w.readEvent(in, e.Id)); got != videoLink {
			t.Errorf("%s: %q", in, got)
		}
	}
}

func TestFullEventGetsALink(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	var full []*calendar.EventAttachment
	for i := range 25 {
		full = append(
			full,
			&calendar.EventAttachment{
				FileUrl: fmt.Sprintf("https://drive.google.com/file/d/x%d/view", i),
				Title:   "x",
			},
		)
	}
	e := w.event(
		teacher,
		roomCalendar,
		&calendar.Event{Summary: "Lecture", Description: "Bring books", Attachments: full},
	)
	w.fail(0.4, 3)
	for range 2 {
		if err := w.calendarClient().Attach(t.Context(), roomCalendar, e.Id, video, "ru"); err != nil {
			t.Fatal(err)
		}
	}
	got := w.readEvent(roomCalendar, e.Id)
	if len(got.Attachments) != 25 || got.Description != "Bring books\n\n— Видеозапись занятия —\n"+videoLink+"\n— конец ссылки —" {
		t.Errorf("%d attachments, %q", len(got.Attachments), got.Description)
	}
}

func TestAttachToWhatIsGone(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	c := w.calendarClient()
	e := w.event(teacher, roomCalendar, &calendar.Event{Summary: "Lecture"})
	w.askAs(teacher, "DELETE", "/calendar/v3/calendars/"+roomCalendar+"/events/"+e.Id, nil, nil)
	for _, id := range []string{e.Id, "nothing", "..", ""} {
		if err := c.Attach(t.Context(), roomCalendar, id, video, "ru"); !errors.Is(err, workspace.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if shown, err := c.Event(t.Context(), roomCalendar, e.Id); err != nil || !shown.Cancelled() {
		t.Errorf("%+v, %v", shown, err)
	}
}

func TestEventsComeInPagesWithTheCancelled(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	day := &calendar.EventDateTime{Date: "2026-11-20"}
	next := &calendar.EventDateTime{Date: "2026-11-21"}
	w.event(teacher, roomCalendar, &calendar.Event{Summary: "all day", Start: day, End: next})
	gone := w.event(teacher, roomCalendar, &calendar.Event{Summary: "gone"})
	w.askAs(teacher, "DELETE", "/calendar/v3/calendars/"+roomCalendar+"/events/"+gone.Id, nil, nil)
	w.event(
		teacher,
		roomCalendar,
		&calendar.Event{Summary: "lecture", Description: "поток: X", Visibility: "private"},
	)
	w.fail(0.3, 4)
	got := map[string]workspace.Event{}
	for e, err := range w.calendarClient().Events(t.Context(), roomCalendar, noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 1)) {
		if err != nil {
			t.Fatal(err)
		}
		got[e.ID] = e
	}
	if len(got) != 3 {
		t.Errorf("%d events", len(got))
	}
	for _, e := range got {
		if e.AllDay != (e.Summary == "all day") || e.Cancelled() != (e.ID == gone.Id) {
			t.Errorf("%+v", e)
		}
		if e.Summary == "lecture" && (e.Visibility != "private" || e.Description != "поток: X" || e.ETag == "" || e.Updated.IsZero() ||
			!e.Start.Equal(time.Date(2026, 11, 20, 12, 10, 0, 0, time.UTC)) || e.Creator != teacher) {
			t.Errorf("%+v", e)
		}
	}
}

func TestEventsFollowPagesAndEndWithAnError(t *testing.T) {
	t.Parallel()
	c, _ := dial(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("singleEvents") != "true" || q.Get("showDeleted") != "true" || q.Get("maxResults") != "2500" || q.Get("timeMin") != "2026-11-20T12:00:00Z" {
			t.Errorf("asked %v", q)
		}
		switch q.Get("pageToken") {
		case "":
			answer(w, `{"items":[{"id":"a"},{"id":"b"}],"nextPageToken":"2"}`)
		case "2":
			answer(w, `{"items":[{"id":"c"}],"nextPageToken":"3"}`)
		default:
			refuse(w, 404, "notFound")
		}
	})
	var ids []string
	var last error
	for e, err := range c.Events(t.Context(), roomCalendar, noon, noon.AddDate(0, 0, 1)) {
		ids, last = append(ids, e.ID), err
	}
	if !slices.Equal(ids, []string{"a", "b", "c", ""}) || !errors.Is(last, workspace.ErrNotFound) {
		t.Errorf("%q, %v", ids, last)
	}
}

func TestForeignOrganiserLeavesTheCopy(t *testing.T) {
	t.Parallel()
	// The organiser's calendar is not to be seen; the room's copy takes no attachment, but a description.
	description, tried := "", 0
	c, _ := dial(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "stranger"):
			refuse(w, 404, "notFound")
		case r.Method == http.MethodGet:
			answer(w, fmt.Sprintf(
				`{"id":"e1","etag":"\"1\"","organizer":{"email":"stranger@elsewhere.example"},"description":%q}`,
				description,
			))
		default:
			if tried++; tried == 1 {
				refuse(w, 400, "attachmentsNotAllowed")
				return
			}
			if r.Header.Get("If-Match") != `"1"` || r.URL.Query().Get("sendUpdates") != "none" {
				t.Errorf("%v %v", r.Header, r.URL)
			}
			description = videoLink
			answer(w, `{"id":"e1","etag":"\"2\""}`)
		}
	})
	for range 2 {
		if err := c.Attach(t.Context(), roomCalendar, "e1", video, "en"); err != nil {
			t.Fatal(err)
		}
	}
	if tried != 2 {
		t.Errorf("%d writes", tried)
	}
}

func TestNobodyLetsUsAttach(t *testing.T) {
	t.Parallel()
	writes := 0
	c, _ := dial(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			answer(
				w,
				`{"id":"e1","etag":"\"1\"","organizer":{"email":"stranger@elsewhere.example"}}`,
			)
			return
		}
		writes++
		refuse(w, 403, "forbiddenForNonOrganizer")
	})
	var permanent *fault.PermanentError
	if err := c.Attach(t.Context(), roomCalendar, "e1", video, "en"); !errors.As(err, &permanent) || permanent.Cause.IsZero() {
		t.Errorf("got %v", err)
	}
	if writes != 2 { // the organiser's event and the copy, the description of neither
		t.Errorf("%d writes", writes)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	c := w.calendarClient()
	wanted := workspace.Channel{
		ID:      "c1",
		Token:   "secret",
		Address: "http://127.0.0.1:1/calendar-notifications/",
		Expires: time.Now().Add(24 * time.Hour),
	}
	opened, err := c.Watch(t.Context(), roomCalendar, wanted)
	if err != nil || opened.ResourceID == "" || opened.Expires.IsZero() || opened.ID != "c1" {
		t.Fatalf("%+v, %v", opened, err)
	}
	if _, err := c.Watch(t.Context(), roomCalendar, wanted); !errors.Is(err, workspace.ErrExists) {
		t.Errorf("the same id: %v", err)
	}
	// The answer to stopping it is lost; the second try finds nothing to stop.
	w.rule(faults.Rule{API: "calendar", Method: "channels.stop", Nth: 1, Kind: faults.Lost})
	if err := c.StopWatch(t.Context(), opened); err != nil {
		t.Error(err)
	}
}
