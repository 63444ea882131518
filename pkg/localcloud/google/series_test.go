package google_test

import (
	"slices"
	"strings"
	"testing"

	gcalendar "google.golang.org/api/calendar/v3"
)

func TestCalendarSeries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, start, end, zone string
		rules                  []string
		from, to               string
		want                   []string // starts of the instances
		ids                    []string // what follows the underscore in their ids
	}{
		{
			"weekly over the end of summer time",
			"2026-10-16T15:10:00+02:00",
			"2026-10-16T16:30:00+02:00",
			"Europe/Berlin",
			[]string{"RRULE:FREQ=WEEKLY;COUNT=3"},
			"2026-10-01",
			"2027-01-01",
			[]string{"2026-10-16T15:10:00+02:00", "2026-10-23T15:10:00+02:00", "2026-10-30T15:10:00+01:00"},
			[]string{"20261016T131000Z", "20261023T131000Z", "20261030T141000Z"},
		},
		{
			"daily until, in Moscow",
			"2026-11-19T15:10:00+03:00",
			"2026-11-19T16:30:00+03:00",
			"Europe/Moscow",
			[]string{
				"RRULE:FREQ=DAILY;UNTIL=20261121T121000Z",
			},
			"2026-10-01",
			"2027-01-01",
			[]string{"2026-11-19T15:10:00+03:00", "2026-11-20T15:10:00+03:00", "2026-11-21T15:10:00+03:00"},
			[]string{"20261119T121000Z", "20261120T121000Z", "20261121T121000Z"},
		},
		{
			"until a day",
			"2026-11-19T15:10:00+03:00",
			"2026-11-19T16:30:00+03:00",
			"Europe/Moscow",
			[]string{
				"RRULE:FREQ=DAILY;UNTIL=20261120",
			},
			"2026-10-01",
			"2027-01-01",
			[]string{"2026-11-19T15:10:00+03:00", "2026-11-20T15:10:00+03:00"},
			nil,
		},
		{
			"by day, every other week, one taken out",
			"2026-11-02T10:00:00+03:00",
			"2026-11-02T11:20:00+03:00",
			"Europe/Moscow",
			[]string{
				"RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;UNTIL=20261130T235959Z", "EXDATE;TZID=Europe/Moscow:20261116T100000",
			},
			"2026-11-01",
			"2026-12-31",
			[]string{
				"2026-11-02T10:00:00+03:00", "2026-11-06T10:00:00+03:00", "2026-11-20T10:00:00+03:00", "2026-11-30T10:00:00+03:00",
			},
			nil,
		},
		{
			"an exdate in UTC and a date added",
			"2026-11-02T10:00:00+03:00",
			"2026-11-02T11:20:00+03:00",
			"Europe/Moscow",
			[]string{
				"RRULE:FREQ=WEEKLY;COUNT=2", "EXDATE:20261109T070000Z", "RDATE;TZID=Europe/Moscow:20261110T120000",
			},
			"2026-11-01",
			"2026-12-31",
			[]string{"2026-11-02T10:00:00+03:00", "2026-11-10T12:00:00+03:00"},
			nil,
		},
		{
			"without an end, seen through a window",
			"2020-01-06T09:00:00+03:00",
			"2020-01-06T10:00:00+03:00",
			"Europe/Moscow",
			[]string{"RRULE:FREQ=WEEKLY"},
			"2026-11-14",
			"2026-11-25",
			[]string{"2026-11-16T09:00:00+03:00", "2026-11-23T09:00:00+03:00"},
			nil,
		},
		{
			"an hour that summer time skips",
			"2027-03-27T02:30:00+01:00",
			"2027-03-27T03:30:00+01:00",
			"Europe/Berlin",
			[]string{"RRULE:FREQ=DAILY;COUNT=3"},
			"2027-03-01",
			"2027-04-01",
			[]string{
				"2027-03-27T02:30:00+01:00", "2027-03-28T03:30:00+02:00", "2027-03-29T02:30:00+02:00",
			},
			nil,
		},
		{
			"an hour that is doubled",
			"2026-10-24T02:30:00+02:00",
			"2026-10-24T03:30:00+02:00",
			"Europe/Berlin",
			[]string{"RRULE:FREQ=DAILY;COUNT=3"},
			"2026-10-01",
			"2026-12-01",
			[]string{
				"2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00",
			},
			nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			s := w.calendar("")
			moment := func(text string) *gcalendar.EventDateTime {
				return &gcalendar.EventDateTime{DateTime: text, TimeZone: tt.zone}
			}
			e, err := s.Events.Insert(
				room,
				&gcalendar.Event{
					Summary:    "x",
					Start:      moment(tt.start),
					End:        moment(tt.end),
					Recurrence: tt.rules,
				},
			).Do()
			if err != nil {
				t.Fatal(err)
			}
			list, err := s.Events.List(room).SingleEvents(true).OrderBy("startTime").TimeMin(tt.from + "T00:00:00Z").TimeMax(tt.to + "T00:00:00Z").Do()
			if err != nil {
				t.Fatal(err)
			}
			var starts []string
			for i, one := range list.Items {
				starts = append(starts, one.Start.DateTime)
				if one.RecurringEventId != e.Id || one.OriginalStartTime.DateTime != one.Start.DateTime ||
					len(one.Recurrence) > 0 {
					t.Errorf("instance: %+v", one)
				}
				if tt.ids != nil && one.Id != e.Id+"_"+tt.ids[i] {
					t.Errorf("id %s, want %s", one.Id, tt.ids[i])
				}
				if got, err := s.Events.Get(room, one.Id).Do(); err != nil || got.Id != one.Id {
					t.Errorf("get %s: %v", one.Id, err)
				}
			}
			if !slices.Equal(starts, tt.want) {
				t.Errorf("got  %q\nwant %q", starts, tt.want)
			}
		})
	}
}

