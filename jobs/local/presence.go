package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// judgedFile is one file's answer; its JSON is a promise to scripts.
type judgedFile struct {
	File      string           `json:"file"`
	Verdict   presence.Verdict `json:"verdict"`
	Stretches []judgedStretch  `json:"stretches"`
}

type judgedStretch struct {
	Start   float64          `json:"start_s"`
	End     float64          `json:"end_s"`
	Verdict presence.Verdict `json:"verdict"`
	Cause   string           `json:"cause"`
}

// errNoPictures says that a file holds nothing to judge.
var errNoPictures = errors.New("no pictures in it")

// presenceCommand is local presence. A file that cannot be judged is told on stderr; the others are
// answered all the same.
func presenceCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("local presence", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	cards := f.String("cards", "", "`folder` of more pictures (PNG, JPEG) of what the encoder sends with nothing connected")
	asJSON := f.Bool("json", false, "print a JSON array, one object a file")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(stdout, presenceHelp(), f, presenceHelpRussian())
		return exitDone
	case err == nil && f.NArg() == 0:
		err = errors.New("no FILE given")
		fallthrough
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "local presence: %v; see local presence --help\n", err)
		return exitUsage
	}
	judged, failures, err := judgeFiles(ctx, *cards, f.Args())
	for _, failure := range failures {
		_, _ = fmt.Fprintf(stderr, "local presence: %v\n", failure)
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	if err == nil && *asJSON {
		err = printJudgedJSON(stdout, judged)
	} else if err == nil {
		err = printJudged(stdout, judged)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "local presence: %v\n", err)
		return exitFailed
	}
	return presenceExit(judged, failures)
}

func presenceExit(judged []judgedFile, failures []error) int {
	if len(failures) == 0 {
		return exitDone
	}
	for _, failure := range failures {
		if len(judged) > 0 || !errors.Is(failure, errNoPictures) {
			return exitFailed
		}
	}
	return exitNoFootage
}

// judgeFiles judges one file after the other. err is what keeps all of them from being judged.
func judgeFiles(ctx context.Context, cards string, files []string) (judged []judgedFile, failures []error, err error) {
	tool, err := ffmpeg.Find(ctx)
	if err != nil {
		return nil, nil, err
	}
	judge, err := newJudge(ctx, tool, cards)
	if err != nil {
		return nil, nil, err
	}
	proxy, err := rangeproxy.Listen(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	judged = []judgedFile{}
	for _, path := range files {
		answer, err := judgeFile(ctx, judge, proxy, path)
		if ctx.Err() != nil {
			return judged, failures, nil
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", path, err))
			continue
		}
		judged = append(judged, answer)
	}
	return judged, failures, nil
}

func judgeFile(ctx context.Context, judge *presence.Judge, proxy *rangeproxy.Proxy, path string) (answer judgedFile, err error) {
	bytes, err := rangeproxy.OpenFile(path)
	if err != nil {
		return answer, err
	}
	defer func() { _ = bytes.Close() }() // opened for reading only
	file, err := mp4.Read(bytes, bytes.Size())
	if err != nil {
		return answer, fmt.Errorf("%w: %w", errNoPictures, err)
	}
	in, track, zero, err := screenInput(file)
	if err != nil {
		return answer, err
	}
	served := proxy.Serve(bytes)
	in.URL, in.View = served.URL, presence.ViewOf(proxy, bytes, track)
	stretches, err := judge.Look(ctx, in)
	if err := errors.Join(err, served.Close()); err != nil {
		return answer, err
	}
	answer = judgedFile{File: path, Verdict: presence.HalfHour(stretches), Stretches: []judgedStretch{}}
	for _, s := range stretches {
		answer.Stretches = append(answer.Stretches, judgedStretch{
			Start: toMillis(s.Start - zero), End: toMillis(s.End - zero), Verdict: s.Verdict, Cause: s.Cause,
		})
	}
	return answer, nil
}

// toMillis is a time in seconds, to the millisecond.
func toMillis(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}

// screenInput lists the pictures of a file's first picture track.
func screenInput(file *mp4.File) (in presence.Input, track *mp4.Track, zero time.Duration, err error) {
	start, ok := file.Zero()
	if !ok {
		return in, nil, 0, errNoPictures
	}
	for i := range file.Tracks {
		if track = &file.Tracks[i]; track.Kind == mp4.Video {
			in = presence.Input{Timescale: track.Timescale, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS}
			in.Take(shownSamples(track))
			return in, track, start.Duration(), nil
		}
	}
	return in, nil, 0, errNoPictures
}

// shownSamples are the samples that are presented and whole.
func shownSamples(track *mp4.Track) []presence.Sample {
	var out []presence.Sample
	for _, s := range track.Samples {
		if !s.Hidden && !s.Lost {
			out = append(out, presence.Sample{PTS: s.PTS, Size: s.Size, Key: s.Key})
		}
	}
	return out
}

func printJudgedJSON(w io.Writer, judged []judgedFile) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(judged)
}

func printJudged(w io.Writer, judged []judgedFile) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, file := range judged {
		_, _ = fmt.Fprintf(t, "%s\t%s\t\n", file.File, file.Verdict)
		for _, s := range file.Stretches {
			_, _ = fmt.Fprintf(t, "  %s to %s\t%s\t%s\n", minutes(s.Start), minutes(s.End), s.Verdict, s.Cause)
		}
	}
	return t.Flush() // what could not be written before is told here
}

// minutes prints seconds as m:ss.
func minutes(s float64) string { return fmt.Sprintf("%d:%04.1f", int(s)/60, s-float64(int(s)/60*60)) }
