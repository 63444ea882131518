package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/speech"
)

// Bounds of what can be merged.
const (
	minWidth, maxWidth   = 128, 7680 // pixels of the whole picture
	minHeight, maxHeight = 64, 4320
	minLUFS, maxLUFS     = -50, -5 // of --loudness
)

// The size of a video side by side, in pixels. That of a stage follows from it.
const sideWidth, sideHeight = 2560, 720

// The values of --sync.
const (
	syncAuto = "auto"
	syncOff  = "off"
)

// The values of --leveler.
const (
	levelerOn  = "on"
	levelerOff = "off"
)

// mergeOptions are a valid command line of local merge.
type mergeOptions struct {
	request  merge.Request
	segments string // folder
	out      string // file
	work     string // folder; empty: beside out
	cards    string // folder
	reports  []string
	parallel int // slices rendered at once
	plan     bool
	json     bool
	speech   speech.Choice
}

// workFolder returns the folder that holds what resumes the merge.
func (o *mergeOptions) workFolder() string {
	if o.work != "" {
		return o.work
	}
	return o.out + ".work"
}

// mergeFlags are a command line of local merge before it is checked.
type mergeFlags struct {
	mergeOptions
	engine                         string // of --speech
	room, title                    string
	date, start, end, zone         string
	lecturer, screen, board, sound string
	policy, layout, size           string
	loudness, leveler, sync        string
}

func (f *mergeFlags) register(c *cli, flags *pflag.FlagSet) {
	flags.StringVar(&f.segments, "segments", "", "")
	flags.StringVar(&f.out, "out", "", "")
	flags.StringVar(&f.work, "work", "", "")
	flags.StringVar(&f.cards, "cards", "", "")
	flags.IntVar(&f.parallel, "parallel", max(1, runtime.NumCPU()/2), "")
	flags.BoolVar(&f.plan, "plan", false, "")
	flags.BoolVar(&f.json, "json", false, "")
	flags.StringArrayVar(&f.reports, "report", nil, "")
	flags.StringVar(&f.room, "room", "", "")
	flags.StringVar(&f.date, "date", "", "")
	flags.StringVar(&f.start, "start", "", "")
	flags.StringVar(&f.end, "end", "", "")
	flags.StringVar(&f.lecturer, "lecturer", "", "")
	flags.StringVar(&f.screen, "screen", "", "")
	flags.StringVar(&f.board, "board", "", "")
	flags.StringVar(&f.sound, "sound", "", "")
	flags.StringVar(&f.title, "title", "", "")
	flags.StringVar(&f.policy, "policy", "auto", "")
	flags.StringVar(&f.layout, "layout", string(nvr.LayoutSide), "")
	flags.StringVar(&f.size, "size", "", "")
	flags.StringVar(&f.loudness, "loudness", "-16", "")
	flags.StringVar(&f.leveler, "leveler", levelerOn, "")
	flags.StringVar(&f.sync, "sync", syncAuto, "")
	flags.StringVar(&f.engine, "speech", speech.None, "")
	flags.StringVar(&f.zone, "time-zone", defaultZone, "")
	flags.IntVar(&f.request.Rate, "fps", 25, "")
	flags.DurationVar(&f.request.Segment, "segment-length", defaultSegmentLength, "")
	flags.DurationVar(&f.request.Slice, "slice", 10*time.Minute, "")
	c.describeAll(flags, "merge")
}

// options returns the checked options. The error names everything that is wrong, not only the first.
func (f *mergeFlags) options(c *cli, args []string) (mergeOptions, error) {
	var errs []error
	if len(args) > 0 {
		errs = append(errs, c.usage("argument-unexpected", "word", args[0]))
	}
	errs = append(errs, f.checkPaths(c)...)
	errs = append(errs, f.checkNumbers(c)...)
	errs = append(errs, f.readNames(c)...)
	errs = append(errs, f.readSources(c)...)
	errs = append(errs, f.readTimes(c)...)
	return f.mergeOptions, errors.Join(errs...)
}

