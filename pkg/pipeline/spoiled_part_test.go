package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
)

// commitOf reads what commits the part of a slice.
func (w *env) commitOf(i int) committed {
	w.t.Helper()
	var part committed
	w.must(json.Unmarshal(w.work("1/parts/"+w.plan().SliceDigest(i)+".json"), &part))
	return part
}

// runTask renders the next slice as a task of the job; it reports whether the task was killed.
func (w *env) runTask(l *process) (killed bool) {
	w.t.Helper()
	w.launched()
	task := w.tasks[0]
	err := w.live(l, func(ctx context.Context, p *pipeline.Pipeline) error { return p.Merge(ctx, task) })
	if errors.Is(err, errDied) {
		return true
	}
	w.must(err)
	w.tasks = w.tasks[1:]
	return false
}

// corruptMedia lets the storage change a byte of the media of each part that a process stores.
func (w *env) corruptMedia() *process {
	return &process{strike: func(r *http.Request) bool {
		w.faults.Clear()
		if strings.HasPrefix(creates(r), bucket.MediaPrefix(1)) {
			w.must(w.faults.Add(faults.Rule{
				API: "storage", Method: "objects.insert", Nth: 1, Kind: faults.Corrupt,
			}))
		}
		return false
	}}
}

// TestSpoiledParts: a part whose bytes are not those that were rendered is never joined: it is rendered again, and
// the video on Drive is that of an unspoiled bucket.
func TestSpoiledParts(t *testing.T) {
	t.Parallel()
	whole := newEnv(t)
	whole.insert(nil)
	whole.until(nvr.StepLink)
	want := crc32.ChecksumIEEE(whole.download(whole.row().FileID))
	for name, spoil := range map[string]func(w *env){
		"a byte changes on the disk": func(w *env) { w.runTask(w.corruptMedia()) },
		"it is replaced": func(w *env) {
			w.runTask(&process{})
			w.putBytes("work", w.commitOf(0).Media, []byte("other bytes"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			w.insert(nil)
			w.until(nvr.StepMerge)
			spoil(w)
			spoiled := w.commitOf(0)
			w.runTask(&process{})
			if again := w.commitOf(0); again.Media == spoiled.Media {
				t.Errorf("the part is the spoiled one: %+v", again)
			}
			if rec := w.row(); rec.Step != nvr.StepUpload || rec.Tries != 0 {
				t.Fatalf("after the join: %+v", rec)
			}
			w.until(nvr.StepLink)
			if got := crc32.ChecksumIEEE(w.download(w.row().FileID)); got != want {
				t.Error("the video on Drive is another one than that of an unspoiled bucket")
			}
			if rec := w.until(); rec.Step != nvr.StepDone {
				t.Errorf("in the end: %+v", rec)
			}
		})
	}
}

// TestSpoiledAgain: a storage that spoils each part costs tries, and no video is made of it.
func TestSpoiledAgain(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.insert(nil)
	w.until(nvr.StepMerge)
	w.runTask(w.corruptMedia())
	w.runTask(w.corruptMedia())
	if rec := w.row(); rec.Step != nvr.StepMerge || rec.Tries != 1 || !strings.Contains(rec.Cause, "differ again") {
		t.Errorf("%+v", rec)
	}
	if made := w.objects("work", bucket.MergesPrefix(1)); len(made) != 0 {
		t.Errorf("merges of spoiled parts: %v", made)
	}
}

// TestSpoiledPartKills kills the task that finds a spoiled part at many of its points. The next one finishes.
func TestSpoiledPartKills(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("half a minute of rendering")
	}
	w := newEnv(t)
	w.insert(nil)
	w.until(nvr.StepMerge)
	w.runTask(w.corruptMedia())
	before := w.save()
	for at := int64(1); ; at += 17 {
		w := open(t, before.copy(t))
		if !w.runTask(&process{at: at}) {
			return
		}
		w.until(nvr.StepLink)
		w.frames(1500)
		if strays := w.strays(); len(strays) > 1 { // a kill may leave one part's media
			t.Errorf("killed at %d: %v is left behind", at, strays)
		}
	}
}
