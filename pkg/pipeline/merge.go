package pipeline

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/report"
	"github.com/nvr-miem/merger/pkg/store"
)

// Task is one task of an execution of the job merge.
type Task struct {
	Claim  nvr.Claim // step merge
	Key    string    // of the launch: all tasks of the execution hold the record under it
	Digest string    // of the plan
	Index  int
	Count  int
}

// partFile commits a part: whoever creates it has made the part. The media lie in an object of their
// own, of a random name.
type partFile struct {
	Media      string      `json:"media"`
	Generation int64       `json:"generation"`
	Part       *mp4.Part   `json:"part"`
	Cost       report.Cost `json:"cost"`
}

// Merge renders one slice; whoever completes the set joins the parts. Before: step merge, the plan in
// the work bucket. After: the slice's part is there; after the last one: step upload, the merge in
// the work bucket. A kill leaves media that nothing names, or a finished part, which the next try
// finds.
func (p *Pipeline) Merge(ctx context.Context, t Task) error {
	return p.runAs(ctx, t.Claim, t.Key, func(ctx context.Context, w *worker) error {
		ctx = observe.WithSlice(ctx, t.Index)
		plan, err := w.readPlan(ctx, t)
		if err != nil {
			return err
		}
		err = w.part(ctx, plan, t.Index)
		var damaged *merge.DamagedError
		switch {
		case errors.As(err, &damaged):
			return w.replan(ctx, damaged)
		case errors.Is(err, rangeproxy.ErrChanged), errors.Is(err, bucket.ErrNotFound):
			p.Log.WarnContext(ctx, "a segment is no longer what the plan saw: making a new plan", "err", err)
			return w.backToStage(ctx)
		case err != nil:
			return err
		}
		parts, err := w.parts(ctx, plan)
		if err != nil || parts == nil {
			return err
		}
		return w.joinParts(ctx, plan, parts)
	})
}

// readPlan reads the plan that this execution was started for.
func (w *worker) readPlan(ctx context.Context, t Task) (*merge.Plan, error) {
	if w.rec.Digest != t.Digest {
		return nil, fmt.Errorf("the record has another plan (%s) than this task (%s): %w", w.rec.Digest, t.Digest, fault.ErrStale)
	}
	name, err := bucket.PlanName(w.rec.ID, t.Digest)
	if err != nil {
		return nil, err
	}
	text, _, err := w.Work.ReadAll(ctx, name, maxLearned)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	plan, err := merge.ReadPlan(text)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	if plan.Digest() != t.Digest || len(plan.Slices) != t.Count {
		return nil, fmt.Errorf("the plan is not the one this execution was started for (%d slices, %d tasks)", len(plan.Slices), t.Count)
	}
	plan.Bind(w.openGeneration)
	return plan, nil
}

// openGeneration opens a segment as the plan saw it.
func (w *worker) openGeneration(ctx context.Context, path, generation string) (merge.Bytes, error) {
	var number int64
	if _, err := fmt.Sscan(generation, &number); err != nil {
		return nil, fmt.Errorf("read the generation of %s: %w", path, err)
	}
	return w.Segments.Open(ctx, path, number)
}

// damageTries is how often damage must be seen before it is believed.
const damageTries = 2

// part makes part i unless it is there.
func (w *worker) part(ctx context.Context, plan *merge.Plan, i int) error {
	name, err := bucket.PartName(w.rec.ID, plan.SliceDigest(i))
	if err != nil {
		return err
	}
	switch _, err := w.Work.Stat(ctx, name); {
	case err == nil:
		w.Log.InfoContext(ctx, "skipped: the part is there")
		return nil
	case !errors.Is(err, bucket.ErrNotFound):
		return fmt.Errorf("look for part %d: %w", i, err)
	}
	for range damageTries {
		var damaged *merge.DamagedError
		if err = w.render(ctx, plan, i, name); !errors.As(err, &damaged) {
			return err
		}
		w.Log.WarnContext(ctx, "footage cannot be decoded", "err", err)
	}
	return err
}

