// Package ffmpeg drives FFmpeg: typed values in, pictures, samples and packets out.
//
// It is the only package that starts ffmpeg and ffprobe. Argument lists are built from typed
// values, never from external text, and each input names its container, its decoders and its
// protocol, so that a file cannot choose what is opened. Inputs are loopback URLs from [rangeproxy.Proxy], filters
// hold numbers only, and no shell is involved. The package does not depend on records, rooms
// or titles.
//
// Positions in a file are presentation timestamps (PTS): integer ticks of the time base of the
// stream, as FFmpeg reports them with edit lists applied. Every decoded picture and every run
// of samples is returned with its PTS, before a filter could pad or drop it. The caller can
// therefore prove that nothing is missing. Start with [Find].
//
// A process that makes no progress for a minute is ended and started again. A process has a limit on
// its memory, whatever a file says about itself.
//
// [rangeproxy.Proxy]: https://pkg.go.dev/github.com/nvr-miem/merger/pkg/rangeproxy#Proxy
package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
)

// minMajor and minMinor are the oldest FFmpeg version that the tests cover (Debian
// 12).
const minMajor, minMinor = 5, 1

// Tool is an FFmpeg installation. It is safe for concurrent use.
type Tool struct {
	// StallAfter is the time without any progress after which a process is ended. Zero means a minute.
	StallAfter time.Duration

	ffmpeg  string
	ffprobe string
	version string
}

// Find looks for ffmpeg and ffprobe on the PATH and checks their version. It
// returns a [fault.PermanentError] if they are missing or too old.
func Find(ctx context.Context) (*Tool, error) {
	t := &Tool{}
	for name, path := range map[string]*string{"ffmpeg": &t.ffmpeg, "ffprobe": &t.ffprobe} {
		found, err := exec.LookPath(name)
		if err != nil {
			return nil, &fault.PermanentError{Cause: cause.ProgramMissing(name), Err: err}
		}
		*path = found
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := command{program: t.ffmpeg, output: []string{"-hide_banner", "-version"}}.prepare(ctx).Output()
	if err != nil {
		return nil, fmt.Errorf("ask %s for its version: %w", t.ffmpeg, err)
	}
	t.version, err = parseVersion(string(out))
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Version returns FFmpeg's name of its version, for example "5.1.9-0+deb12u1". It
// is part of a plan's digest, because another version may encode different bytes.
func (t *Tool) Version() string {
	return t.version
}

// versionLine matches the first line of "ffmpeg -version".
var versionLine = regexp.MustCompile(`^ffmpeg version (\S+)`)

// versionNumber matches the version of a release, and of a git tag, which begins with n.
var versionNumber = regexp.MustCompile(`^n?(\d+)\.(\d+)`)

// parseVersion parses the first line of "ffmpeg -version". A build from a git
// revision has no number (N-12345-gabcdef) and counts as new enough.
func parseVersion(out string) (string, error) {
	line := versionLine.FindStringSubmatch(out)
	if line == nil {
		return "", errors.New("ffmpeg -version printed no version")
	}
	number := versionNumber.FindStringSubmatch(line[1])
	if number == nil {
		return line[1], nil
	}
	major, _ := strconv.Atoi(number[1])
	minor, _ := strconv.Atoi(number[2])
	if major < minMajor || major == minMajor && minor < minMinor {
		return "", &fault.PermanentError{Cause: cause.ProgramTooOld(
			line[1],
			fmt.Sprintf("%d.%d", minMajor, minMinor),
		)}
	}
	return line[1], nil
}

// seconds formats a duration in FFmpeg's syntax, exact to the microsecond.
func seconds(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign = "-"
		d = -d
	}
	micros := d.Microseconds()
	return fmt.Sprintf("%s%d.%06d", sign, micros/1e6, micros%1e6)
}
