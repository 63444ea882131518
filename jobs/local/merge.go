package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/report"
	"github.com/nvr-miem/merger/pkg/speech"
)

// mergeCommand makes one video from a folder of recorder files.
func (c *cli) mergeCommand() *cobra.Command {
	command := c.command("merge", "merge")
	f := &mergeFlags{}
	f.register(c, command.Flags())
	complete(command, "policy", string(merge.Auto), string(merge.HalfHour))
	complete(command, "layout", string(nvr.LayoutSide), string(nvr.LayoutStage))
	complete(command, "speech", speech.None, speech.Pocketsphinx, speech.Whisper+":")
	command.RunE = func(command *cobra.Command, args []string) error {
		options, err := f.options(c, args)
		if err != nil {
			return err
		}
		ctx := command.Context()
		return c.mergeError(ctx, c.merge(ctx, options))
	}
	return command
}

// complete makes shells offer the values of a flag.
func complete(command *cobra.Command, flag string, values ...string) {
	// It fails only for a flag that does not exist.
	_ = command.RegisterFlagCompletionFunc(
		flag,
		cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp),
	)
}

// mergeError returns the error of a merge as one sentence that says what to do, with its exit code.
func (c *cli) mergeError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &exitError{exitInterrupted, c.t("error.interrupted")}
	case errors.Is(err, merge.ErrNoFootage):
		return &exitError{exitNoFootage, err.Error()}
	}
	return &exitError{exitFailed, c.remedy(err)}
}

// remedy returns an error with what the reader can do about it.
func (c *cli) remedy(err error) string {
	switch {
	case fault.KindOf(err) == fault.Permanent:
		return c.text.Cause(fault.CauseOf(err))
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return c.t("error.disk-full", "cause", err.Error())
	case errors.Is(err, fs.ErrPermission):
		return c.t("error.permission", "cause", err.Error())
	case errors.Is(err, merge.ErrBusy):
		return c.t("error.busy", "cause", err.Error())
	case errors.Is(err, rangeproxy.ErrChanged):
		return c.t("error.file-changed", "cause", err.Error())
	}
	return err.Error()
}

