package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// This file takes a delivered video back, on step link, and restores it, on step upload. The row's edits say what is
// wanted. Its column share says what is: it holds cause.TakenBack from before the first removal until the restored
// video is shared again. Each call may be repeated, so that a kill leaves a video that the next worker removes, or
// restores, to the end.

// takeBack removes the video from wherever it was delivered, and withdraws the record.
func (w *worker) takeBack(ctx context.Context) error {
	file, err := w.p.Workspace.Stat(ctx, w.rec.FileID)
	if errors.Is(err, workspace.ErrNotFound) {
		file, err = workspace.File{ID: w.rec.FileID, Link: w.rec.Link}, nil
	}
	if err != nil {
		return fmt.Errorf("look at the video: %w", err)
	}
	share, none := w.p.Texts.FormatReason(cause.TakenBack()), ""
	if err := w.save(ctx, store.Change{Share: &share, Course: &none}); err != nil {
		return err
	}
	page, err := w.effect(ctx, store.EffectReport, "")
	if err != nil {
		return err
	}
	for _, id := range []string{file.ID, page} {
		if id == "" {
			continue
		}
		if err := w.remove(ctx, id); err != nil {
			return err
		}
	}
	if err := w.detach(ctx, file); err != nil {
		return err
	}
	if err := w.unannounce(ctx, file, ""); err != nil {
		return err
	}
	w.log.InfoContext(ctx, "taken back", "file", file.ID)
	reason := cause.TakenBack()
	return w.end(ctx, nvr.StepWithdrawn, store.Change{Reason: &reason})
}

// remove unshares a file on Drive and moves it to the trash, where those who have a permission could read it.
func (w *worker) remove(ctx context.Context, id string) error {
	if err := w.p.Workspace.Unshare(ctx, id); err != nil {
		return fmt.Errorf("unshare a video that is taken back: %w", err)
	}
	if err := w.p.Workspace.Trash(ctx, id); err != nil {
		return fmt.Errorf("trash a video that is taken back: %w", err)
	}
	return nil
}

// detach takes the video, and former files of the record, off their events.
func (w *worker) detach(ctx context.Context, file workspace.File) error {
	attached, err := w.p.Store.Effects.All(ctx, w.rec.ID, effectAttached)
	if err != nil {
		return err
	}
	if attached[file.ID] == "" {
		attached[file.ID] = w.rec.EventID // a worker may have died before it noted that it attached
	}
	for _, id := range slices.Sorted(maps.Keys(attached)) {
		if attached[id] == "" || w.room.Calendar == "" {
			continue
		}
		shown := workspace.Attachment{FileID: id}
		if id == file.ID {
			shown.URL = file.Link
		}
		err := w.p.Workspace.Detach(ctx, w.room.Calendar, attached[id], shown)
		if err := w.removed(ctx, err, effectAttached, id); err != nil {
			return fmt.Errorf("take the video off its event: %w", err)
		}
	}
	return nil
}

// unannounce deletes the announcements of the video, and of former files of the record, in all courses but one. kept
// is the id of that one; empty: there is none.
func (w *worker) unannounce(ctx context.Context, file workspace.File, kept string) error {
	announced, err := w.p.Store.Effects.All(ctx, w.rec.ID, store.EffectAnnounced)
	if err != nil {
		return err
	}
	for _, subject := range slices.Sorted(maps.Keys(announced)) {
		course, id, _ := strings.Cut(subject, "/")
		if course == kept {
			continue
		}
		posted := workspace.File{ID: id}
		if id == file.ID {
			posted = file
		}
		err := w.p.Workspace.Unannounce(ctx, course, posted)
		if err := w.removed(ctx, err, store.EffectAnnounced, subject); err != nil {
			return fmt.Errorf("delete the post in the course: %w", err)
		}
	}
	if kept != "" {
		return nil
	}
	return w.forget(ctx, store.EffectPosted, file.ID)
}

// removed notes that an effect is undone, so that a restored video has it again. What Google refuses for good is
// logged, and does not keep the rest of a video from being taken back.
func (w *worker) removed(ctx context.Context, err error, kind, subject string) error {
	if fault.KindOf(err) == fault.Permanent {
		w.log.WarnContext(ctx, "an effect could not be undone", "kind", kind, "subject", subject, "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	return w.forget(ctx, kind, subject)
}

// forget notes that an effect is no more.
func (w *worker) forget(ctx context.Context, kind, subject string) error {
	if noted, err := w.effect(ctx, kind, subject); err != nil || noted == "" {
		return err
	}
	return w.recordEffect(ctx, kind, subject, "")
}

// isTakenBack reports whether the video was taken back, in whole or in part, and is not restored yet.
func (w *worker) isTakenBack() bool {
	return i18n.ReadReason(w.rec.Share).Is(cause.CodeTakenBack)
}

// restore takes a video that was taken back out of the trash. If it is the record's, restore shares it again and
// moves the record on to link, which attaches and announces it. It reports whether it did; otherwise the merge is
// uploaded as any other.
func (w *worker) restore(ctx context.Context) (bool, error) {
	err := w.p.Workspace.Untrash(ctx, w.rec.FileID)
	if errors.Is(err, workspace.ErrNotFound) {
		w.log.InfoContext(ctx, "the video is no longer in the trash: uploading it again")
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("restore the video: %w", err)
	}
	file, err := w.p.Workspace.Stat(ctx, w.rec.FileID)
	if err != nil {
		return false, fmt.Errorf("look at the restored video: %w", err)
	}
	current, err := w.holdsMerge(ctx, file)
	if err != nil || !current {
		return false, err
	}
	if may, err := w.mayShareNow(ctx); err != nil || !may {
		return true, err
	}
	w.log.InfoContext(ctx, "restored", "file", file.ID)
	return true, w.deliver(ctx, file)
}

// holdsMerge reports whether a file on Drive is the upload of the record's merge.
func (w *worker) holdsMerge(ctx context.Context, file workspace.File) (bool, error) {
	name, err := bucket.MergeName(w.rec.ID, w.rec.Digest)
	if err != nil {
		return false, err
	}
	state, err := w.p.Store.Uploads.Get(ctx, w.rec.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	source, _, _ := strings.Cut(state.Source, "#")
	same := state.FileID == file.ID && state.MD5 != "" && state.MD5 == file.MD5 && state.Size == file.Size
	return same && source == name, err
}
