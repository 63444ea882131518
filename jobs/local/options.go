package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// mergeOptions are what the command line of local merge says.
type mergeOptions struct {
	request  merge.Request
	segments string
	out      string
	work     string
	cards    string
	reports  []string
	parallel int
	plan     bool
}

// workFolder is where the merge keeps what resumes it.
func (o mergeOptions) workFolder() string {
	if o.work != "" {
		return o.work
	}
	return o.out + ".work"
}

// parseMerge reads the command line; all that is wrong is told at once.
func parseMerge(args []string, stdout io.Writer) (mergeOptions, error) {
	o := mergeOptions{}
	f := flag.NewFlagSet("local merge", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.segments, "segments", "", "`folder` of recorder files")
	f.StringVar(&o.out, "out", "", "`file` to write, .mp4; appears only when it is complete")
	f.StringVar(&o.work, "work", "", "`folder` kept between runs, so that parts are used again (default FILE.mp4.work, removed at the end)")
	f.StringVar(&o.cards, "cards", "", "`folder` of more pictures (PNG, JPEG) of what the encoder sends with nothing connected")
	f.IntVar(&o.parallel, "parallel", max(1, runtime.NumCPU()/2), "how many `slices` are rendered at once")
	f.BoolVar(&o.plan, "plan", false, "print plan.json, what would be done and why, and do nothing")
	f.Func("report", "`file` for the report, .json or .html; may be given twice", func(path string) error {
		if ext := filepath.Ext(path); ext != ".json" && ext != ".html" {
			return errors.New("want a name that ends in .json or .html")
		}
		o.reports = append(o.reports, path)
		return nil
	})
	text := map[string]*string{}
	for _, option := range []struct{ name, value, help string }{
		{"room", "", "`room` as in the file names"},
		{"date", "", "`day` of the start, YYYY-MM-DD"},
		{"start", "", "`time` of the room, HH:MM or HH:MM:SS"},
		{"end", "", "`time` of the room; earlier than the start means the next day"},
		{"lecturer", "", "`number` of the lecturer camera: the last octet of its address, as in the file names"},
		{"screen", "", "`number` of the encoder that records the projector"},
		{"board", "", "`number` of the board camera"},
		{"sound", "", "`number` of the source whose sound is wanted; others stand in where it has none"},
		{"title", "", "`text` for the title in the file"},
		{"policy", "auto", "how the screen is judged: `auto` finds changes, half-hour judges each file as a whole"},
		{"size", "2560x720", "`WxH` of the whole picture: two panes of half its width"},
		{"loudness", "-16", "`LUFS` to bring the sound to, or off"},
		{"time-zone", "Europe/Moscow", "the room's time `zone`"},
	} {
		text[option.name] = f.String(option.name, option.value, option.help)
	}
	f.IntVar(&o.request.Rate, "fps", 25, "`frames` a second: 25, 30 or 50")
	f.DurationVar(&o.request.Segment, "segment-length", 30*time.Minute, "nominal `length` of a file")
	f.DurationVar(&o.request.Slice, "slice", 10*time.Minute, "`length` of what is rendered at a time")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			printHelp(stdout, mergeHelp(), f, mergeHelpRussian())
		}
		return o, err
	}
	var wrong []error
	if f.NArg() > 0 {
		wrong = append(wrong, fmt.Errorf("what is %q? (options begin with --)", f.Arg(0)))
	}
	wrong = append(wrong, o.paths()...)
	wrong = append(wrong, o.numbers()...)
	wrong = append(wrong, o.words(text)...)
	wrong = append(wrong, o.times(*text["date"], *text["start"], *text["end"], *text["time-zone"])...)
	return o, errors.Join(wrong...)
}

// paths checks what can be checked before hours of work.
func (o *mergeOptions) paths() (wrong []error) {
	if o.segments == "" {
		wrong = append(wrong, errors.New("--segments is missing: say in which folder the recorder's files lie"))
	}
	if o.out == "" && !o.plan {
		wrong = append(wrong, errors.New("--out is missing: say which file to write"))
	}
	switch ext := strings.ToLower(filepath.Ext(o.out)); ext {
	case ".avi", ".flv", ".gif", ".mkv", ".mov", ".mpg", ".ts", ".webm", ".wmv":
		wrong = append(wrong, fmt.Errorf("--out %s: the video is an MP4 file, not %s: name it .mp4", o.out, strings.ToUpper(ext[1:])))
	}
	wrong = append(wrong, writable("--out", o.out)...)
	for _, path := range o.reports {
		wrong = append(wrong, writable("--report", path)...)
	}
	return wrong
}

