package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/notify"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// notifyDone sends the notice to the requester, once for each revision.
func (w *worker) notifyDone(ctx context.Context) error {
	rec, err := w.p.Store.Records.Get(ctx, w.rec.ID) // with the link and what became of the course
	if err != nil {
		return err
	}
	kind := effectDone
	if rec.Revision > 1 {
		kind = fmt.Sprintf("%s-%d", effectRevised, rec.Revision)
	}
	return w.p.notify(ctx, rec, w.room, true, kind)
}

// notifyFailed tells a requester that the record has failed, once for each failure, and strikes the debt
// from the row.
func (p *Pipeline) notifyFailed(ctx context.Context, rec nvr.Record) error {
	room, err := p.Store.Rooms.Get(ctx, rec.Room)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := p.notify(ctx, rec, room, false, fmt.Sprintf("%s-%d", effectFailed, rec.Attempt)); err != nil {
		return fmt.Errorf("tell that record %d has failed: %w", rec.ID, err)
	}
	return p.Store.Notices.MarkSent(ctx, rec)
}

// noticeState is how far one notice by one means is, as an effect's value: the state, then the instant that
// the notice tells, which is the same in every try.
type noticeState struct {
	state string
	at    time.Time
}

// The states of a letter. Means that cannot tell a repeat from the first stop at sending: what may have
// been sent is not sent again.
const (
	letterWritten = "written"
	letterSending = "sending"
	letterSent    = "sent"
)

func (l noticeState) value() string {
	return l.state + " " + l.at.UTC().Format(time.RFC3339)
}

func readLetter(value string) noticeState {
	state, at, _ := strings.Cut(value, " ")
	l := noticeState{state: state}
	l.at, _ = time.Parse(time.RFC3339, at) // our own writing
	return l
}

// notify sends a notice by each means that is configured.
func (p *Pipeline) notify(ctx context.Context, rec nvr.Record, room nvr.Room, done bool, kind string) error {
	for _, means := range p.Notices {
		n := p.notice(rec, room, done, time.Time{})
		if err := p.notifyOnce(ctx, means, n, kind, means.Name()); err != nil {
			return err
		}
	}
	return nil
}

// notifyOnce sends a notice by one means, unless the record's effect of the kind and subject tells that it was
// sent. The instant of the notice is that of the first try.
func (p *Pipeline) notifyOnce(ctx context.Context, means notify.Channel, n notify.Notice, kind, subject string) error {
	written := noticeState{state: letterWritten, at: p.Now()}
	value, err := p.Store.Effects.Set(ctx, n.Record, kind, subject, written.value())
	if err != nil {
		return err
	}
	l := readLetter(value)
	if l.state == letterSent || l.state == letterSending && means.AtMostOnce() {
		return nil
	}
	n.At = l.at
	note := func(state string) error {
		was := l.value()
		l.state = state
		return p.Store.Effects.Replace(ctx, n.Record, kind, subject, was, l.value())
	}
	if err := p.sendNotice(ctx, means, n, l, note); err != nil {
		return fmt.Errorf("send the notice (%s): %w", means.Name(), err)
	}
	return nil
}

// sendNotice sends one letter and notes before and after how far it is.
func (p *Pipeline) sendNotice(
	ctx context.Context, means notify.Channel, n notify.Notice, l noticeState, note func(state string) error,
) error {
	if l.state != letterSending {
		if err := note(letterSending); err != nil {
			return err
		}
	}
	err := means.Send(ctx, n)
	switch {
	case fault.KindOf(err) == fault.Permanent, errors.Is(err, notify.ErrUncertain):
		p.Log.WarnContext(
			ctx, "the notice was refused, or may not have arrived",
			"means", means.Name(),
			"err", err,
		)
	case err != nil:
		return errors.Join(err, note(letterWritten)) // it was not sent: the next try may
	}
	return note(letterSent)
}

// notice is what there is to tell of a record.
func (p *Pipeline) notice(rec nvr.Record, room nvr.Room, done bool, at time.Time) notify.Notice {
	return notify.Notice{
		Record:   rec.ID,
		Done:     done,
		Revision: rec.Revision,
		To:       rec.UserEmail,
		Room:     rec.Room,
		Title:    rec.Title,
		When:     rec.Date + " " + rec.StartTime + "–" + rec.EndTime,
		FileID:   rec.FileID,
		Link:     rec.Link,
		Reason:   rec.Reason,
		Unshared: unshared(rec),
		Language: room.Language,
		At:       at,
	}
}

// unshared returns why the requester of a delivered record may not see its video, if that is a setting.
func unshared(rec nvr.Record) cause.Cause {
	if why := i18n.ReadReason(rec.Share); why.Is(cause.CodeShareOutside) {
		return why
	}
	return cause.Cause{}
}
