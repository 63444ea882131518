// Package config is every environment variable that the product reads, once: its name, its meaning,
// its default, and what must hold.
//
// It knows names and values. It opens nothing and calls nobody. The cloud and one machine differ in
// these values only. Secrets have the type [Secret], which cannot be printed.
package config

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"
)

// Config is what a function, a job or a command runs with.
type Config struct {
	// Target is which function this process is: form, api, calendar, claim, standby, stage, upload, link, fail.
	Target string `env:"FUNCTION_TARGET"`

	Project  string `env:"PROJECT, default=local"` // of Google Cloud
	Database Secret `env:"DATABASE"`               // DSN: see package store

	GrantTo []string `env:"GRANT_TO"` // users of the database that migrate gives the components' rights

	SegmentsBucket string `env:"SEGMENTS_BUCKET, default=segments"`
	WorkBucket     string `env:"WORK_BUCKET, default=work"`
	MergeJob       string `env:"MERGE_JOB, default=projects/local/locations/local/jobs/merge"`

	// Where Google's services are, if not at Google.
	StorageEndpoint   string `env:"STORAGE_ENDPOINT"`
	PubSubEndpoint    string `env:"PUBSUB_ENDPOINT"` // host:port
	RunEndpoint       string `env:"RUN_ENDPOINT"`
	WorkspaceEndpoint string `env:"WORKSPACE_ENDPOINT"`

	// Delegate is the service account that is allowed to act for people of the Workspace domain.
	Delegate string `env:"DELEGATE"`
	// Delegates are those accounts by component (stage=ACCOUNT,…): what doctor asks as each of them.
	Delegates        map[string]string `env:"DELEGATES"`
	DriveSubject     string            `env:"DRIVE_SUBJECT"`      // whose Drive work is done on
	DriveUploaders   []string          `env:"DRIVE_UPLOADERS"`    // who share the uploads; empty: DriveSubject
	CalendarSubject  string            `env:"CALENDAR_SUBJECT"`   // who sees the rooms' calendars
	Requester        string            `env:"CALENDAR_REQUESTER"` // who gets the video of an event that names no person; empty: nobody, and there is no record
	ClassroomSubject string            `env:"CLASSROOM_SUBJECT"`  // who posts; empty: the owner of the course
	DriveFolder      string            `env:"DRIVE_FOLDER"`       // where the video of a room without a folder goes
	DriveSearch      bool              `env:"DRIVE_SEARCH, default=true"`

	Courses map[string]string `env:"COURSES"` // code=course id, for codes that Classroom cannot resolve

	// What rooms have that no settings were made for.
	TimeZone      string        `env:"TIME_ZONE, default=Europe/Moscow"`
	Language      string        `env:"LANGUAGE, default=ru"`
	SegmentLength time.Duration `env:"SEGMENT_LENGTH, default=30m"`

	// How merges are made.
	Slice    time.Duration `env:"SLICE, default=10m"`
	Tasks    int           `env:"MERGE_TASKS, default=0"` // of one record at most, whose slices are longer then; 0: as many as slices
	Policy   string        `env:"POLICY, default=auto"`
	Width    int           `env:"WIDTH, default=2560"`   // of the whole picture, in pixels
	Height   int           `env:"HEIGHT, default=720"`   // in pixels
	FPS      int           `env:"FPS, default=25"`       // 25, 30 or 50
	Loudness string        `env:"LOUDNESS, default=-16"` // LUFS, or off
	Cards    string        `env:"CARDS"`                 // folder with more canvas pictures

	MaxMerges int           `env:"MAX_MERGES, default=20"`     // records on their way to a merge at once
	Lease     time.Duration `env:"LEASE, default=3m"`          // how long who works holds a record without a word
	Wait      time.Duration `env:"WAIT, default=1h"`           // for segments, from the end of the last one
	Retention time.Duration `env:"RETENTION, default=336h"`    // of the segments
	Budget    time.Duration `env:"PUSH_BUDGET, default=8m"`    // of one delivery; then a further message goes on
	TimeScale float64       `env:"TIME_SCALE, default=1"`      // divides every wait
	Timeout   time.Duration `env:"PUSH_TIMEOUT, default=570s"` // of one delivery, before Pub/Sub's 600 s

	// Notices to the requester; each means that is configured is used.
	Webhook       string `env:"WEBHOOK"`
	WebhookSecret Secret `env:"WEBHOOK_SECRET"`
	SMTP          string `env:"SMTP"` // smtp://user@host:port
	SMTPPassword  Secret `env:"SMTP_PASSWORD"`
	SMTPFrom      string `env:"SMTP_FROM"`
	Zulip         string `env:"ZULIP"` // https://bot@zulip.example.org/
	ZulipKey      Secret `env:"ZULIP_KEY"`

	PublicURL   string   `env:"PUBLIC_URL"`   // of the service api, where calendar notifications arrive
	FormURL     string   `env:"FORM_URL"`     // of the page, for links in notices
	IAPAudience string   `env:"IAP_AUDIENCE"` // of the page's sign-in; empty: LocalUser is who asks
	LocalUser   string   `env:"LOCAL_USER"`
	Operators   []string `env:"OPERATORS"`
	RateLimit   int      `env:"RATE_LIMIT, default=50"` // requests a second and key

	TraceFile string `env:"TRACE_FILE"` // where spans go, if not to Cloud Trace
	LogLevel  string `env:"LOG_LEVEL, default=info"`

	// What Cloud Run tells its processes.
	Port      string `env:"PORT, default=8080"`
	Host      string `env:"HOST"`
	Service   string `env:"K_SERVICE"`
	Revision  string `env:"K_REVISION"`
	Execution string `env:"CLOUD_RUN_EXECUTION"`
	TaskIndex int    `env:"CLOUD_RUN_TASK_INDEX, default=0"`
	TaskCount int    `env:"CLOUD_RUN_TASK_COUNT, default=1"`
	TaskTry   int    `env:"CLOUD_RUN_TASK_ATTEMPT, default=0"`

	// What stage tells the tasks of the job merge.
	Record  int64  `env:"RECORD, default=0"`
	Attempt int64  `env:"ATTEMPT, default=0"`
	Turn    int64  `env:"TURN, default=0"`
	Digest  string `env:"DIGEST"`
	Key     string `env:"LAUNCH_KEY"`  // names the launch among the job's executions
	Trace   string `env:"TRACEPARENT"` // W3C trace context of who launched
}

