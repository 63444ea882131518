package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/captions"
	"github.com/nvr-miem/merger/pkg/cause"
)

// TestMergeSpeech merges a spoken minute: with a recogniser that is missing the video is made without
// captions and the report says why; with pocketsphinx the captions and the transcript are beside the same
// video.
func TestMergeSpeech(t *testing.T) {
	t.Parallel()
	s := &stage{T: t, segments: t.TempDir(), out: t.TempDir()}
	said := filepath.Join(t.TempDir(), "said.wav")
	segment := filepath.Join(s.segments, "2026-11-20_15:00_504_24.mp4")
	for _, command := range [][]string{
		{"espeak-ng", "-v", "en-us", "-s", "140", "-w", said, "Good morning. Today we talk about linear algebra."},
		{
			"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=320x180:r=25", "-i", said,
			"-af", "adelay=3000,apad", "-ar", "48000", "-t", "60", "-g", "50", "-preset", "ultrafast", segment,
		},
	} {
		out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput() // #nosec G204
		if err != nil {
			t.Fatalf("%v: %s; scripts/setup pocketsphinx", err, out)
		}
	}
	args := func(engine string) []string {
		return []string{
			"merge", "--segments", s.segments, "--room", "504", "--date", "2026-11-20", "--start", "15:00:01",
			"--end", "15:00:13", "--segment-length", "1m", "--lecturer", "24", "--size", "640x180", "--parallel", "1",
			"--out", s.video(), "--work", s.work(), "--report", s.reportFile(), "--speech", engine,
		}
	}
	base := strings.TrimSuffix(s.video(), ".mp4")

	stdout, stderr := s.here(exitDone, args("whisper:"+filepath.Join(s.out, "missing.bin"))...)
	warned := false
	for _, w := range s.readReport().Warnings {
		warned = warned || w.Code == cause.CodeCaptionsMissing && w.Text["ru"] != ""
	}
	if !warned || !strings.Contains(stdout, "no captions") || !strings.Contains(stderr, "no captions") {
		t.Errorf("no warning in the report, or in\n%s\n%s", stdout, stderr)
	}
	if _, err := os.Stat(base + ".vtt"); err == nil {
		t.Error("captions without a recogniser")
	}
	without := sumOf(t, s.video())

	stdout, _ = s.here(exitDone, args("pocketsphinx")...)
	if got := sumOf(t, s.video()); got != without {
		t.Errorf("captions changed the video: %s, want %s", got, without)
	}
	if n := len(s.readReport().Warnings); n > 0 || !strings.Contains(stdout, base+".vtt") {
		t.Errorf("%d warnings; summary:\n%s", n, stdout)
	}
	vtt, err := os.ReadFile(base + ".vtt")
	if err != nil {
		t.Fatal(err)
	}
	cues, err := captions.ParseVTT(bytes.NewReader(vtt))
	if err != nil || len(cues) == 0 {
		t.Fatalf("%d cues, error %v:\n%s", len(cues), err, vtt)
	}
	// The sentence begins at 3 s of the segment, 2 s of the video, and lasts 4 s.
	first, last := cues[0].Start, cues[len(cues)-1].End
	if first < 1500*time.Millisecond || first > 2500*time.Millisecond || last > 7*time.Second {
		t.Errorf("captions from %v to %v:\n%s", first, last, vtt)
	}
	text, err := os.ReadFile(base + ".txt")
	if err != nil || len(strings.Fields(string(text))) < 4 {
		t.Errorf("transcript %q, error %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(s.work(), "speech*")); err != nil || len(left) > 0 {
		t.Errorf("%v left, error %v", left, err)
	}
	_, stderr = s.here(exitUsage, args("google")...)
	oneSentence(t, stderr, fmt.Sprintf("--speech %q", "google"), "whisper:MODEL")
}
