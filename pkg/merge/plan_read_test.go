package merge_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

func planText(t testing.TB, plan *merge.Plan) []byte {
	t.Helper()
	text, err := plan.JSON(i18n.Default())
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
	if want, got := reported(t, plan), reported(t, back); want != got || !reflect.DeepEqual(plan.Meta(engine.Texts), back.Meta(engine.Texts)) {
		t.Errorf("a plan read back reports otherwise: %s\nwant %s", got, want)
	}
	if _, err := render(t, engine, back, 1); err == nil {
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
	if _, err := render(t, engine, plan, 0); err == nil || !strings.Contains(err.Error(), "4.4") {
		t.Errorf("a plan for another FFmpeg was rendered: %v", err)
	}
}

func reported(t *testing.T, plan *merge.Plan) string {
	t.Helper()
	var text strings.Builder
	if err := plan.Report(i18n.Default()).Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// partKept is a [merge.Parts] that keeps the last part it was given.
type partKept struct {
	payload bytes.Buffer
	part    *mp4.Part
}

func (k *partKept) Has(context.Context, string, int64) (bool, error) { return false, nil }

func (k *partKept) Put(_ context.Context, _ string, render merge.RenderFunc) (err error) {
	k.payload.Reset()
	k.part, err = render(&k.payload)
	return err
}

// render renders one slice of a plan.
func render(t *testing.T, engine *merge.Engine, plan *merge.Plan, i int) (*partKept, error) {
	t.Helper()
	kept := &partKept{}
	return kept, engine.Render(t.Context(), plan, kept, []int{i}, 1)
}

// rendered names a part: its media, and its tables.
func rendered(t *testing.T, engine *merge.Engine, plan *merge.Plan, i int) string {
	t.Helper()
	kept, err := render(t, engine, plan, i)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(kept.payload.Bytes())
	return fmt.Sprintf("%x of %d pictures and %d packets, %s",
		sum, len(kept.part.Video.Sizes), len(kept.part.Audio.Sizes), kept.part.SHA256)
}