// checkPaths finds faults of files and folders before hours of work.
func (f *mergeFlags) checkPaths(c *cli) (errs []error) {
	if f.segments == "" {
		errs = append(errs, c.usage("segments-missing"))
	}
	if f.out == "" && !f.plan {
		errs = append(errs, c.usage("out-missing"))
	}
	switch ext := strings.ToLower(filepath.Ext(f.out)); ext {
	case ".avi", ".flv", ".gif", ".mkv", ".mov", ".mpg", ".ts", ".webm", ".wmv":
		errs = append(errs, c.usage(
			"out-format",
			"value",
			f.out,
			"format",
			strings.ToUpper(ext[1:]),
		))
	}
	errs = append(errs, c.checkWritable("--out", f.out)...)
	for _, path := range f.reports {
		if ext := filepath.Ext(path); ext != ".json" && ext != ".html" {
			errs = append(errs, c.usage("report-format", "value", path))
			continue
		}
		errs = append(errs, c.checkWritable("--report", path)...)
	}
	if f.json && !f.plan {
		errs = append(errs, c.usage("json-without-plan"))
	}
	return errs
}

// checkWritable returns why a file cannot be written, as far as that can be seen beforehand.
func (c *cli) checkWritable(flag, path string) []error {
	folder := filepath.Dir(path)
	switch {
	case path == "":
		return nil
	case isDir(path):
		return []error{c.usage("file-is-folder", "flag", flag, "value", path)}
	case !isDir(folder):
		return []error{c.usage("folder-unknown", "flag", flag, "folder", folder)}
	}
	return nil
}

func isDir(path string) bool {
	stat, err := os.Stat(path)
	return err == nil && stat.IsDir()
}

func (f *mergeFlags) checkNumbers(c *cli) (errs []error) {
	r := &f.request
	if r.Rate != 25 && r.Rate != 30 && r.Rate != 50 {
		errs = append(errs, c.usage("fps", "value", r.Rate))
	}
	if r.Segment < time.Second {
		errs = append(errs, c.usage(
			"length",
			"flag",
			"--segment-length",
			"value",
			r.Segment.String(),
		))
	}
	if r.Slice < time.Second {
		errs = append(errs, c.usage("length", "flag", "--slice", "value", r.Slice.String()))
	}
	if f.parallel < 1 {
		errs = append(errs, c.usage("parallel", "value", f.parallel))
	}
	return errs
}

// readNames reads room, title, policy, size, loudness and the speech recogniser.
func (f *mergeFlags) readNames(c *cli) (errs []error) {
	r := &f.request
	r.Room, r.Title, r.Policy = f.room, f.title, merge.Policy(f.policy)
	if r.Room == "" {
		errs = append(errs, c.usage("flag-missing", "flag", "--room"))
	}
	if r.Policy != merge.Auto && r.Policy != merge.HalfHour {
		errs = append(errs, c.usage("policy", "value", f.policy))
	}
	errs = append(errs, f.readLayout(c)...)
	var ok bool
	if r.Loudness, ok = parseLoudness(f.loudness); !ok {
		errs = append(errs, c.usage("loudness", "value", f.loudness))
	}
	if r.Loudness.LevelerOff = f.leveler == levelerOff; f.leveler != levelerOn && f.leveler != levelerOff {
		errs = append(errs, c.usage("leveler", "value", f.leveler))
	}
	if r.SyncOff = f.sync == syncOff; f.sync != syncAuto && f.sync != syncOff {
		errs = append(errs, c.usage("sync", "value", f.sync))
	}
	var err error
	if f.speech, err = speech.Parse(f.engine); err != nil {
		errs = append(errs, c.usage("speech", "value", f.engine))
	}
	return errs
}

