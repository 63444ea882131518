package report_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/nvr-miem/merger/pkg/report"
)

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiled, err := compiler.Compile("../../docs/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func written(t *testing.T, r *report.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tree(t *testing.T, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestReportsFollowTheSchema(t *testing.T) {
	t.Parallel()
	reports := map[string]func(*report.Report){
		"sample": func(*report.Report) {},
		"no lists": func(r *report.Report) {
			r.Gaps, r.Segments, r.Ignored, r.Sources, r.Warnings = nil, nil, nil, nil, nil
		},
		"silence": func(r *report.Report) {
			r.Sound.Measured.LUFS, r.Sound.Gain = report.Number(math.Inf(-1)), report.Unknown()
			r.Sound.Result, r.Sound.Target = nil, report.Unknown()
		},
		"a third picture": func(r *report.Report) { r.Stretches[1].Other = board },
		"a source that only gives sound": func(r *report.Report) {
			r.Sources[2].Role, r.Gaps[1].Role, r.Gaps[2].Role = "", "", ""
		},
	}
	compiled := schema(t)
	for name, change := range reports {
		r := sample(t)
		change(r)
		if err := compiled.Validate(tree(t, written(t, r))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaIsStrict changes one thing in a good report and expects the schema to refuse it.
func TestSchemaIsStrict(t *testing.T) {
	t.Parallel()
	compiled := schema(t)
	mutants := map[string]func(root map[string]any){
		"an unknown field":       func(m map[string]any) { m["extra"] = 1 },
		"an unknown inner field": func(m map[string]any) { at(m, "stretches", 0)["extra"] = 1 },
		"a time without offset": func(m map[string]any) {
			at(m, "record")["start"] = "2026-11-20T15:10:00.000"
		},
		"a time in seconds": func(m map[string]any) {
			at(m, "record")["start"] = "2026-11-20T15:10:00+03:00"
		},
		"a day that is not": func(m map[string]any) { at(m, "record")["date"] = "2026-02-30" },
		"an unknown layout": func(m map[string]any) {
			at(m, "stretches", 0)["layout"] = "board+lecturer"
		},
		"panes of another": func(m map[string]any) { at(m, "stretches", 0)["right"] = nil },
		"a third picture of the second": func(m map[string]any) {
			at(m, "stretches", 1)["other"] = "screen"
		},
		"an empty reason":     func(m map[string]any) { at(m, "stretches", 0)["reason"] = "" },
		"a list that is null": func(m map[string]any) { m["gaps"] = nil },
		"an unknown state": func(m map[string]any) {
			at(m, "sources", 0, "spans", 0)["state"] = "present"
		},
		"missing without cause": func(m map[string]any) {
			at(m, "sources", 0, "spans", 1)["cause"] = ""
		},
		"a short sha256": func(m map[string]any) { at(m, "output")["sha256"] = "0a1b" },
		"negative bytes": func(m map[string]any) {
			at(m, "cost")["read_bytes"] = json.Number("-1")
		},
		"frames in parts": func(m map[string]any) {
			at(m, "output")["frames"] = json.Number("1.5")
		},
		"a duration in words": func(m map[string]any) {
			at(m, "segments", 0)["duration_s"] = "1801.24"
		},
		"another policy": func(m map[string]any) { at(m, "record")["policy"] = "never" },
	}
	for _, field := range []string{"record", "output", "stretches", "gaps", "segments", "ignored", "sources", "sound", "cost", "warnings", "digest", "versions"} {
		mutants["without "+field] = func(m map[string]any) { delete(m, field) }
	}
	for name, mutate := range mutants {
		root, ok := tree(t, written(t, sample(t))).(map[string]any)
		if !ok {
			t.Fatal("a report is not an object")
		}
		mutate(root)
		if compiled.Validate(root) == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
}

// at walks into objects (string) and lists (int); it panics where there is nothing, which fails the test.
func at(value any, path ...any) map[string]any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			value = value.(map[string]any)[step]
		case int:
			value = value.([]any)[step]
		}
	}
	return value.(map[string]any)
}

func TestJSONGoesRound(t *testing.T) {
	t.Parallel()
	first := written(t, sample(t))
	back, err := report.Read(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if second := written(t, back); !bytes.Equal(first, second) {
		t.Errorf("written, read and written again:\n%s", second)
	}
	for _, want := range []string{`"start": "2026-11-20T15:10:00.000+03:00"`, `"right": null`, `"duration_s": null`, `"source": null`} {
		if !bytes.Contains(first, []byte(want)) {
			t.Errorf("the JSON does not have %s", want)
		}
	}
}

func TestReadIsStrict(t *testing.T) {
	t.Parallel()
	good := string(written(t, sample(t)))
	for name, text := range map[string]string{
		"nothing":          "",
		"something after":  good + "{}",
		"an unknown field": strings.Replace(good, `"digest"`, `"digests"`, 1),
		"a time in UTC": strings.Replace(
			good,
			"2026-11-20T15:10:00.000+03:00",
			"2026-11-20T12:10:00.000Z",
			1,
		),
		"a time in ns":     strings.Replace(good, "15:10:00.000+03:00", "15:10:00.000000+03:00", 1),
		"a broken promise": strings.Replace(good, `"frames": 120000`, `"frames": 119999`, 1),
	} {
		if _, err := report.Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