// render makes a part: the media first, then the object that names them.
func (w *worker) render(ctx context.Context, plan *merge.Plan, i int, name string) error {
	began := w.Now()
	before, _ := w.Tools.Usage()
	engine := w.engine(ctx, func() {})
	media, err := bucket.MediaName(w.rec.ID, rand.Text())
	if err != nil {
		return err
	}
	file := partFile{Media: media}
	object, err := w.Work.Create(ctx, file.Media, "application/octet-stream", nil, func(to io.Writer) error {
		var err error
		file.Part, err = engine.Render(ctx, plan, i, to, w.progress(ctx, plan, i))
		return err
	})
	if err != nil {
		return err
	}
	file.Generation = object.Generation
	after, peak := w.Tools.Usage()
	file.Cost = report.Cost{
		CPU: report.Number((after - before).Seconds()), Wall: report.Number(w.Now().Sub(began).Seconds()),
		PeakRSS: peak, Read: engine.Rendering.Bytes(),
	}
	if object.Size != file.Part.Bytes || object.CRC32C != file.Part.CRC32C {
		return fmt.Errorf("part %d: the bucket holds %d bytes (crc32c %08x), rendered were %d (%08x)", i, object.Size, object.CRC32C, file.Part.Bytes, file.Part.CRC32C)
	}
	if won, err := w.commit(ctx, name, file); err != nil || !won {
		return errors.Join(err, w.Work.Delete(ctx, file.Media, file.Generation))
	}
	w.Log.InfoContext(ctx, "part rendered", "frames", plan.Slices[i].End-plan.Slices[i].First,
		"bytes", object.Size, "wall_s", float64(file.Cost.Wall), "cpu_s", float64(file.Cost.CPU))
	return nil
}

// commit creates the object that makes a part count; false if another was quicker.
func (w *worker) commit(ctx context.Context, name string, file partFile) (bool, error) {
	err := w.createJSON(ctx, name, file)
	if errors.Is(err, bucket.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// progressEvery is how often a task tells how far it is, at most.
const progressEvery = 5 * time.Second

// progress tells the record's row how many frames were rendered since the last time.
func (w *worker) progress(ctx context.Context, plan *merge.Plan, i int) func(frames int64) {
	last := w.Now()
	length := plan.Slices[i].End - plan.Slices[i].First
	return func(frames int64) {
		now := w.Now()
		if frames < length && now.Sub(last) < progressEvery {
			return
		}
		if err := w.Store.Leases.AddSlice(ctx, w.hold, i, frames, plan.Frames); err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "the progress could not be written", "err", err)
			return
		}
		w.Log.InfoContext(ctx, "rendering", "frames", frames, "of", length)
		last = now
	}
}

// replan stores the damage that was found and has the record planned anew around it.
func (w *worker) replan(ctx context.Context, damaged *merge.DamagedError) error {
	w.Log.WarnContext(ctx, "making a new plan around damaged footage", "err", damaged)
	name, err := bucket.DamageName(w.rec.ID, rand.Text())
	if err == nil {
		err = w.writeJSON(ctx, name, damaged.Damages)
	}
	if err != nil {
		return err
	}
	return w.backToStage(ctx)
}

func (w *worker) backToStage(ctx context.Context) error {
	next, err := w.Store.Leases.Advance(ctx, w.hold, nvr.StepStage, store.Change{}, w.lease(w.rec.Attempt))
	if err != nil {
		return err
	}
	return w.sendOn(ctx, next)
}

// parts lists the record's parts; nil if the set is not complete yet.
func (w *worker) parts(ctx context.Context, plan *merge.Plan) ([]partFile, error) {
	there := map[string]bool{}
	for object, err := range w.Work.List(ctx, bucket.PartsPrefix(w.rec.ID)) {
		if err != nil {
			return nil, fmt.Errorf("list the parts: %w", err)
		}
		there[object.Name] = true
	}
	names := make([]string, len(plan.Slices))
	for i := range names {
		var err error
		if names[i], err = bucket.PartName(w.rec.ID, plan.SliceDigest(i)); err != nil {
			return nil, err
		}
		if !there[names[i]] {
			return nil, nil // another task completes the set
		}
	}
	files := make([]partFile, len(names))
	for i, name := range names {
		if err := w.readJSON(ctx, name, &files[i]); err != nil {
			return nil, err
		}
	}
	return files, nil
}
