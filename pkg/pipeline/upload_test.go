package pipeline_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
)

const (
	grain      = 256 << 10 // Drive keeps whole ones
	chunkSize  = 2 * grain
	videoBytes = 4*chunkSize + 1000
)

// video is what the job is taken to have made. It is noise: nothing may depend on what it holds.
func video() []byte {
	noise := make([]byte, videoBytes)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	return noise
}

func videoMD5() string {
	sum := md5.Sum(video())
	return hex.EncodeToString(sum[:])
}

// sending is a world whose record stands before the upload of a video of several chunks. Its board was
// not recorded, so that there is something to report.
type sending struct {
	snapshot
	event, course string
}

func newSending(t *testing.T) *sending {
	w := newEnv(t)
	db := w.database()
	_, err := db.Rooms.SaveSource(t.Context(), 1, nvr.Source{IP: "172.18.191.30", Merge: "right"})
	w.must(errors.Join(err, db.Close()))
	s := &sending{course: w.course("ALG"), event: w.event("поток: ALG")}
	w.insert(recordOf(s.event))
	w.merged(video())
	s.snapshot = w.save()
	return s
}

// merged lets a video be made, in place of the job, which does nothing.
func (w *env) merged(video []byte) {
	w.t.Helper()
	rec := w.until(nvr.StepMerge)
	w.ended()
	w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
		name, err := bucket.MergeName(rec.ID, rec.Digest)
		w.must(err)
		w.putBytes("work", name, video)
		_, hold, err := p.Store.Leases.Enter(ctx, rec.Claim(), "job", time.Minute)
		w.must(err)
		next, err := p.Store.Leases.Advance(ctx, hold, nvr.StepUpload, store.Change{}, time.Minute)
		w.queue = []nvr.Claim{next}
		return err
	}))
}

// begin is the world once more, at rest.
func (s *sending) begin(t *testing.T) *env {
	w := open(t, s.copy(t))
	w.settings.Chunk = chunkSize
	return w
}

// arrives lets the world run to its end, and wants one video, which Drive was never sent a byte of twice.
func (s *sending) arrives(t *testing.T, w *env) {
	t.Helper()
	w.recover()
	f := w.facts(s.event, s.course)
	if wrong := f.once(videoMD5()); wrong != "" || f.pages != 1 {
		t.Error(wrong, f.pages, "reports beside the video")
	}
	if wrong := w.begunAnew(); wrong != "" {
		t.Error(wrong)
	}
}

// atChunk does something as the nth request with bytes of the video is about to be sent.
func atChunk(n int, do func(*http.Request) (die bool)) func(*http.Request) bool {
	return func(r *http.Request) bool {
		if a, ok := upload(r); ok && a.what == "send" {
			if n--; n == 0 {
				return do(r)
			}
		}
		return false
	}
}

// strikes makes the next call of an upload fail.
func (w *env) strikes(kind faults.Kind) {
	w.must(w.faults.Add(faults.Rule{API: "drive", Method: "files.create", Nth: 1, Kind: kind}))
}

// sent wants the requests of the upload so far to be these, counted in grains.
func (w *env) sent(lines ...string) {
	w.t.Helper()
	grains := func(n int64) int64 {
		if n == unheard {
			return n
		}
		return (n + grain - 1) / grain
	}
	var got []string
	for _, a := range w.uploads() {
		got = append(
			got,
			asked{
				what: a.what,
				from: grains(a.from),
				to:   grains(a.to),
				kept: grains(a.kept),
			}.String(),
		)
	}
	if !slices.Equal(got, lines) {
		w.t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(lines, ", "))
	}
}

// TestUpload begins each of its tests where a record stands before its upload.
func TestUpload(t *testing.T) {
	t.Parallel()
	s := newSending(t)
	t.Run("cut in the middle", s.cut)
	t.Run("killed", s.killed)
	t.Run("the share is refused", s.refused)
	t.Run("the share with the teacher is refused", s.unposted)
	t.Run("the share is put off", s.delayed)
	t.Run("there is something to report", s.reported)
}

