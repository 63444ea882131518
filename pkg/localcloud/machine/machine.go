// Package machine runs the whole system on one machine: stand-ins for Google Cloud and Google Workspace in this
// process, and each function and each task of the job merge as a child process.
//
// All state lies in one folder. Children end with this process, however it ends; the next run on the folder
// resumes.
package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/pubsub"
	"github.com/nvr-miem/merger/pkg/localcloud/storage"
	"github.com/nvr-miem/merger/pkg/localcloud/supervisor"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// Values of Options.Workspace.
const (
	WorkspaceLocal  = "local"  // stand-ins for Drive, Calendar and Classroom
	WorkspaceGoogle = "google" // Google's own; the environment names the accounts
)

const (
	slowAnswer   = 5 * time.Second // delay of a fault of kind slow
	startTimeout = time.Minute     // until all functions answer; a busy machine needs several seconds
)

// Options configure a machine.
type Options struct {
	Data     string // folder that holds all state; created if it does not exist
	Listen   string // host:port of the one port; port 0 chooses a free one
	Database string // DSN, see package store

	TimeScale     float64       // divides every wait; the clock stays
	SegmentLength time.Duration // of rooms without settings
	Slice         time.Duration // length that one task renders
	Zone          string        // IANA time zone of rooms without settings
	Language      string        // of rooms without settings
	Layout        string        // of rooms without one: side or stage; empty: side
	Width, Height int           // of a video side by side, in pixels
	RateLimit     int           // requests a second for each API key
	OpenRecords   int           // records of one person that are not finished
	RequestPolicy string        // event, domain or any
	ShareDomains  string        // separated by commas; empty: all with stand-ins, else those of the Workspace
	MaxMerges     int           // records on their way to a merge at once
	SpareDays     int           // that segments without a record are kept; 0: no segment is deleted

	TrustedProxies []netip.Prefix // their X-Forwarded-For is believed
	SignIn         *SignIn        // of people at the page; nil: User is there, and Listen is on loopback

	Webhook       string // URL that gets notices; empty for none
	WebhookSecret string // empty: created once and kept in Data
	Workspace     string // WorkspaceLocal or WorkspaceGoogle
	User          string // address of the person at the page
	Operators     string // addresses separated by commas; empty: User
	Chaos         uint64 // seed of disturbed deliveries; 0: none

	Functions []string // names of the functions, in the order of the flow
	Env       []string // environment of this process; children get a part of it
	Now       func() time.Time
}

// SignIn is the sign-in of people at the page by OpenID Connect.
type SignIn struct {
	Issuer    string // URL
	Client    string
	Secret    string
	Domains   []string // whose accounts may sign in
	PublicURL string   // where browsers reach the one port; a scheme and a host
}

// Addresses are where a machine can be reached.
type Addresses struct {
	Page      string // URL
	Workspace string // URL of the stand-ins for people to look at
	Segments  string // folder for the recorder's files
	Log       string // file
}

// machine is a running system.
type machine struct {
	o       Options
	log     *slog.Logger
	output  io.Writer // for the children's logs
	program string    // path of this program, which is also the children's
	env     []string  // of every child
	signIn  []string  // variables of the sign-in, with secrets; of form only

	faults  *faults.Table
	metrics *observe.Metrics // counted from the log

	front     net.Listener // the one port
	back      net.Listener // for stand-ins that only children call; on loopback
	inside    net.Listener // for stand-ins that people look at, and functions: front, or back with a sign-in
	buckets   *storage.Server
	functions *supervisor.Supervisor
	up        atomic.Bool // whether all functions have started
	health    *health
	ports     map[string]string // of the functions
	transport *http.Transport   // to the functions
	closers   []func() error
}