// merge runs the merge that the options describe.
func (c *cli) merge(ctx context.Context, o mergeOptions) (err error) {
	tool, err := ffmpeg.Find(ctx)
	if err != nil {
		return err
	}
	judge, err := app.NewJudge(ctx, tool, o.cards)
	if err != nil {
		return err
	}
	clips, ignored, err := findClips(o.segments, o.request, c.catalog)
	if err != nil {
		return err
	}
	proxy, err := rangeproxy.Listen(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	m := &mergeRun{
		cli:     c,
		o:       o,
		clips:   clips,
		ignored: ignored,
		engine: &merge.Engine{
			Tool:    tool,
			Proxy:   proxy,
			Screen:  judge,
			Learned: noMemory{},
			Texts:   c.catalog,
		},
	}
	if o.plan {
		return m.plan(ctx)
	}
	m.openSpeech(ctx)
	return m.resume(ctx)
}

// mergeRun is one merge.
type mergeRun struct {
	*cli
	o       mergeOptions
	engine  *merge.Engine
	clips   []merge.Clip
	ignored []report.Ignored // files of the folder that do not belong to the request
	speech  speech.Engine    // nil: none
	mute    cause.Cause      // why there is no speech recogniser, though one was asked for
}

// resume makes the video in the work folder. The default folder is removed at the end; one that was named
// with --work is kept.
func (m *mergeRun) resume(ctx context.Context) (err error) {
	work, err := merge.OpenWork(m.o.workFolder())
	if err != nil {
		return err
	}
	defer func() {
		nothingLeft := err == nil || errors.Is(err, merge.ErrNoFootage)
		if m.o.work == "" && nothingLeft {
			err = errors.Join(err, work.Remove())
			return
		}
		err = errors.Join(err, work.Close())
	}()
	m.engine.Learned = work
	return m.make(ctx, work)
}

// make makes the video and prints what was done.
func (m *mergeRun) make(ctx context.Context, work *merge.WorkDir) error {
	debug.SetGCPercent(50) // pictures are FFmpeg's memory: collecting our own is cheap and halves it
	meter := startMeter()
	defer meter.end()
	show := newProgress(m.stderr, m.o.request.Rate, m.cli)
	m.engine.Progress = show.update
	result, err := m.engine.Make(ctx, m.o.request, m.clips, work, m.o.out, m.o.parallel)
	var written []string
	var mute cause.Cause
	if err == nil {
		written, mute = m.captions(ctx, show)
	}
	show.end()
	if errors.Is(err, merge.ErrNoFootage) {
		return m.noFootage(result.Plan)
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	r := result.Plan.Report(m.catalog)
	if !mute.IsZero() {
		r.Warnings = append(r.Warnings, report.WarningOf(m.catalog, cause.CaptionsMissing(mute)))
	}
	r.Output = result.Output(m.o.out)
	r.Ignored = m.ignored
	r.Sound.Result = result.Loudness.Report()
	r.Cost = meter.stop(m.engine)
	if err := m.writeReports(ctx, r); err != nil {
		return err
	}
	if err := r.Text(m.stdout, m.text); err != nil || written == nil {
		return err
	}
	return m.print("merge.captions", "captions", written[0], "transcript", written[1])
}

// plan prints what would be done. It prints an empty plan, too, before it returns why it is empty.
func (m *mergeRun) plan(ctx context.Context) error {
	plan, err := m.engine.Plan(ctx, m.o.request, m.clips, nil)
	if err != nil {
		return err
	}
	if err := m.printPlan(plan); err != nil {
		return err
	}
	if plan.Empty() {
		return m.noFootage(plan)
	}
	return nil
}

// printPlan prints the plan: a summary, or the document with --json.
func (m *mergeRun) printPlan(plan *merge.Plan) error {
	if !m.o.json {
		return m.summary(plan)
	}
	text, err := plan.JSON(m.catalog)
	if err != nil {
		return err
	}
	_, err = m.stdout.Write(text)
	return err
}

// summary prints a plan for people: the files, the length, the slices, and each file's faults.
func (m *mergeRun) summary(plan *merge.Plan) error {
	length := time.Duration(plan.Frames) * time.Second / time.Duration(m.o.request.Rate)
	faulty := 0
	for _, segment := range plan.Segments {
		if len(segment.Faults) > 0 {
			faulty++
		}
	}
	lines := []string{
		m.t(
			"plan.record",
			"room",
			plan.Room,
			"start",
			plan.Start,
			"end",
			plan.End,
			"length",
			length,
		),
		m.t("plan.files", "files", len(plan.Segments), "faulty", faulty, "ignored", len(m.ignored)),
		m.t("plan.work", "slices", len(plan.Slices), "scenes", len(plan.Scenes)),
	}
	for _, segment := range plan.Segments {
		for _, fault := range segment.Faults {
			lines = append(lines, m.t("plan.fault", "file", segment.Path, "fault", fault))
		}
	}
	_, err := fmt.Fprintln(m.stdout, strings.Join(lines, "\n"))
	return err
}

// noMemory stores no analyses: printing a plan leaves nothing behind.
type noMemory struct{}

// Load implements merge.Memory.
func (noMemory) Load(string, any) bool { return false }

// Save implements merge.Memory.
func (noMemory) Save(string, any) error { return nil }

// noFootage returns why there is nothing to merge, and what was looked for. It wraps [merge.ErrNoFootage].
func (m *mergeRun) noFootage(plan *merge.Plan) error {
	return &noFootageError{m.t("error.no-footage", "why", m.whyEmpty(plan))}
}

// noFootageError is a worded [merge.ErrNoFootage].
type noFootageError struct{ text string }

// Error implements error.
func (e *noFootageError) Error() string { return e.text }

// Unwrap makes [errors.Is] find [merge.ErrNoFootage].
func (e *noFootageError) Unwrap() error { return merge.ErrNoFootage }

// whyEmpty returns why a plan has no footage.
func (m *mergeRun) whyEmpty(plan *merge.Plan) string {
	if len(plan.Segments) > 0 {
		for _, segment := range plan.Segments {
			if len(segment.Faults) > 0 {
				return m.t(
					"error.no-usable-file",
					"files",
					len(plan.Segments),
					"file",
					segment.Path,
					"fault",
					segment.Faults[0],
				)
			}
		}
		return m.t("error.files-unusable", "files", len(plan.Segments))
	}
	text := m.t(
		"error.no-file",
		"folder", m.o.segments,
		"room", m.o.request.Room,
		"start", m.o.request.Start,
		"end", m.o.request.End,
	)
	if len(m.ignored) == 0 {
		return text
	}
	first := m.ignored[0]
	return text + " " + m.t(
		"error.other-files",
		"files",
		len(m.ignored),
		"file",
		first.File,
		"cause",
		first.Text(m.text),
	)
}

// writeReports writes the reports that were asked for, each whole or not at all.
func (m *mergeRun) writeReports(ctx context.Context, r *report.Report) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("check the report: %w", err)
	}
	for _, path := range m.o.reports {
		write := r.Write
		if filepath.Ext(path) == ".html" {
			thumbs, err := thumbnails(ctx, r, m.engine.Tool, m.engine.Proxy)
			if err != nil {
				return err
			}
			write = func(w io.Writer) error {
				return r.HTML(w, m.text, thumbs)
			}
		}
		if err := writeWhole(path, write); err != nil {
			return fmt.Errorf("write the report %s: %w", path, err)
		}
	}
	return nil
}

// writeWhole writes a file beside its final name and renames it when it is complete.
func writeWhole(path string, write func(io.Writer) error) error {
	// The name is always the same, so that the next merge overwrites what a killed one left.
	partial := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".partial")
	const flags = os.O_CREATE | os.O_TRUNC | os.O_WRONLY
	file, err := os.OpenFile(partial, flags, 0o644) // #nosec G302 G304 -- the report the user asked for
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

// thumbnailEvery returns the time between two pictures of a report: a dozen pictures, at least 20 s apart.
func thumbnailEvery(length time.Duration) time.Duration {
	return max(length/12, 20*time.Second)
}
