package pipeline_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/report"
)

// lecturerFile is the segment of the lecturer in the segments bucket.
const lecturerFile = "504/2026-11-20/2026-11-20_15:00_504_24.mp4"

// replaceLecturer puts another file in the place of the lecturer's: what spoil makes of it.
func (w *env) replaceLecturer(spoil recorder.Damage) {
	w.t.Helper()
	s, err := sharedOnce()
	w.must(err)
	path := filepath.Join(w.t.TempDir(), "24.mp4")
	w.must(os.WriteFile(path, w.read(s.files[lecturerFile]), 0o600))
	w.must(spoil(w.t.Context(), w.tools.FFmpeg, path))
	w.put("segments", lecturerFile, path)
}

// step does what comes next and returns it.
func (w *env) step() step {
	w.t.Helper()
	a := w.next()
	w.must(w.live(&process{}, a.do))
	w.after(a)
	return a
}

// generations are the objects under a prefix and which of their name they are.
func (w *env) generations(of, prefix string) map[string]int64 {
	w.t.Helper()
	all := map[string]int64{}
	w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
		from := map[string]*bucket.Bucket{"segments": p.Segments, "work": p.Work}[of]
		for object, err := range from.List(ctx, prefix) {
			if err != nil {
				return err
			}
			all[object.Name] = object.Generation
		}
		return nil
	}))
	return all
}

// plan reads the plan of the record's row.
func (w *env) plan() *merge.Plan {
	w.t.Helper()
	plan, err := merge.ReadPlan(w.work("1/plans/" + w.row().Digest + ".json"))
	w.must(err)
	return plan
}

// run reads an object of the work bucket.
func (w *env) work(name string) (text []byte) {
	w.t.Helper()
	w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) (err error) {
		text, _, err = p.Work.ReadAll(ctx, name, 1<<24)
		return err
	}))
	return text
}

// TestDamage: a task that meets footage which cannot be decoded has the record planned again around it.
// The part that does not show it stays as it is, and the report of the one video says what is missing.
func TestDamage(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.replaceLecturer(recorder.GarbagePictures(1010, 1015, 1)) // 40.4 s into the minute; the next key frame is at 42 s
	w.insert(nil)
	w.until(nvr.StepMerge)
	first := w.plan()

	w.step() // task 0: its half is whole
	done := w.generations("work", "1/parts/")
	w.step() // task 1 meets the damage
	if rec := w.row(); rec.Step != nvr.StepStage || rec.Tries != 0 || !rec.Processing || !rec.Reason.IsZero() {
		t.Fatalf("after the damage was met: %+v", rec)
	}
	if parts, found := w.generations("work", "1/parts/"), w.objects("work", "1/damage/"); len(parts) != 1 || len(found) != 1 {
		t.Fatalf("parts %v, damage %v", parts, found)
	}

	w.until(nvr.StepMerge)
	second := w.plan()
	if second.Digest() == first.Digest() || second.SliceDigest(0) != first.SliceDigest(0) || second.SliceDigest(1) == first.SliceDigest(1) {
		t.Error("the new plan must differ in the damaged slice, and only there")
	}
	w.until(nvr.StepUpload)
	for name, generation := range done {
		if now := w.generations("work", name); now[name] != generation {
			t.Errorf("%s was of generation %d: %v", name, generation, now)
		}
	}
	if media := w.objects("work", "1/media/"); len(media) != 2 { // of two parts
		t.Errorf("left behind: %v", media)
	}

	rec := w.until()
	if f := w.facts("", ""); rec.Step != nvr.StepDone || rec.Tries != 0 || f.videos != 1 || f.notices != 1 || len(f.left) != 0 {
		t.Errorf("in the end: %+v", f)
	}
	w.frames(1500)
	var r report.Report
	w.must(json.Unmarshal(w.work("1/reports/"+rec.Digest+".json"), &r))
	if len(r.Gaps) != 1 {
		t.Fatalf("gaps %+v", r.Gaps)
	}
	gap := r.Gaps[0]
	from := time.Date(2026, 11, 20, 15, 0, 40, 400e6, gap.Start.Location())
	if gap.Source != "24" || !gap.Start.Equal(from) || gap.End.Sub(from) != 1600*time.Millisecond || !strings.Contains(gap.Cause, "damaged") || gap.CauseRu == "" {
		t.Errorf("the report says %+v", gap)
	}
}