// cut: an upload that was cut in the middle goes on from the byte that Drive has.
func (s *sending) cut(t *testing.T) {
	t.Run("nothing goes wrong", func(t *testing.T) {
		w := s.begin(t)
		s.arrives(t, w)
		w.sent(
			"open: 0",
			"ask: 0",
			"send 0..2: 2",
			"send 2..4: 4",
			"send 4..6: 6",
			"send 6..8: 8",
			"send 8..9: 9",
		)
	})
	t.Run("the process is killed", func(t *testing.T) {
		w := s.begin(t)
		_ = w.live(
			&process{strike: atChunk(3, func(*http.Request) bool { return true })},
			w.next().do,
		)
		s.arrives(t, w)
		w.sent(
			"open: 0",
			"ask: 0",
			"send 0..2: 2",
			"send 2..4: 4",
			"ask: 4",
			"send 4..6: 6",
			"send 6..8: 8",
			"send 8..9: 9",
		)
	})
	t.Run("the connection is cut inside a chunk, the process killed when it asks", func(t *testing.T) {
		w := s.begin(t)
		l := &process{}
		l.strike = atChunk(2, func(*http.Request) bool {
			w.strikes(faults.Cut)
			l.strike = func(*http.Request) bool { return true }
			return false
		})
		_ = w.live(l, w.next().do)
		s.arrives(t, w)
		w.sent(
			"open: 0",
			"ask: 0",
			"send 0..2: 2",
			"send 2..4: unheard",
			"ask: 3",
			"send 3..5: 5",
			"send 5..7: 7",
			"send 7..9: 9",
		)
	})
	t.Run("the answer to the last chunk is lost, the process killed when it asks", func(t *testing.T) {
		w := s.begin(t)
		l := &process{}
		l.strike = atChunk(5, func(*http.Request) bool {
			w.strikes(faults.Lost)
			l.strike = func(*http.Request) bool { return true }
			return false
		})
		_ = w.live(l, w.next().do)
		s.arrives(t, w) // the file is there: it is not even asked for
		w.sent(
			"open: 0",
			"ask: 0",
			"send 0..2: 2",
			"send 2..4: 4",
			"send 4..6: 6",
			"send 6..8: 8",
			"send 8..9: unheard",
			"ask: 9",
		)
	})
	for kind, then := range map[faults.Kind][]string{
		faults.Cut:  {"ask: 3", "send 3..4: 4"},
		faults.Lost: {"ask: 4"},
	} {
		t.Run("an answer fails: "+string(kind), func(t *testing.T) {
			w := s.begin(t)
			w.must(w.live(
				&process{strike: atChunk(2, func(*http.Request) bool {
					w.strikes(kind)
					return false
				})},
				w.next().do,
			))
			if rec := w.row(); rec.Step != nvr.StepLink || rec.Tries != 0 {
				t.Errorf("not in one delivery: %+v", rec)
			}
			s.arrives(t, w)
			w.sent(slices.Concat([]string{"open: 0", "ask: 0", "send 0..2: 2", "send 2..4: unheard"}, then,
				[]string{"send 4..6: 6", "send 6..8: 8", "send 8..9: 9"})...)
		})
	}
	t.Run("the time of each message is up after a chunk", func(t *testing.T) {
		w := s.begin(t)
		w.settings.PushBudget = time.Nanosecond
		before := w.row()
		w.must(w.live(&process{}, w.next().do))
		if rec := w.row(); rec.Step != nvr.StepUpload || rec.Continuation != before.Continuation+1 || rec.Attempt != before.Attempt || rec.Tries != 0 {
			t.Errorf("%+v", rec)
		}
		s.arrives(t, w)
		asks := 0
		for _, a := range w.uploads() {
			if a.what == "ask" {
				asks++
			}
		}
		if asks < 3 { // the clock of this may be a chunk late
			t.Errorf("%d deliveries: %v", asks, w.uploads())
		}
	})
	t.Run("the time of a message is up inside a chunk", func(t *testing.T) {
		w := s.begin(t)
		w.settings.PushTimeout = time.Second
		before := w.row()
		w.must(w.live(
			&process{strike: atChunk(3, func(r *http.Request) bool {
				<-r.Context().Done()
				return false
			})},
			w.next().do,
		))
		if rec := w.row(); rec.Step != nvr.StepUpload || rec.Continuation != before.Continuation+1 || rec.Attempt != before.Attempt || rec.Tries != 0 {
			t.Errorf("%+v", rec)
		}
		w.settings.PushTimeout = time.Minute
		s.arrives(t, w)
	})
	t.Run("Drive forgets the session", func(t *testing.T) {
		w := s.begin(t)
		before := w.row()
		w.door.answer = forgetful(3)
		w.must(w.live(&process{}, w.next().do))
		if rec := w.row(); rec.Step != nvr.StepLink || rec.Attempt != before.Attempt || rec.Tries != 0 {
			t.Errorf("%+v", rec)
		}
		w.recover()
		if wrong := w.facts(s.event, s.course).once(videoMD5()); wrong != "" {
			t.Error(wrong)
		}
		w.sent("open: 0", "ask: 0", "send 0..2: 2", "send 2..4: 4", "send 4..6: 0",
			"open: 0", "ask: 0", "send 0..2: 2", "send 2..4: 4", "send 4..6: 6", "send 6..8: 8", "send 8..9: 9")
	})
}

// killed kills the process at points of the upload, evenly spread, and with -kills at all.
func (s *sending) killed(t *testing.T) {
	l, w := &process{}, s.begin(t)
	w.must(w.live(l, w.next().do))
	points := int64(12)
	if testing.Short() {
		points = 4
	}
	step := max(1, l.passed.Load()/points)
	if *allKills {
		step = 1
	}
	for at := int64(1); at <= l.passed.Load(); at += step {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			w := s.begin(t)
			_ = w.live(&process{at: at}, w.next().do)
			s.arrives(t, w)
		})
	}
}
