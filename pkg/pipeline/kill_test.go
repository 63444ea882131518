package pipeline_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// trace is a record on its way, photographed before each act of a quiet run.
type trace struct {
	event, course string
	md5           string
	scenes        map[string]snapshot
	order         []string
}

// tell walks a record from its row to its end with nothing going wrong.
func tell(t *testing.T) *trace {
	w := newEnv(t)
	s := &trace{
		scenes: map[string]snapshot{},
		course: w.course("ALG"),
		event:  w.event("поток: ALG"),
	}
	w.course("OTHER")
	w.insert(recordOf(s.event))
	s.walk(w)
	f := w.facts(s.event, s.course)
	if wrong := f.once(""); wrong != "" || f.pages != 0 {
		t.Fatal(wrong, f.pages)
	}
	s.md5 = f.md5
	w.frames(1500)
	return s
}

// walk takes a record from where it is to its end, and photographs each step.
func (s *trace) walk(w *env) {
	w.t.Helper()
	seen := map[string]int{}
	for w.row().Step.Working() {
		a := w.next()
		seen[a.name]++
		name := fmt.Sprint(a.name, seen[a.name])
		s.scenes[name], s.order = withAct(w.save(), w, a), append(s.order, name)
		w.must(w.live(&process{}, a.do))
		w.after(a)
	}
}

// frames counts the pictures of the one video on Drive.
func (w *env) frames(want int) {
	w.t.Helper()
	body := w.download(w.row().FileID)
	path := filepath.Join(w.t.TempDir(), "v.mp4")
	w.must(writeFile(path, body))
	out, err := exec.CommandContext(w.t.Context(), "ffprobe", "-v", "error", "-count_packets", "-select_streams", "v:0",
		"-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", path).Output()
	w.must(err)
	if got := strings.Trim(strings.TrimSpace(string(out)), ","); got != fmt.Sprint(want) {
		w.t.Errorf("the video has %s frames, want %d", got, want)
	}
}

var allKills = flag.Bool(
	"kills",
	false,
	"TestKills tries every point",
) //nolint:gochecknoglobals // flags of tests are

// TestKills kills the process before and after each outside call and each change of the row, in turn,
// and looks whether everything exists once in the end: at some points of each step, evenly spread, and
// with -kills at every point of the steps that render nothing.
//
// The first claim and stage are tried with parts of an earlier attempt in the bucket: only step merge
// renders here.
func TestKills(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.again(t)
	for _, name := range s.order {
		if testing.Short() && strings.HasPrefix(name, "merge") {
			continue
		}
		points := 12
		switch {
		case strings.HasPrefix(name, "merge"):
			points = 2 // what follows renders
		case *allKills:
			points = 1 << 20
		case testing.Short():
			points = 4
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			total := s.count(t, name)
			step := max(1, total/int64(points))
			for at := int64(1); at <= total; at += step {
				t.Run(fmt.Sprint(at), func(t *testing.T) {
					s.kill(t, name, at)
				}) // a test of its own: its world goes with it
			}
		})
	}
}

// again adds the scenes of a record whose parts are all there: a join, and a stage that plans it again.
// They render nothing, so that all their points can be tried.
func (s *trace) again(t *testing.T) {
	w := open(t, s.scenes["merge2"].copy(t))
	a := w.next()
	_ = w.live(
		&process{strike: func(r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/compose")
		}},
		a.do,
	)
	if rec := w.row(); rec.Step != nvr.StepMerge || rec.Tries != 0 || rec.Holder == "" {
		t.Fatalf("a killed process has written something: %+v", rec)
	}
	s.scenes["join"], s.order = withAct(w.save(), w, a), append(s.order, "join")
	w.after(step{name: "claim"})
	w.must(w.live(&process{}, w.next().do))
	if len(w.queue) == 0 {
		w.after(step{name: "claim"})
		w.must(w.live(&process{}, w.next().do))
	}
	s.scenes["restage"], s.order = w.save(), append(s.order, "restage")
	for _, name := range []string{"claim1", "stage1"} { // what was learned and rendered is there in these, too
		to := filepath.Join(s.scenes[name].dir, "storage")
		w.must(os.RemoveAll(to))
		w.must(os.CopyFS(to, os.DirFS(filepath.Join(s.scenes["join"].dir, "storage"))))
	}
}

func (s *trace) count(t *testing.T, name string) int64 {
	w := open(t, s.scenes[name].copy(t))
	l := &process{}
	w.must(w.live(l, w.next().do))
	return l.passed.Load()
}

// killAt kills a step of the trace at some of its points, with -short at three. It passes each world, after it has
// run to its end, to check.
func (s *trace) killAt(t *testing.T, name string, check func(w *env, at int64)) {
	t.Helper()
	total := s.count(t, name)
	step := int64(1)
	if testing.Short() {
		step = max(1, total/3)
	}
	for at := step; at <= total; at += step {
		w := open(t, s.scenes[name].copy(t))
		w.posts["record-1-done"] = 1
		_ = w.live(&process{at: at}, w.next().do)
		w.recover()
		check(w, at)
	}
}

func (s *trace) kill(t *testing.T, name string, at int64) {
	w := open(t, s.scenes[name].copy(t))
	a := w.next()
	_ = w.live(&process{at: at}, a.do)
	if at%2 == 0 && a.claim.Record != 0 && a.name != "merge" {
		w.queue = append(w.queue, a.claim) // Pub/Sub brings it again, sooner or later
	}
	w.recover()
	if wrong := w.facts(s.event, s.course).once(s.md5); wrong != "" {
		t.Errorf("%s killed at point %d:\n%s", name, at, wrong)
	}
}

// recover lets the world run to its end, messages that are refused for a while included.
func (w *env) recover() {
	w.t.Helper()
	for range 60 {
		if !w.row().Step.Working() && len(w.queue) == 0 {
			return
		}
		a := w.next()
		_ = w.live(&process{}, a.do) // held: the lease decides
		w.after(a)
	}
}

// TestDoubled delivers every message twice, runs every task twice, and in the end brings all messages again.
func TestDoubled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("renders")
	}
	w := newEnv(t)
	course, event := w.course("ALG"), w.event("поток: ALG")
	w.insert(recordOf(event))
	for w.row().Step.Working() {
		a := w.next()
		w.must(w.live(&process{}, a.do))
		w.must(w.live(&process{}, a.do))
		w.after(a)
	}
	for range 2 {
		for _, claim := range w.old {
			w.must(w.live(&process{}, deliver(claim).do))
		}
		w.queue = nil
	}
	if wrong := w.facts(event, course).once(""); wrong != "" {
		t.Error(wrong)
	}
}
