package page

import (
	"context"
	"net/http"
	"strconv"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// What the status page shows at most.
const (
	shownWorking  = 50
	shownFailures = 20
	countedFailed = 500 // failures that are counted by reason
)

// operatorsPage is the status of the service.
type operatorsPage struct {
	Said    string
	Numbers []number
	Working []recordItem
	Failed  []recordItem
	Causes  []causeRow
	Locked  []recordItem // marked as processing by another program
	Rooms   []roomHealth
	Live    string
}

// number is a figure of the queue.
type number struct{ Name, Value string }

// causeRow counts the failures with one reason.
type causeRow struct {
	Step, Reason string
	Count        int
	Last         int64 // number of the latest record
}

// showOperators is GET /operators.
func (s *site) showOperators(w http.ResponseWriter, r *http.Request) {
	l := s.localizer(r)
	page, err := s.operators(r.Context(), l)
	if err != nil {
		s.serverError(w, r, "read the status", err)
		return
	}
	page.Said = s.said(r)
	s.render(w, r, http.StatusOK, "operators", frame{
		Title: l.T("page.nav.operators"),
		Nav:   "operators",
		Body:  page,
	})
}

// operators reads the whole status page.
func (s *site) operators(ctx context.Context, l *i18n.Localizer) (page operatorsPage, err error) {
	rooms, err := s.Records.ReadRooms(ctx)
	if err != nil {
		return page, err
	}
	queue, err := s.Records.Store.Queue.Stats(ctx)
	if err != nil {
		return page, err
	}
	page.Numbers = s.numbers(l, queue)
	working, failed, locked, err := s.currentRecords(ctx)
	if err != nil {
		return page, err
	}
	page.Working = s.operatorItems(l, rooms, working)
	page.Failed = s.operatorItems(l, rooms, failed)
	page.Locked = s.operatorItems(l, rooms, locked)
	failures, err := s.Records.Store.Records.Failures(ctx, countedFailed)
	if err != nil {
		return page, err
	}
	for _, f := range failures {
		page.Causes = append(page.Causes, causeRow{
			Step:   l.T("step." + stepName(f.Step)),
			Reason: l.Cause(f.Reason),
			Count:  f.Count,
			Last:   f.Last,
		})
	}
	page.Live = liveAddress(page.Working)
	if page.Live != "" {
		page.Live += "&as=operator"
	}
	page.Rooms, err = s.health(ctx, l, rooms)
	return page, err
}

// currentRecords reads the records in progress, the latest failed ones, and those that another
// program locked.
func (s *site) currentRecords(ctx context.Context) (working, failed, locked []nvr.Record, err error) {
	steps := []nvr.Step{nvr.StepStage, nvr.StepMerge, nvr.StepUpload, nvr.StepLink}
	working, _, err = s.Records.Store.Records.List(ctx, store.Filter{Steps: steps}, 0, shownWorking)
	if err != nil {
		return nil, nil, nil, err
	}
	steps = []nvr.Step{nvr.StepFailed}
	failed, _, err = s.Records.Store.Records.List(ctx, store.Filter{Steps: steps}, 0, shownFailures)
	if err != nil {
		return nil, nil, nil, err
	}
	locked, err = s.Records.Store.Records.ForeignProcessing(ctx, shownFailures)
	return working, failed, locked, err
}

// operatorItems returns records with what only operators see.
func (s *site) operatorItems(l *i18n.Localizer, rooms *records.RoomList, list []nvr.Record) []recordItem {
	items := make([]recordItem, len(list))
	for i := range list {
		items[i] = s.item(l, &list[i], rooms.Zone(list[i].Room), true)
	}
	return items
}

// stepName returns a step that has a text. A row that a person changed may hold any step.
func stepName(step nvr.Step) string {
	if step.Working() {
		return string(step)
	}
	return string(nvr.StepStage)
}

// numbers returns the figures of the queue.
func (s *site) numbers(l *i18n.Localizer, q store.QueueStats) []number {
	numbers := []number{
		{l.T("page.queue.due"), strconv.Itoa(q.Due)},
		{l.T("page.queue.waiting"), strconv.Itoa(q.Waiting)},
		{l.T("page.queue.held"), strconv.Itoa(q.Held)},
		{l.T("page.queue.expired"), strconv.Itoa(q.Expired)},
	}
	if !q.Oldest.IsZero() {
		minutes := int(s.Records.Now().Sub(q.Oldest).Minutes())
		numbers = append(numbers, number{
			Name:  l.T("page.queue.oldest"),
			Value: l.T("unit.min", "n", max(minutes, 0)),
		})
	}
	return numbers
}
