package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web"
)

// event files the record that a calendar's event has, on 2026-11-20 in room 504, and its members.
func (w *env) event(title, organizer, start, end string, members ...string) nvr.Record {
	w.t.Helper()
	ctx := context.Background()
	r, _, err := w.store.Requests.Insert(ctx, nvr.Record{
		Title: title, Room: "504", Date: "2026-11-20", StartTime: start, EndTime: end, UserEmail: organizer, EventID: title,
	}, nil)
	w.must(err)
	from, to, err := r.Window(moscow(w.t))
	w.must(err)
	w.must(w.store.EventMembers.Save(ctx, store.MemberEvent{
		Calendar: "c504@example.org", Event: title, Room: "504", Start: from, End: to,
		Members: store.FormatMembers(append(members, organizer)),
	}))
	return r
}

// TestEventsOfTheDay offers the events that a person may see, each by one button, and none that asks for no
// recording.
func TestEventsOfTheDay(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		w.event("Linear algebra", stranger, "15:10", "16:30", lecturer)
		w.event("Secret", stranger, "17:00", "18:00")
		w.event("Quiet", stranger, "19:00", "20:00", lecturer)
		w.optOut("19:00", "20:00")
		mine := w.event("Own lecture", lecturer, "09:00", "10:00")
		got := w.do("GET", "/?room=504&date=2026-11-20", "", "Accept-Language", "en")
		for _, want := range []string{
			`name="event" value="15:10 16:30 Linear algebra"`, `<a href="/recordings#record-` + number(mine.ID) + `">`, "Own lecture",
		} {
			if !strings.Contains(got.body, want) {
				t.Errorf("want %s in %s", want, got.body)
			}
		}
		for _, hidden := range []string{"Secret", "Quiet"} {
			if strings.Contains(got.body, hidden) {
				t.Errorf("the page shows %s", hidden)
			}
		}
		form := url.Values{
			"room": {"504"}, "date": {"2026-11-20"}, "start": {"01:00"}, "end": {""},
			"event": {"15:10 16:30 Linear algebra"}, "token": {"t"},
		}
		if got = w.do("POST", "/", form.Encode(), "Content-Type", formType); got.status != http.StatusSeeOther {
			t.Errorf("one tap: %v", got)
		}
		last, _, err := w.store.Records.List(context.Background(), store.Filter{UserEmail: lecturer}, 0, 1)
		if err != nil || last[0].StartTime != "15:10" || last[0].EndTime != "16:30" || last[0].Title != "Linear algebra" {
			t.Errorf("requested: %+v, %v", last, err)
		}
		w.operator.Store(true)
		if got = w.do("GET", "/?room=504&date=2026-11-20", ""); !strings.Contains(got.body, "Secret") {
			t.Error("an operator does not see all events")
		}
	})
}

// TestDoubts says before a request is sent what is to be expected of it.
func TestDoubts(t *testing.T) {
	t.Parallel()
	w := newEnv(t, func(o *web.Options) { o.Retention = 14 * 24 * time.Hour })
	w.fill()
	w.optOut("18:00", "19:00")
	w.clock.Move(30 * 24 * time.Hour) // to 2026-12-20
	now := w.clock.Now().In(moscow(t))
	yesterday := now.AddDate(0, 0, -1).Format(time.DateOnly)
	for _, test := range []struct{ name, query, want string }{
		{"no footage", "room=504&date=" + yesterday + "&start=10:00&end=11:00", "Nothing was recorded"},
		{"too old", "room=504&date=2026-11-20&start=17:00&end=17:30", "older than what is kept"},
		{"no cameras", "room=" + url.QueryEscape("Зал/2 <b>") + "&date=" + yesterday + "&start=10:00&end=11:00", "has no cameras"},
		{"opted out", "room=504&date=2026-11-20&start=18:00&end=19:00", "asks for no recording"},
		{"the same hours", "room=504&date=2026-11-20&start=08:10&end=09:30", `<a href="/recordings#record-1">`},
		{"nothing", "room=504&date=2026-11-20&start=10:00&end=10:30", ""},
		{"a room that is not there", "room=Z1&date=2026-11-20", "There is no room Z1"},
	} {
		got := w.do("GET", "/?"+test.query, "", "Accept-Language", "en")
		if test.want == "" && strings.Contains(got.body, `class="doubt"`) || !strings.Contains(got.body, test.want) {
			t.Errorf("%s: %s", test.name, got.body)
		}
	}
	got := w.do("GET", "/recordings", "")
	if again := "/?date=2026-11-20&amp;end=10%3A30&amp;room=504&amp;start=09%3A10&amp;title="; !strings.Contains(got.body, again) {
		t.Errorf("a failed record does not offer other hours: %s", got.body)
	}
}

// TestKeptUntil shows until when a day's footage is kept, and says nothing where its age alone decides.
func TestKeptUntil(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	segment := func(at string, kept time.Time) store.Segment {
		name := nvr.SegmentName{Room: "504", Date: "2026-11-20", Time: at, Source: "24"}
		return store.Segment{Name: name, Bytes: 1, Generation: 1, KeptUntil: kept}
	}
	spare, needed := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC), time.Date(2026, 12, 4, 7, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		segments []store.Segment
		want     string // empty: nothing
	}{
		{[]store.Segment{segment("09:00", time.Time{})}, ""},
		{[]store.Segment{segment("09:00", spare)}, "is kept until 23 November 2026"},
		{[]store.Segment{segment("09:00", spare), segment("10:00", needed)}, "until 4 December 2026 at the latest, the rest until 23 November 2026"},
	} {
		_, err := w.store.Segments.Index(t.Context(), "504", "2026-11-20", test.segments)
		w.must(err)
		got := w.do("GET", "/?room=504&date=2026-11-20", "", "Accept-Language", "en")
		if says := strings.Contains(got.body, "is kept until"); says != (test.want != "") || !strings.Contains(got.body, test.want) {
			t.Errorf("want %q in %s", test.want, got.body)
		}
	}
}

// TestLanguageKeepsInput changes the language of a form that was filled in.
func TestLanguageKeepsInput(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	form := url.Values{
		"language": {"en"}, "room": {"504"}, "date": {"2026-11-20"}, "start": {"25:00"}, "end": {"16:30"}, "title": {"<Моё>"},
	}
	got := w.do("POST", "/language", form.Encode(), "Content-Type", formType)
	form.Del("language")
	if want := "/?" + form.Encode(); got.status != http.StatusSeeOther || got.header.Get("Location") != want {
		t.Fatalf("the language leads to %v, want %s", got.header, want)
	}
	got = w.do("GET", got.header.Get("Location"), "")
	for _, want := range []string{`value="25:00"`, `value="16:30"`, `value="&lt;Моё&gt;"`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s is gone", want)
		}
	}
}
