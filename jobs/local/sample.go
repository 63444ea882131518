package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Exit codes of the command.
const (
	sampleDone        = 0
	sampleFailed      = 1
	sampleWrongUsage  = 2
	sampleInterrupted = 130
)

// sampleCommand makes a room's afternoon of recorder files: `local sample --out DIR`.
func sampleCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out, afternoon, err := parseSample(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return sampleDone
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "local sample: %v\n", err)
		return sampleWrongUsage
	}
	session, err := afternoon.Session()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "local sample: %v\n", err)
		return sampleWrongUsage
	}
	if err := makeSample(ctx, session, afternoon, out, stdout); err != nil {
		if errors.Is(err, context.Canceled) {
			_, _ = fmt.Fprintln(stderr, "local sample: interrupted; the files made so far are whole")
			return sampleInterrupted
		}
		_, _ = fmt.Fprintf(stderr, "local sample: %v\n", err)
		return sampleFailed
	}
	printNext(stdout, afternoon, out)
	return sampleDone
}

// parseSample reads the flags. What is wrong with their values is told all at once.
func parseSample(args []string, stdout io.Writer) (string, recorder.Afternoon, error) {
	flags := flag.NewFlagSet("local sample", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	a := recorder.Afternoon{}
	out := flags.String("out", "", "`folder` to write the files into")
	date := flags.String("date", "2026-11-20", "day, YYYY-MM-DD")
	start := flags.String("start", "15:00", "first `minute`, HH:MM")
	end := flags.String("end", "15:08", "last `minute`, HH:MM; before the start means the next day")
	zone := flags.String("time-zone", "Europe/Moscow", "the room's time `zone`")
	size := flags.String("size", "1280x720", "of every source, `WxH`, even numbers")
	fps := flags.Int("fps", 25, "pictures a second")
	faults := flags.String("faults", "short,long,restart,vfr", "comma-separated `names`, or none:\n"+faultWords())
	flags.StringVar(&a.Room, "room", "504", "name of the `room`")
	flags.DurationVar(&a.SegmentLength, "segment-length", 2*time.Minute, "of each file, whole minutes")
	flags.StringVar(&a.Lecturer, "lecturer", "24", "`number` of the lecturer camera; empty for none")
	flags.StringVar(&a.Screen, "screen", "21", "`number` of the encoder; empty for none")
	flags.StringVar(&a.Board, "board", "30", "`number` of the board camera; empty for none")
	flags.Uint64Var(&a.Seed, "seed", 1, "another number draws another room")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			printHelp(stdout, sampleHelp(), flags, sampleHelpRussian())
		}
		return "", a, err
	}
	a.Rate = ffmpeg.Rate{Num: *fps, Den: 1}
	if *faults != "none" && *faults != "" {
		a.Faults = strings.Split(*faults, ",")
	}
	err := errors.Join(checkSample(flags, a, *out), parseSize(*size, &a), parseTimes(*date, *start, *end, *zone, &a))
	return *out, a, err
}

func checkSample(flags *flag.FlagSet, a recorder.Afternoon, out string) error {
	var wrong []error
	if flags.NArg() > 0 {
		wrong = append(wrong, fmt.Errorf("what is %q? (options begin with --)", flags.Arg(0)))
	}
	if out == "" {
		wrong = append(wrong, errors.New("--out is missing: say which folder to write into"))
	}
	if a.Rate.Num < 1 || a.Rate.Num > 120 {
		wrong = append(wrong, fmt.Errorf("--fps %d: want 1 to 120", a.Rate.Num))
	}
	if a.SegmentLength < time.Minute || a.SegmentLength%time.Minute != 0 {
		wrong = append(wrong, fmt.Errorf("--segment-length %s: want whole minutes, as the names of the files have", a.SegmentLength))
	}
	for _, octet := range []string{a.Lecturer, a.Screen, a.Board} {
		name := nvr.SegmentName{Date: "2026-01-01", Time: "00:00", Room: a.Room, Source: octet}
		if _, err := nvr.ParseSegmentName(name.String()); octet != "" && err != nil {
			wrong = append(wrong, fmt.Errorf("source %q of room %q: %w", octet, a.Room, err))
		}
	}
	return errors.Join(wrong...)
}

