package page

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
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

// causeRow counts the failures with one code.
type causeRow struct {
	Step, Reason string // the reason of the latest
	Group        string // names the failures in a form
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
	page.Failed = s.operatorItems(l, rooms, failed[:min(len(failed), shownFailures)])
	page.Locked = s.operatorItems(l, rooms, locked)
	page.Causes = causeRows(l, failed)
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
	failed, err = s.Records.Store.Records.Failed(ctx, countedFailed)
	if err != nil {
		return nil, nil, nil, err
	}
	locked, err = s.Records.Store.Records.ForeignProcessing(ctx, shownFailures)
	return working, failed, locked, err
}

// groupOf names the failures of one step with one code.
func groupOf(r *nvr.Record) string {
	return stepName(r.FailedStep) + "/" + string(r.Reason.Code())
}

// causeRows groups failures, which are the newest first. The largest group comes first.
func causeRows(l *i18n.Localizer, failed []nvr.Record) []causeRow {
	var rows []causeRow
	for i := range failed {
		r := &failed[i]
		group := groupOf(r)
		at := slices.IndexFunc(rows, func(row causeRow) bool { return row.Group == group })
		if at < 0 {
			at = len(rows)
			rows = append(rows, causeRow{
				Step:   l.T("step." + stepName(r.FailedStep)),
				Reason: l.Cause(r.Reason),
				Group:  group,
				Last:   r.ID,
			})
		}
		rows[at].Count++
	}
	slices.SortStableFunc(rows, func(a, b causeRow) int { return cmp.Compare(b.Count, a.Count) })
	return rows
}

// postFailures is POST /operators/failures: all failures of a group, or the one of a record, are retried or
// dismissed.
func (s *site) postFailures(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.failPage(w, r, httpapi.FormStatus(err), "")
		return
	}
	failed, err := s.Records.Store.Records.Failed(r.Context(), countedFailed)
	if err != nil {
		s.serverError(w, r, "list the failures", err)
		return
	}
	said := saidDismissed
	if r.PostForm.Get("do") == "retry" {
		said = saidRetriedAll
	}
	group, one := r.PostForm.Get("group"), r.PostForm.Get("record")
	for i := range failed {
		record := &failed[i]
		if groupOf(record) != group && strconv.FormatInt(record.ID, 10) != one {
			continue
		}
		if said == saidRetriedAll {
			err = s.Records.Store.Requests.Retry(r.Context(), record.ID)
		} else {
			err = s.Records.Store.Requests.Dismiss(r.Context(), record, auth.CallerOf(r).Email)
		}
		if err != nil && !errors.Is(err, store.ErrConflict) { // another operator was faster
			s.serverError(w, r, "change a failed record", err)
			return
		}
	}
	http.Redirect(w, r, "/operators?said="+said, http.StatusSeeOther)
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
