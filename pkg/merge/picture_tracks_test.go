package merge_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// TestPictureTracks merges files with several picture tracks. The recording is shown, whichever comes first,
// and the report names the others.
func TestPictureTracks(t *testing.T) {
	t.Parallel()
	const seconds = 4
	tests := []struct {
		name string
		args []string // of FFmpeg: input 0 is the recording, its sound, and the other tracks from input 1 on
	}{
		{"a preview of one large picture that is said to last", []string{
			"-f", "lavfi", "-i", "color=red:s=2560x1440:r=0.25:d=4",
			"-map", "1:v", "-map", "0:v", "-map", "0:a", "-c:v:1", "copy", "-c:v:0", "mjpeg",
		}},
		{"a sub stream first", []string{
			"-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4",
			"-map", "1:v", "-map", "0:v", "-map", "0:a", "-c:v:1", "copy", "-c:v:0", "libx264",
		}},
		{"a large track of one second first", []string{
			"-f", "lavfi", "-i", "color=red:s=1920x1080:r=25:d=1",
			"-map", "1:v", "-map", "0:v", "-map", "0:a", "-c:v:1", "copy", "-c:v:0", "libx264",
			"-preset:v:0", "ultrafast",
		}},
		{"a sub stream behind, in fragments", []string{
			"-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4",
			"-map", "0:v", "-map", "1:v", "-map", "0:a", "-c:v:0", "copy", "-c:v:1", "libx264", "-bf", "0",
			"-movflags", "frag_keyframe+delay_moov",
		}},
		{"a sub stream first, in fragments", []string{
			"-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4",
			"-map", "1:v", "-map", "0:v", "-map", "0:a", "-c:v:1", "copy", "-c:v:0", "libx264",
			"-movflags", "frag_keyframe+delay_moov",
		}},
	}
	plain := record(t, session(three(), three().Add(seconds*time.Second)))
	name := nvr.SegmentName{
		Date: three().Format(time.DateOnly), Time: three().Format("15:04"), Room: "504", Source: lecturer,
	}.String()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := slices.Concat(
				[]string{"-v", "error", "-i", filepath.Join(plain, name)},
				tt.args, []string{"-c:a", "copy", filepath.Join(dir, name)},
			)
			if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
				t.Fatalf("make a file: %v\n%s", err, out)
			}
			req := request(three(), three().Add(seconds*time.Second))
			req.Sources, req.Width = map[nvr.Role]string{nvr.Lecturer: lecturer}, 320
			f := makeFilm(t, newEngine(t), dir, req, 1)
			for k, frame := range f.frames(t) { // alone, so in the centre
				if text := wrong(frame.Centre, lecturer, f.at(k), 0); text != "" {
					t.Fatalf("frame %d: %s", k, text)
				}
			}
			checkWarning(t, f.Plan, "picture-track-unused", 0, seconds*time.Second)
		})
	}
}

// checkWarning wants one warning of a code about the lecturer, from and until times since the start.
func checkWarning(t *testing.T, plan *merge.Plan, code string, from, until time.Duration) {
	t.Helper()
	found := 0
	for _, w := range plan.Report(i18n.Default()).Warnings {
		if string(w.Code) != code {
			continue
		}
		found++
		start, end := w.Start.Sub(plan.Start), w.End.Sub(plan.Start)
		if w.Source != lecturer || (start-from).Abs() > time.Second || (end-until).Abs() > time.Second {
			t.Errorf("%s of %s from %v to %v, want %v to %v", code, w.Source, start, end, from, until)
		}
	}
	if found != 1 {
		t.Errorf("%d warnings %s, want 1", found, code)
	}
}
