// Package config reads the environment variables of the product. For each one it defines the name, the
// meaning, the default and the permitted values.
//
// It opens nothing and makes no calls. A deployment in the cloud and one on a single machine differ in
// these values only. Secrets have the type [Secret], which cannot be printed.
package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"
	"golang.org/x/text/language"
)

// The values of LAYOUT.
const (
	LayoutSide  = "side"
	LayoutStage = "stage"
)

// Config is the configuration of a function, a job or a command.
type Config struct {
	// Target is the function of this process: form, api, calendar, claim, standby, stage, upload, link or fail.
	Target string `env:"FUNCTION_TARGET"`

	Project  string `env:"PROJECT, default=local"` // of Google Cloud
	Database Secret `env:"DATABASE"`               // a DSN; see package store

	// GrantTo lists the MySQL users that the job migrate gives the rights of the components.
	GrantTo []string `env:"GRANT_TO"`
	// NVRUser is the MySQL user of the NVR, to which migrate gives the NVR's tables. Empty: none.
	NVRUser string `env:"NVR_USER"`

	SegmentsBucket string `env:"SEGMENTS_BUCKET, default=segments"`
	WorkBucket     string `env:"WORK_BUCKET, default=work"`
	MergeJob       string `env:"MERGE_JOB, default=projects/local/locations/local/jobs/merge"`

	// The endpoints of stand-ins for Google's services. Empty: Google.
	StorageEndpoint   string `env:"STORAGE_ENDPOINT"`
	PubSubEndpoint    string `env:"PUBSUB_ENDPOINT"` // host:port
	RunEndpoint       string `env:"RUN_ENDPOINT"`
	WorkspaceEndpoint string `env:"WORKSPACE_ENDPOINT"`

	// Delegate is the service account that may act for users of the Workspace domain.
	Delegate string `env:"DELEGATE"`
	// Delegates are those accounts by component (stage=ACCOUNT,…). Only doctor and verify use them.
	Delegates map[string]string `env:"DELEGATES"`

	// RequestPolicy is who may request what: event (members of an event), domain (people of the Workspace) or any.
	RequestPolicy string `env:"REQUEST_POLICY, default=any"`
	// ShareDomains are those that videos may be shared with; * means all. Empty: those of the Workspace, and all
	// with stand-ins.
	ShareDomains []string `env:"SHARE_DOMAINS"`

	// Domains are those of the Workspace. Empty: those of the accounts below.
	Domains []string `env:"DOMAINS"`

	DriveSubject    string   `env:"DRIVE_SUBJECT"`    // the user whose Drive is used
	DriveUploaders  []string `env:"DRIVE_UPLOADERS"`  // the users who share the uploads; empty: DriveSubject
	CalendarSubject string   `env:"CALENDAR_SUBJECT"` // a user who can read the rooms' calendars
	// Requester receives the video of an event that names no person. Empty: such an event has no record.
	Requester        string `env:"CALENDAR_REQUESTER"`
	ClassroomSubject string `env:"CLASSROOM_SUBJECT"` // the user who posts; empty: the owner of the course
	DriveFolder      string `env:"DRIVE_FOLDER"`      // for the videos of rooms without a folder
	DriveSearch      bool   `env:"DRIVE_SEARCH, default=true"`

	// Courses maps codes that Classroom cannot resolve to course ids (code=id,…).
	Courses map[string]string `env:"COURSES"`

	// The defaults of rooms without settings.
	TimeZone      string        `env:"TIME_ZONE, default=Europe/Moscow"` // an IANA name
	Language      string        `env:"LANGUAGE, default=ru"`
	SegmentLength time.Duration `env:"SEGMENT_LENGTH, default=30m"`

	// How merges are made.
	Slice time.Duration `env:"SLICE, default=10m"`
	// Tasks bounds the tasks of one record. A record with more slices gets longer ones. 0: no bound.
	Tasks    int    `env:"MERGE_TASKS, default=0"`
	Policy   string `env:"POLICY, default=auto"`  // auto or half-hour
	Layout   string `env:"LAYOUT, default=side"`  // of rooms without one: side or stage
	Width    int    `env:"WIDTH, default=2560"`   // of a video side by side, in pixels
	Height   int    `env:"HEIGHT, default=720"`   // in pixels
	FPS      int    `env:"FPS, default=25"`       // 25, 30 or 50
	Loudness string `env:"LOUDNESS, default=-16"` // LUFS, or off
	Leveler  string `env:"LEVELER, default=on"`   // on or off
	Cards    string `env:"CARDS"`                 // folder with further pictures of idle screens

	MaxMerges int           `env:"MAX_MERGES, default=20"`     // records in the steps stage and merge
	Lease     time.Duration `env:"LEASE, default=3m"`          // how long a worker holds a record without renewing
	Wait      time.Duration `env:"WAIT, default=1h"`           // for segments, from the end of the last one
	Retention time.Duration `env:"RETENTION, default=336h"`    // of the segments
	Spare     time.Duration `env:"SPARE, default=0"`           // of segments no record needs; 0: as RETENTION
	Budget    time.Duration `env:"PUSH_BUDGET, default=8m"`    // of one delivery, before a continuation is sent
	TimeScale float64       `env:"TIME_SCALE, default=1"`      // divides every wait
	Timeout   time.Duration `env:"PUSH_TIMEOUT, default=570s"` // of one request; Pub/Sub gives up after 600 s

	// The channels of notices. A notice goes through every channel that is set.
	Webhook       string `env:"WEBHOOK"`
	WebhookSecret Secret `env:"WEBHOOK_SECRET"`
	SMTP          string `env:"SMTP"` // smtp://user@host:port
	SMTPPassword  Secret `env:"SMTP_PASSWORD"`
	SMTPFrom      string `env:"SMTP_FROM"`
	Zulip         string `env:"ZULIP"` // https://bot@zulip.example.org/
	ZulipKey      Secret `env:"ZULIP_KEY"`
	// DeferNotices leaves notices of failures to claim: this process reaches no address but Google's.
	DeferNotices bool `env:"DEFER_NOTICES, default=false"`

	PublicURL   string   `env:"PUBLIC_URL"`   // of the service api, which receives calendar notifications
	IAPAudience string   `env:"IAP_AUDIENCE"` // of the page's sign-in; empty: OIDC, else LocalUser
	LocalUser   string   `env:"LOCAL_USER"`
	Operators   []string `env:"OPERATORS"`
	RateLimit   int      `env:"RATE_LIMIT, default=50"`   // requests per second and key
	OpenRecords int      `env:"OPEN_RECORDS, default=50"` // unfinished records of one person

	// The page's own sign-in by OpenID Connect, on one machine. Without an issuer there is none.
	OIDCIssuer  string   `env:"OIDC_ISSUER"` // a URL
	OIDCClient  string   `env:"OIDC_CLIENT"`
	OIDCSecret  Secret   `env:"OIDC_CLIENT_SECRET"`
	OIDCDomains []string `env:"OIDC_DOMAINS"` // whose accounts may sign in
	FormURL     string   `env:"FORM_URL"`     // where browsers reach the page
	SessionKey  Secret   `env:"SESSION_KEY"`  // keeps people signed in when the process restarts

	TraceFile string `env:"TRACE_FILE"` // receives the spans instead of Cloud Trace
	LogLevel  string `env:"LOG_LEVEL, default=info"`

	// Set by Cloud Run.
	Port      string `env:"PORT, default=8080"`
	Host      string `env:"HOST"`
	Revision  string `env:"K_REVISION"`
	Execution string `env:"CLOUD_RUN_EXECUTION"`
	TaskIndex int    `env:"CLOUD_RUN_TASK_INDEX, default=0"`
	TaskCount int    `env:"CLOUD_RUN_TASK_COUNT, default=1"`
	// TaskAttempt is how many processes have worked on the task before.
	TaskAttempt int `env:"CLOUD_RUN_TASK_ATTEMPT, default=0"`

	// Set by step stage for the tasks of the job merge.
	Record  int64  `env:"RECORD, default=0"`
	Attempt int64  `env:"ATTEMPT, default=0"`
	Turn    int64  `env:"TURN, default=0"` // the continuation
	Digest  string `env:"DIGEST"`
	Key     string `env:"LAUNCH_KEY"`  // identifies the launch among the executions of the job
	Trace   string `env:"TRACEPARENT"` // W3C trace context of the launch
}