func parseSize(text string, a *recorder.Afternoon) error {
	var rest string
	n, err := fmt.Sscanf(text+" .", "%dx%d %s", &a.Width, &a.Height, &rest)
	if n != 3 || err != nil || a.Width < 160 || a.Height < 90 || a.Width > 7680 || a.Height > 4320 || a.Width%2+a.Height%2 != 0 {
		return fmt.Errorf("--size %q: want WxH, even numbers, 160x90 at least", text)
	}
	return nil
}

func parseTimes(date, start, end, zone string, a *recorder.Afternoon) error {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return fmt.Errorf("--time-zone %q: %w", zone, err)
	}
	if a.From, err = nvr.Wall(date, start, location); err != nil {
		return fmt.Errorf("--date and --start: %w", err)
	}
	if a.Until, err = nvr.Wall(date, end, location); err != nil {
		return fmt.Errorf("--date and --end: %w", err)
	}
	if a.Until.Before(a.From) {
		a.Until = a.Until.AddDate(0, 0, 1)
	}
	if !a.Until.After(a.From) || a.From.Second() != 0 {
		return errors.New("--start and --end: want two different minutes, HH:MM")
	}
	return nil
}

// faultWords lists the faults for the help.
func faultWords() string {
	var b strings.Builder
	for _, f := range recorder.Faults() {
		_, _ = fmt.Fprintf(&b, "%-10s %s\n", f.Name, f.Words)
	}
	return b.String()
}

// makeSample records the session and prints a line a file.
func makeSample(ctx context.Context, session recorder.Session, a recorder.Afternoon, out string, stdout io.Writer) error {
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
	return session.Record(ctx, tool, filepath.Join(out, a.Room, a.From.Format(time.DateOnly)), func(f recorder.File) {
		mu.Lock()
		defer mu.Unlock()
		count++
		_, _ = fmt.Fprintf(stdout, "%3d of %d  %s\n", count, total, f.Path)
	})
}

// printNext says what there is to see and which command merges it.
func printNext(stdout io.Writer, a recorder.Afternoon, out string) {
	card := a.NoSignal()
	_, _ = fmt.Fprintf(stdout, "\nThe encoder shows NO SIGNAL from %s to %s.\n", card.From.Format(time.TimeOnly), card.Until.Format(time.TimeOnly))
	for _, f := range recorder.Faults() {
		for _, name := range a.Faults {
			if name == f.Name {
				_, _ = fmt.Fprintf(stdout, "Fault %s: %s.\n", f.Name, f.Words)
			}
		}
	}
	_, _ = fmt.Fprintf(stdout, "\nNow merge it:\n  %s\n", mergeLine(a, out))
}

// mergeLine is the command line that merges the afternoon.
func mergeLine(a recorder.Afternoon, out string) string {
	words := []string{"local", "merge", "--segments", quote(out), "--room", quote(a.Room), "--date", a.From.Format(time.DateOnly),
		"--start", a.From.Format("15:04"), "--end", a.Until.Format("15:04"), "--segment-length", a.SegmentLength.String(), "--time-zone", a.From.Location().String()}
	for _, role := range []struct{ flag, octet string }{{"--lecturer", a.Lecturer}, {"--screen", a.Screen}, {"--board", a.Board}, {"--sound", a.Lecturer}} {
		if role.octet != "" {
			words = append(words, role.flag, role.octet)
		}
	}
	return strings.Join(append(words, "--out", quote(filepath.Join(out, "merge.mp4"))), " ")
}

// quote makes a word safe to be pasted into a shell.
func quote(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
