package simulate

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Limits are the quotas of Google that a record meets. The comments name the page of each and the date on
// which it was read.
type Limits struct {
	UploadBytes int64 // a day and user. Drive "Usage limits" (DR14), 750 GB, not confirmed by a current page
	// Calls a minute. Drive "Usage limits" (DR14): 325,000 units a user; Calendar "Usage limits": 600 a user,
	// 10,000 a project; Classroom "Usage limits": 1,200 a user, 3,000 a client. Read 2026-11-24.
	DriveUser, CalendarUser, ClassroomClient int

	Push      time.Duration // what a push may take (PS6)
	PushWait  time.Duration // how long Cloud Run lets a request wait for an instance before it answers 429
	BackoffLo time.Duration // between two pushes of a message: terraform/function/main.tf, within PS4
	BackoffHi time.Duration
	Pushes    int // then the message is dead (PS4)

	Retained int // executions that a job remembers. Cloud Run "Quotas": 1,000. Read 2026-11-24
	Tasks    int // that run at once in the region (RJ8); 0: as many as are started, the quota was raised
}

// Google returns the default quotas.
func Google() Limits {
	return Limits{
		UploadBytes:     750_000_000_000,
		DriveUser:       325_000,
		CalendarUser:    600,
		ClassroomClient: 3_000,
		Push:            600 * time.Second,
		PushWait:        10 * time.Second,
		BackoffLo:       10 * time.Second,
		BackoffHi:       600 * time.Second,
		Pushes:          20,
		Retained:        1_000,
	}
}

// Costs are the durations of the steps. They come from the measurements in docs/ if there are any. The others
// are estimates, which docs/simulation.md lists.
type Costs struct {
	RenderCPU float64 // core-seconds an hour of video: docs/cost.csv, "c: ours" less "c without rendering"
	Busy      float64 // share of a task's cores in use: docs/cost-cloud.md
	TaskStart time.Duration
	Join      time.Duration

	StageFixed, StageHour  time.Duration // of a record, and of an hour of it
	LookForFootage         time.Duration // until a stage sees that a segment is missing
	UploadFixed, UploadGB  time.Duration
	LookForUser            time.Duration // until an upload sees that its user was full a moment ago
	Link, LinkAgain        time.Duration // the first delivery, and a look at whether the video plays
	GBHour                 float64       // of video: docs/quotas.md
	Processing             float64       // that Drive takes to make a video playable, as a share of its length
	SegmentLo, SegmentHi   time.Duration // after its end a segment is in the bucket
	Patience               time.Duration // that a call spends on a quota before it gives up: workspace
	TaskVCPU, TaskGiB      float64       // list prices a second, docs/cost-cloud.md, dollars
	ServiceVCPU, ServiceGB float64
	EuroDollar             float64

	// Calls a step makes: docs/api-calls.md.
	DriveUpload, DriveLink, CalendarUpload, CalendarLink, Classroom int
	ClassroomAgain, CalendarAgain, DriveAgain                       int // of a further look
	WithCourse                                                      float64
}

// Measured returns the default costs. The cost of rendering comes from docs/cost.csv below root.
func Measured(root string) (Costs, error) {
	file := filepath.Join(root, "docs", "cost.csv")
	text, err := os.ReadFile(file)
	if err != nil {
		return Costs{}, fmt.Errorf("read what was measured: %w", err)
	}
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return Costs{}, fmt.Errorf("read %s: %w", file, err)
	}
	measured := map[string]float64{} // core-seconds an hour of video
	for _, line := range lines {
		measured[line[0]], _ = strconv.ParseFloat(line[3], 64) // the heading is none
	}
	all, survey := measured["c: ours"], measured["c without rendering"]
	if survey <= 0 || all <= survey {
		return Costs{}, fmt.Errorf("%s does not say what our way costs", file)
	}
	return Costs{
		RenderCPU:      all - survey,
		Busy:           0.7,
		TaskStart:      15 * time.Second,
		Join:           10 * time.Second,
		StageFixed:     20 * time.Second,
		StageHour:      60 * time.Second,
		LookForFootage: 3 * time.Second,
		UploadFixed:    10 * time.Second,
		UploadGB:       60 * time.Second,
		LookForUser:    2 * time.Second,
		Link:           8 * time.Second,
		LinkAgain:      2 * time.Second,
		GBHour:         1.2,
		Processing:     0.1,
		SegmentLo:      20 * time.Second,
		SegmentHi:      3 * time.Minute,
		Patience:       30 * time.Second,
		TaskVCPU:       0.000018,
		TaskGiB:        0.000002,
		ServiceVCPU:    0.000024,
		ServiceGB:      0.0000025,
		EuroDollar:     0.92,
		DriveUpload:    16,
		DriveLink:      4,
		CalendarUpload: 1,
		CalendarLink:   4,
		Classroom:      10,
		ClassroomAgain: 0,
		CalendarAgain:  1,
		DriveAgain:     1,
		WithCourse:     0.6,
	}, nil
}
