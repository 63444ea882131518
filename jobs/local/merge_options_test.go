package main

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/nvr-miem/merger/pkg/merge"
)

// goodArgs is a command line that is right, with more options behind.
func goodArgs(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{
		"--segments",
		t.TempDir(),
		"--room",
		"504",
		"--date",
		"2026-11-20",
		"--start",
		"15:10",
		"--end",
		"16:30",
		"--lecturer",
		"24",
		"--screen",
		"21",
		"--board",
		"30",
		"--sound",
		"24",
		"--out",
		filepath.Join(t.TempDir(), "out.mp4"),
	}, more...)
}

func TestOptionsDefaults(t *testing.T) {
	t.Parallel()
	o, err := parseMerge(t, goodArgs(t)...)
	if err != nil {
		t.Fatal(err)
	}
	r := o.request
	if r.Width != 2560 || r.Height != 720 || r.Rate != 25 || r.Slice != 10*time.Minute || r.Segment != 30*time.Minute || r.Policy != merge.Auto ||
		r.Loudness != (merge.Loudness{TargetLUFS: -16}) || r.Start.Location().String() != "Europe/Moscow" || r.End.Sub(r.Start) != 80*time.Minute {
		t.Errorf("the defaults are %+v", r)
	}
	if o.workFolder() != o.out+".work" || len(o.reports) > 0 || o.plan {
		t.Errorf("the defaults are %+v", o)
	}
}

func TestOptionsInEveryForm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		ok   func(mergeOptions) bool
	}{
		{
			"loudness apart",
			[]string{"--loudness", "-16"},
			func(o mergeOptions) bool {
				return o.request.Loudness == merge.Loudness{TargetLUFS: -16}
			},
		},
		{
			"loudness joined",
			[]string{"--loudness=-23.5"},
			func(o mergeOptions) bool {
				return o.request.Loudness == merge.Loudness{TargetLUFS: -23.5}
			},
		},
		{
			"loudness off",
			[]string{"--loudness", "off"},
			func(o mergeOptions) bool { return o.request.Loudness.Off },
		},
		{
			"leveler off",
			[]string{"--leveler", "off"},
			func(o mergeOptions) bool {
				return o.request.Loudness == merge.Loudness{TargetLUFS: -16, LevelerOff: true}
			},
		},
		{
			"two reports",
			[]string{"--report", "a.json", "--report=b.html"},
			func(o mergeOptions) bool {
				return slices.Equal(o.reports, []string{"a.json", "b.html"})
			},
		},
		{
			"one dash",
			[]string{"-fps", "50"},
			func(o mergeOptions) bool { return o.request.Rate == 50 },
		},
		{
			"seconds",
			[]string{"--start", "15:10:07"},
			func(o mergeOptions) bool { return o.request.Start.Second() == 7 },
		},
		{
			"over midnight",
			[]string{"--start", "23:50", "--end", "00:10"},
			func(o mergeOptions) bool {
				return o.request.End.Sub(o.request.Start) == 20*time.Minute
			},
		},
		{
			"clock put back",
			[]string{"--time-zone", "Europe/Berlin", "--date", "2026-10-25", "--start", "01:30", "--end", "03:30"},
			func(o mergeOptions) bool { return o.request.End.Sub(o.request.Start) == 3*time.Hour },
		},
		{
			"whole address",
			[]string{"--lecturer", "172.18.191.25/0"},
			func(o mergeOptions) bool { return o.request.Sources["lecturer"] == "25" },
		},
		{
			"no screen",
			[]string{"--screen", ""},
			func(o mergeOptions) bool { return len(o.request.Sources) == 2 },
		},
		{
			"a title like an option",
			[]string{"--title", "-i"},
			func(o mergeOptions) bool { return o.request.Title == "-i" },
		},
		{
			"plan without out",
			[]string{"--out", "", "--plan"},
			func(o mergeOptions) bool { return o.plan },
		},
	} {
		o, err := parseMerge(t, goodArgs(t, tt.args...)...)
		if err != nil || !tt.ok(o) {
			t.Errorf("%s: %q gives %+v, %v", tt.name, tt.args, o, err)
		}
	}
}

