package pipeline

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
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
// make the same object, and one moves the record on. It returns the slices whose parts are not as they were
// stored; it has deleted these parts, and there is no merge.
func (w *worker) joinParts(ctx context.Context, plan *merge.Plan, files []partFile) (spoiled []int, err error) {
	if holds, err := w.planMatchesOptOuts(ctx, plan); err != nil || !holds {
		return nil, err
	}
	name, err := bucket.MergeName(w.rec.ID, plan.Digest())
	if err != nil {
		return nil, err
	}
	merged, err := w.p.Work.Stat(ctx, name)
	isNew := errors.Is(err, bucket.ErrNotFound)
	if err != nil && !isNew {
		return nil, fmt.Errorf("look for the merge: %w", err)
	}
	head, err := w.head(ctx, plan, files)
	if err != nil {
		return nil, err
	}
	if isNew {
		merged, err = w.compose(ctx, name, head, files)
	}
	if errors.Is(err, bucket.ErrNotFound) || err == nil && !holdsParts(merged, head, files) {
		return w.dropSpoiled(ctx, merged, head, files)
	}
	if err != nil {
		return nil, fmt.Errorf("join %d parts: %w", len(files), err)
	}
	return nil, w.joined(ctx, plan, merged, files)
}

// joined moves the record on to upload.
func (w *worker) joined(ctx context.Context, plan *merge.Plan, merged bucket.Object, files []partFile) error {
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

// holdsParts reports whether a merge holds the head and the parts as they were stored, by size and CRC32C.
func holdsParts(merged, head bucket.Object, files []partFile) bool {
	size, sum := head.Size, head.CRC32C
	for _, f := range files {
		size += f.Part.Bytes
		sum = bucket.ConcatCRC32C(sum, f.Part.CRC32C, f.Part.Bytes)
	}
	return merged.Size == size && merged.CRC32C == sum
}

// dropSpoiled reads the parts of a merge that does not hold what was stored, or cannot be made, and deletes those
// that differ; it returns their slices. The head and the merge go first, because parts that are rendered again
// may have other sizes. A kill leaves parts that differ, which the next join finds, or slices without a part.
func (w *worker) dropSpoiled(
	ctx context.Context, merged, head bucket.Object, files []partFile,
) (spoiled []int, err error) {
	objects := []bucket.Object{head}
	if merged.Name != "" {
		objects = append(objects, merged)
	}
	for i, f := range files {
		whole, err := w.isWhole(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("check part %d: %w", i, err)
		}
		if whole {
			continue
		}
		w.log.WarnContext(ctx, "a part is not as it was stored: rendering it again", "part", i, "media", f.Media)
		spoiled = append(spoiled, i)
		objects = append(objects, f.commit, bucket.Object{Name: f.Media, Generation: f.Generation})
	}
	for _, o := range objects {
		if err := w.p.Work.Delete(ctx, o.Name, o.Generation); err != nil {
			return nil, fmt.Errorf("delete a spoiled part: %w", err)
		}
	}
	if len(spoiled) == 0 {
		return nil, errors.New("the merge does not hold its parts, although each is as it was stored")
	}
	return spoiled, nil
}

// isWhole reports whether the media of a part are those that were rendered. It reads them.
func (w *worker) isWhole(ctx context.Context, f partFile) (bool, error) {
	body, err := w.p.Work.Reader(ctx, f.Media, f.Generation, 0, f.Part.Bytes)
	if errors.Is(err, bucket.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	_, err = io.Copy(sum, body)
	err = errors.Join(err, body.Close())
	if errors.Is(err, bucket.ErrChanged) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	return err == nil && sum.Sum32() == f.Part.CRC32C, err
}

// head stores what stands before the parts' payloads in the merge.
func (w *worker) head(ctx context.Context, plan *merge.Plan, files []partFile) (bucket.Object, error) {
	parts := make([]*mp4.Part, len(files))
	for i, f := range files {
		parts[i] = f.Part
	}
	meta := plan.Meta(w.p.Texts)
	meta.Title = w.rec.Title // the plan's may be an older one: a title changes no frame
	text, err := mp4.Header(parts, meta)
	if err != nil {
		return bucket.Object{}, err
	}
	name, err := bucket.HeadName(w.rec.ID, plan.Digest())
	if err != nil {
		return bucket.Object{}, err
	}
	object, err := w.p.Work.CreateBytes(ctx, name, "application/octet-stream", nil, text)
	if errors.Is(err, bucket.ErrExists) {
		return w.p.Work.Stat(ctx, name)
	}
	return object, err
}

// compose joins the head and the parts' payloads, by generation.
func (w *worker) compose(
	ctx context.Context, name string, head bucket.Object, files []partFile,
) (bucket.Object, error) {
	sources := []bucket.Object{head}
	for _, f := range files {
		sources = append(sources, bucket.Object{
			Name:       f.Media,
			Generation: f.Generation,
			Size:       f.Part.Bytes,
		})
	}
	made, err := w.p.Work.Compose(ctx, name, "video/mp4", nil, sources)
	if errors.Is(err, bucket.ErrExists) {
		return w.p.Work.Stat(ctx, name)
	}
	return made, err
}
