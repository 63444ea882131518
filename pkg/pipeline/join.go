package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// joinParts makes the merge without moving its media: an object that holds everything before
// the media, then the parts' payloads, composed by Cloud Storage. Two tasks may do it at once: both
// make the same object, and one moves the record on.
func (w *worker) joinParts(ctx context.Context, plan *merge.Plan, files []partFile) error {
	if holds, err := w.holdsConsent(ctx, plan); err != nil || !holds {
		return err
	}
	name, err := bucket.MergeName(w.rec.ID, plan.Digest())
	if err != nil {
		return err
	}
	merged, err := w.p.Work.Stat(ctx, name)
	if errors.Is(err, bucket.ErrNotFound) {
		if merged, err = w.compose(ctx, name, plan, files); err != nil {
			return fmt.Errorf("join %d parts: %w", len(files), err)
		}
	} else if err != nil {
		return fmt.Errorf("look for the merge: %w", err)
	}
	length := time.Duration(plan.Frames) * time.Second / time.Duration(plan.Encoding.Rate)
	w.thumbnail(ctx, merged, plan, length/2)
	next, err := w.advance(ctx, nvr.StepUpload, store.Change{})
	if err != nil {
		return err
	}
	w.log.InfoContext(
		ctx, "joined",
		observe.Merged(
			length,
			time.Duration(float64(costOf(files).CPU)*float64(time.Second)),
		), "parts",
		len(files),
	)
	return w.sendNext(ctx, next)
}

func (w *worker) compose(ctx context.Context, name string, plan *merge.Plan, files []partFile) (bucket.Object, error) {
	parts := make([]*mp4.Part, len(files))
	for i, f := range files {
		parts[i] = f.Part
	}
	meta := plan.Meta(w.p.Texts)
	meta.Title = w.rec.Title // the plan's may be an older one: a title changes no frame
	header, err := mp4.Header(parts, meta)
	if err != nil {
		return bucket.Object{}, err
	}
	place, err := bucket.HeadName(w.rec.ID, plan.Digest())
	if err != nil {
		return bucket.Object{}, err
	}
	head, err := w.header(ctx, place, header)
	if err != nil {
		return bucket.Object{}, err
	}
	sources := []bucket.Object{head}
	size := head.Size
	for _, f := range files {
		sources = append(sources, bucket.Object{
			Name:       f.Media,
			Generation: f.Generation,
			Size:       f.Part.Bytes,
		})
		size += f.Part.Bytes
	}
	made, err := w.p.Work.Compose(ctx, name, "video/mp4", nil, sources)
	if errors.Is(err, bucket.ErrExists) {
		return w.p.Work.Stat(ctx, name)
	}
	if err == nil && made.Size != size {
		err = fmt.Errorf("the bucket composed %d bytes of %d", made.Size, size)
	}
	return made, err
}

// header stores the head of the merge.
func (w *worker) header(ctx context.Context, name string, text []byte) (bucket.Object, error) {
	object, err := w.p.Work.CreateBytes(ctx, name, "application/octet-stream", nil, text)
	if errors.Is(err, bucket.ErrExists) {
		return w.p.Work.Stat(ctx, name)
	}
	return object, err
}
