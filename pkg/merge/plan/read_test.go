package plan_test

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/plan"
	"github.com/nvr-miem/merger/pkg/nvr"
)

func planText(t testing.TB, p *plan.Plan) []byte {
	t.Helper()
	text, err := p.JSON(i18n.Default())
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
		"no such layout":     {`"policy": ""`, `"policy": "", "layout": "wide"`},
		"a third beside two": {`"layout": "lecturer"`, `"layout": "lecturer", "other": "board"`},
		"an odd stage":       {`"policy": ""`, `"policy": "", "layout": "stage"`},
		"a torn pane":        {`"first": 800`, `"first": 801`},
		"a lowering leveler": {`"gain_db": 0`, `"leveler": [{"sample": 0, "gain_db": -1}], "gain_db": 0`},
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
		p.Report(i18n.Default())
		p.Meta(i18n.Default())
	})
}

// formerDigest is the name under which the former version (bbf7ec3) stored its plan.
const formerDigest = "776d9e27f02b017faaf36df4f10fc97c6df80143d0465de3b87478d01df62f70"

// formerParts are the names under which the former version stored that plan's parts.
func formerParts() []string {
	return []string{
		"db56e1d9bc5e684b6b1b2e458ac89643950aed0aae0e4321e4612518fe7af5f7",
		"8d1f9dee051829dbded69f832e0c1666ead19410f2b3dfb826a4708358e8b68a",
		"89d705952d49361969196db629c444628fdbba8ab2435e50c3464748b0148125",
		"a908f622e9792ee70c07f3ff4f5eb3b5e9319bdb907d480cdfa1a7c87f7d2b6d",
	}
}

// TestFormerPlanKeepsItsName reads a plan that the former version wrote: its causes are words without codes.
// Its digest and those of its slices stay, so that its parts are found again.
func TestFormerPlanKeepsItsName(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/former_plan.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.ReadPlan(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Digest(); got != formerDigest {
		t.Errorf("digest %s, want %s", got, formerDigest)
	}
	for i, want := range formerParts() {
		if got := p.SliceDigest(i); got != want {
			t.Errorf("slice %d has the digest %s, want %s", i, got, want)
		}
	}
	if cmp.Or(p.Layout, nvr.LayoutSide) != nvr.LayoutSide {
		t.Errorf("layout %q, want side", p.Layout)
	}
	if again := planText(t, p); !bytes.Equal(again, text) {
		t.Error("written again, the plan is another text")
	}
	r := p.Report(i18n.Default())
	if len(r.Gaps) == 0 || r.Gaps[0].Cause == "" || r.Gaps[0].Code != "" {
		t.Errorf("gaps %+v, want words without a code", r.Gaps)
	}
}

// TestPlanHasWordsAndCodes checks that a cause stands in plan.json as words, code and arguments.
func TestPlanHasWordsAndCodes(t *testing.T) {
	t.Parallel()
	p := samplePlan()
	p.Scenes[0].Reason = cause.Because(cause.SourceMissing("screen", cause.NoFile()))
	p.Segments[0].Faults = []cause.Cause{cause.OddLength(time.Second, time.Minute)}
	p.Segments[0].InnerCause = cause.NoPictureThere()
	text := string(planText(t, p))
	for _, want := range []string{
		`"reason": "screen missing (no file was recorded)"`, `"code": "because"`, `"it lasts 1 s instead of 60 s"`,
		`"code": "odd-length"`, `"inner_code": "no-picture-there"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("plan.json lacks %s", want)
		}
	}
	back, err := plan.ReadPlan([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := back.Scenes[0].Reason, p.Scenes[0].Reason; got != want {
		t.Errorf("reason %v, want %v", got, want)
	}
	if got, want := back.Digest(), p.Digest(); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}
