package workspace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/classroom/v1"
	"google.golang.org/api/drive/v3"
	"google.golang.org/api/option"

	"github.com/nvr-miem/merger/pkg/call"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// Subjects are the people of the domain that we act for. They come from configuration, never from a
// request; only an event's organiser and a course's owner come from Google's own data.
type Subjects struct {
	Drive string // on whose Drive work is done
	// Uploaders share the uploads, of which a user has 750 GB a day. Empty: Drive does it all. They may write
	// where Drive may: to a shared drive.
	Uploaders []string
	Calendar  string // who sees the rooms' calendars and may write to them
	Classroom string // who looks up courses and posts; empty: Calendar looks, each course's owner posts
}

// Options say where Google is and for whom we speak.
type Options struct {
	// Endpoint is the base of a stand-in: Drive is at Endpoint/drive/v3/, uploads at
	// Endpoint/upload/drive/v3/, Calendar at Endpoint/calendar/v3/, Classroom at Endpoint/classroom/.
	// Empty means Google.
	Endpoint string

	Subjects Subjects
	Scopes   []string // exactly those of the component, for instance [UploadScopes]
	Tokens   Tokens   // who gives tokens; nil: none, a stand-in is told the subject in a header

	Transport http.RoundTripper // under tokens and headers; nil: one of our own
	Scale     float64           // divides every wait; 0 means 1
	Now       func() time.Time
	Pause     func(context.Context, time.Duration) error // nil: a timer
	Log       *slog.Logger                               // nil: none
	Tried     fault.CallObserver                         // for metrics; may be nil
	Texts     *i18n.Catalog                              // of what is written into events; nil: those of the program
}

// Tokens gives the source of tokens of one subject. [Delegation] is the one for Google.
type Tokens func(ctx context.Context, subject string, scopes ...string) (oauth2.TokenSource, error)

// Client speaks to the three APIs. It is safe for concurrent use.
type Client struct {
	options Options
	policy  call.Policy
	bare    *http.Client // without token: for session addresses, which are secrets by themselves

	mu            sync.Mutex
	seats         map[string]*seat // by subject
	courses       catalogue
	found         map[string]found         // courses, by what people write
	posters       map[string]string        // address of an owner, by his id
	corpora       map[string]corpus        // where to look for what lies in a folder, by its id
	throttledUser map[string]throttledUser // users whose uploads are refused
}

// seat is the three services as one subject sees them.
type seat struct {
	http      *http.Client
	drive     *drive.Service
	calendar  *calendar.Service
	classroom *classroom.Service
}

// New checks the options. It makes no call.
func New(options Options) (*Client, error) {
	switch {
	case options.Now == nil:
		return nil, errors.New("workspace: no clock")
	case options.Endpoint == "" && options.Tokens == nil:
		return nil, errors.New("workspace: neither an endpoint nor tokens")
	case options.Scale < 0:
		return nil, fmt.Errorf("workspace: a scale of %v", options.Scale)
	}
	if options.Scale == 0 {
		options.Scale = 1
	}
	if options.Pause == nil {
		options.Pause = call.Sleep
	}
	if options.Texts == nil {
		options.Texts = i18n.Default()
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Tried == nil {
		options.Tried = func(context.Context, string, int, bool, error) {}
	}
	if options.Transport == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 16
		// A server that takes a request and never answers; bodies have the caller's deadline.
		transport.ResponseHeaderTimeout = time.Minute
		options.Transport = transport
	}
	return &Client{
		options:       options,
		policy:        newPolicy(options),
		bare:          &http.Client{Transport: options.Transport, CheckRedirect: noRedirect},
		seats:         map[string]*seat{},
		found:         map[string]found{},
		posters:       map[string]string{},
		corpora:       map[string]corpus{},
		throttledUser: map[string]throttledUser{},
	}, nil
}

// noRedirect: none of the APIs redirects, and a 308 of an upload session is an answer.
func noRedirect(*http.Request, []*http.Request) error {
	return http.ErrUseLastResponse
}

// wait pauses for d on Google's clock.
func (c *Client) wait(ctx context.Context, d time.Duration) error {
	return c.options.Pause(ctx, c.scaled(d))
}

func (c *Client) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / c.options.Scale)
}

// as gives the services for a subject, made once.
func (c *Client) as(ctx context.Context, subject string) (*seat, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.seats[subject]; ok {
		return s, nil
	}
	transport, err := c.transport(ctx, subject)
	if err != nil {
		return nil, err
	}
	s := &seat{http: &http.Client{Transport: transport, CheckRedirect: noRedirect}}
	if s.drive, err = drive.NewService(ctx, c.clientOptions(s.http, "/drive/v3/")...); err != nil {
		return nil, fmt.Errorf("open Drive: %w", err)
	}
	if s.calendar, err = calendar.NewService(ctx, c.clientOptions(s.http, "/calendar/v3/")...); err != nil {
		return nil, fmt.Errorf("open Calendar: %w", err)
	}
	if s.classroom, err = classroom.NewService(ctx, c.clientOptions(s.http, "/classroom/")...); err != nil {
		return nil, fmt.Errorf("open Classroom: %w", err)
	}
	c.seats[subject] = s
	return s, nil
}

func (c *Client) clientOptions(client *http.Client, path string) []option.ClientOption {
	options := []option.ClientOption{option.WithHTTPClient(client)}
	if c.options.Endpoint != "" {
		options = append(
			options,
			option.WithEndpoint(strings.TrimSuffix(c.options.Endpoint, "/")+path),
		)
	}
	return options
}

func (c *Client) transport(ctx context.Context, subject string) (http.RoundTripper, error) {
	if c.options.Tokens == nil {
		return &named{subject: subject, under: c.options.Transport}, nil
	}
	// The source outlives the call that happened to need it first.
	source, err := c.options.Tokens(context.WithoutCancel(ctx), subject, c.options.Scopes...)
	if err != nil {
		return nil, fmt.Errorf("open the delegation for %s: %w", subject, err)
	}
	judged := &judgedSource{subject: subject, scopes: c.options.Scopes, under: source}
	return &oauth2.Transport{
		Source: oauth2.ReuseTokenSource(nil, judged),
		Base:   c.options.Transport,
	}, nil
}

// named tells a stand-in who calls.
type named struct {
	subject string
	under   http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (n *named) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.subject != "" {
		r = r.Clone(r.Context())
		r.Header.Set("X-Workspace-User", n.subject)
	}
	return n.under.RoundTrip(r)
}

// uploadBase is where files are uploaded to.
func (c *Client) uploadBase() string {
	if c.options.Endpoint == "" {
		return "https://www.googleapis.com/upload/drive/v3/files"
	}
	return strings.TrimSuffix(c.options.Endpoint, "/") + "/upload/drive/v3/files"
}
