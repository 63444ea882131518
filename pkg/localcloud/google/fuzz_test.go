package google_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google"
)

// fuzzed is the stand-ins without a port.
func fuzzed(f *testing.F) func(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	f.Helper()
	s, err := google.New(google.Options{
		Dir:     f.TempDir(),
		BaseURL: "http://localhost",
		Now:     func() time.Time { return time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	handler := s.Handler()
	return func(method, path, body string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		`name = 'x' and 'y' in parents`, `not (trashed = true or name contains 'a\'b')`, `appProperties has { key='a' and value='b' }`,
		`modifiedTime > '2012-06-04T12:00:00'`, `sharedWithMe`, `sharedWithMe = `, `((((`, `'\\' in owners`, `fullText contains 'я'`,
	} {
		f.Add(seed)
	}
	call := fuzzed(f)
	call("POST", "/drive/v3/files", `{"name":"x","parents":["y"],"appProperties":{"a":"b"}}`)
	f.Fuzz(func(t *testing.T, q string) {
		if got := call(
			"GET", "/drive/v3/files?q="+url.QueryEscape(q), "",
		); got.Code != 200 && got.Code != 400 {
			t.Errorf("%q: %d %s", q, got.Code, got.Body)
		}
	})
}

func FuzzContentRange(f *testing.F) {
	for _, seed := range []string{
		"bytes 0-9/10", "bytes 0-4/*", "bytes */10", "bytes */*", "bytes 9223372036854775807-9223372036854775807/*", "bytes -1-2/3", "", "bytes 5-4/10", "bytes 0-9/9",
	} {
		f.Add(seed, "0123456789")
	}
	call := fuzzed(f)
	f.Fuzz(func(t *testing.T, span, body string) {
		begun := call("POST", "/upload/drive/v3/files?uploadType=resumable", "{}")
		at, err := url.Parse(begun.Header().Get("Location"))
		if err != nil || begun.Code != 200 {
			t.Fatal(begun.Code, begun.Body, err)
		}
		sent := call("PUT", at.RequestURI(), body, "Content-Range", span)
		if sent.Code != 200 && sent.Code != 308 && sent.Code != 400 {
			t.Errorf("%q: %d %s", span, sent.Code, sent.Body)
		}
		if sent.Code == 200 &&
			!strings.Contains(sent.Body.String(), fmt.Sprintf(`"size": "%d"`, len(body))) &&
			!strings.Contains(sent.Body.String(), `"size": "0"`) {
			t.Errorf("%q took another number of bytes than %d: %s", span, len(body), sent.Body)
		}
		call("DELETE", at.RequestURI(), "")
	})
}

func FuzzRecurrence(f *testing.F) {
	for _, seed := range []string{
		"RRULE:FREQ=WEEKLY;COUNT=3", "RRULE:FREQ=DAILY;UNTIL=20261231T000000Z", "EXDATE;TZID=Europe/Moscow:20261120T151000", "RDATE;VALUE=DATE:20261120,20261121",
		"RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=-1", "RRULE:FREQ=DAILY;INTERVAL=0", "rrule:freq=weekly", ":", "EXDATE;TZID=Local:20261120",
	} {
		f.Add(seed)
	}
	call := fuzzed(f)
	f.Fuzz(func(t *testing.T, line string) {
		body := fmt.Sprintf(
			`{"start":{"dateTime":"2026-11-20T15:10:00","timeZone":"Europe/Moscow"},"end":{"dateTime":"2026-11-20T16:30:00","timeZone":"Europe/Moscow"},"recurrence":[%s]}`,
			quoted(line),
		)
		made := call("POST", "/calendar/v3/calendars/room/events", body)
		if made.Code == 400 {
			return
		}
		if made.Code != 200 {
			t.Fatalf("%q: %d %s", line, made.Code, made.Body)
		}
		if got := call(
			"GET",
			"/calendar/v3/calendars/room/events?singleEvents=true&timeMin=2026-11-01T00:00:00Z&timeMax=2027-01-01T00:00:00Z",
			"",
		); got.Code != 200 {
			t.Errorf("%q: %d %s", line, got.Code, got.Body)
		}
		// One event at a time, or the listing grows without end.
		_, id, _ := strings.Cut(made.Body.String(), `"id": "`)
		id, _, _ = strings.Cut(id, `"`)
		call("POST", "/calendar/v3/calendars/room/events/"+id+"/move?destination=attic", "")
	})
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(
		`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`,
	).Replace(strings.ToValidUTF8(text, "?")) + `"`
}
