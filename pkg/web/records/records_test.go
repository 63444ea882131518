package records_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // for the zones of the tests

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/records"
)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestCheck(t *testing.T) {
	t.Parallel()
	valid := records.Request{
		Room:  "504",
		Date:  "2026-11-20",
		Start: "15:10",
		End:   "16:30",
		Title: "Анализ",
		Email: "a@example.org",
	}
	tests := []struct {
		name   string
		change func(*records.Request)
		want   []records.FieldError
	}{
		{"valid", func(*records.Request) {}, nil},
		{"no title", func(q *records.Request) { q.Title = "" }, nil},
		{"the longest title", func(q *records.Request) { q.Title = strings.Repeat("Ы", 200) }, nil},
		{
			"a long title",
			func(q *records.Request) { q.Title = strings.Repeat("Ы", 201) },
			[]records.FieldError{{Field: "title", Code: "title-long"}},
		},
		{
			"a NUL in the title",
			func(q *records.Request) { q.Title = "a\x00" },
			[]records.FieldError{{Field: "title", Code: "title-characters"}},
		},
		{
			"a line break in the title",
			func(q *records.Request) { q.Title = "a\nb" },
			[]records.FieldError{{Field: "title", Code: "title-characters"}},
		},
		{
			"a text that runs backwards",
			func(q *records.Request) { q.Title = "a\u202egpj.exe" },
			[]records.FieldError{{Field: "title", Code: "title-characters"}},
		},
		{
			"an isolate",
			func(q *records.Request) { q.Title = "\u2066a\u2069" },
			[]records.FieldError{{Field: "title", Code: "title-characters"}},
		},
		{
			"a joiner, as Persian writes it",
			func(q *records.Request) { q.Title = "می\u200cخواهم" },
			nil,
		},
		{
			"no date",
			func(q *records.Request) { q.Date = "" },
			[]records.FieldError{{Field: "date", Code: "date-missing"}},
		},
		{
			"no such day",
			func(q *records.Request) { q.Date = "2026-02-30" },
			[]records.FieldError{{Field: "date", Code: "date"}},
		},
		{
			"no times",
			func(q *records.Request) { q.Start, q.End = "", "" },
			[]records.FieldError{
				{Field: "start", Code: "time-missing"},
				{Field: "end", Code: "time-missing"},
			},
		},
		{
			"a short time",
			func(q *records.Request) { q.Start = "3:10" },
			[]records.FieldError{{Field: "start", Code: "time"}},
		},
		{
			"midnight as 24:00",
			func(q *records.Request) { q.End = "24:00" },
			[]records.FieldError{{Field: "end", Code: "time"}},
		},
		{
			"the end at the start",
			func(q *records.Request) { q.End = q.Start },
			[]records.FieldError{{Field: "end", Code: "end-not-after"}},
		},
		{
			"a day more than a year away",
			func(q *records.Request) { q.Date = "2027-11-21" },
			[]records.FieldError{{Field: "date", Code: "date-far"}},
		},
		{
			"a day more than a year ago",
			func(q *records.Request) { q.Date = "2025-11-19" },
			[]records.FieldError{{Field: "date", Code: "date-far"}},
		},
		{
			"a skipped hour",
			func(q *records.Request) { q.Date, q.Start = "2026-03-29", "02:30" },
			[]records.FieldError{{Field: "start", Code: "time-skipped"}},
		},
		{
			"an address with a name",
			func(q *records.Request) { q.Email = "A <a@example.org>" },
			[]records.FieldError{{Field: "email", Code: "email"}},
		},
		{
			"a long address",
			func(q *records.Request) { q.Email = strings.Repeat("a", 100) + "@b" },
			[]records.FieldError{{Field: "email", Code: "email-long"}},
		},
		{
			"all at once",
			func(q *records.Request) { *q = records.Request{Title: "\x00"} },
			[]records.FieldError{
				{Field: "date", Code: "date-missing"},
				{Field: "start", Code: "time-missing"},
				{Field: "end", Code: "time-missing"},
				{Field: "title", Code: "title-characters"},
				{Field: "email", Code: "email"},
			},
		},
	}
	today := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, test := range tests {
		q := valid
		test.change(&q)
		if diff := cmp.Diff(test.want, records.Check(q, berlin(t), today)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestCursor(t *testing.T) {
	t.Parallel()
	for _, number := range []int64{1, 12, 1 << 62} {
		got, ok := records.ReadCursor(records.FormatCursor(number))
		if !ok || got != number {
			t.Errorf("cursor of %d reads %d, %t", number, got, ok)
		}
	}
	for _, cursor := range []string{
		"",
		"x",
		"MTI",
		records.FormatCursor(0),
		records.FormatCursor(-1),
		records.FormatCursor(5) + "=",
	} {
		if got, ok := records.ReadCursor(cursor); ok {
			t.Errorf("cursor %q reads %d, want an error", cursor, got)
		}
	}
}

func TestReadID(t *testing.T) {
	t.Parallel()
	if id, ok := records.ReadID("12"); !ok || id != 12 {
		t.Errorf("ReadID(12) = %d, %t", id, ok)
	}
	for _, text := range []string{"", "0", "-1", "+1", "01", "1.0", "99999999999999999999"} {
		if id, ok := records.ReadID(text); ok {
			t.Errorf("ReadID(%q) = %d, want an error", text, id)
		}
	}
}

func TestSourcesOf(t *testing.T) {
	t.Parallel()
	room := &nvr.Room{
		MainSource:   "172.18.191.24/0",
		ScreenSource: "172.18.191.21",
		SoundSource:  "172.18.191.24/0",
		Sources: []nvr.Source{
			{Name: "spare", IP: "172.18.191.40"},
			{Name: "board", IP: "172.18.191.30/0", Merge: "board-right"},
			{Name: "camera", IP: "172.18.191.24", Merge: "left"},
			{Name: "broken", IP: "camera"},
		},
	}
	want := []records.Source{
		{Octet: "24", Name: "camera", Roles: []string{"lecturer", "sound"}},
		{Octet: "21", Roles: []string{"screen"}},
		{Octet: "30", Name: "board", Roles: []string{"board"}},
		{Octet: "40", Name: "spare", Roles: []string{}},
	}
	if diff := cmp.Diff(want, records.SourcesOf(room)); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

// segment is a file of source 21 that starts at the time. A nil analysis means that it was not analyzed.
func segment(clock string, analysis *store.Analysis) store.Segment {
	return store.Segment{Name: nvr.SegmentName{Time: clock, Source: "21"}, Analysis: analysis}
}

func TestBarsOf(t *testing.T) {
	t.Parallel()
	half := 30 * time.Minute
	tests := []struct {
		name     string
		segments []store.Segment
		screen   bool
		want     []records.Bar
	}{
		{"none", nil, true, nil},
		{
			"a camera",
			[]store.Segment{segment("00:30", nil)},
			false,
			[]records.Bar{{From: 1800, To: 3600}},
		},
		{
			"a screen before its analysis",
			[]store.Segment{segment("00:30", nil)},
			true,
			[]records.Bar{{From: 1800, To: 3600, Screen: records.NotAnalyzed}},
		},
		{
			"a damaged file",
			[]store.Segment{segment("00:30", &store.Analysis{Fault: "no moov"})},
			true,
			[]records.Bar{{From: 1800, To: 3600, Fault: true}},
		},
		{
			"a file that overlaps the next",
			[]store.Segment{
				segment("00:00", &store.Analysis{Seconds: 2000}),
				segment("00:30", nil),
			},
			false,
			[]records.Bar{{From: 0, To: 1800}, {From: 1800, To: 3600}},
		},
		{
			"the end of the day",
			[]store.Segment{segment("23:45", nil)},
			false,
			[]records.Bar{{From: 85500, To: 86400}},
		},
		{
			"stretches",
			[]store.Segment{segment(
				"00:00",
				&store.Analysis{
					Seconds: 1000,
					Stretches: []store.Stretch{
						{From: -1, To: 400, Presentation: true},
						{From: 400, To: 1200},
					},
				},
			)},
			true,
			[]records.Bar{
				{From: 0, To: 400, Screen: records.Present},
				{From: 400, To: 1000, Screen: records.Absent},
			},
		},
		{"a malformed time", []store.Segment{segment("24:61", nil)}, false, nil},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, records.BarsOf(test.segments, test.screen, half)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestJoinBars(t *testing.T) {
	t.Parallel()
	bars := []records.Bar{
		{From: 0, To: 100},
		{From: 109, To: 200},              // closer than 10 s: joined
		{From: 210, To: 300},              // 10 s: not joined
		{From: 300, To: 400, Fault: true}, // another kind
		{From: 400, To: 390, Fault: true}, // ends before the one it joins
	}
	want := []records.Bar{
		{From: 0, To: 200},
		{From: 210, To: 300},
		{From: 300, To: 400, Fault: true},
	}
	if diff := cmp.Diff(want, records.JoinBars(bars)); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
}

func TestStateOf(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	record := func(step nvr.Step, change func(*nvr.Record)) *nvr.Record {
		r := &nvr.Record{
			Date:       "2026-11-20",
			StartTime:  "10:00",
			EndTime:    "11:00",
			Step:       step,
			Processing: true,
		}
		if change != nil {
			change(r)
		}
		return r
	}
	free := func(r *nvr.Record) { r.Processing = false }
	tests := []struct {
		name   string
		record *nvr.Record
		want   records.State
	}{
		{
			"before its end",
			record(nvr.StepStage, func(r *nvr.Record) { r.Processing, r.EndTime = false, "15:01" }),
			records.Waiting,
		},
		{
			"waiting for footage",
			record(nvr.StepStage, func(r *nvr.Record) {
				r.Processing, r.DueAt = false, now.Add(time.Minute)
			}),
			records.Waiting,
		},
		{"after its end", record(nvr.StepStage, free), records.Queued},
		{"checking footage", record(nvr.StepStage, nil), records.Queued},
		{"merging", record(nvr.StepMerge, nil), records.Merging},
		{"reset by an operator", record(nvr.StepMerge, free), records.Queued},
		{"uploading", record(nvr.StepUpload, nil), records.Uploading},
		{"linking", record(nvr.StepLink, nil), records.Linking},
		{"failed", record(nvr.StepFailed, nil), records.Failed},
		{"cancelled", record(nvr.StepWithdrawn, nil), records.Withdrawn},
		{"done", record(nvr.StepDone, func(r *nvr.Record) { r.Done = true }), records.Done},
	}
	for _, test := range tests {
		if got := records.StateOf(test.record, time.UTC, now); got != test.want {
			t.Errorf("%s: state %s, want %s", test.name, got, test.want)
		}
	}
}

func TestIsRoomName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"504": true, "Зал/2 <b>": true, "a..b": true,
		"": false, " ": false, "504 ": false, "..": false, "a/../b": false, "./a": false, "/a": false,
		"a/": false, "a//b": false, "a\nb": false, "a\u202eb": false, "a\u2066b": false, "\xff": false,
	} {
		if got := records.IsRoomName(name); got != want {
			t.Errorf("IsRoomName(%q) = %t, want %t", name, got, want)
		}
	}
}