// Secret is a string that formats as a placeholder, so that no log shows it.
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
func (s Secret) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}

// Read reads the environment of this process.
func Read(ctx context.Context) (*Config, error) {
	return From(ctx, envconfig.OsLookuper())
}

// From reads an environment. If a value is not permitted, it returns the configuration and all errors.
func From(ctx context.Context, env envconfig.Lookuper) (*Config, error) {
	var c Config
	options := &envconfig.Config{Target: &c, Lookuper: env, DefaultSeparator: "="}
	if err := envconfig.ProcessWith(ctx, options); err != nil {
		return nil, fmt.Errorf("read the environment: %w", err)
	}
	return &c, c.Validate()
}

// DelegateOf returns the account that acts for users of the domain on behalf of a component.
func (c *Config) DelegateOf(component string) string {
	return cmp.Or(c.Delegates[component], c.Delegate)
}

// Validate returns all errors of the configuration, joined. Each names the variable as the operator set it.
func (c *Config) Validate() error {
	var errs problems
	_, err := time.LoadLocation(c.TimeZone)
	errs.check(err == nil, "TIME_ZONE=%s: not an IANA time zone, like Europe/Moscow", c.TimeZone)
	_, err = language.Parse(c.Language)
	errs.check(err == nil, "LANGUAGE=%s: not the tag of a language, like ru", c.Language)
	errs.check(
		slices.Contains([]string{"auto", "half-hour"}, c.Policy),
		"POLICY=%s: want auto or half-hour",
		c.Policy,
	)
	errs.check(
		slices.Contains([]string{LayoutSide, LayoutStage}, c.Layout),
		"LAYOUT=%s: want side or stage",
		c.Layout,
	)
	errs.check(
		slices.Contains([]string{PolicyEvent, PolicyDomain, PolicyAny}, c.RequestPolicy),
		"REQUEST_POLICY=%s: want event, domain or any",
		c.RequestPolicy,
	)
	errs.check(slices.Contains([]string{"on", "off"}, c.Leveler), "LEVELER=%s: want on or off", c.Leveler)
	errs.check(slices.Contains([]int{25, 30, 50}, c.FPS), "FPS=%d: want 25, 30 or 50", c.FPS)
	errs.check(
		isSize(c.Width, 64, 8192, 4),
		"WIDTH=%d: want a multiple of 4 from 64 to 8192",
		c.Width,
	)
	errs.check(
		isSize(c.Height, 36, 4320, 2),
		"HEIGHT=%d: want an even number from 36 to 4320",
		c.Height,
	)
	errs.check(
		c.TimeScale > 0 && c.TimeScale <= 100000,
		"TIME_SCALE=%v: want a number above 0",
		c.TimeScale,
	)
	errs.check(c.Wait >= 0, "WAIT=%v: want a duration, like 1h", c.Wait)
	errs.check(c.Spare >= 0, "SPARE=%v: want a duration, like 72h", c.Spare)
	errs.check(c.MaxMerges >= 1, "MAX_MERGES=%d: want at least 1", c.MaxMerges)
	errs.check(c.Tasks >= 0, "MERGE_TASKS=%d: want 0 or more", c.Tasks)
	errs.check(c.OpenRecords >= 1, "OPEN_RECORDS=%d: want at least 1", c.OpenRecords)
	errs.check(c.RateLimit >= 1, "RATE_LIMIT=%d: want at least 1", c.RateLimit)
	errs.checkDurations(map[string]time.Duration{
		"SEGMENT_LENGTH": c.SegmentLength,
		"SLICE":          c.Slice,
		"LEASE":          c.Lease,
		"RETENTION":      c.Retention,
		"PUSH_BUDGET":    c.Budget,
		"PUSH_TIMEOUT":   c.Timeout,
	})
	errs.checkURLs(map[string]string{
		"STORAGE_ENDPOINT":   c.StorageEndpoint,
		"RUN_ENDPOINT":       c.RunEndpoint,
		"WORKSPACE_ENDPOINT": c.WorkspaceEndpoint,
		"WEBHOOK":            c.Webhook,
		"PUBLIC_URL":         c.PublicURL,
		"OIDC_ISSUER":        c.OIDCIssuer,
		"FORM_URL":           c.FormURL,
		"SMTP":               c.SMTP,
		"ZULIP":              c.Zulip,
	})
	errs.checkSignIn(c)
	return errors.Join(errs...)
}

