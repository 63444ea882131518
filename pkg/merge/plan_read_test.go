package merge_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

func planText(t testing.TB, plan *merge.Plan) []byte {
	t.Helper()
	text, err := plan.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestPlanReadBackRendersTheSame renders a slice of a plan, and of what another process would read of
// it: the parts are the same to the byte.
func TestPlanReadBackRendersTheSame(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	s := session(three(), three().Add(2*slot))
	s.Sources[0].Segments = s.Sources[0].Segments[:1] // the second slice has a slate
	dir, engine := record(t, s), newEngine(t)
	req := request(three().Add(56*time.Second).In(zone), three().Add(64*time.Second).In(zone))
	req.Slice = 4 * time.Second
	plan, err := engine.Plan(t.Context(), req, clips(t, dir), nil)
	if err != nil {
		t.Fatal(err)
	}
	back, err := merge.ReadPlan(planText(t, plan))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(planText(t, plan), planText(t, back)) || plan.Digest() != back.Digest() || back.Start.Location().String() != "Europe/Moscow" {
		t.Errorf("a plan read back is another one: %s", planText(t, back))
	}
	if want, got := reported(t, plan), reported(t, back); want != got || !reflect.DeepEqual(plan.Meta(), back.Meta()) {
		t.Errorf("a plan read back reports otherwise: %s\nwant %s", got, want)
	}
	if _, err := engine.Render(t.Context(), back, 1, &bytes.Buffer{}, nil); err == nil {
		t.Error("a plan was rendered whose segments nobody can open")
	}
	generations := map[string]string{}
	for _, clip := range clips(t, dir) {
		generations[clip.Path] = clip.Generation
	}
	back.Bind(func(_ context.Context, path, generation string) (merge.Bytes, error) {
		if generations[path] != generation {
			return nil, fmt.Errorf("generation %q of %q is not there", generation, path)
		}
		return rangeproxy.OpenFile(filepath.Join(dir, path))
	})
	for i := range plan.Slices {
		want, got := rendered(t, engine, plan, i), rendered(t, engine, back, i)
		if want != got || plan.SliceDigest(i) != back.SliceDigest(i) {
			t.Errorf("slice %d of the plan read back is %s, want %s", i, got, want)
		}
	}
	plan.FFmpeg = "4.4"
	if _, err := engine.Render(t.Context(), plan, 0, &bytes.Buffer{}, nil); err == nil || !strings.Contains(err.Error(), "4.4") {
		t.Errorf("a plan for another FFmpeg was rendered: %v", err)
	}
}

func reported(t *testing.T, plan *merge.Plan) string {
	t.Helper()
	var text strings.Builder
	if err := plan.Report().Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// rendered names a part: its media, and its tables.
func rendered(t *testing.T, engine *merge.Engine, plan *merge.Plan, i int) string {
	t.Helper()
	var payload bytes.Buffer
	part, err := engine.Render(t.Context(), plan, i, &payload, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x of %d pictures and %d packets, %s", sha256.Sum256(payload.Bytes()), len(part.Video.Sizes), len(part.Audio.Sizes), part.SHA256)
}

func TestReadPlanRefuses(t *testing.T) {
	t.Parallel()
	good := string(planText(t, samplePlan()))
	if _, err := merge.ReadPlan([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"no JSON":            {`{`, `[`},
		"more behind it":     {"\n}\n", "\n}\n{}"},
		"an unknown field":   {`"room"`, `"rooms"`},
		"another renderer":   {`"renderer": "` + merge.Renderer, `"renderer": "0`},
		"a frame too many":   {`"frames": 1500`, `"frames": 1501`},
		"no such rate":       {`"rate": 25`, `"rate": 24`},
		"an odd picture":     {`"width": 640`, `"width": 639`},
		"no such segment":    {`"file": 1`, `"file": 2`},
		"a torn pane":        {`"first": 800`, `"first": 801`},
		"a slice in between": {`"first": 400`, `"first": 401`},
		"no zone, two times": {`"end": "2026-11-20T15:11:00+03:00"`, `"end": "2026-11-20T14:11:00+02:00"`},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, err := merge.ReadPlan([]byte(text)); !errors.Is(err, merge.ErrNotPlan) {
			t.Errorf("%s: %v, want ErrNotPlan", name, err)
		}
	}
}

// FuzzReadPlan wants every plan that is accepted to be one that can be written, named and reported.
func FuzzReadPlan(f *testing.F) {
	f.Add(planText(f, samplePlan()))
	f.Fuzz(func(t *testing.T, text []byte) {
		plan, err := merge.ReadPlan(text)
		if err != nil {
			return
		}
		again, err := merge.ReadPlan(planText(t, plan))
		if err != nil || again.Digest() != plan.Digest() {
			t.Fatalf("read back it is another one: %v", err)
		}
		for i := range plan.Slices {
			if plan.SliceDigest(i) != again.SliceDigest(i) {
				t.Fatalf("slice %d has another digest", i)
			}
		}
		plan.Report()
		plan.Meta()
	})
}
