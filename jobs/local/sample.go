package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Bounds of a source's picture in pixels, and of its frame rate.
const (
	minSampleWidth, maxSampleWidth   = 160, 7680
	minSampleHeight, maxSampleHeight = 90, 4320
	maxSampleRate                    = 120
)

// sampleFlags are the command line of local sample.
type sampleFlags struct {
	session                recorder.Afternoon
	out                    string
	date, start, end, zone string
	size, faults           string
	rate                   int
}

// sampleCommand records a sample of a room.
func (c *cli) sampleCommand() *cobra.Command {
	command := c.command("sample", "sample")
	f := &sampleFlags{}
	f.register(c, command.Flags())
	command.RunE = func(command *cobra.Command, args []string) error {
		if err := f.read(c, args); err != nil {
			return err
		}
		session, err := f.session.Session()
		if err != nil {
			return &usageError{err.Error()}
		}
		err = c.recordSample(command.Context(), session, f.session, f.out)
		if errors.Is(err, context.Canceled) {
			return &exitError{exitInterrupted, c.t("error.sample-interrupted")}
		}
		if err != nil {
			return err
		}
		return c.printNext(f.session, f.out)
	}
	return command
}

func (f *sampleFlags) register(c *cli, flags *pflag.FlagSet) {
	a := &f.session
	flags.StringVar(&f.out, "out", "", "")
	flags.StringVar(&f.date, "date", "2026-11-20", "")
	flags.StringVar(&f.start, "start", "15:00", "")
	flags.StringVar(&f.end, "end", "15:08", "")
	flags.StringVar(&f.zone, "time-zone", defaultZone, "")
	flags.StringVar(&f.size, "size", "1280x720", "")
	flags.IntVar(&f.rate, "fps", 25, "")
	flags.StringVar(&f.faults, "faults", "short,long,restart,vfr", "")
	flags.StringVar(&a.Room, "room", "504", "")
	flags.DurationVar(&a.SegmentLength, "segment-length", 2*time.Minute, "")
	flags.StringVar(&a.Lecturer, "lecturer", "24", "")
	flags.StringVar(&a.Screen, "screen", "21", "")
	flags.StringVar(&a.Board, "board", "30", "")
	flags.Uint64Var(&a.Seed, "seed", 1, "")
	c.describeAll(flags, "sample")
	flags.Lookup("faults").Usage += ":\n" + c.faultList()
}

// read checks the flags and completes the session. The error names everything that is wrong.
func (f *sampleFlags) read(c *cli, args []string) error {
	a := &f.session
	var errs []error
	if len(args) > 0 {
		errs = append(errs, c.usage("argument-unexpected", "word", args[0]))
	}
	if f.out == "" {
		errs = append(errs, c.usage("sample-out"))
	}
	if f.rate < 1 || f.rate > maxSampleRate {
		errs = append(errs, c.usage("sample-fps", "value", f.rate))
	}
	a.Rate = ffmpeg.Rate{Num: f.rate, Den: 1}
	if f.faults != "none" && f.faults != "" {
		a.Faults = strings.Split(f.faults, ",")
	}
	if a.SegmentLength < time.Minute || a.SegmentLength%time.Minute != 0 {
		errs = append(errs, c.usage("sample-segment-length", "value", a.SegmentLength.String()))
	}
	for _, octet := range []string{a.Lecturer, a.Screen, a.Board} {
		name := nvr.SegmentName{
			Date:   "2026-01-01",
			Time:   "00:00",
			Room:   a.Room,
			Source: octet,
		}
		_, err := nvr.ParseSegmentName(name.String())
		if octet != "" && err != nil {
			errs = append(errs, c.usage(
				"sample-source",
				"source",
				octet,
				"room",
				a.Room,
				"cause",
				err.Error(),
			))
		}
	}
	var ok bool
	if a.Width, a.Height, ok = parseSize(f.size); !ok || !validSampleSize(a.Width, a.Height) {
		errs = append(errs, c.usage("sample-size", "value", f.size))
	}
	errs = append(errs, f.readTimes(c))
	return errors.Join(errs...)
}

