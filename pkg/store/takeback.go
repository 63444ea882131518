package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// updateMove gives a record to the worker of a step, whatever its step is. Claim takes it over there.
const updateMove = `update records set step = ?, failed_step = '', attempt = attempt + 1, turn = 0, holder = '',
 lease_until = ?, due_at = 0, tries = 0, starts = 0, done = ?, processing = ?, edits = ?, asked_at = ?, dated = '',
 reason = ?, cause = null, held = ?, release_at = 0` + snapshot

// TakeBack has the video of a record removed from everywhere that it was delivered to: the record goes to step
// link, whose worker does so and withdraws the record. A record that is taken back already stays as it is, but
// for who may restore it: if an operator takes it back, only operators. TakeBack returns [ErrConflict] if there
// is no video.
func (s Requests) TakeBack(ctx context.Context, id int64, operator bool) error {
	return s.decide(ctx, "take back", id, func(r *nvr.Record) (string, []any, error) {
		taken := r.Edits.TakenBack != ""
		if taken && (r.Edits.Barred || !operator) {
			return "", nil, nil
		}
		if r.FileID == "" && !taken {
			return "", nil, fmt.Errorf("it has no video: %w", ErrConflict)
		}
		edits := r.Edits
		edits.Barred = operator
		switch {
		case taken:
		case r.Step == nvr.StepFailed:
			edits.TakenBack = r.FailedStep
		default:
			edits.TakenBack = r.Step
		}
		return s.move(r, nvr.StepLink, edits, cause.TakenBack())
	})
}

// Restore undoes [Requests.TakeBack], also while the video is being removed. The record goes to step upload, whose
// worker delivers the video again. A record that was not merged yet begins at step stage. Restore returns
// [ErrConflict] if the record is not taken back, or if an operator took it back and the caller is none.
func (s Requests) Restore(ctx context.Context, id int64, operator bool) error {
	return s.decide(ctx, "restore", id, func(r *nvr.Record) (string, []any, error) {
		if r.Edits.Barred && !operator {
			return "", nil, fmt.Errorf("an operator took it back: %w", ErrConflict)
		}
		edits, to := r.Edits, nvr.StepUpload
		switch edits.TakenBack {
		case "":
			return "", nil, fmt.Errorf("it is not taken back: %w", ErrConflict)
		case nvr.StepStage, nvr.StepMerge:
			to = nvr.StepStage
		case nvr.StepUpload, nvr.StepLink, nvr.StepDone, nvr.StepFailed, nvr.StepWithdrawn:
		}
		edits.TakenBack, edits.Barred = "", false
		return s.move(r, to, edits, cause.Cause{})
	})
}

// Post has a delivered video posted in its course again: an announcement that a person deleted, or one that was
// refused. One that is there is not made twice. Post returns [ErrConflict] if the record is not done, or is held.
func (s Requests) Post(ctx context.Context, id int64) error {
	return s.decide(ctx, "post", id, func(r *nvr.Record) (string, []any, error) {
		if r.Step != nvr.StepDone || r.Held {
			return "", nil, fmt.Errorf("it is not delivered to others: %w", ErrConflict)
		}
		if _, err := s.exec(ctx, updateUnposted, id, EffectAnnounced, EffectPosted); err != nil {
			return "", nil, err
		}
		return s.move(r, nvr.StepLink, r.Edits, cause.Cause{})
	})
}

// move returns the statement that gives a record to a step: stage, upload or link. Its worker becomes stale. The
// next one begins when the lease of that worker has expired: until then it may be in the middle of a call to Google.
func (s Requests) move(r *nvr.Record, to nvr.Step, edits nvr.Edits, reason cause.Cause) (string, []any, error) {
	text, err := json.Marshal(edits)
	if err != nil {
		return "", nil, err
	}
	until := s.nowMs() - 1
	if r.Holder != "" && (r.Step == nvr.StepUpload || r.Step == nvr.StepLink) {
		until = max(until, millis(r.LeaseUntil))
	}
	args := []any{
		to,
		until,
		bit(to == nvr.StepLink),
		bit(to != nvr.StepLink),
		string(text),
		s.nowMs(),
		s.formatReason(reason),
		bit(r.Held),
	}
	return updateMove, append(args, snapshotArgs(r)...), nil
}
