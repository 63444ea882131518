package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// judgedFile is the answer for one file. Scripts rely on its JSON.
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
	Code    cause.Code       `json:"code"` // of the first cause
	Args    json.RawMessage  `json:"args,omitempty"`
}

// errNoPictures means that a file holds nothing to judge.
var errNoPictures = errors.New("no pictures in it")

// presenceCommand prints where screen recordings show a presentation. A file that cannot be judged is reported
// on standard error; the others are answered.
func (c *cli) presenceCommand() *cobra.Command {
	command := c.command("presence", "presence")
	cards := command.Flags().String("cards", "", "")
	asJSON := command.Flags().Bool("json", false, "")
	c.describeAll(command.Flags(), "presence")
	command.RunE = func(command *cobra.Command, files []string) error {
		if len(files) == 0 {
			return c.usage("presence-file")
		}
		ctx := command.Context()
		judged, failures, err := c.judgeFiles(ctx, *cards, files)
		for _, failure := range failures {
			_, _ = fmt.Fprintf(c.stderr, "%s: %v\n", command.CommandPath(), failure)
		}
		if ctx.Err() != nil {
			return &exitError{code: exitInterrupted}
		}
		if err != nil {
			return err
		}
		if err := c.printJudged(judged, *asJSON); err != nil {
			return err
		}
		return presenceError(judged, failures)
	}
	return command
}

func (c *cli) printJudged(judged []judgedFile, asJSON bool) error {
	if asJSON {
		return printJSON(c.stdout, judged)
	}
	return writeJudged(c.stdout, judged)
}

// presenceError returns the exit code as an error whose text has been printed: 3 if no file has pictures, 1 if
// some file could not be judged.
func presenceError(judged []judgedFile, failures []error) error {
	if len(failures) == 0 {
		return nil
	}
	for _, failure := range failures {
		if len(judged) > 0 || !errors.Is(failure, errNoPictures) {
			return &exitError{code: exitFailed}
		}
	}
	return &exitError{code: exitNoFootage}
}

// judgeFiles judges one file after the other. It returns a failure for each file that cannot be judged, and err
// if none can.
func (c *cli) judgeFiles(ctx context.Context, cards string, files []string) (judged []judgedFile, failures []error, err error) {
	tool, err := ffmpeg.Find(ctx)
	if err != nil {
		return nil, nil, err
	}
	judge, err := app.NewJudge(ctx, tool, cards)
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
		answer, err := c.judgeFile(ctx, judge, proxy, path)
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

func (c *cli) judgeFile(
	ctx context.Context, judge *presence.Judge, proxy *rangeproxy.Proxy, path string,
) (answer judgedFile, err error) {
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
	in.Source, in.View = served, presence.ViewOf(proxy, bytes, track)
	stretches, err := judge.Look(ctx, in)
	if err := errors.Join(err, served.Close()); err != nil {
		return answer, err
	}
	answer = judgedFile{
		File:      path,
		Verdict:   presence.HalfHour(stretches),
		Stretches: []judgedStretch{},
	}
	english := c.catalog.For("en")
	for _, s := range stretches {
		first := s.Causes[0]
		answer.Stretches = append(answer.Stretches, judgedStretch{
			Start:   toMillis(s.Start - zero),
			End:     toMillis(s.End - zero),
			Verdict: s.Verdict,
			Cause:   english.Causes(s.Causes),
			Code:    first.Code(),
			Args:    first.ArgsJSON(),
		})
	}
	return answer, nil
}

// toMillis returns a time in seconds, rounded to the millisecond.
func toMillis(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}

// screenInput returns the pictures of a file's first picture track, and the time of the file's first picture or
// sound.
func screenInput(file *mp4.File) (in presence.Input, track *mp4.Track, zero time.Duration, err error) {
	start, ok := file.Zero()
	if !ok {
		return in, nil, 0, errNoPictures
	}
	for i := range file.Tracks {
		if track = &file.Tracks[i]; track.Kind == mp4.Video {
			in = presence.Input{
				Timescale: track.Timescale,
				From:      ffmpeg.FirstPTS,
				Until:     ffmpeg.LastPTS,
			}
			in.Take(shownSamples(track))
			return in, track, start.Duration(), nil
		}
	}
	return in, nil, 0, errNoPictures
}

// shownSamples returns the samples that are presented and complete.
func shownSamples(track *mp4.Track) []presence.Sample {
	var out []presence.Sample
	for _, s := range track.Samples {
		if !s.Hidden && !s.Lost {
			out = append(out, presence.Sample{PTS: s.PTS, Size: s.Size, Key: s.Key})
		}
	}
	return out
}

func writeJudged(w io.Writer, judged []judgedFile) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, file := range judged {
		_, _ = fmt.Fprintf(t, "%s\t%s\t\n", file.File, file.Verdict)
		for _, s := range file.Stretches {
			_, _ = fmt.Fprintf(
				t, "  %s to %s\t%s\t%s\n",
				minutes(s.Start), minutes(s.End), s.Verdict, s.Cause,
			)
		}
	}
	return t.Flush() // reports failures of the lines before, too
}

// minutes returns seconds as m:ss.s.
func minutes(s float64) string {
	return fmt.Sprintf(
		"%d:%04.1f",
		int(s)/60, s-float64(int(s)/60*60),
	)
}
