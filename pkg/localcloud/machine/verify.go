package machine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/supervisor"
)

const (
	// verifyEvery is how often delivered videos are compared with Drive, before the time scale.
	verifyEvery = 7 * 24 * time.Hour
	// verifyDays is of how many days the lectures are compared: each one about five times.
	verifyDays = 35
	// verifyRetry is the wait after a comparison that failed, before the time scale.
	verifyRetry = time.Hour
	// verifyGrace is how long a comparison may take to end after it is told to.
	verifyGrace = 5 * time.Second
)

// verifiedFile returns the file whose time is that of the last comparison.
func (m *machine) verifiedFile() string {
	return filepath.Join(m.o.Data, "run", "verified")
}

// runVerify compares delivered videos with Drive every week, also across restarts, until ctx ends.
func (m *machine) runVerify(ctx context.Context) {
	for {
		wait := m.scaled(verifyRetry)
		if last, err := os.Stat(m.verifiedFile()); err == nil {
			wait = last.ModTime().Add(m.scaled(verifyEvery)).Sub(m.o.Now())
		}
		timer := time.NewTimer(max(time.Millisecond, wait))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := m.verify(ctx); err != nil && ctx.Err() == nil {
			m.log.ErrorContext(ctx, "delivered videos could not be compared with Drive", "err", err)
			_ = os.Remove(m.verifiedFile()) // it may not be there; the next try comes after verifyRetry
		}
	}
}

// verify compares delivered videos with Drive in a child process, which writes what differs to the log. It notes
// the time.
func (m *machine) verify(ctx context.Context) error {
	child, err := supervisor.Start(supervisor.Command{
		Args:   []string{m.program, "verify", "--log", "--days", strconv.Itoa(verifyDays)},
		Env:    append([]string{"NVR_DATA="}, m.env...), // its settings are those of the environment
		Output: m.output,
	})
	if err != nil {
		return err
	}
	select {
	case <-child.Done():
	case <-ctx.Done():
		child.Stop(verifyGrace)
		return ctx.Err()
	}
	if exit := child.Exit(); !exit.OK() {
		return fmt.Errorf("local verify: %s", exit)
	}
	now := m.o.Now()
	err = os.WriteFile(m.verifiedFile(), nil, 0o600)
	return errors.Join(err, os.Chtimes(m.verifiedFile(), now, now))
}

// serveVerify compares delivered videos with Drive and answers when that is done.
func (m *machine) serveVerify(w http.ResponseWriter, r *http.Request) {
	if err := m.verify(r.Context()); err != nil {
		m.log.ErrorContext(r.Context(), "delivered videos could not be compared with Drive", "err", err)
		http.Error(w, "the videos could not be compared", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