// writable says why a file cannot be written, as far as that can be seen.
func writable(option, path string) []error {
	switch {
	case path == "":
		return nil
	case isDir(path):
		return []error{fmt.Errorf("%s %s is a folder: name a file", option, path)}
	case !isDir(filepath.Dir(path)):
		return []error{fmt.Errorf("%s: the folder %s does not exist: make it first", option, filepath.Dir(path))}
	}
	return nil
}

func (o *mergeOptions) numbers() (wrong []error) {
	r := &o.request
	if r.Rate != 25 && r.Rate != 30 && r.Rate != 50 {
		wrong = append(wrong, fmt.Errorf("--fps %d: want 25, 30 or 50", r.Rate))
	}
	if r.Segment < time.Second {
		wrong = append(wrong, fmt.Errorf("--segment-length %s: want a second at least", r.Segment))
	}
	if r.Slice < time.Second {
		wrong = append(wrong, fmt.Errorf("--slice %s: want a second at least", r.Slice))
	}
	if o.parallel < 1 {
		wrong = append(wrong, fmt.Errorf("--parallel %d: want 1 at least", o.parallel))
	}
	return wrong
}

func (o *mergeOptions) words(text map[string]*string) (wrong []error) {
	r := &o.request
	r.Room, r.Title, r.Policy = *text["room"], *text["title"], merge.Policy(*text["policy"])
	if r.Room == "" {
		wrong = append(wrong, errors.New("--room is missing"))
	}
	if r.Policy != merge.Auto && r.Policy != merge.HalfHour {
		wrong = append(wrong, fmt.Errorf("--policy %q: want auto or half-hour", r.Policy))
	}
	var rest string
	if n, _ := fmt.Sscanf(*text["size"]+" .", "%dx%d %s", &r.Width, &r.Height, &rest); n != 3 || r.Width < 128 || r.Height < 64 || r.Width > 7680 || r.Height > 4320 || r.Width%4 != 0 || r.Height%2 != 0 {
		wrong = append(wrong, fmt.Errorf("--size %q: want WxH from 128x64 to 7680x4320, the width a multiple of 4, the height of 2", *text["size"]))
	}
	if loudness := *text["loudness"]; loudness == "off" {
		r.Loudness.Off = true
	} else if lufs, err := strconv.ParseFloat(loudness, 64); err != nil || !(lufs >= -50 && lufs <= -5) {
		wrong = append(wrong, fmt.Errorf("--loudness %q: want LUFS from -50 to -5, or off", loudness))
	} else {
		r.Loudness.TargetLUFS = lufs
	}
	return append(wrong, o.sources(text)...)
}

func (o *mergeOptions) sources(text map[string]*string) (wrong []error) {
	o.request.Sources = map[nvr.Role]string{}
	seen := map[string]nvr.Role{}
	for _, role := range []nvr.Role{nvr.Lecturer, nvr.Screen, nvr.Board} {
		given := *text[string(role)]
		if given == "" {
			continue
		}
		octet := nvr.Octet(given)
		if octet == "" {
			wrong = append(wrong, fmt.Errorf("--%s %q: want the number in the file names, the last octet of the source's address", role, given))
			continue
		}
		if other, taken := seen[octet]; taken {
			wrong = append(wrong, fmt.Errorf("--%s and --%s are both source %s", other, role, octet))
		}
		seen[octet] = role
		o.request.Sources[role] = octet
	}
	if len(o.request.Sources) == 0 && len(wrong) == 0 {
		wrong = append(wrong, errors.New("no picture: give at least one of --lecturer, --screen, --board"))
	}
	if given := *text["sound"]; given != "" {
		if o.request.Sound = nvr.Octet(given); o.request.Sound == "" {
			wrong = append(wrong, fmt.Errorf("--sound %q: want the number in the file names, the last octet of the source's address", given))
		}
	}
	return wrong
}

// times reads the record's window. An end before the start is on the next day.
func (o *mergeOptions) times(date, start, end, zone string) (wrong []error) {
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		return []error{fmt.Errorf("--time-zone %q: want a name like Europe/Moscow", zone)}
	}
	for _, given := range [][2]string{{"date", date}, {"start", start}, {"end", end}} {
		if given[1] == "" {
			wrong = append(wrong, fmt.Errorf("--%s is missing", given[0]))
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	r := &o.request
	if r.Start, err = nvr.Wall(date, start, location); err != nil {
		return []error{fmt.Errorf("--date and --start: %w", err)}
	}
	if r.End, err = nvr.Wall(date, end, location); err == nil && r.End.Before(r.Start) {
		r.End, err = nvr.Wall(r.Start.AddDate(0, 0, 1).Format(time.DateOnly), end, location)
	}
	if err != nil {
		return []error{fmt.Errorf("--end: %w", err)}
	}
	if !r.End.After(r.Start) {
		return []error{errors.New("--start and --end are the same time")}
	}
	return nil
}
