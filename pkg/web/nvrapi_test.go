package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/store"
)

const lecture = `{"event_name": "Лекция <4> & ещё", "date": "2026-11-20", "start_time": "15:10", "end_time": "16:30"}`

// TestNVRClient is a client that knows only what the NVR's API has always been.
func TestNVRClient(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		got := w.do(
			"POST",
			"/montage-event/504",
			lecture,
			"key",
			w.key,
			"Content-Type",
			"application/json",
		)
		if got.status != http.StatusCreated || got.body != `{"message":"Merge event 'Лекция <4> & ещё' added to queue"}`+"\n" || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("create: %v", got)
		}
		got = w.do(
			"POST",
			"/montage-event/%D0%97%D0%B0%D0%BB%2F2%20%3Cb%3E",
			strings.Replace(lecture, "}", `, "user_email": "`+stranger+`", "more": 1}`, 1),
			"key",
			w.imported,
		)
		if got.status != http.StatusCreated {
			t.Errorf("create for another: %v", got)
		}
		got = w.do("POST", "/montage-event/Зал/2 <b>", lecture, "key", w.key)
		if got.status != http.StatusCreated {
			t.Errorf("a slash as it is: %v", got)
		}
		got = w.do("GET", "/records/"+lecturer, "", "key", w.key)
		want := `[{"id":1,"event_name":"Лекция <4> & ещё","room_name":"504","date":"2026-11-20","start_time":"15:10","end_time":"16:30","user_email":"lecturer@example.org","event_id":null,"done":false,"processing":false},`
		if got.status != http.StatusOK || !strings.HasPrefix(got.body, want) {
			t.Errorf("records: %v", got)
		}
		got = w.do("GET", "/records/unknown@example.org", "", "key", w.imported)
		if got.status != http.StatusOK || got.body != "[]\n" {
			t.Errorf("no records: %v", got)
		}
		got = w.do("GET", "/rooms/504", "", "key", w.key)
		want = `{"id":1,"name":"504","drive":"folder504","calendar":"c504@resource.calendar.google.com","main_source":"172.18.191.24/0","screen_source":"172.18.191.21/0","sound_source":"172.18.191.24/0"}` + "\n"
		if got.status != http.StatusOK || got.body != want {
			t.Errorf("room: %v", got)
		}
		got = w.do("GET", "/rooms", "", "key", w.key)
		if rooms := reads[[]map[string]any](t, got.body); got.status != http.StatusOK || len(rooms) != 2 || len(rooms[0]) != 7 {
			t.Errorf("rooms: %v", got)
		}
	})
}

