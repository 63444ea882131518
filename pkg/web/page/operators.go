package page

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

const (
	shownWorking  = 50
	shownFailures = 20
	countedFailed = 500
	healthDays    = 7
)

// operatorsPage is everything at a glance.
type operatorsPage struct {
	Said     string
	Numbers  []number
	Working  []recordItem
	Failed   []recordItem
	Causes   []causeRow
	Foreign  []recordItem
	Rooms    []roomHealth
	Days     []string
	Live     string
	AnyRooms bool
}

type number struct{ Name, Value string }

type causeRow struct {
	Step, Reason string
	Count        int
	Last         int64
}

// roomHealth is how the last days of a room look.
type roomHealth struct {
	ID      int64
	Name    string
	Days    []dayHealth
	Remarks []string
}

// dayHealth is how much of a day's footage is there.
type dayHealth struct {
	Words  string
	Height string // of the bar, of 20
	Y      string
	Bad    bool
}

// operatorRoutes adds the pages of operators.
func (s *site) operatorRoutes(mux *http.ServeMux) {
	only := func(next http.HandlerFunc) http.HandlerFunc {
		return s.signedIn(func(w http.ResponseWriter, r *http.Request) {
			if !auth.CallerOf(r).Operator {
				s.sayPage(w, r, http.StatusForbidden, "")
				return
			}
			next(w, r)
		})
	}
	mux.HandleFunc("GET /operators", only(s.showOperators))
	mux.HandleFunc("GET /operators/rooms/{id}", only(s.showRoom))
	mux.HandleFunc("POST /operators/rooms/{id}", only(s.postRoom))
	mux.HandleFunc("POST /operators/rooms/{id}/sources/{source}", only(s.postSource))
}

// showOperators is GET /operators.
func (s *site) showOperators(w http.ResponseWriter, r *http.Request) {
	language := s.words.Language(r)
	page, err := s.operators(r.Context(), language)
	if err != nil {
		httpapi.ServerError(w, r, s.log, s.sayPage, "gather the operators' page", err)
		return
	}
	page.Said = s.said(r)
	s.render(w, r, http.StatusOK, "operators", shown{Title: s.words.T(language, "nav.operators"), Nav: "operators", User: s.user(r), Body: page})
}

func (s *site) operators(ctx context.Context, language string) (page operatorsPage, err error) {
	zones, err := s.records.ReadRooms(ctx)
	if err != nil {
		return page, err
	}
	items := func(records []nvr.Record) []recordItem {
		made := make([]recordItem, len(records))
		for i := range records {
			made[i] = s.item(language, &records[i], zones.Zone(records[i].Room), true)
		}
		return made
	}
	queue, err := s.records.Store.Queue.Stats(ctx)
	if err != nil {
		return page, err
	}
	page.Numbers = s.numbers(language, queue)
	working := []nvr.Step{nvr.StepStage, nvr.StepMerge, nvr.StepUpload, nvr.StepLink}
	for _, list := range []struct {
		steps []nvr.Step
		limit int
		into  *[]recordItem
	}{{working, shownWorking, &page.Working}, {[]nvr.Step{nvr.StepFailed}, shownFailures, &page.Failed}} {
		records, _, err := s.records.Store.Records.List(ctx, store.Filter{Steps: list.steps}, 0, list.limit)
		if err != nil {
			return page, err
		}
		*list.into = items(records)
	}
	foreign, err := s.records.Store.Records.ForeignProcessing(ctx, shownFailures)
	if err != nil {
		return page, err
	}
	page.Foreign = items(foreign)
	failures, err := s.records.Store.Records.Failures(ctx, countedFailed)
	if err != nil {
		return page, err
	}
	for _, f := range failures {
		page.Causes = append(page.Causes, causeRow{s.words.T(language, "step."+stepWord(f.Step)), inLanguage(language, f.Reason), f.Count, f.Last})
	}
	page.Live = liveAddress("/recordings/events", page.Working)
	if page.Live != "" {
		page.Live += "&as=operator"
	}
	page.Rooms, page.Days, err = s.health(ctx, language, zones)
	return page, err
}

// stepWord is a step that has words; a failed row that a person made may name none.
func stepWord(step nvr.Step) string {
	if step.Working() {
		return string(step)
	}
	return string(nvr.StepStage)
}

