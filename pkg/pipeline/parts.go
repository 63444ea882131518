package pipeline

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/report"
)

// partFile commits a part: the task that creates it has made the part. The media lie in an object of their
// own, of a random name.
type partFile struct {
	Media      string      `json:"media"`
	Generation int64       `json:"generation"`
	Part       *mp4.Part   `json:"part"` // with the size and the CRC32C of the media
	Cost       report.Cost `json:"cost"`

	commit bucket.Object // that holds this
}

// bucketParts stores the part of one task in the work bucket. It implements [merge.Parts].
type bucketParts struct {
	w      *worker
	engine *merge.Engine // whose meter counts what rendering reads
	index  int           // of the slice
	found  bool          // the part was there
}

// renderPart renders part i of the plan, unless the part exists.
func (w *worker) renderPart(ctx context.Context, plan *merge.Plan, i int) error {
	parts := &bucketParts{
		w:      w,
		engine: w.p.engine(ctx, func() {}),
		index:  i,
	}
	report := w.progressWriter(ctx, plan, i)
	parts.engine.Progress = func(p merge.Progress) {
		if p.Done > 0 && !parts.found {
			report(p.Done)
		}
	}
	return parts.engine.Render(ctx, plan, parts, []int{i}, 1)
}

// Has implements [merge.Parts].
func (b *bucketParts) Has(ctx context.Context, digest string, _ int64) (bool, error) {
	name, err := bucket.PartName(b.w.rec.ID, digest)
	if err != nil {
		return false, err
	}
	_, err = b.w.p.Work.Stat(ctx, name)
	if errors.Is(err, bucket.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for part %d: %w", b.index, err)
	}
	b.found = true
	b.w.log.InfoContext(ctx, "skipped: the part is there")
	return true, nil
}

// Put implements [merge.Parts]: it stores the media first, then the object that names them. A kill leaves
// media that no object names.
func (b *bucketParts) Put(ctx context.Context, digest string, render merge.RenderFunc) error {
	name, err := bucket.PartName(b.w.rec.ID, digest)
	if err != nil {
		return err
	}
	began := b.w.p.Now()
	before, _ := b.w.p.Tools.Usage()
	read := b.engine.Rendering.Bytes()
	media, err := bucket.MediaName(b.w.rec.ID, rand.Text())
	if err != nil {
		return err
	}
	file := partFile{Media: media}
	object, err := b.w.p.Work.Create(ctx, media, "application/octet-stream", nil, func(to io.Writer) error {
		var err error
		file.Part, err = render(to)
		return err
	})
	var damaged *merge.DamagedError
	if errors.As(err, &damaged) {
		b.w.log.WarnContext(ctx, "footage cannot be decoded", "err", err)
	}
	if err != nil {
		return err
	}
	file.Generation = object.Generation
	after, peak := b.w.p.Tools.Usage()
	file.Cost = report.Cost{
		CPU:     report.Number((after - before).Seconds()),
		Wall:    report.Number(b.w.p.Now().Sub(began).Seconds()),
		PeakRSS: peak,
		Read:    b.engine.Rendering.Bytes() - read,
	}
	if object.Size != file.Part.Bytes || object.CRC32C != file.Part.CRC32C {
		return fmt.Errorf("store part %d: the bucket holds %d bytes (crc32c %08x), rendered were %d (%08x)",
			b.index, object.Size, object.CRC32C, file.Part.Bytes, file.Part.CRC32C)
	}
	won, err := b.w.commit(ctx, name, file)
	if won {
		b.w.noteProgress(ctx)
	}
	if err != nil || !won {
		return errors.Join(err, b.w.p.Work.Delete(ctx, file.Media, file.Generation))
	}
	b.w.log.InfoContext(ctx, "part rendered", "frames", len(file.Part.Video.Sizes),
		"bytes", object.Size, "wall_s", float64(file.Cost.Wall), "cpu_s", float64(file.Cost.CPU))
	return nil
}

// commit creates the object that makes a part count. It returns false if another task created it first.
func (w *worker) commit(ctx context.Context, name string, file partFile) (bool, error) {
	err := w.p.createJSON(ctx, name, file)
	if errors.Is(err, bucket.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// progressEvery is the least time between two progress updates of a task.
const progressEvery = 5 * time.Second

// progressWriter returns a function that writes how many frames of slice i are rendered to the record's row.
func (w *worker) progressWriter(ctx context.Context, plan *merge.Plan, i int) func(frames int64) {
	last := w.p.Now()
	length := plan.Slices[i].End - plan.Slices[i].First
	return func(frames int64) {
		now := w.p.Now()
		if frames < length && now.Sub(last) < progressEvery {
			return
		}
		if err := w.p.Store.Leases.AddSlice(ctx, w.hold, i, frames, plan.Frames); err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "the progress could not be written", "err", err)
			return
		}
		w.log.InfoContext(ctx, "rendering", "frames", frames, "of", length)
		last = now
	}
}

// parts returns the record's parts in the order of the slices. It returns nil if the set is not complete yet.
func (w *worker) parts(ctx context.Context, plan *merge.Plan) ([]partFile, error) {
	there := map[string]bucket.Object{}
	for object, err := range w.p.Work.List(ctx, bucket.PartsPrefix(w.rec.ID)) {
		if err != nil {
			return nil, fmt.Errorf("list the parts: %w", err)
		}
		there[object.Name] = object
	}
	names := make([]string, len(plan.Slices))
	for i := range names {
		var err error
		if names[i], err = bucket.PartName(w.rec.ID, plan.SliceDigest(i)); err != nil {
			return nil, err
		}
		if _, ok := there[names[i]]; !ok {
			return nil, nil // another task completes the set
		}
	}
	files := make([]partFile, len(names))
	for i, name := range names {
		if err := w.p.readJSON(ctx, name, &files[i]); err != nil {
			return nil, err
		}
		files[i].commit = there[name]
	}
	return files, nil
}
