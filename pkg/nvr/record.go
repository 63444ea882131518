package nvr

import (
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
)

// Step is where a record is on its way.
type Step string

// The steps, in the order of the way. Done, Failed and Withdrawn are ends.
const (
	StepStage     Step = "stage"
	StepMerge     Step = "merge"
	StepUpload    Step = "upload"
	StepLink      Step = "link"
	StepDone      Step = "done"
	StepFailed    Step = "failed"
	StepWithdrawn Step = "withdrawn"
)

// Working reports whether a record on this step still has work before it.
func (s Step) Working() bool {
	switch s {
	case StepStage, StepMerge, StepUpload, StepLink:
		return true
	case StepDone, StepFailed, StepWithdrawn:
	}
	return false
}

// Claim is a record taken for processing: what a message carries, and nothing more. The row decides
// whether it still holds.
type Claim struct {
	Record       int64 `json:"record"`
	Attempt      int64 `json:"attempt"` // only grows; an older one is stale
	Continuation int64 `json:"turn"`    // grows with each further message of one attempt and step
	Step         Step  `json:"step"`
}

// Lease is a claim that a worker has entered: every write of the worker names it.
type Lease struct {
	Claim
	Holder string // the worker: a random name, or the execution that tasks share
}

// Lengths of columns of the NVR's table `records`, in characters.
const (
	MaxTitle = 200 // event_name
	MaxEmail = 100 // user_email
)

// Record is one request: a row of the NVR's table `records`, with our own columns.
type Record struct {
	ID int64

	Title      string // event_name; empty if NULL
	Room       string // room_name
	Date       string // YYYY-MM-DD, room time
	StartTime  string // HH:MM, room time
	EndTime    string // HH:MM, room time
	UserEmail  string
	EventID    string // of the calendar event; empty if NULL
	Layout     Layout // that its event names; empty: as the room's
	Held       bool   // the requester alone gets the video, until a person releases it or its time has come
	Done       bool   // uploaded
	Processing bool   // between claim and the end of upload

	Step         Step
	FailedStep   Step // where a failed record stood
	Attempt      int64
	Tries        int64 // curable failures of this attempt's work so far
	Continuation int64
	// Starts counts the workers in a row that began and made no progress. It is 1 while the first of them
	// works, and 2 once that one has died. Each later worker that begins adds 1.
	Starts     int64
	Holder     string      // empty: no worker
	LeaseUntil time.Time   // zero: none
	DueAt      time.Time   // zero: not known yet, look
	AskedAt    time.Time   // when it was asked for, or asked for again, as far as we saw; zero: before that was noted
	Reason     cause.Cause // why it waits or failed; zero if neither
	Cause      string      // the technical cause beside the reason
	Progress   int         // per cent of the step merge

	// Revision numbers the versions of the delivered video, from 1. It grows with each edit after the first
	// delivery. Edits are what people changed of the request.
	Revision int64
	Edits    Edits

	Digest string // of the plan that is rendered or was
	FileID string // of the Drive file, generated before the upload
	Link   string // where people watch it
	Course string // what became of the announcement, for people: a course's name, or why there is none (i18n.ReadReason)
	Share  string // what became of the share: "shared", or why not (i18n.ReadReason)
}

// Claim is the message that would go on with the record where it stands.
func (r *Record) Claim() Claim {
	return Claim{
		Record:       r.ID,
		Attempt:      r.Attempt,
		Continuation: r.Continuation,
		Step:         r.Step,
	}
}

// Window is the record's [start, end) as instants, in the room's zone.
func (r *Record) Window(zone *time.Location) (start, end time.Time, err error) {
	if start, err = Wall(r.Date, r.StartTime, zone); err != nil {
		return start, end, err
	}
	end, err = Wall(r.Date, r.EndTime, zone)
	start = start.Add(time.Duration(r.Edits.StartAfter) * time.Second)
	return start, end.Add(-time.Duration(r.Edits.EndBefore) * time.Second), err
}

// Source is one recorded stream of a room: a row of the NVR's table `sources`.
type Source struct {
	ID    int64
	Name  string
	IP    string // 172.18.191.30, with or without "/0"
	Port  string
	RTSP  string
	Audio string
	Merge string // how it takes part in a merge; the board's ends in "right"
}

// IsBoard reports whether a source is a board camera.
func (s *Source) IsBoard() bool { return strings.HasSuffix(s.Merge, "right") }

// Room is a lecture room: a row of the NVR's table `rooms` with its sources and settings.
type Room struct {
	ID           int64
	Name         string
	Drive        string // folder id, or a URL ending in it
	Calendar     string // calendar id
	MainSource   string // address, like 172.18.191.24/0
	ScreenSource string
	SoundSource  string
	Sources      []Source

	Zone          *time.Location // IANA zone of the room
	Language      string         // of texts about its records: a tag of the catalogue, such as "ru"
	SegmentLength time.Duration
	Layout        Layout // of its videos; empty: as the deployment is configured
}

// Board is the address of the room's board camera. Empty if there is none.
func (r *Room) Board() string {
	for _, s := range r.Sources {
		if s.IsBoard() {
			return s.IP
		}
	}
	return ""
}