// validSampleSize reports whether a source's picture can have this size.
func validSampleSize(width, height int) bool {
	wide := width >= minSampleWidth && width <= maxSampleWidth
	high := height >= minSampleHeight && height <= maxSampleHeight
	return wide && high && width%2 == 0 && height%2 == 0
}

// readTimes reads the window of the session. An end before the start is on the next day.
func (f *sampleFlags) readTimes(c *cli) error {
	a := &f.session
	zone, err := time.LoadLocation(f.zone)
	if err != nil {
		return c.usage("time-zone", "value", f.zone)
	}
	if a.From, err = nvr.Wall(f.date, f.start, zone); err != nil {
		return c.usage("time", "flags", "--date, --start", "cause", err.Error())
	}
	if a.Until, err = nvr.Wall(f.date, f.end, zone); err != nil {
		return c.usage("time", "flags", "--date, --end", "cause", err.Error())
	}
	if a.Until.Before(a.From) {
		a.Until = a.Until.AddDate(0, 0, 1)
	}
	if !a.Until.After(a.From) || a.From.Second() != 0 {
		return c.usage("sample-minutes")
	}
	return nil
}

// faultList returns a line for each fault.
func (c *cli) faultList() string {
	var b strings.Builder
	for _, f := range recorder.Faults() {
		_, _ = fmt.Fprintf(&b, "%-10s %s\n", f.Name, c.faultText(f))
	}
	return b.String()
}

// faultText returns what a fault does, in the user's language.
func (c *cli) faultText(f recorder.Fault) string {
	key := "sample.fault." + f.Name
	if c.text.Has("cli." + key) {
		return c.t(key)
	}
	return f.Words
}

// recordSample records the session and prints a line for each file.
func (c *cli) recordSample(ctx context.Context, session recorder.Session, a recorder.Afternoon, out string) error {
	tool, err := ffmpeg.Find(ctx)
	if err != nil {
		return err
	}
	total := 0
	for _, source := range session.Sources {
		for _, segment := range source.Segments {
			if !segment.Missing {
				total++
			}
		}
	}
	var mu sync.Mutex
	count := 0
	folder := filepath.Join(out, a.Room, a.From.Format(time.DateOnly))
	return session.Record(ctx, tool, folder, func(f recorder.File) {
		mu.Lock()
		defer mu.Unlock()
		count++
		_ = c.print("sample.file", "number", count, "total", total, "file", f.Path)
	})
}

// printNext prints what there is to see, and the command that merges it.
func (c *cli) printNext(a recorder.Afternoon, out string) error {
	card := a.NoSignal()
	lines := []string{
		"",
		c.t(
			"sample.card",
			"start",
			card.From.Format(time.TimeOnly),
			"end",
			card.Until.Format(time.TimeOnly),
		),
	}
	for _, f := range recorder.Faults() {
		if slices.Contains(a.Faults, f.Name) {
			lines = append(lines, c.t("sample.fault-line", "name", f.Name, "text", c.faultText(f)))
		}
	}
	lines = append(lines, "", c.t("sample.next"), "  "+mergeLine(a, out))
	_, err := fmt.Fprintln(c.stdout, strings.Join(lines, "\n"))
	return err
}

// mergeLine returns the command line that merges the session.
func mergeLine(a recorder.Afternoon, out string) string {
	words := []string{
		program, "merge",
		"--segments", quote(out),
		"--room", quote(a.Room),
		"--date", a.From.Format(time.DateOnly),
		"--start", a.From.Format("15:04"),
		"--end", a.Until.Format("15:04"),
		"--segment-length", a.SegmentLength.String(),
		"--time-zone", a.From.Location().String(),
	}
	for _, source := range [][2]string{
		{"--lecturer", a.Lecturer},
		{"--screen", a.Screen},
		{"--board", a.Board},
		{"--sound", a.Lecturer},
	} {
		if source[1] != "" {
			words = append(words, source[0], source[1])
		}
	}
	return strings.Join(append(words, "--out", quote(filepath.Join(out, "merge.mp4"))), " ")
}

// safeInShell are the characters that a shell takes as they are.
const safeInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,"

// quote returns a word that a shell reads as it is.
func quote(word string) string {
	if word != "" && strings.Trim(word, safeInShell) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