// Run runs the system until ctx ends. It calls ready once everything answers. A second Run on the same folder
// fails.
func Run(ctx context.Context, o Options, ready func(Addresses)) (err error) {
	for _, folder := range []string{"segments", "buckets", "workspace", "run"} {
		if err := os.MkdirAll(filepath.Join(o.Data, folder), 0o750); err != nil {
			return fmt.Errorf("create the data folder: %w", err)
		}
	}
	lock, err := lockFolder(o.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the path of this program: %w", err)
	}
	file, err := os.OpenFile(logFile(o.Data), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()

	m := &machine{
		o:         o,
		program:   program,
		faults:    faults.New(slowAnswer),
		metrics:   observe.NewMetrics(),
		ports:     map[string]string{},
		transport: retryTransport(),
	}
	m.output = m.metrics.Writer(file)
	m.log = observe.Logger(m.output, observe.Options{Service: "local"})
	defer func() { err = errors.Join(err, m.close()) }()
	if err := m.start(ctx); err != nil {
		return err
	}
	ready(m.addresses())
	m.runSchedules(ctx)
	return nil
}

// logFile returns the log of a data folder.
func logFile(folder string) string {
	return filepath.Join(folder, "log.jsonl")
}

// addresses returns where people and programs find the machine.
func (m *machine) addresses() Addresses {
	return Addresses{
		Page:      m.publicURL() + "/",
		Workspace: urlOf(m.inside) + "/workspace/",
		Segments:  filepath.Join(m.o.Data, "segments"),
		Log:       logFile(m.o.Data),
	}
}

// start starts the database, the stand-ins and the functions, in this order.
func (m *machine) start(ctx context.Context) (err error) {
	if err := m.migrate(ctx); err != nil {
		return err
	}
	if err := m.openHealth(ctx); err != nil {
		return err
	}
	if err := m.listen(); err != nil {
		return err
	}
	front, back := http.NewServeMux(), http.NewServeMux()
	inside, site := front, httpapi.Site{Hosts: httpapi.LocalHosts(m.front.Addr())}
	if m.o.SignIn != nil {
		inside, site.Origin = back, m.o.SignIn.PublicURL
	}
	if err := m.startStandIns(ctx, inside, back); err != nil {
		return err
	}
	m.routePages(front)
	m.routeInside(inside)
	// Other sites must not reach them, for example by DNS rebinding.
	m.serve(m.front, httpapi.OwnSiteOnly(site, httpapi.WriteError, front))
	local := httpapi.Site{Hosts: httpapi.LocalHosts(m.back.Addr())}
	m.serve(m.back, httpapi.OwnSiteOnly(local, httpapi.WriteError, back))
	return m.startFunctions(ctx)
}

// listen opens the ports. With a sign-in, the one port serves people of other machines, also through a proxy on
// this one, whose requests come from the loopback as well. The stand-ins and the functions then have the next port,
// which listens on the loopback only.
func (m *machine) listen() (err error) {
	if m.front, err = net.Listen("tcp", m.o.Listen); err != nil {
		return fmt.Errorf("listen on %s: %w", m.o.Listen, err)
	}
	m.inside = m.front
	back := "127.0.0.1:0"
	if m.o.SignIn != nil {
		back = "127.0.0.1:" + nextPort(m.o.Listen)
	}
	if m.back, err = net.Listen("tcp", back); err != nil {
		return fmt.Errorf("listen on %s for the stand-ins: %w", back, err)
	}
	if m.o.SignIn != nil {
		m.inside = m.back
	}
	return nil
}

// nextPort returns the port after that of an address; 0 if that is 0 or a name.
func nextPort(address string) string {
	_, port, _ := net.SplitHostPort(address) // an error leaves the port empty
	number, err := strconv.Atoi(port)
	if err != nil || number == 0 {
		return "0"
	}
	return strconv.Itoa(number + 1)
}

// urlOf returns the URL of a listener.
func urlOf(l net.Listener) string {
	return "http://" + l.Addr().String()
}

// publicURL returns where browsers reach the page.
func (m *machine) publicURL() string {
	if m.o.SignIn != nil {
		return m.o.SignIn.PublicURL
	}
	return urlOf(m.front)
}

// createDatabase creates the file of a SQLite database for this user only, if it does not exist.
func createDatabase(dsn string) error {
	path, _ := store.FileOf(dsn)
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // #nosec G304 -- the data folder
	if err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return file.Close()
}

// migrate brings the database to this version.
func (m *machine) migrate(ctx context.Context) error {
	if err := createDatabase(m.o.Database); err != nil {
		return err
	}
	zone, err := time.LoadLocation(m.o.Zone)
	if err != nil {
		return fmt.Errorf("read time zone %q: %w", m.o.Zone, err)
	}
	db, err := store.Open(ctx, m.o.Database, store.Options{
		Now: m.o.Now,
		Defaults: store.Defaults{
			Zone:          zone,
			Language:      m.o.Language,
			SegmentLength: m.o.SegmentLength,
		},
	})
	if err != nil {
		return err
	}
	return errors.Join(db.Schema.Migrate(ctx, store.Adoption{}), db.Close())
}

// startFunctions starts one process a function and waits until each answers.
func (m *machine) startFunctions(ctx context.Context) error {
	m.functions = supervisor.Supervise(supervisor.Options{Scale: m.o.TimeScale, Log: m.log})
	m.onClose(func() error { m.functions.Stop(); return nil })
	ctx, stop := context.WithTimeout(ctx, startTimeout)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range m.o.Functions {
		group.Go(func() error { return m.functions.Run(ctx, m.function(name)) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("start the functions (see %s): %w", logFile(m.o.Data), err)
	}
	m.up.Store(true)
	return nil
}

// function returns the child process of a function.
func (m *machine) function(name string) supervisor.Child {
	own := []string{"FUNCTION_TARGET=" + name, "HOST=127.0.0.1", "PORT=" + m.ports[name]}
	if name == "form" {
		own = append(own, m.signIn...)
	}
	return supervisor.Child{
		Name:  name,
		Ready: "http://127.0.0.1:" + m.ports[name] + "/",
		Command: supervisor.Command{
			Args:   []string{m.program, "function"},
			Env:    append(own, m.env...),
			Output: m.output,
		},
	}
}

// onClose registers what close calls, the last first.
func (m *machine) onClose(do func() error) {
	m.closers = append(m.closers, do)
}

// close stops what was started, the last first.
func (m *machine) close() error {
	var errs []error
	for i := len(m.closers) - 1; i >= 0; i-- {
		errs = append(errs, m.closers[i]())
	}
	return errors.Join(errs...)
}

// serve serves a handler until the machine is closed.
func (m *machine) serve(on net.Listener, handler http.Handler) {
	server := httpapi.NewServer(handler)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(on) }()
	m.onClose(func() error {
		err := server.Close()
		if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	})
}

// chaos returns how messages are disturbed.
func (m *machine) chaos() pubsub.Chaos {
	if m.o.Chaos == 0 {
		return pubsub.Chaos{}
	}
	return pubsub.Chaos{
		Seed:    m.o.Chaos,
		Double:  0.2,
		Lost:    0.05,
		Delay:   0.2,
		Reorder: 0.2,
	}
}
