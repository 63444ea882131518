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

// notifyFailed notifies the requester that the record has failed, once for each failure, and marks in the row
// that the notice is sent.
func (p *Pipeline) notifyFailed(ctx context.Context, rec nvr.Record) error {
	room, err := p.Store.Rooms.Get(ctx, rec.Room)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := p.notify(ctx, rec, room, false, fmt.Sprintf("%s-%d", effectFailed, rec.Attempt)); err != nil {
		return fmt.Errorf("notify that record %d has failed: %w", rec.ID, err)
	}
	return p.Store.Notices.MarkSent(ctx, rec)
}

// noticeState is how far one notice on one channel is. It is stored as an effect's value: the state, then the
// time of the notice, which is the same in every try.
type noticeState struct {
	state string
	at    time.Time
}

// The states of a notice. On a channel whose receiver cannot recognise a repeated notice
// ([notify.Channel.AtMostOnce]), a notice in state noticeSending is not sent again, because it may have
// arrived.
const (
	noticeWritten = "written"
	noticeSending = "sending"
	noticeSent    = "sent"
)

func (l noticeState) value() string {
	return l.state + " " + l.at.UTC().Format(time.RFC3339)
}

// parseNoticeState parses what value returned.
func parseNoticeState(value string) noticeState {
	state, at, _ := strings.Cut(value, " ")
	l := noticeState{state: state}
	l.at, _ = time.Parse(time.RFC3339, at) // our own writing
	return l
}

// notify sends a notice on each configured channel.
func (p *Pipeline) notify(ctx context.Context, rec nvr.Record, room nvr.Room, done bool, kind string) error {
	for _, channel := range p.Notices {
		n := p.notice(rec, room, done, time.Time{})
		if err := p.notifyOnce(ctx, channel, n, kind, channel.Name()); err != nil {
			return err
		}
	}
	return nil
}

// notifyOnce sends a notice on one channel, unless the record's effect of the kind and subject shows that it
// was sent. The time of the notice is that of the first try.
func (p *Pipeline) notifyOnce(ctx context.Context, channel notify.Channel, n notify.Notice, kind, subject string) error {
	written := noticeState{state: noticeWritten, at: p.Now()}
	value, err := p.Store.Effects.Set(ctx, n.Record, kind, subject, written.value())
	if err != nil {
		return err
	}
	l := parseNoticeState(value)
	if l.state == noticeSent || l.state == noticeSending && channel.AtMostOnce() {
		return nil
	}
	n.At = l.at
	note := func(state string) error {
		was := l.value()
		l.state = state
		return p.Store.Effects.Replace(ctx, n.Record, kind, subject, was, l.value())
	}
	if err := p.sendNotice(ctx, channel, n, l, note); err != nil {
		return fmt.Errorf("send the notice (%s): %w", channel.Name(), err)
	}
	return nil
}

// sendNotice sends one notice, and stores its state before and after.
func (p *Pipeline) sendNotice(
	ctx context.Context, channel notify.Channel, n notify.Notice, l noticeState, note func(state string) error,
) error {
	if l.state != noticeSending {
		if err := note(noticeSending); err != nil {
			return err
		}
	}
	err := channel.Send(ctx, n)
	switch {
	case fault.KindOf(err) == fault.Permanent, errors.Is(err, notify.ErrUncertain):
		p.Log.WarnContext(
			ctx, "the notice was refused, or may not have arrived",
			"means", channel.Name(),
			"err", err,
		)
	case err != nil:
		return errors.Join(err, note(noticeWritten)) // it was not sent, so that the next try may send it
	}
	return note(noticeSent)
}

// notice returns the notice of a record's outcome.
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
