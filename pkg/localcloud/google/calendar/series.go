package calendar

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

const (
	maxSteps = 20_000 // of a series: what is further away does not exist
	horizon  = 2 * 366 * 24 * time.Hour
)

// series computes the instances of a recurring event. Rules are evaluated in local time, written
// as if it was UTC, and each result is converted to an instant in the event's zone. A lecture at
// 15:10 therefore stays at 15:10 when the clocks change.
type series struct {
	event  *event
	zone   *time.Location
	allDay bool
	first  time.Time     // wall
	length time.Duration // wall
	rules  []*rrule.RRule
	extra  []time.Time        // wall, beside the rules
	out    map[time.Time]bool // wall, taken out
}

// readTime reads the start or end of an event. zone applies if neither offset nor time zone is
// given.
func readTime(
	o api.Object, field string, zone *time.Location,
) (at time.Time, allDay bool, err error) {
	moment := api.Child(o, field)
	date, clock, name := api.Text(moment, "date"), api.Text(moment, "dateTime"), api.Text(moment, "timeZone")
	if name != "" {
		if zone, err = time.LoadLocation(name); err != nil || name == "Local" {
			return at, false, api.Invalid(
				field+".timeZone", "Invalid time zone definition for %s time.", field,
			)
		}
	}
	switch {
	case date != "" && clock != "":
		return at, false, api.Invalid(field, "Invalid %s time.", field)
	case date != "":
		at, err = time.ParseInLocation(time.DateOnly, date, zone)
		allDay = true
	case clock == "":
		e := api.Invalid(field, "Missing %s time.", field)
		e.Reason = "required"
		return at, false, e
	default:
		if at, err = time.Parse(time.RFC3339, clock); err == nil && name != "" {
			at = at.In(zone)
		} else if err != nil && name != "" {
			at, err = time.ParseInLocation(
				"2006-01-02T15:04:05", strings.TrimSuffix(clock, ".000"), zone,
			)
		}
	}
	if err != nil {
		return at, false, api.Invalid(field, "Invalid %s time: %q", field, date+clock)
	}
	return at, allDay, nil
}

// wall returns the local time of an instant as if it was UTC.
func wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// instant returns the instant of a local time. A skipped hour is shifted; of a doubled hour the
// first counts.
func (s *series) instant(w time.Time) time.Time {
	at := time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, s.zone)
	// clocks are set back by one of these
	for _, shift := range []time.Duration{time.Hour, 30 * time.Minute} {
		if first := at.Add(-shift); wall(first).Equal(w) {
			return first
		}
	}
	return at
}

// readSeries reads the rules of a recurring event. zone is the calendar's.
func readSeries(e *event, zone *time.Location) (*series, error) {
	start, allDay, err := readTime(e.Resource, "start", zone)
	if err != nil {
		return nil, err
	}
	end, _, err := readTime(e.Resource, "end", zone)
	if err != nil {
		return nil, err
	}
	s := &series{
		event:  e,
		zone:   zone,
		allDay: allDay,
		out:    map[time.Time]bool{},
	}
	if name := api.Text(api.Child(e.Resource, "start"), "timeZone"); name != "" && !allDay {
		if s.zone, err = time.LoadLocation(name); err != nil {
			return nil, api.Invalid(
				"start.timeZone", "Invalid time zone definition for start time.",
			)
		}
	}
	s.first = wall(start.In(s.zone))
	s.length = wall(end.In(s.zone)).Sub(s.first)
	for _, line := range api.List(e.Resource, "recurrence") {
		text, _ := line.(string)
		if err := s.addLine(text); err != nil {
			return nil, api.Invalid("recurrence", "Invalid recurrence rule %q: %s", text, err)
		}
	}
	return s, nil
}