func (s *site) numbers(language string, q store.QueueStats) []number {
	say := func(key string, value int) number {
		return number{s.words.T(language, "queue."+key), strconv.Itoa(value)}
	}
	numbers := []number{say("due", q.Due), say("waiting", q.Waiting), say("held", q.Held), say("expired", q.Expired)}
	if !q.Oldest.IsZero() {
		minutes := int(s.records.Now().Sub(q.Oldest).Minutes())
		numbers = append(numbers, number{s.words.T(language, "queue.oldest"), s.words.T(language, "minutes", max(minutes, 0))})
	}
	return numbers
}

// health looks at the last full days of every room: how many of the segments that a source should have
// made are there, and what was seen in those of yesterday.
func (s *site) health(ctx context.Context, language string, zones *records.RoomList) (rooms []roomHealth, days []string, err error) {
	for i := range zones.Rooms {
		room := &zones.Rooms[i]
		health, dates, err := s.roomHealth(ctx, language, room)
		if err != nil {
			return nil, nil, err
		}
		rooms, days = append(rooms, health), dates
	}
	return rooms, days, nil
}

func (s *site) roomHealth(ctx context.Context, language string, room *nvr.Room) (h roomHealth, days []string, err error) {
	h = roomHealth{ID: room.ID, Name: room.Name}
	zone := room.Zone
	if zone == nil {
		zone = time.UTC
	}
	today := s.records.Now().In(zone)
	var dates []string
	for back := healthDays; back > 0; back-- {
		dates = append(dates, today.AddDate(0, 0, -back).Format(time.DateOnly))
	}
	counts, err := s.records.Store.Segments.CountByDay(ctx, room.Name, dates[0], dates[len(dates)-1])
	if err != nil {
		return h, nil, err
	}
	sources := records.SourcesOf(room)
	expected := len(sources) * int(24*time.Hour/max(room.SegmentLength, time.Minute))
	for _, date := range dates {
		there := 0
		for _, c := range counts {
			if c.Date == date && slices.ContainsFunc(sources, func(source records.Source) bool { return source.Octet == c.Source }) {
				there += c.Segments
			}
		}
		h.Days = append(h.Days, s.dayHealth(language, date, there, expected))
		days = append(days, s.words.ShortDay(language, date))
	}
	h.Remarks, err = s.remarks(ctx, language, room, dates[len(dates)-1])
	return h, days, err
}

func (s *site) dayHealth(language, date string, there, expected int) dayHealth {
	share := 0.0
	if expected > 0 {
		share = min(float64(there)/float64(expected), 1)
	}
	height := share * 20
	return dayHealth{
		Words:  s.words.T(language, "health.day", s.words.ShortDay(language, date), there, expected),
		Height: strconv.FormatFloat(height, 'f', 1, 64), Y: strconv.FormatFloat(20-height, 'f', 1, 64),
		Bad: there < expected,
	}
}

// remarks says what is wrong with a day of a room.
func (s *site) remarks(ctx context.Context, language string, room *nvr.Room, date string) ([]string, error) {
	segments, err := s.records.Store.Segments.On(ctx, room.Name, date)
	if err != nil {
		return nil, fmt.Errorf("look at yesterday's footage: %w", err)
	}
	screen, ear := nvr.Octet(room.ScreenSource), nvr.Octet(room.SoundSource)
	var broken, looked, shown, heard, silent int
	for i := range segments {
		look := segments[i].Analysis
		switch {
		case look == nil:
			continue
		case look.Fault != "":
			broken++
			continue
		}
		if segments[i].Name.Source == screen && len(look.Stretches) > 0 {
			looked++
			if slices.ContainsFunc(look.Stretches, func(s store.Stretch) bool { return s.Presentation }) {
				shown++
			}
		}
		if segments[i].Name.Source == ear {
			heard++
			if look.Silent {
				silent++
			}
		}
	}
	var remarks []string
	if broken > 0 {
		remarks = append(remarks, s.words.T(language, "health.broken", broken))
	}
	if looked > 0 && shown == 0 {
		remarks = append(remarks, s.words.T(language, "health.card"))
	}
	if heard > 0 && silent == heard {
		remarks = append(remarks, s.words.T(language, "health.silent"))
	}
	return remarks, nil
}
