package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/report"
)

// mergeCommand makes one lecture out of a folder of recorder files.
func mergeCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	options, err := parseMerge(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "local merge: %v\nSee: local merge --help\n", err)
		return exitUsage
	}
	err = doMerge(ctx, options, stdout, stderr)
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		_, _ = fmt.Fprintf(stderr, "local merge: interrupted; the same command goes on where it was\n")
		return exitInterrupted
	case errors.Is(err, merge.ErrNoFootage):
		_, _ = fmt.Fprintf(stderr, "local merge: %v\n", err)
		return exitNoFootage
	default:
		_, _ = fmt.Fprintf(stderr, "local merge: %s\n", wayOut(err))
		return exitFailed
	}
}

// wayOut words an error for people: one sentence that says what to do.
func wayOut(err error) string {
	var permanent *fault.PermanentError
	switch {
	case errors.As(err, &permanent):
		return reason(permanent.Reason)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Sprintf("the disk is full: free some space and start the same command again, it goes on where it was (%v)", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("permission is missing: let this user read the segments and write the results, then start again (%v)", err)
	case errors.Is(err, merge.ErrBusy):
		return fmt.Sprintf("%v: wait for it, or give this one another --work", err)
	case errors.Is(err, rangeproxy.ErrChanged):
		return fmt.Sprintf("a file of the recorder changed during the merge: start the same command again when it is finished (%v)", err)
	default:
		return err.Error()
	}
}

// doMerge runs the merge that the options describe.
func doMerge(ctx context.Context, o mergeOptions, stdout, stderr io.Writer) (err error) {
	tool, err := ffmpeg.Find(ctx)
	if err != nil {
		return err
	}
	judge, err := newJudge(ctx, tool, o.cards)
	if err != nil {
		return err
	}
	clips, ignored, err := findClips(o.segments, o.request)
	if err != nil {
		return err
	}
	proxy, err := rangeproxy.Listen(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	engine := &merge.Engine{Tool: tool, Proxy: proxy, Screen: judge, Learned: forgetful{}}
	if o.plan {
		return printPlan(ctx, engine, o, found{clips, ignored}, stdout)
	}
	work, err := merge.OpenWork(o.workFolder())
	if err != nil {
		return err
	}
	defer func() {
		// Nobody asked to keep it, and there is nothing left to go on with.
		if o.work == "" && (err == nil || errors.Is(err, merge.ErrNoFootage)) {
			err = errors.Join(err, work.Remove())
			return
		}
		err = errors.Join(err, work.Close())
	}()
	engine.Learned = work
	return makeMerge(ctx, engine, work, o, found{clips, ignored}, stdout, stderr)
}

// phraseMatch are the files of the folder.
type found struct {
	clips   []merge.Clip
	ignored []report.Ignored
}

// makeMerge makes the video, and says what was done.
func makeMerge(ctx context.Context, engine *merge.Engine, work *merge.WorkDir, o mergeOptions, files found, stdout, stderr io.Writer) error {
	debug.SetGCPercent(50) // the pictures are FFmpeg's: our own garbage is cheap to collect, and half of what we hold
	meter := startMeter()
	defer meter.end()
	show := newProgress(stderr, o.request.Rate)
	engine.Progress = show.update
	result, err := engine.Make(ctx, o.request, files.clips, work, o.out, o.parallel)
	show.end()
	if errors.Is(err, merge.ErrNoFootage) {
		return fmt.Errorf("%w: %s", merge.ErrNoFootage, explain(result.Plan, files.ignored, o))
	}
	if err != nil {
		return err
	}
	r := result.Plan.Report()
	r.Output, r.Ignored, r.Sound.Result = result.Output(o.out), files.ignored, result.Loudness.Report()
	r.Cost = meter.stop(engine)
	if err := writeReports(ctx, r, o, engine); err != nil {
		return err
	}
	return r.Text(stdout, language())
}

// printPlan prints what would be done, also where that is nothing.
func printPlan(ctx context.Context, engine *merge.Engine, o mergeOptions, files found, stdout io.Writer) error {
	plan, err := engine.Plan(ctx, o.request, files.clips, nil)
	if err != nil {
		return err
	}
	text, err := plan.JSON()
	if err != nil {
		return err
	}
	if _, err = stdout.Write(text); err == nil && plan.Empty() {
		err = fmt.Errorf("%w: %s", merge.ErrNoFootage, explain(plan, files.ignored, o))
	}
	return err
}

// forgetful remembers nothing: a plan that is only printed leaves nothing behind.
type forgetful struct{}

// Load implements merge.Memory.
func (forgetful) Load(string, any) bool { return false }

// Save implements merge.Memory.
func (forgetful) Save(string, any) error { return nil }

// explain says why there is nothing to merge, and what was looked for.
func explain(plan *merge.Plan, ignored []report.Ignored, o mergeOptions) string {
	if len(plan.Segments) == 0 {
		text := fmt.Sprintf("no file in %s is named like room %s from %s to %s", o.segments, o.request.Room,
			o.request.Start.Format("2006-01-02 15:04"), o.request.End.Format("15:04"))
		if len(ignored) > 0 {
			text += fmt.Sprintf(" (%d other files lie there, like %s: %s)", len(ignored), ignored[0].File, ignored[0].Cause)
		}
		return text
	}
	text := fmt.Sprintf("%d files belong to it, and none can be used", len(plan.Segments))
	for _, seg := range plan.Segments {
		if len(seg.Faults) > 0 {
			return text + "; " + seg.Path + ": " + seg.Faults[0]
		}
	}
	return text
}

// writeReports writes the reports that were asked for, each whole or not at all.
func writeReports(ctx context.Context, r *report.Report, o mergeOptions, engine *merge.Engine) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("the report contradicts itself: %w", err)
	}
	for _, path := range o.reports {
		write := r.Write
		if filepath.Ext(path) == ".html" {
			thumbs, err := thumbnails(ctx, r, engine.Tool, engine.Proxy)
			if err != nil {
				return err
			}
			write = func(w io.Writer) error { return r.HTML(w, language(), thumbs) }
		}
		if err := writeWhole(path, write); err != nil {
			return fmt.Errorf("write the report %s: %w", path, err)
		}
	}
	return nil
}

// writeWhole writes a file beside its place and renames it when it is complete.
func writeWhole(path string, write func(io.Writer) error) error {
	// One name, so that what a killed merge left is written over by the next.
	file, err := os.OpenFile(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".partial"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644) // #nosec G302 G304 -- the report the user asked for
	if err != nil {
		return err
	}
	err = write(file)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// thumbnailEvery is how far apart the report's pictures are; long records get a dozen.
func thumbnailEvery(length time.Duration) time.Duration {
	return max(length/12, 20*time.Second)
}