// addLine reads RRULE:…, RDATE…:… or EXDATE…:….
func (s *series) addLine(line string) error {
	head, value, ok := strings.Cut(line, ":")
	name, params, _ := strings.Cut(head, ";")
	if !ok {
		return fmt.Errorf("want NAME:VALUE")
	}
	switch name = strings.ToUpper(name); name {
	case "RRULE":
		return s.addRule(strings.ToUpper(value))
	case "RDATE", "EXDATE":
		for text := range strings.SplitSeq(value, ",") {
			at, err := s.readStamp(strings.TrimSpace(text), params)
			if err != nil {
				return err
			}
			if name == "EXDATE" {
				s.out[at] = true
			} else {
				s.extra = append(s.extra, at)
			}
		}
		return nil
	}
	return fmt.Errorf("%s %s is not known", name, params)
}

// addRule reads the value of an RRULE.
func (s *series) addRule(text string) error {
	option, err := rrule.StrToROption(text)
	if err != nil {
		return err
	}
	if option.Freq > rrule.DAILY || option.Interval < 0 || option.Count < 0 {
		return fmt.Errorf("the frequency is out of range")
	}
	for part := range strings.SplitSeq(text, ";") {
		until, isUntil := strings.CutPrefix(part, "UNTIL=")
		if !isUntil {
			continue
		}
		if option.Until, err = s.readStamp(until, ""); err != nil {
			return err
		}
		if len(until) == len(dayStamp) {
			option.Until = option.Until.Add(24*time.Hour - time.Second) // a day is meant whole
		}
	}
	if option.Count > 0 && !option.Until.IsZero() {
		return fmt.Errorf("COUNT and UNTIL exclude each other")
	}
	option.Dtstart = s.first
	rule, err := rrule.NewRRule(*option)
	if err == nil {
		s.rules = append(s.rules, rule)
	}
	return err
}

// readStamp reads 20261120, 20261120T151000 or 20261120T121000Z as local time. params may name a
// TZID.
func (s *series) readStamp(text, params string) (time.Time, error) {
	zone := s.zone
	for param := range strings.SplitSeq(params, ";") {
		if name, isZone := strings.CutPrefix(param, "TZID="); isZone {
			var err error
			if zone, err = time.LoadLocation(name); err != nil {
				return time.Time{}, err
			}
		}
	}
	if day, err := time.Parse(dayStamp, text); err == nil {
		return day, nil
	}
	if at, err := time.Parse(instantStamp, text); err == nil {
		return wall(at.In(s.zone)), nil
	}
	at, err := time.ParseInLocation("20060102T150405", text, zone)
	return wall(at.In(s.zone)), err
}

// walls calls visit with the starts in order, in local time, until it returns false. As at
// Google, the first start is always one, also if the rules leave it out.
func (s *series) walls(visit func(time.Time) bool) {
	var next []func() (time.Time, bool)
	next = append(next, each(append([]time.Time{s.first}, sorted(s.extra)...)))
	for _, rule := range s.rules {
		next = append(next, rule.Iterator())
	}
	heads := make([]time.Time, len(next))
	alive := make([]bool, len(next))
	for i := range next {
		heads[i], alive[i] = next[i]()
	}
	var last time.Time
	for range maxSteps {
		least := -1
		for i := range next {
			if alive[i] && (least < 0 || heads[i].Before(heads[least])) {
				least = i
			}
		}
		if least < 0 {
			return
		}
		at := heads[least]
		heads[least], alive[least] = next[least]()
		if at.Equal(last) || s.out[at] || s.allDay && s.out[at.Truncate(24*time.Hour)] {
			continue
		}
		last = at
		if !visit(at) {
			return
		}
	}
}

// each returns an iterator over times.
func each(times []time.Time) func() (time.Time, bool) {
	return func() (time.Time, bool) {
		if len(times) == 0 {
			return time.Time{}, false
		}
		at := times[0]
		times = times[1:]
		return at, true
	}
}

// has reports whether an instance starts at an instant.
func (s *series) has(start time.Time) bool {
	found := false
	s.walls(func(w time.Time) bool {
		at := s.instant(w)
		found = at.Equal(start)
		// a day: a shifted hour may come out of order
		return !found && !at.After(start.Add(24*time.Hour))
	})
	return found
}

