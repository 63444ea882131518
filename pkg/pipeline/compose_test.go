package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
)

// committed is the object that commits a part.
type committed struct {
	Media      string    `json:"media"`
	Generation int64     `json:"generation"`
	Part       *mp4.Part `json:"part"`
}

// traffic is what one life asks of the work bucket.
type traffic struct {
	mu       sync.Mutex
	composes int
	read     []string     // objects of which bytes were read
	written  []string     // objects that were uploaded
	bytes    atomic.Int64 // that were sent
}

func (f *traffic) note(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Body != nil {
		r.Body = &counted{ReadCloser: r.Body, flow: f}
	}
	switch name := creates(r); {
	case strings.HasSuffix(r.URL.Path, "/compose"):
		f.composes++
	case name != "":
		f.written = append(f.written, name)
	case r.Method == http.MethodGet && r.URL.Query().Get("alt") == "media":
		f.read = append(f.read, strings.TrimPrefix(r.URL.Path, "/storage/v1/b/work/o/"))
	}
}

// counted is a body on its way to the stand-in.
type counted struct {
	io.ReadCloser
	flow *traffic
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.flow.bytes.Add(int64(n))
	return n, err
}

// TestManyParts: more parts than Cloud Storage composes at once are joined in a tree, and no byte of them
// passes through the task, also when it is killed on the way. What is on Drive in the end is the head and
// the parts, byte for byte.
func TestManyParts(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.settings.Slice = 1280 * time.Millisecond
	w.insert(nil)
	w.until(nvr.StepMerge)
	plan := w.plan()
	for _, i := range []int{0, 1, len(plan.Slices) - 1} {
		w.launched()
		w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
			return p.Merge(ctx, w.tasks[i])
		}))
	}
	payloads := w.fill(plan)
	w.tasks = w.tasks[1:2] // its part is there: it joins
	parts := w.generations("work", "1/media/")
	if len(parts) != len(plan.Slices) || len(parts) < 40 {
		t.Fatalf("%d payloads of %d parts", len(parts), len(plan.Slices))
	}

	task := w.tasks[0]
	join := func(ctx context.Context, p *pipeline.Pipeline) error { return p.Merge(ctx, task) }
	var killed, whole traffic
	if err := w.live(&process{strike: func(r *http.Request) bool {
		killed.note(r)
		return killed.composes == 2
	}}, join); !errors.Is(err, errDied) {
		t.Fatalf("it was to die between two composes: %v", err)
	}
	if made := w.objects("work", "1/merges/"); len(made) != 1 || !strings.Contains(made[0], ".tree/") {
		t.Errorf("left by the kill: %v", made)
	}
	w.must(w.live(
		&process{strike: func(r *http.Request) bool { whole.note(r); return false }},
		join,
	))
	w.tasks = nil

	name := "1/merges/" + plan.Digest() + ".mp4"
	if rec, made := w.row(), w.objects("work", "1/merges/"); rec.Step != nvr.StepUpload || rec.Tries != 0 || !slices.Equal(made, []string{name}) {
		t.Fatalf("joined: %+v, %v", rec, made)
	}
	head := w.work("1/heads/" + plan.Digest())
	want := slices.Concat(head, bytes.Join(payloads, nil))
	if got := w.work(name); !bytes.Equal(got, want) {
		t.Errorf(
			"the merge has %d bytes which are not the %d of the head and the parts",
			len(got), len(want),
		)
	}
	for _, f := range []*traffic{&killed, &whole} {
		media := func(name string) bool {
			return strings.HasPrefix(name, "1/media/")
		}
		if len(f.read) <= len(parts) || slices.ContainsFunc(f.read, media) { // the plan, and what commits each part
			t.Errorf("read were %v", f.read)
		}
		if len(f.written) == 0 || slices.ContainsFunc(f.written, media) {
			t.Errorf("written were %v", f.written)
		}
	}
	if sent := killed.bytes.Load(); sent < int64(len(head)) || sent > int64(len(head))+32<<10 || len(want) < 10*len(head) {
		t.Errorf("%d bytes sent for a head of %d and a merge of %d", sent, len(head), len(want))
	}
	if whole.composes != 3 { // 48 objects are 32 and 16, and then one
		t.Errorf("%d composes", whole.composes)
	}
	if strays := w.strays(); len(strays) != 0 {
		t.Errorf("left behind: %v", strays)
	}
	w.until(nvr.StepLink)
	if got := w.download(w.row().FileID); !bytes.Equal(got, want) {
		t.Errorf(
			"on Drive are %d bytes which are not the %d of the head and the parts",
			len(got), len(want),
		)
	}
	w.frames(1500)
	if rec := w.until(); rec.Step != nvr.StepDone || len(w.facts("", "").left) != 0 {
		t.Errorf("in the end: %+v", rec)
	}
}

// fill puts parts like the second one, of other bytes, in the place of those that were not rendered, and
// returns all payloads in order.
func (w *env) fill(plan *merge.Plan) [][]byte {
	w.t.Helper()
	payloads := make([][]byte, len(plan.Slices))
	w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
		var like []byte
		for i := range payloads {
			name := "1/parts/" + plan.SliceDigest(i) + ".json"
			text, _, err := p.Work.ReadAll(ctx, name, 1<<20)
			if err == nil {
				var part committed
				w.must(json.Unmarshal(text, &part))
				payloads[i], _, err = p.Work.ReadAll(ctx, part.Media, 1<<20)
				w.must(err)
				if i == 1 {
					like = text
				}
				continue
			}
			var part committed
			w.must(json.Unmarshal(like, &part))
			payloads[i] = bytes.Repeat([]byte{byte(i)}, int(part.Part.Bytes))
			media, err := p.Work.CreateBytes(
				ctx,
				fmt.Sprintf("1/media/%d", i),
				"application/octet-stream",
				nil,
				payloads[i],
			)
			w.must(err)
			part.Media, part.Generation, part.Part.CRC32C = media.Name, media.Generation, media.CRC32C
			text, err = json.Marshal(part)
			w.must(err)
			_, err = p.Work.CreateBytes(ctx, name, "application/json", nil, text)
			w.must(err)
		}
		return nil
	}))
	return payloads
}
