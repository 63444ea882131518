package speech

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/confine"
	"github.com/nvr-miem/merger/pkg/fault"
)

// program is a recogniser that is to be run.
type program struct {
	path   string
	args   []string
	limits confine.Limits
	// wait bounds the run on the clock.
	wait time.Duration
	// output bounds what is read of its standard output, in bytes.
	output int
}

// run runs the program and returns its standard output. A failure is permanent: the same sound would end
// alike. A cancelled context is returned as it is.
func (p program) run(ctx context.Context) ([]byte, error) {
	limited, stop := context.WithTimeout(ctx, p.wait)
	defer stop()
	name := filepath.Base(p.path)
	cmd := exec.CommandContext(limited, p.path, p.args...) // #nosec G204 -- found on the PATH, no shell
	out, log := &tail{limit: p.output}, &tail{limit: 16 << 10}
	cmd.Stdout, cmd.Stderr = out, log
	confine.Prepare(cmd)
	if err := cmd.Start(); err != nil {
		return nil, failed(fmt.Errorf("start %s: %w", name, err))
	}
	err := p.limits.Apply(cmd.Process.Pid)
	if err != nil {
		stop()
	}
	err = errors.Join(err, cmd.Wait())
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("recognise speech: %w", context.Cause(ctx))
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return nil, &fault.PermanentError{Cause: cause.SpeechTimeout(name), Err: err}
	case err != nil:
		return nil, failed(fmt.Errorf("%s: %w: %s", name, err, lastError(log.String())))
	case out.cut:
		return nil, failed(fmt.Errorf("%s printed more than %d bytes", name, p.output))
	}
	return out.Bytes(), nil
}

// failed returns the permanent error of a recogniser that failed.
func failed(err error) error {
	detail := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "?")), " ")
	return &fault.PermanentError{Cause: cause.SpeechFailed(detail), Err: err}
}

// tail keeps the last bytes that were written to it.
type tail struct {
	bytes.Buffer
	limit int
	cut   bool
}

// Write implements [io.Writer].
func (t *tail) Write(p []byte) (int, error) {
	n, err := t.Buffer.Write(p)
	if over := t.Len() - t.limit; over > 0 {
		t.Next(over)
		t.cut = true
	}
	return n, err
}

// lastError returns the last line of a log that names an error, or else its last line.
func lastError(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		lower := strings.ToLower(lines[i])
		if strings.Contains(lower, "error") || strings.Contains(lower, "fatal") {
			return lines[i]
		}
	}
	return lines[len(lines)-1]
}
