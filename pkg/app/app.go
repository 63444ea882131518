// Package app builds a process from its configuration: clients, tools and the pipeline.
//
// It knows every package of a process and the configuration of each. It takes no decisions: a function or a
// job names the parts that it needs, and closes them together. The cloud and a single machine differ in
// their configuration only.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/notify"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/ocr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// Process holds the opened parts of a process. The others are zero. Close it after use.
type Process struct {
	*pipeline.Pipeline

	Config *config.Config
	DB     *store.Store // all parts; Pipeline.Store holds those of the steps
	closes []func() error
}

// Part opens one part of a process and stores it there.
type Part func(context.Context, *Process) error

// New opens the parts of a process. If one of them fails, the others are closed.
func New(ctx context.Context, c *config.Config, log *slog.Logger, now func() time.Time, parts ...Part) (*Process, error) {
	texts := i18n.Default()
	if !texts.Has(c.Language) {
		return nil, fmt.Errorf("LANGUAGE=%s: want one of %v", c.Language, texts.Languages())
	}
	p := &Process{
		Config: c,
		Pipeline: &pipeline.Pipeline{
			Now:      now,
			Log:      log,
			Texts:    texts,
			Settings: settings(c),
		},
	}
	for _, open := range parts {
		if err := open(ctx, p); err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, nil
}

// Close closes the parts, the last one first.
func (p *Process) Close() error {
	var errs []error
	for i := len(p.closes) - 1; i >= 0; i-- {
		errs = append(errs, p.closes[i]())
	}
	p.closes = nil
	return errors.Join(errs...)
}

func (p *Process) closeLater(do func() error) {
	p.closes = append(p.closes, do)
}

// Tracing starts the tracing of this process. Only a command calls it, once.
func Tracing(ctx context.Context, c *config.Config, service string) (*observe.Tracing, error) {
	return observe.StartTracing(ctx, observe.TraceOptions{
		Project: c.Project,
		File:    c.TraceFile,
		Service: service,
		Version: c.Revision,
	})
}

// settings returns the settings of the pipeline. All waits are divided by the time scale.
func settings(c *config.Config) pipeline.Settings {
	loudness := merge.Loudness{Off: c.Loudness == "off", LevelerOff: c.Leveler == "off"}
	if !loudness.Off {
		loudness.TargetLUFS, _ = strconv.ParseFloat(c.Loudness, 64) // Validate has checked it
	}
	return pipeline.Settings{
		MergeJob:     c.MergeJob,
		DriveFolder:  c.DriveFolder,
		DriveSearch:  c.DriveSearch,
		Courses:      c.Courses,
		Operators:    c.Operators,
		Domains:      c.WorkspaceDomains(),
		ShareDomains: c.SharedDomains(),
		DeferNotices: c.DeferNotices,

		Slice:     c.Slice,
		MostTasks: c.Tasks,
		Policy:    merge.Policy(c.Policy),
		Layout:    nvr.Layout(c.Layout),
		Width:     c.Width,
		Height:    c.Height,
		FPS:       c.FPS,
		Loudness:  loudness,

		MaxMerges:    c.MaxMerges,
		Retention:    c.Retention,
		Spare:        c.Spare,
		Lease:        c.Waits(c.Lease),
		StandbyAfter: c.Waits(45 * time.Minute),
		FootageWait:  c.Waits(c.Wait),
		FootagePoll:  c.Waits(5 * time.Minute),
		PushBudget:   max(c.Waits(c.Budget), minBudget),
		PushTimeout:  c.Timeout,
		RetryPauses: []time.Duration{
			c.Waits(time.Minute),
			c.Waits(5 * time.Minute),
			c.Waits(20 * time.Minute),
			c.Waits(time.Hour),
		},
		PlayableWait: c.Waits(6 * time.Hour),
		PlayablePoll: c.Waits(2 * time.Minute),
	}
}

// minBudget is the shortest budget of a delivery. The time scale does not shorten work, so a shorter budget
// would end each continuation before it makes progress.
const minBudget = 20 * time.Second

// Store opens the database.
func Store(ctx context.Context, p *Process) error {
	return openStore(ctx, p, false)
}

// StoreAlone is [Store] for a SQLite file that no other process writes to. A missing file is created.
func StoreAlone(ctx context.Context, p *Process) error {
	return openStore(ctx, p, true)
}

func openStore(ctx context.Context, p *Process, alone bool) error {
	c := p.Config
	s, err := store.Open(ctx, string(c.Database), store.Options{
		Now:           p.Now,
		SingleProcess: alone,
		MustExist:     !alone,
		Texts:         p.Texts,
		Scale:         c.TimeScale,
		Tried:         logFailedCalls(p.Log),
		Defaults: store.Defaults{
			Zone:          c.Zone(),
			Language:      c.Language,
			SegmentLength: c.SegmentLength,
		},
	})
	if err != nil {
		return err
	}
	p.DB = s
	p.Store = pipeline.StoreOf(s)
	p.closeLater(s.Close)
	return nil
}

// Buckets opens the bucket of the segments and the work bucket.
func Buckets(ctx context.Context, p *Process) error {
	client, err := bucket.New(ctx, bucket.Options{
		Endpoint: p.Config.StorageEndpoint,
		Scale:    p.Config.TimeScale,
		Now:      p.Now,
		Tried:    logFailedCalls(p.Log),
	})
	if err != nil {
		return err
	}
	p.closeLater(client.Close)
	p.Segments, p.Work = client.Bucket(p.Config.SegmentsBucket), client.Bucket(p.Config.WorkBucket)
	return nil
}

// Topics opens the topics of Pub/Sub.
func Topics(ctx context.Context, p *Process) error {
	topics, err := dispatch.NewTopics(ctx, dispatch.TopicsOptions{
		Project:  p.Config.Project,
		Endpoint: p.Config.PubSubEndpoint,
		Scale:    p.Config.TimeScale,
		Tried:    logFailedCalls(p.Log),
	})
	if err != nil {
		return err
	}
	p.Topics = topics
	p.closeLater(topics.Close)
	return nil
}

// Jobs opens the Cloud Run Admin API.
func Jobs(ctx context.Context, p *Process) (err error) {
	p.Jobs, err = dispatch.NewJobs(ctx, dispatch.JobsOptions{
		Endpoint: p.Config.RunEndpoint,
		Scale:    p.Config.TimeScale,
		Tried:    logFailedCalls(p.Log),
	})
	return err
}

// Workspace opens Drive, Calendar and Classroom with the scopes of a component.
func Workspace(scopes []string) Part {
	return func(_ context.Context, p *Process) (err error) {
		c := p.Config
		var tokens workspace.Tokens
		if c.WorkspaceEndpoint == "" {
			if c.Delegate == "" {
				return errors.New("DELEGATE is missing: name the service account that may act for the domain")
			}
			tokens = workspace.Delegation(c.Delegate)
		}
		p.Workspace, err = workspace.New(workspace.Options{
			Texts:    p.Texts,
			Endpoint: c.WorkspaceEndpoint,
			Scopes:   scopes,
			Tokens:   tokens,
			Scale:    c.TimeScale,
			Now:      p.Now,
			Log:      p.Log,
			Tried:    logFailedCalls(p.Log),
			Subjects: workspace.Subjects{
				Drive:     c.DriveSubject,
				Uploaders: c.DriveUploaders,
				Calendar:  c.CalendarSubject,
				Classroom: c.ClassroomSubject,
			},
		})
		return err
	}
}

// Notices opens the channels through which requesters are notified.
func Notices(_ context.Context, p *Process) (err error) {
	c := p.Config
	p.Notices, err = notify.New(notify.Options{
		Texts:         p.Texts,
		Webhook:       c.Webhook,
		WebhookSecret: string(c.WebhookSecret),
		SMTP:          c.SMTP,
		SMTPPassword:  string(c.SMTPPassword),
		SMTPFrom:      c.SMTPFrom,
		Zulip:         c.Zulip,
		ZulipKey:      string(c.ZulipKey),
		Scale:         c.TimeScale,
		Now:           p.Now,
	})
	return err
}

// Tools finds FFmpeg, opens the loopback proxy and loads the pictures of idle screens.
func Tools(ctx context.Context, p *Process) error {
	if err := Pictures(ctx, p); err != nil {
		return err
	}
	judge, err := NewJudge(ctx, p.Tools.FFmpeg, p.Config.Cards)
	p.Tools.Screen = judge
	return err
}

// Pictures finds FFmpeg and opens the loopback proxy, for single pictures of footage. It is [Tools] without
// what judges screens.
func Pictures(ctx context.Context, p *Process) error {
	tool, err := ffmpeg.Find(ctx)
	if err != nil {
		return err
	}
	proxy, err := rangeproxy.Listen(ctx)
	if err != nil {
		return err
	}
	p.closeLater(proxy.Close)
	p.Tools = &pipeline.Tools{FFmpeg: tool, Proxy: proxy, Usage: ResourceUsage}
	return nil
}

// NewJudge returns the judge of screen recordings. cards is a folder with further pictures of idle screens,
// empty for none. Without an OCR program the judge compares pictures only.
func NewJudge(ctx context.Context, tool *ffmpeg.Tool, cards string) (*presence.Judge, error) {
	pictures, err := presence.LoadCards(cards)
	if err != nil {
		return nil, fmt.Errorf("load the pictures of idle screens: %w", err)
	}
	reader, err := ocr.Find(ctx)
	if err != nil {
		return nil, err
	}
	return &presence.Judge{Tool: tool, Cards: pictures, Reader: reader}, nil
}
