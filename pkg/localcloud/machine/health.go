package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// healthTimeout is how long a function and the database may take to answer /healthz.
const healthTimeout = 10 * time.Second

// errDatabaseFile means that the path of the database no longer names the file that is open.
var errDatabaseFile = errors.New(
	"the database file was deleted or replaced while the system runs; put it back or restart local serve",
)

// health answers whether the system works.
type health struct {
	timeout   time.Duration
	functions func() map[string]string // addresses by name; nil before all have started
	database  *databaseFile
	read      func(context.Context) error // reads from the database
}

// ServeHTTP answers 200, or 503 with the first thing that does not work.
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, stop := context.WithTimeout(r.Context(), h.timeout)
	defer stop()
	if err := h.check(ctx); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// check returns an error unless all functions answer, the database can be read, and its file is still the one
// that was opened.
func (h *health) check(ctx context.Context) error {
	functions := h.functions()
	if functions == nil {
		return errors.New("the functions are starting")
	}
	if err := h.database.check(); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := h.read(ctx); err != nil {
			return fmt.Errorf("the database cannot be read: %w", err)
		}
		return nil
	})
	for name, address := range functions {
		group.Go(func() error {
			if err := answers(ctx, address); err != nil {
				return fmt.Errorf("function %s does not answer", name)
			}
			return nil
		})
	}
	return group.Wait()
}

// answers returns an error if no process answers at an address. Any status is an answer.
func answers(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, address, http.NoBody)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// databaseFile notices that another file stands at the path of a SQLite database. Nil stands for a database
// server.
type databaseFile struct {
	path   string
	opened os.FileInfo
	report func() // called once when the file is found missing or replaced
	once   sync.Once
}

// newDatabaseFile returns the file of a DSN as it is now; nil for a database server.
func newDatabaseFile(dsn string, report func()) (*databaseFile, error) {
	path, _ := store.FileOf(dsn)
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("find the database file: %w", err)
	}
	return &databaseFile{path: path, opened: info, report: report}, nil
}

// check returns [errDatabaseFile] if the file is not the one that was opened.
func (d *databaseFile) check() error {
	if d == nil {
		return nil
	}
	now, err := os.Stat(d.path)
	if err == nil && os.SameFile(now, d.opened) {
		return nil
	}
	d.once.Do(d.report)
	return errDatabaseFile
}

// refuseWrites passes requests that change something only while the database file is in place.
func (d *databaseFile) refuseWrites(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if err := d.check(); err != nil && !reads {
			w.Header().Set("Retry-After", "10")
			httpapi.WriteError(w, r, http.StatusServiceUnavailable, err.Error())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// openHealth opens what /healthz looks at.
func (m *machine) openHealth(ctx context.Context) error {
	file, err := newDatabaseFile(m.o.Database, func() {
		m.log.ErrorContext(ctx, "writes are refused", "err", errDatabaseFile)
	})
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, m.o.Database, store.Options{Now: m.o.Now, MustExist: true, MaxOpen: 1})
	if err != nil {
		return err
	}
	m.onClose(db.Close)
	m.health = &health{
		timeout:   healthTimeout,
		functions: m.started,
		database:  file,
		read: func(ctx context.Context) error {
			_, _, err := db.Schema.Version(ctx)
			return err
		},
	}
	return nil
}

// started returns the addresses of the functions once all have started.
func (m *machine) started() map[string]string {
	if !m.up.Load() {
		return nil
	}
	addresses := map[string]string{}
	for name, port := range m.ports {
		addresses[name] = "http://127.0.0.1:" + port + "/"
	}
	return addresses
}
