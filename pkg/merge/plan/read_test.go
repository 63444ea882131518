package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/merge/plan"
)

func planText(t testing.TB, p *plan.Plan) []byte {
	t.Helper()
	text, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestReadPlanRefuses(t *testing.T) {
	t.Parallel()
	good := string(planText(t, samplePlan()))
	if _, err := plan.ReadPlan([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"no JSON":            {`{`, `[`},
		"more behind it":     {"\n}\n", "\n}\n{}"},
		"an unknown field":   {`"room"`, `"rooms"`},
		"another renderer":   {`"renderer": "` + plan.Renderer, `"renderer": "0`},
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
		if _, err := plan.ReadPlan([]byte(text)); !errors.Is(err, plan.ErrNotPlan) {
			t.Errorf("%s: %v, want ErrNotPlan", name, err)
		}
	}
}

// FuzzReadPlan wants every plan that is accepted to be one that can be written, named and reported.
func FuzzReadPlan(f *testing.F) {
	f.Add(planText(f, samplePlan()))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := plan.ReadPlan(text)
		if err != nil {
			return
		}
		again, err := plan.ReadPlan(planText(t, p))
		if err != nil || again.Digest() != p.Digest() {
			t.Fatalf("read back it is another one: %v", err)
		}
		for i := range p.Slices {
			if p.SliceDigest(i) != again.SliceDigest(i) {
				t.Fatalf("slice %d has another digest", i)
			}
		}
		p.Report()
		p.Meta()
	})
}