// minSessionKey is the least length of SESSION_KEY, in bytes.
const minSessionKey = 20

// checkSignIn adds what OpenID Connect lacks, if it is on.
func (p *problems) checkSignIn(c *Config) {
	if c.OIDCIssuer == "" {
		return
	}
	p.check(c.IAPAudience == "", "OIDC_ISSUER and IAP_AUDIENCE: want one sign-in")
	p.check(c.OIDCClient != "", "OIDC_CLIENT: missing, and OIDC_ISSUER is set")
	p.check(len(c.OIDCDomains) > 0, "OIDC_DOMAINS: missing, and OIDC_ISSUER is set")
	p.check(c.FormURL != "", "FORM_URL: missing, and OIDC_ISSUER is set")
	p.check(len(c.SessionKey) >= minSessionKey, "SESSION_KEY: want %d characters or more", minSessionKey)
}

// isSize reports whether a number of pixels is from low to high and a multiple of step.
func isSize(pixels, low, high, step int) bool {
	return pixels >= low && pixels <= high && pixels%step == 0
}

// problems collects the errors of a configuration.
type problems []error

// check adds an error unless the condition holds.
func (p *problems) check(holds bool, format string, args ...any) {
	if !holds {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

func (p *problems) checkDurations(durations map[string]time.Duration) {
	for name, d := range durations {
		p.check(d > 0, "%s=%v: want a duration above 0, like 30m", name, d)
	}
}

func (p *problems) checkURLs(addresses map[string]string) {
	for name, address := range addresses {
		_, err := url.Parse(address)
		isURL := err == nil && strings.Contains(address, "://")
		p.check(isURL || address == "", "%s: want a URL", name)
	}
}

// Zone returns the time zone of rooms without settings.
func (c *Config) Zone() *time.Location {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return time.UTC // Validate returns the error
	}
	return zone
}

// Waits returns a wait divided by the time scale, at least 1 ms.
func (c *Config) Waits(d time.Duration) time.Duration {
	return max(time.Millisecond, time.Duration(float64(d)/c.TimeScale))
}

// Notifications returns the URL to which Google Calendar sends its notifications. It is empty if there is
// no public URL; calendars are then only polled.
func (c *Config) Notifications() string {
	if c.PublicURL == "" {
		return ""
	}
	return strings.TrimSuffix(c.PublicURL, "/") + "/calendar-notifications/"
}