func TestCalendarExceptions(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s := w.calendar("")
	e := lecture("L")
	e.Recurrence = []string{"RRULE:FREQ=WEEKLY;COUNT=4"}
	e, err := s.Events.Insert(room, e).Do()
	if err != nil {
		t.Fatal(err)
	}
	second, third := e.Id+"_20261127T121000Z", e.Id+"_20261204T121000Z"
	link := w.base + "/file/d/FILE/view"
	if one, err := s.Events.Patch(
		room, second, &gcalendar.Event{Attachments: []*gcalendar.EventAttachment{{FileUrl: link}}},
	).SupportsAttachments(true).Do(); err != nil || one.Attachments[0].FileId != "FILE" {
		t.Errorf("attach to an instance: %+v, %v", one, err)
	}
	if series, err := s.Events.Get(room, e.Id).Do(); err != nil || len(series.Attachments) > 0 {
		t.Errorf("the series has it too: %+v, %v", series, err)
	}
	if err := s.Events.Delete(room, third).Do(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Events.Patch(
		room,
		second,
		&gcalendar.Event{
			Start: at("2026-11-28T12:00:00+03:00"),
			End:   at("2026-11-28T13:00:00+03:00"),
		},
	).Do(); err != nil {
		t.Fatal(err)
	}
	w.restart()
	s = w.calendar("")
	if got, want := w.listed(s, room, false), "L@2026-11-20T15:10:00+03:00 L@2026-11-28T12:00:00+03:00 L@2026-12-11T15:10:00+03:00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	gone, err := s.Events.Get(room, third).Do()
	if err != nil || gone.Status != "cancelled" || gone.Summary != "" ||
		gone.OriginalStartTime.DateTime != "2026-12-04T15:10:00+03:00" ||
		gone.RecurringEventId != e.Id {
		t.Errorf("the cancelled instance: %+v, %v", gone, err)
	}
	if _, err := s.Events.Patch(room, third, &gcalendar.Event{Status: "confirmed"}).Do(); err != nil {
		t.Fatal(err)
	}
	instances, err := s.Events.Instances(room, e.Id).Do()
	if err != nil || len(instances.Items) != 4 || instances.Items[2].Summary != "L" {
		t.Errorf("instances: %s, %v", brief(instances.Items), err)
	}
	list, err := s.Events.List(room).Do()
	if err != nil || len(list.Items) != 3 {
		t.Errorf("without single events: %s, %v", brief(list.Items), err)
	}
	// The series moves by an hour: exceptions for times that are no more go.
	if _, err := s.Events.Patch(
		room,
		e.Id,
		&gcalendar.Event{
			Start: at("2026-11-20T16:10:00+03:00"),
			End:   at("2026-11-20T17:30:00+03:00"),
		},
	).Do(); err != nil {
		t.Fatal(err)
	}
	if got := w.listed(s, room, true); strings.Count(got, "T16:10") != 4 || strings.Count(got, "@") != 4 {
		t.Errorf("after the series moved: %s", got)
	}
	_, err = s.Events.Get(room, second).Do()
	refused(t, err, 404, "notFound")
	if err := s.Events.Delete(room, e.Id).Do(); err != nil {
		t.Fatal(err)
	}
	if got := w.listed(s, room, false); got != "" {
		t.Errorf("after the series went: %s", got)
	}
	if got := w.listed(s, room, true); strings.Count(got, "!cancelled") != 4 {
		t.Errorf("with the deleted: %s", got)
	}
}