func TestWrongUsageNamesTheOption(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--segments", ""}, "--segments"},
		{[]string{"--room", ""}, "--room"},
		{[]string{"--date", ""}, "--date"},
		{[]string{"--date", "20.11.2026"}, "--date"},
		{[]string{"--start", ""}, "--start"},
		{[]string{"--start", "25:00"}, "--start"},
		{[]string{"--end", ""}, "--end"},
		{[]string{"--end", "4pm"}, "--end"},
		{[]string{"--end", "15:10"}, "--start and --end"},
		{
			[]string{"--start", "02:30", "--date", "2026-03-29", "--time-zone", "Europe/Berlin"},
			"--start",
		},
		{[]string{"--lecturer", "x"}, "--lecturer"},
		{[]string{"--screen", "24"}, "--screen"},
		{[]string{"--board", "1000"}, "--board"},
		{[]string{"--sound", "left"}, "--sound"},
		{[]string{"--lecturer", "", "--screen", "", "--board", ""}, "--lecturer"},
		{[]string{"--out", ""}, "--out"},
		{[]string{"--out", folder}, "--out"},
		{[]string{"--out", filepath.Join(folder, "no", "x.mp4")}, "--out"},
		{[]string{"--out", filepath.Join(folder, "x.AVI")}, "name it .mp4"},
		{[]string{"--report", filepath.Join(folder, "no", "x.json")}, "--report"},
		{[]string{"--report", "x.txt"}, "-report"},
		{[]string{"--segment-length", "0"}, "--segment-length"},
		{[]string{"--segment-length", "long"}, "-segment-length"},
		{[]string{"--slice", "-1m"}, "--slice"},
		{[]string{"--policy", "maybe"}, "--policy"},
		{[]string{"--size", "2560"}, "--size"},
		{[]string{"--size", "2558x720"}, "--size"},
		{[]string{"--size", "99999x720"}, "--size"},
		{[]string{"--fps", "24"}, "--fps"},
		{[]string{"--fps", "many"}, "-fps"},
		{[]string{"--loudness", "loud"}, "--loudness"},
		{[]string{"--loudness", "NaN"}, "--loudness"},
		{[]string{"--loudness", "3"}, "--loudness"},
		{[]string{"--time-zone", "Mars/Olympus"}, "--time-zone"},
		{[]string{"--parallel", "0"}, "--parallel"},
		{[]string{"--bogus"}, "-bogus"},
		{[]string{"--title"}, "-title"},
		{[]string{"extra"}, "extra"},
	} {
		args := append([]string{"merge"}, goodArgs(t, tt.args...)...)
		stdout, stderr := runs(t, exitUsage, args...)
		if !strings.Contains(stderr, tt.want) || stdout != "" {
			t.Errorf("%q says %q, want it to name %s", tt.args, stderr, tt.want)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"merge", "--help"}, {"merge", "-h"}} {
		stdout, stderr := runs(t, exitDone, args...)
		for _, option := range []string{
			"segments", "room", "date", "start", "end", "lecturer", "screen", "board", "sound", "out", "segment-length", "slice", "policy", "size",
			"fps", "loudness", "cards", "time-zone", "title", "parallel", "work", "report", "plan",
		} {
			if !strings.Contains(stdout, "-"+option) {
				t.Errorf("%q does not name --%s", args, option)
			}
		}
		if stderr != "" {
			t.Errorf("%q says %q on standard error", args, stderr)
		}
	}
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}} {
		if stdout, _ := runs(t, exitDone, args...); !strings.Contains(stdout, "\n  merge ") {
			t.Errorf("%q prints %q", args, stdout)
		}
	}
	for want, args := range map[string][]string{
		"\n  merge ":                    {},
		"did you mean local merge?":     {"murge"},
		"did you mean local rooms set?": {"rooms", "sat", "--data", emptyState(t)},
		"no command \"xyzzy\"":          {"xyzzy", "--segments", "x"},
	} {
		if _, stderr := runs(t, exitUsage, args...); !strings.Contains(stderr, want) {
			t.Errorf("%q prints %q, want %q", args, stderr, want)
		}
	}
}

// TestPlainProgress wants a line when a stage begins, every ten seconds, and when it ends.
func TestPlainProgress(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	clock := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	p := newProgress(&out, 25, englishCLI())
	p.now = func() time.Time { return clock }
	for done := int64(0); done <= 1000; done += 10 { // 40 s
		p.update(merge.Progress{Phase: merge.Rendering, Done: done, Total: 1000})
		clock = clock.Add(400 * time.Millisecond)
	}
	p.end()
	want := "render: 0%\nrender: 25%, 1.0x, 30s left\nrender: 50%, 1.0x, 20s left\nrender: 75%, 1.0x, 10s left\nrender: 100%\n"
	if got := out.String(); got != want {
		t.Errorf("the lines are\n%swant\n%s", got, want)
	}
}

// TestBar wants one line, drawn over and over, with stage, per cent, speed and what remains.
func TestBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	clock := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	p := newProgress(&out, 25, englishCLI())
	p.bar, p.now = true, func() time.Time { return clock }
	for _, done := range []int64{0, 500, 1000} {
		p.update(merge.Progress{Phase: merge.Rendering, Done: done, Total: 1000})
		clock = clock.Add(10 * time.Second)
	}
	p.end()
	got := out.String()
	for _, want := range []string{"render", "100%", "\r"} {
		if !strings.Contains(got, want) {
			t.Errorf("the bar %q lacks %q", got, want)
		}
	}
	if strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") {
		t.Errorf("the bar is not one line: %q", got)
	}
}

// englishCLI returns a run that prints English to nowhere.
func englishCLI() *cli {
	return newCLI(io.Discard, io.Discard, func(string) string { return "" })
}

// parseMerge reads a command line of local merge.
func parseMerge(t *testing.T, args ...string) (mergeOptions, error) {
	t.Helper()
	c := englishCLI()
	root := c.rootCommand()
	f := &mergeFlags{}
	flags := pflag.NewFlagSet("merge", pflag.ContinueOnError)
	f.register(c, flags)
	if err := flags.Parse(normalizeArgs(root, append([]string{"merge"}, args...))[1:]); err != nil {
		t.Fatal(err)
	}
	return f.options(c, flags.Args())
}