// readLayout reads the layout and the size, whose default depends on it.
func (f *mergeFlags) readLayout(c *cli) (errs []error) {
	r := &f.request
	r.Layout = nvr.Layout(f.layout)
	if !r.Layout.Known() {
		return []error{c.usage("layout", "value", f.layout)}
	}
	if f.size == "" {
		r.Width, r.Height = merge.SizeOf(r.Layout, sideWidth, sideHeight)
		return nil
	}
	var ok bool
	if r.Width, r.Height, ok = parseSize(f.size); !ok || !validSize(r.Width, r.Height) {
		errs = append(errs, c.usage("merge-size", "value", f.size))
	} else if r.Layout == nvr.LayoutStage && (r.Width%merge.StageLayoutUnit != 0 || r.Height%merge.StageLayoutUnit != 0) {
		errs = append(errs, c.usage("stage-size", "value", f.size))
	}
	return errs
}

// parseSize reads a size such as 2560x720.
func parseSize(text string) (width, height int, ok bool) {
	var rest string
	n, _ := fmt.Sscanf(text+" .", "%dx%d %s", &width, &height, &rest)
	return width, height, n == 3 && rest == "."
}

// validSize reports whether a picture of this size can be divided into two panes and encoded.
func validSize(width, height int) bool {
	inRange := width >= minWidth && width <= maxWidth && height >= minHeight && height <= maxHeight
	return inRange && width%4 == 0 && height%2 == 0
}

// parseLoudness reads a loudness in LUFS, or off.
func parseLoudness(text string) (merge.Loudness, bool) {
	if text == "off" {
		return merge.Loudness{Off: true}, true
	}
	lufs, err := strconv.ParseFloat(text, 64)
	inRange := lufs >= minLUFS && lufs <= maxLUFS // false for NaN
	return merge.Loudness{TargetLUFS: lufs}, err == nil && inRange
}

// readSources reads the numbers of the sources.
func (f *mergeFlags) readSources(c *cli) (errs []error) {
	f.request.Sources = map[nvr.Role]string{}
	seen := map[string]nvr.Role{}
	for _, given := range []struct {
		role   nvr.Role
		source string
	}{{nvr.Lecturer, f.lecturer}, {nvr.Screen, f.screen}, {nvr.Board, f.board}} {
		if given.source == "" {
			continue
		}
		flag := "--" + string(given.role)
		octet := nvr.Octet(given.source)
		if octet == "" {
			errs = append(errs, c.usage("source", "flag", flag, "value", given.source))
			continue
		}
		if other, taken := seen[octet]; taken {
			errs = append(errs, c.usage(
				"source-twice",
				"first",
				"--"+string(other),
				"second",
				flag,
				"source",
				octet,
			))
		}
		seen[octet] = given.role
		f.request.Sources[given.role] = octet
	}
	if len(f.request.Sources) == 0 && len(errs) == 0 {
		errs = append(errs, c.usage("no-picture"))
	}
	if f.sound == "" {
		return errs
	}
	f.request.Sound = nvr.Octet(f.sound)
	if f.request.Sound == "" {
		errs = append(errs, c.usage("source", "flag", "--sound", "value", f.sound))
	}
	return errs
}

// readTimes reads the record's window. An end before the start is on the next day.
func (f *mergeFlags) readTimes(c *cli) (errs []error) {
	zone, err := time.LoadLocation(f.zone)
	if err != nil || f.zone == "" {
		return []error{c.usage("time-zone", "value", f.zone)}
	}
	for _, given := range [][2]string{{"--date", f.date}, {"--start", f.start}, {"--end", f.end}} {
		if given[1] == "" {
			errs = append(errs, c.usage("flag-missing", "flag", given[0]))
		}
	}
	if len(errs) > 0 {
		return errs
	}
	start, err := nvr.Wall(f.date, f.start, zone)
	if err != nil {
		return []error{c.usage("time", "flags", "--date, --start", "cause", err.Error())}
	}
	end, err := nvr.Wall(f.date, f.end, zone)
	if err == nil && end.Before(start) {
		nextDay := start.AddDate(0, 0, 1).Format(time.DateOnly)
		end, err = nvr.Wall(nextDay, f.end, zone)
	}
	if err != nil {
		return []error{c.usage("time", "flags", "--end", "cause", err.Error())}
	}
	if !end.After(start) {
		return []error{c.usage("same-time")}
	}
	f.request.Start, f.request.End = start, end
	return nil
}
