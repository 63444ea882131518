package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/notify"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// effectWithheld is the effect whose value holds the intervals that a delivered video leaves out.
const effectWithheld = "withheld"

// noteWithheld stores what the video leaves out, so that the operators are not told of it as of something delivered.
func (w *worker) noteWithheld(ctx context.Context, withheld []nvr.Interval) error {
	text, err := json.Marshal(withheld)
	if err != nil {
		return err
	}
	return w.recordEffect(ctx, effectWithheld, "", string(text))
}

// tellOptOuts tells the operators which delivered videos show time that an event asks not to record since. The
// videos stay: what people were given, only a person takes back. A kill leaves an opt-out untold, and each notice
// is sent once all the same.
func (p *Pipeline) tellOptOuts(ctx context.Context) error {
	outs, err := p.Store.OptOuts.Untold(ctx, batchSize)
	if err != nil {
		return err
	}
	var errs []error
	for _, out := range outs {
		if err := p.tellOptOut(ctx, out); err != nil {
			errs = append(errs, fmt.Errorf("tell what the opt-out of event %q covers: %w", out.Event, err))
		}
	}
	return errors.Join(errs...)
}

func (p *Pipeline) tellOptOut(ctx context.Context, out store.OptOut) error {
	room, err := p.Store.Rooms.Get(ctx, out.Room)
	if errors.Is(err, store.ErrNotFound) {
		return p.Store.OptOuts.MarkTold(ctx, out)
	}
	if err != nil {
		return err
	}
	covered, uploading, err := p.coveredRecords(ctx, &room, out)
	if err != nil {
		return err
	}
	for i := range covered {
		if err := p.tellCovered(ctx, &covered[i], &room, out); err != nil {
			return err
		}
	}
	if uploading {
		return nil // it may have been shared a moment ago: look again
	}
	return p.Store.OptOuts.MarkTold(ctx, out)
}

// coveredRecords returns the delivered records that show some of an opt-out's time. uploading reports whether a
// further one is being uploaded.
func (p *Pipeline) coveredRecords(
	ctx context.Context, room *nvr.Room, out store.OptOut,
) (covered []nvr.Record, uploading bool, err error) {
	for day := out.Start.In(room.Zone); ; day = day.AddDate(0, 0, 1) {
		date := day.Format(time.DateOnly)
		if date > out.End.In(room.Zone).Format(time.DateOnly) {
			return covered, uploading, nil
		}
		records, err := p.Store.Records.On(ctx, room.Name, date)
		if err != nil {
			return nil, false, err
		}
		for _, r := range records {
			shows, err := p.shows(ctx, &r, room, out)
			if err != nil {
				return nil, false, err
			}
			if shows && r.Step == nvr.StepUpload {
				uploading = true
			} else if shows {
				covered = append(covered, r)
			}
		}
	}
}

// shows reports whether a record has a video, or is getting one, that shows some of an opt-out's time.
func (p *Pipeline) shows(ctx context.Context, r *nvr.Record, room *nvr.Room, out store.OptOut) (bool, error) {
	switch r.Step {
	case nvr.StepUpload, nvr.StepLink, nvr.StepDone:
	case nvr.StepStage, nvr.StepMerge, nvr.StepFailed, nvr.StepWithdrawn:
		return false, nil
	}
	start, end, err := r.Window(room.Zone)
	if err != nil || r.FileID == "" {
		return false, nil //nolint:nilerr // a row with odd times has no video
	}
	parts := nvr.Within([]nvr.Interval{{Start: out.Start, End: out.End}}, start, end)
	if len(parts) == 0 {
		return false, nil
	}
	value, err := p.effectOf(ctx, r.ID, effectWithheld, "")
	if err != nil || value == "" {
		return err == nil, err
	}
	var withheld []nvr.Interval
	if err := json.Unmarshal([]byte(value), &withheld); err != nil {
		return false, fmt.Errorf("read what record %d leaves out: %w", r.ID, err)
	}
	return !nvr.Cover(withheld, parts[0].Start, parts[0].End), nil
}

// tellCovered writes into a delivered record, and tells the operators, that an event asks not to record its time.
func (p *Pipeline) tellCovered(ctx context.Context, r *nvr.Record, room *nvr.Room, out store.OptOut) error {
	const form = "2006-01-02 15:04"
	why := cause.OptedOutLate(out.Start.In(room.Zone).Format(form), out.End.In(room.Zone).Format(form))
	p.Log.WarnContext(ctx, "a delivered video shows time that an event asks not to record", "record", r.ID,
		"event_id", out.Event)
	if r.Step == nvr.StepDone {
		if err := p.Store.Requests.SetReason(ctx, *r, why); err != nil {
			return err
		}
	}
	id := sha256.Sum256([]byte(out.Calendar + " " + out.Event))
	name := hex.EncodeToString(id[:6])
	told := *r
	told.Reason = why
	for _, channel := range p.Notices {
		for _, to := range p.operatorsOf(channel, r) {
			told.UserEmail = to
			n := p.notice(told, *room, true, time.Time{})
			n.OptOut = name
			if err := p.notifyOnce(ctx, channel, n, "opted-out-"+name, channel.Name()+" "+to); err != nil {
				return err
			}
		}
	}
	return nil
}

// operatorsOf returns to whom a channel brings what concerns the operators. A webhook gets it once, and names the
// requester.
func (p *Pipeline) operatorsOf(channel notify.Channel, r *nvr.Record) []string {
	if !notify.IsPersonal(channel) {
		return []string{r.UserEmail}
	}
	return p.Settings.Operators
}