// between returns the instances that overlap [from, to). A zero to stands for two years from now.
func (s *series) between(from, to, now time.Time) []*event {
	if to.IsZero() {
		to = now.Add(horizon)
		if from.After(now) {
			to = from.Add(horizon)
		}
	}
	var instances []*event
	s.walls(func(w time.Time) bool {
		start := s.instant(w)
		end := s.instant(w.Add(s.length))
		if !start.Before(to) {
			return !start.After(to.Add(24 * time.Hour))
		}
		if end.After(from) || from.IsZero() {
			instances = append(instances, s.instance(start))
		}
		return true
	})
	return instances
}

// instantOf reads the part of an instance's id after the underscore.
func (s *series) instantOf(stamp string) (time.Time, bool) {
	if s.allDay {
		at, err := time.ParseInLocation(dayStamp, stamp, s.zone)
		return at, err == nil
	}
	at, err := time.Parse(instantStamp, stamp)
	return at, err == nil
}

// instance returns the instance that starts at an instant.
func (s *series) instance(start time.Time) *event {
	o := maps.Clone(s.event.Resource)
	delete(o, "recurrence")
	o["recurringEventId"] = s.event.id()
	end := s.instant(wall(start.In(s.zone)).Add(s.length))
	if s.allDay {
		o["id"] = s.event.id() + "_" + start.In(s.zone).Format(dayStamp)
		o["start"] = api.Object{"date": start.In(s.zone).Format(time.DateOnly)}
		o["end"] = api.Object{"date": end.Format(time.DateOnly)}
	} else {
		o["id"] = s.event.id() + "_" + start.UTC().Format(instantStamp)
		o["start"] = api.Object{
			"dateTime": start.In(s.zone).Format(time.RFC3339),
			"timeZone": s.zone.String(),
		}
		o["end"] = api.Object{"dateTime": end.Format(time.RFC3339), "timeZone": s.zone.String()}
	}
	o["originalStartTime"] = o["start"]
	return s.event.with(o)
}

// checkTimes refuses an event with invalid times or rules. It returns the event with times as
// Calendar writes them.
func checkTimes(o api.Object, zone *time.Location) (api.Object, error) {
	start, allDay, err := readTime(o, "start", zone)
	if err != nil {
		return nil, err
	}
	end, endsAllDay, err := readTime(o, "end", zone)
	if err != nil {
		return nil, err
	}
	switch {
	case allDay != endsAllDay:
		return nil, api.Invalid(
			"end", "The start and end times must either both be date or both be dateTime.",
		)
	case end.Before(start), allDay && !end.After(start):
		return nil, api.Refuse(
			http.StatusBadRequest, "timeRangeEmpty", "The specified time range is empty.",
		)
	}
	o = maps.Clone(o)
	if !allDay {
		o["start"] = api.Merge(
			api.Child(o, "start"), api.Object{"dateTime": start.Format(time.RFC3339)},
		)
		o["end"] = api.Merge(api.Child(o, "end"), api.Object{"dateTime": end.Format(time.RFC3339)})
	}
	if len(api.List(o, "recurrence")) == 0 {
		return o, nil
	}
	if !allDay &&
		(api.Text(api.Child(o, "start"), "timeZone") == "" ||
			api.Text(api.Child(o, "end"), "timeZone") == "") {
		e := api.Invalid("start.timeZone", "Missing time zone definition for start time.")
		e.Reason = "required"
		return nil, e
	}
	s, err := readSeries(&event{Resource: o}, zone)
	if err != nil {
		return nil, err
	}
	some := false
	s.walls(func(time.Time) bool { some = true; return false })
	if !some {
		return nil, api.Invalid("recurrence", "The series has no instance.")
	}
	return o, nil
}

// sorted returns a sorted copy of times.
func sorted(times []time.Time) []time.Time {
	return slices.SortedFunc(slices.Values(times), time.Time.Compare)
}
