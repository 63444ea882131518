// Package machine runs the whole system on one machine: the stand-ins for Google Cloud and Workspace in
// this process, and each function as a process of its own.
package machine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/supervisor"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// system is the cloud on one machine: the stand-ins, which live in this process, and the functions,
// which are processes of their own.
type system struct {
	o      Options
	log    *slog.Logger
	env    []string // what every process of ours is given
	faults *faults.Table

	metrics *observe.Metrics // counted from the lines of the log

	front, back net.Listener // the one port; and one for the stand-ins that only our processes use
	functions   *supervisor.Supervisor
	ports       map[string]string // of the functions
	patient     *http.Transport   // to the functions
	closes      []func() error
}

// Options are what the machine runs with.
type Options struct {
	Data          string // folder that holds all state
	Listen        string // address of the one port
	Scale         float64
	SegmentLength time.Duration
	Slice         time.Duration
	Zone          string
	Language      string
	Database      string // DSN
	Webhook       string
	WebhookSecret string
	RateLimit     int
	MaxMerges     int
	Width, Height int    // of the whole picture
	Workspace     string // local or google
	User          string
	Operators     string
	Chaos         uint64

	Functions []string // names of the functions
	Env       []string // what the children inherit
	Now       func() time.Time
}

// Run runs the system until ctx ends. What is state lies under the data folder.
func Run(ctx context.Context, o Options, out io.Writer) (err error) {
	for _, folder := range []string{"segments", "buckets", "workspace", "run"} {
		if err := os.MkdirAll(filepath.Join(o.Data, folder), 0o750); err != nil {
			return fmt.Errorf("make the folder of data: %w", err)
		}
	}
	lock, err := lockData(o.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	journal, err := os.OpenFile(filepath.Join(o.Data, "log.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer func() { err = errors.Join(err, journal.Close()) }()

	s := &system{o: o, faults: faults.New(slowFor), ports: map[string]string{}, metrics: observe.NewMetrics(), patient: retryTransport()}
	lines := s.metrics.Writer(journal)
	s.log = observe.Logger(lines, observe.Options{Service: "local"})
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.start(ctx, lines); err != nil {
		return err
	}
	s.printAddresses(out)
	s.run(ctx)
	return nil
}

// errSecond says that a second serve was started on the same folder.
var errSecond = errors.New("another `local serve` is running on this folder")

// lockData makes sure that the folder has one serve.
func lockData(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the folder of data: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", errSecond, dir), lock.Close())
	}
	return lock, nil
}

// start brings everything up, from the ground: database, stand-ins, functions.
func (s *system) start(ctx context.Context, journal io.Writer) (err error) {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if s.front, err = net.Listen("tcp", s.o.Listen); err != nil {
		return fmt.Errorf("open %s: %w", s.o.Listen, err)
	}
	if s.back, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("open a port for the stand-ins: %w", err)
	}
	front, back := http.NewServeMux(), http.NewServeMux()
	if err := s.standIns(ctx, front, back, journal); err != nil {
		return err
	}
	s.pages(front)
	s.listen(s.front, httpapi.OwnSiteOnly(httpapi.LocalHosts(s.front.Addr()), httpapi.WriteError, front))
	s.listen(s.back, back)
	return s.startFunctions(ctx, journal)
}

// startFunctions starts a process a function, all at once, and waits until each answers.
func (s *system) startFunctions(ctx context.Context, journal io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	s.functions = supervisor.Supervise(supervisor.Options{Scale: s.o.Scale, Log: s.log})
	s.closeLater(func() error { s.functions.Stop(); return nil })
	ctx, stop := context.WithTimeout(ctx, startFor)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range s.o.Functions {
		group.Go(func() error {
			return s.functions.Run(ctx, supervisor.Child{
				Name: name, Ready: "http://127.0.0.1:" + s.ports[name] + "/",
				Command: supervisor.Command{
					Args: []string{self, "function"}, Output: journal,
					Env: append([]string{"FUNCTION_TARGET=" + name, "HOST=127.0.0.1", "PORT=" + s.ports[name]}, s.env...),
				},
			})
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("start the functions (see %s): %w", filepath.Join(s.o.Data, "log.jsonl"), err)
	}
	return nil
}

const (
	slowFor  = 5 * time.Second // how long a fault of kind slow holds an answer
	startFor = time.Minute
)

// migrate brings the database to this version.
func (s *system) migrate(ctx context.Context) error {
	zone, err := time.LoadLocation(s.o.Zone)
	if err != nil {
		return fmt.Errorf("--time-zone %q: want a name like Europe/Moscow", s.o.Zone)
	}
	db, err := store.Open(ctx, s.o.Database, store.Options{Now: s.o.Now, Defaults: store.Defaults{Zone: zone, Language: s.o.Language, SegmentLength: s.o.SegmentLength}})
	if err != nil {
		return err
	}
	return errors.Join(db.Schema.Migrate(ctx, store.Adoption{}), db.Close())
}

func (s *system) closeLater(do func() error) { s.closes = append(s.closes, do) }

// close ends what was started, the last first.
func (s *system) close() error {
	var errs []error
	for i := len(s.closes) - 1; i >= 0; i-- {
		errs = append(errs, s.closes[i]())
	}
	return errors.Join(errs...)
}

// listen serves a mux until the system is closed.
func (s *system) listen(on net.Listener, mux http.Handler) {
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 20 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(on) }()
	s.closeLater(func() error {
		err := server.Close()
		if end := <-failed; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	})
}

// secretFile is a secret that is made once and kept.
func (s *system) secretFile(name string) (string, error) {
	path := filepath.Join(s.o.Data, name)
	text, err := os.ReadFile(path) // #nosec G304 -- our own folder
	if errors.Is(err, os.ErrNotExist) {
		text = []byte(rand.Text())
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("keep the secret %s: %w", name, err)
	}
	return strings.TrimSpace(string(text)), nil
}
