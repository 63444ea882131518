package merge_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// TestStalledDecoder stops the decoder of one slice by SIGSTOP each time it starts, or once. A decoder that always
// stands still there is a fault of the file, and a gap that the report names.
func TestStalledDecoder(t *testing.T) { //nolint:paralleltest // it changes PATH
	if testing.Short() {
		t.Skip("it waits for stalls")
	}
	base := t.TempDir()
	source := camera(lecturerCam)
	source.Segments = source.Segments[1:]
	recordFiles(t, base, source)
	req := faultyRequest()
	req.Start = slotAt(1)
	req.End = req.Start.Add(24 * time.Second) // slices of 4, 16 and 4 s
	req.Sources = map[nvr.Role]string{nvr.Lecturer: lecturerCam}
	req.Loudness = merge.Loudness{Off: true}

	t.Run("always", func(t *testing.T) {
		s := newScene(t, base)
		starts := s.stopDecoder("true")
		m := s.merge(req)
		m.gap(lecturerCam, joint+500, joint+600, "makes no progress")
		if gap := m.report.Gaps[0]; gap.Code != cause.CodeDecoderStalled {
			t.Errorf("the cause of the gap is %s", gap.Code)
		}
		if !slices.ContainsFunc(m.result.Plan.Segments[0].Faults, func(c cause.Cause) bool {
			return c.Is(cause.CodeStalledPictures)
		}) {
			t.Errorf("the faults of the file are %v", m.result.Plan.Segments[0].Faults)
		}
		if n := starts(); n != 4 {
			t.Errorf("the decoder was started %d times, want 4", n)
		}
	})
	t.Run("once", func(t *testing.T) {
		s := newScene(t, base)
		starts := s.stopDecoder(`test "$(wc -l <"$starts")" = 1`)
		m := s.merge(req)
		m.noGaps(lecturerCam)
		if n := starts(); n != 2 {
			t.Errorf("the decoder was started %d times, want 2", n)
		}
	})
}

// stopDecoder makes FFmpeg stop by SIGSTOP when it is to decode pictures for a part from 10 s of a file on, if a
// line of shell succeeds. It returns a function that counts how often FFmpeg was started there.
func (s *damageCase) stopDecoder(condition string) (starts func() int) {
	s.Helper()
	const script = `#!/bin/sh
starts=%s
for arg; do
	test "$last" = -ss && seek=$arg
	last=$arg
done
case "$*" in
*"-pix_fmt yuv420p -f rawvideo"*)
	case $seek in
	[1-9][0-9].*)
		echo >>"$starts"
		if %s; then kill -STOP $$; fi
		;;
	esac
	;;
esac
exec %s "$@"
`
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		s.Fatal(err)
	}
	dir := s.TempDir()
	counted := filepath.Join(dir, "starts")
	text := fmt.Sprintf(script, counted, condition, path)
	if err := os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(text), 0o700); err != nil {
		s.Fatal(err)
	}
	s.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	s.tool = findTool(s)
	s.tool.StallAfter = 3 * time.Second
	return func() int {
		text, err := os.ReadFile(counted)
		if err != nil {
			s.Fatal(err)
		}
		return strings.Count(string(text), "\n")
	}
}