// Secret is a value that no log shows.
type Secret string

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// GoString implements fmt.GoStringer.
func (s Secret) GoString() string { return s.String() }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Read reads the environment of this process.
func Read(ctx context.Context) (*Config, error) { return From(ctx, envconfig.OsLookuper()) }

// From reads an environment and says everything that is wrong with it.
func From(ctx context.Context, env envconfig.Lookuper) (*Config, error) {
	var c Config
	if err := envconfig.ProcessWith(ctx, &envconfig.Config{Target: &c, Lookuper: env, DefaultSeparator: "="}); err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	return &c, c.Validate()
}

// Validate joins everything that is wrong, under the names the operator wrote.
func (c *Config) Validate() error {
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	_, err := time.LoadLocation(c.TimeZone)
	bad(err != nil, "TIME_ZONE=%s: not an IANA time zone, like Europe/Moscow", c.TimeZone)
	bad(!slices.Contains([]string{"ru", "en"}, c.Language), "LANGUAGE=%s: want ru or en", c.Language)
	bad(!slices.Contains([]string{"auto", "half-hour"}, c.Policy), "POLICY=%s: want auto or half-hour", c.Policy)
	bad(!slices.Contains([]int{25, 30, 50}, c.FPS), "FPS=%d: want 25, 30 or 50", c.FPS)
	bad(c.Width < 64 || c.Width > 8192 || c.Width%4 != 0, "WIDTH=%d: want a multiple of 4 from 64 to 8192", c.Width)
	bad(c.Height < 36 || c.Height > 4320 || c.Height%2 != 0, "HEIGHT=%d: want an even number from 36 to 4320", c.Height)
	bad(c.TimeScale <= 0 || c.TimeScale > 100000, "TIME_SCALE=%v: want a number above 0", c.TimeScale)
	for name, d := range map[string]time.Duration{
		"SEGMENT_LENGTH": c.SegmentLength, "SLICE": c.Slice, "LEASE": c.Lease, "RETENTION": c.Retention, "PUSH_BUDGET": c.Budget, "PUSH_TIMEOUT": c.Timeout,
	} {
		bad(d <= 0, "%s=%v: want a duration above 0, like 30m", name, d)
	}
	bad(c.Wait < 0, "WAIT=%v: want a duration, like 1h", c.Wait)
	bad(c.MaxMerges < 1, "MAX_MERGES=%d: want at least 1", c.MaxMerges)
	bad(c.Tasks < 0, "MERGE_TASKS=%d: want 0 or more", c.Tasks)
	bad(c.RateLimit < 1, "RATE_LIMIT=%d: want at least 1", c.RateLimit)
	for name, address := range map[string]string{
		"STORAGE_ENDPOINT": c.StorageEndpoint, "RUN_ENDPOINT": c.RunEndpoint, "WORKSPACE_ENDPOINT": c.WorkspaceEndpoint,
		"WEBHOOK": c.Webhook, "PUBLIC_URL": c.PublicURL, "FORM_URL": c.FormURL, "SMTP": c.SMTP, "ZULIP": c.Zulip,
	} {
		_, err := url.Parse(address)
		bad(err != nil || address != "" && !strings.Contains(address, "://"), "%s: want a URL", name)
	}
	return errors.Join(errs...)
}

// Zone is the time zone of rooms without settings of their own.
func (c *Config) Zone() *time.Location {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return time.UTC // Validate has refused it
	}
	return zone
}

// Waits divides a wait by the time scale.
func (c *Config) Waits(d time.Duration) time.Duration {
	return max(time.Millisecond, time.Duration(float64(d)/c.TimeScale))
}

// Notifications is the address at which calendars are to announce changes; empty if there is no public
// one, and calendars are only polled.
func (c *Config) Notifications() string {
	if c.PublicURL == "" {
		return ""
	}
	return strings.TrimSuffix(c.PublicURL, "/") + "/calendar-notifications/"
}
