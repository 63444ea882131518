package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/report"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	if err := sample(t).Validate(); err != nil {
		t.Fatalf("the sample: %v", err)
	}
	later := func(at report.Time, by time.Duration) report.Time { return report.At(at.Add(by)) }
	for want, change := range map[string]func(*report.Report){
		"stretches[2]: starts at": func(r *report.Report) {
			r.Stretches[1].End = later(r.Stretches[1].End, time.Millisecond)
		},
		"stretches: end at": func(r *report.Report) {
			r.Stretches = r.Stretches[:5]
		},
		"stretches[0]: panes": func(r *report.Report) { r.Stretches[0].Left = "" },
		"stretches[0]: layout": func(r *report.Report) {
			r.Stretches[0].Layout = "both"
		},
		"stretches[0]: a third picture": func(r *report.Report) {
			r.Stretches[0].Other = board
		},
		"stretches[3]: no reason": func(r *report.Report) { r.Stretches[3].Reason = "" },
		"record: does not end": func(r *report.Report) {
			r.Record.End = r.Record.Start
		},
		"record: date":          func(r *report.Report) { r.Record.Date = "2026-11-21" },
		"record: 119998 frames": func(r *report.Report) { r.Record.Frames = 119998 },
		"output: 119999 frames": func(r *report.Report) { r.Output.Frames = 119999 },
		"output: lasts": func(r *report.Report) {
			r.Output.Duration = report.Unknown()
		},
		"output: sha256": func(r *report.Report) { r.Output.SHA256 = "" },
		"gaps[0]: outside": func(r *report.Report) {
			r.Gaps[0].Start = later(r.Record.Start, -time.Second)
		},
		"gaps: two of source 30": func(r *report.Report) {
			r.Gaps[1].End = later(r.Record.End, -time.Minute)
		},
		"gaps[0]: source":              func(r *report.Report) { r.Gaps[0].Source = "99" },
		"sources[0].spans[1]: missing": func(r *report.Report) { r.Gaps = r.Gaps[1:] },
		"sources[1].spans: end": func(r *report.Report) {
			r.Sources[1].Spans = r.Sources[1].Spans[:2]
		},
		"sources[2]: source 24 is there": func(r *report.Report) { r.Sources[2].Source = "24" },
		"sources[1].spans[0]: card": func(r *report.Report) {
			r.Sources[1].Spans[0].Cause = ""
		},
		"sound.stretches[1]: silence": func(r *report.Report) {
			r.Sound.Stretches[1].Role = lecturer
		},
		"sound.stretches[0]: source": func(r *report.Report) {
			r.Sound.Stretches[0].Source = "99"
		},
		"segments[1].faults: 2 in English": func(r *report.Report) {
			r.Segments[1].FaultsRu = []string{"дыра"}
		},
		"warnings[0]: code": func(r *report.Report) { r.Warnings[0].Code = "" },
		"cost: cpu_s": func(r *report.Report) {
			r.Cost.CPU = report.Unknown()
		},
		"digest: empty": func(r *report.Report) { r.Digest = "" },
	} {
		r := sample(t)
		change(r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, have %v", want, err)
		}
	}
}

func TestTimesAreOfTheRoom(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for want, at := range map[string]time.Time{
		`"2026-10-25T02:30:00.000+02:00"`: time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC).In(berlin),
		`"2026-10-25T02:30:00.000+01:00"`: time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC).In(berlin),
		`"2026-11-20T15:10:00.034+00:00"`: time.Date(2026, 11, 20, 15, 10, 0, 33_666_667, time.UTC),
		`"2026-11-21T00:00:00.000+00:00"`: time.Date(
			2026,
			11,
			20,
			23,
			59,
			59,
			999_900_000,
			time.UTC,
		),
	} {
		text, err := report.Time{Time: at}.MarshalJSON()
		if err != nil || string(text) != want {
			t.Errorf("%v: %s, %v; want %s", at, text, err, want)
		}
	}
	if _, err := (report.Time{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}).MarshalJSON(); err == nil {
		t.Error("a year of five digits: no error")
	}
}

func TestNumbersAreJSON(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]report.Number{
		"null":     report.Unknown(),
		"0":        -0.0000001,
		"-16":      -16,
		"29.97003": 29.97002997,
		"120":      120,
		"0.1":      0.1,
	} {
		if text, err := n.MarshalJSON(); err != nil || string(text) != want {
			t.Errorf("%v: %s, %v; want %s", float64(n), text, err, want)
		}
	}
}