func TestNVRRefusals(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		scoped := w.addKey(store.Key{Email: lecturer, Rooms: []string{"504"}})
		with := func(was, is string) string { return strings.Replace(lecture, was, is, 1) }
		for _, test := range []struct {
			about, method, path, body, key string
			status                         int
		}{
			{"no key", "POST", "/montage-event/504", lecture, "", 401},
			{"a wrong key", "POST", "/montage-event/504", "broken", "nvr_x", 401},
			{"no key for rooms", "GET", "/rooms", "", "", 401},
			{"no key for a room", "GET", "/rooms/504", "", "", 401},
			{"no key for records", "GET", "/records/a@example.org", "", "", 401},
			{"no key and a wrong method", "DELETE", "/rooms", "", "", 401},
			{"an unknown room", "POST", "/montage-event/505", lecture, w.key, 400},
			{"no room", "POST", "/montage-event/", lecture, w.key, 404},
			{"an unknown room asked for", "GET", "/rooms/505", "", w.key, 404},
			{"a wrong method", "GET", "/montage-event/504", "", w.key, 405},
			{
				"a missing name",
				"POST",
				"/montage-event/504",
				`{"date": "2026-11-20", "start_time": "15:10", "end_time": "16:30"}`,
				w.key,
				400,
			},
			{
				"a missing date",
				"POST",
				"/montage-event/504",
				with(`"date": "2026-11-20", `, ""),
				w.key,
				400,
			},
			{"a null date", "POST", "/montage-event/504", with(`"2026-11-20"`, "null"), w.key, 400},
			{
				"a missing start",
				"POST",
				"/montage-event/504",
				with(`"start_time": "15:10", `, ""),
				w.key,
				400,
			},
			{"a number", "POST", "/montage-event/504", with(`"15:10"`, "1510"), w.key, 400},
			{"broken JSON", "POST", "/montage-event/504", lecture[:20], w.key, 400},
			{"JSON and more", "POST", "/montage-event/504", lecture + "x", w.key, 400},
			{"an array", "POST", "/montage-event/504", "[]", w.key, 400},
			{"null", "POST", "/montage-event/504", "null", w.key, 400},
			{"nothing", "POST", "/montage-event/504", "", w.key, 400},
			{
				"a malformed date",
				"POST",
				"/montage-event/504",
				with("2026-11-20", "20.11.2026"),
				w.key,
				400,
			},
			{
				"no such date",
				"POST",
				"/montage-event/504",
				with("2026-11-20", "2026-02-30"),
				w.key,
				400,
			},
			{"a malformed time", "POST", "/montage-event/504", with("15:10", "3:10"), w.key, 400},
			{
				"a time with seconds",
				"POST",
				"/montage-event/504",
				with("15:10", "15:10:00"),
				w.key,
				400,
			},
			{"midnight", "POST", "/montage-event/504", with("16:30", "24:00"), w.key, 400},
			{
				"the end at the start",
				"POST",
				"/montage-event/504",
				with("16:30", "15:10"),
				w.key,
				400,
			},
			{
				"the end before the start",
				"POST",
				"/montage-event/504",
				with("16:30", "01:10"),
				w.key,
				400,
			},
			{
				"a long name",
				"POST",
				"/montage-event/504",
				with("Лекция", strings.Repeat("Ы", 201)),
				w.key,
				400,
			},
			{
				"a malformed address",
				"POST",
				"/montage-event/504",
				with("}", `, "user_email": "who"}`),
				w.imported,
				400,
			},
			{
				"an address with a name",
				"POST",
				"/montage-event/504",
				with("}", `, "user_email": "A <a@example.org>"}`),
				w.imported,
				400,
			},
			{
				"a long address",
				"POST",
				"/montage-event/504",
				with("}", `, "user_email": "`+strings.Repeat("a", 100)+`@example.org"}`),
				w.imported,
				400,
			},
			{
				"another's address",
				"POST",
				"/montage-event/504",
				with("}", `, "user_email": "`+stranger+`"}`),
				w.key,
				403,
			},
			{"another's records", "GET", "/records/" + stranger, "", w.key, 403},
			{"a room out of scope", "POST", "/montage-event/%D0%97%D0%B0%D0%BB%2F2%20%3Cb%3E", lecture, scoped, 403},
			{
				"too long",
				"POST",
				"/montage-event/504",
				strings.Repeat(" ", 1<<20) + lecture,
				w.key,
				413,
			},
		} {
			got := w.do(test.method, test.path, test.body, "key", test.key)
			if got.status != test.status || reads[map[string]string](t, got.body)["error"] == "" {
				t.Errorf("%s: %v, want %d and an error", test.about, got, test.status)
			}
		}
		records, _, err := w.store.Records.List(context.Background(), store.Filter{}, 0, 10)
		if err != nil || len(records) != 0 {
			t.Errorf("refused requests left %v: %v", records, err)
		}
	})
}

func TestNotifications(t *testing.T) {
	onEach(t, func(t *testing.T, w *env) {
		w.must(w.store.Channels.Save(
			context.Background(),
			store.Channel{
				ID:        "channel-1",
				Calendar:  "c504@resource.calendar.google.com",
				ExpiresAt: w.clock.Now().AddDate(0, 0, 7),
			},
			"secret",
		))
		for _, test := range []struct {
			about  string
			header []string
			status int
			look   bool
		}{
			{"no channel", nil, 403, false},
			{
				"an unknown channel",
				[]string{"X-Goog-Channel-ID", "channel-2", "X-Goog-Channel-Token", "secret"},
				403,
				false,
			},
			{
				"a wrong token",
				[]string{"X-Goog-Channel-ID", "channel-1", "X-Goog-Channel-Token", "guess"},
				403,
				false,
			},
			{"no token", []string{"X-Goog-Channel-ID", "channel-1"}, 403, false},
			{
				"the first word",
				[]string{"X-Goog-Channel-ID", "channel-1", "X-Goog-Channel-Token", "secret", "X-Goog-Resource-State", "sync"},
				204,
				false,
			},
			{
				"a change",
				[]string{"X-Goog-Channel-ID", "channel-1", "X-Goog-Channel-Token", "secret", "X-Goog-Resource-State", "exists"},
				204,
				true,
			},
		} {
			got := w.do("POST", "/calendar-notifications/", "", test.header...)
			if got.status != test.status {
				t.Errorf("%s: %v", test.about, got)
			}
			if test.look {
				if room := <-w.looks; room != "504" {
					t.Errorf("%s: looks at %q", test.about, room)
				}
			}
		}
		if len(w.looks) != 0 {
			t.Error("more looks than changes")
		}
	})
}
