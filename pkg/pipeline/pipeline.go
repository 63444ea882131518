// Package pipeline is the way of a record, a file a step: claim, stage, merge, upload, link, fail.
//
// It orders calls and settles their outcome. It knows the words of a record and the packages it
// calls; it knows no HTTP, no environment, no SQL and no flag of FFmpeg. Nothing calls up into it,
// and the packages below do not know each other: a step calls down, gets values, calls the next.
//
// Each step's file says what is true before it, what after, and what a kill at any line leaves
// behind. Everything rests on three rules: what is made is named by its content (so making it twice
// is making it once), every write of a worker names the attempt and the holder (so a worker that was
// overtaken writes nothing), and the state is written before the message that follows from it (so a
// lost message can be made again from the row). Start with [Pipeline.Claim].
package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/notify"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// Pipeline holds what the steps need. A process sets the fields that its steps use before the first
// call; then it is safe for concurrent use.
type Pipeline struct {
	Store     Store
	Segments  *bucket.Bucket
	Work      *bucket.Bucket
	Workspace *workspace.Client
	Topics    *dispatch.Topics
	Jobs      *dispatch.Jobs
	Notices   []notify.Channel
	Tools     *Tools // stage and merge only
	Texts     *i18n.Catalog

	Settings Settings
	Now      func() time.Time
	Log      *slog.Logger

	claiming sync.Mutex
	gate     runGate // of the workers of this process
}

// Tools are what looks into footage and makes video.
type Tools struct {
	FFmpeg *ffmpeg.Tool
	Proxy  *rangeproxy.Proxy
	Screen *presence.Judge
	// Usage is what this process and its children have taken so far: time of cores, and the most memory
	// that one of them held, in bytes.
	Usage func() (cpu time.Duration, peak int64)
}

// Settings are the decisions of the operator. All waits are divided by the time scale already.
type Settings struct {
	MergeJob     string // full name of the Cloud Run Job
	DriveFolder  string // where the videos of rooms without a folder go
	DriveSearch  bool   // whether missing segments are looked for on Drive
	Chunk        int64  // bytes that go to Drive in one request: a multiple of 256 KiB; 0: 8 MiB
	Courses      map[string]string
	Operators    []string // addresses that are told what concerns no requester
	Domains      []string // of the Workspace; see CalendarSettings
	ShareDomains []string // that videos may be shared with; nil: all
	DeferNotices bool     // leaves notices of failures to claim

	Slice         time.Duration
	MostTasks     int // of a record, whose slices are longer then; 0: as many as slices
	Policy        merge.Policy
	Layout        nvr.Layout // of videos whose room has none
	Width, Height int        // of a video side by side; see merge.SizeOf
	FPS           int
	Loudness      merge.Loudness

	MaxMerges int
	Retention time.Duration // of the segments, not divided
	Spare     time.Duration // of segments that no record needs, not divided; 0: as Retention

	Lease        time.Duration   // how long a worker holds a record without renewing its lease
	StandbyAfter time.Duration   // how old the last run of claim may be before standby does its work; of the part that fills places, a third
	FootageWait  time.Duration   // for segments, from the end of the last one
	FootagePoll  time.Duration   // between two looks for a segment that is missing
	PushBudget   time.Duration   // of one delivery; then a further message goes on
	PushTimeout  time.Duration   // of one delivery at the most; not divided
	RetryPauses  []time.Duration // before the tries after a curable failure
	PlayableWait time.Duration   // the longest wait for Drive to process a video
	PlayablePoll time.Duration   // between two looks at whether it has
}

// engine is a merge engine that remembers in the work bucket; kept is told when it remembers more.
func (p *Pipeline) engine(ctx context.Context, kept func()) *merge.Engine {
	return &merge.Engine{
		Tool:    p.Tools.FFmpeg,
		Proxy:   p.Tools.Proxy,
		Screen:  p.Tools.Screen,
		Texts:   p.Texts,
		Learned: learned{ctx: ctx, work: p.Work, log: p.Log, kept: kept},
	}
}

// topicOf is the topic that wakes the function for a step: merge begins again with stage, which finds
// all that is there already.
func topicOf(step nvr.Step) string {
	if step == nvr.StepMerge {
		return string(nvr.StepStage)
	}
	return string(step)
}

// send publishes a claim. The state that it follows from is written already: if the message is lost,
// the lease runs out and claim sends again.
func (p *Pipeline) send(ctx context.Context, c nvr.Claim) error {
	return p.Topics.Publish(ctx, topicOf(c.Step), c)
}
