package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestReadsWhatIsNeeded merges two minutes out of the middle of ten-minute files. Rendering may fetch
// little more than the stretches needed, though pictures and sound are decoded by processes of their
// own; analysis reads the screen once, and of the sound source what tells its loudness.
func TestReadsWhatIsNeeded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, sound, moov string }{
		{"index first, the lecturer's sound", "24", "+faststart"},
		{"index last, the lecturer's sound", "24", "0"},
		{"index last, the screen's sound", "21", "0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && tt.name == "index last, the lecturer's sound" {
				t.Skip("make kills runs it: it repeats parts of the other two")
			}
			dir := t.TempDir()
			whole := tenMinutes(t, dir, tt.moov)
			cost := mergeCost(t, "--segments", dir, "--room", "504", "--date", "2026-11-20", "--start", "15:04", "--end", "15:06",
				"--lecturer", "24", "--screen", "21", "--sound", tt.sound, "--segment-length", "10m", "--size", "320x90",
				"--out", filepath.Join(dir, "merge.mp4"))
			needed := (whole["24"] + whole["21"]) * 2 / 10
			if most := needed * 12 / 10; cost.Read > most || cost.Read < needed*9/10 {
				t.Errorf(
					"rendering read %d bytes for a need of %d, %d of them allowed",
					cost.Read, needed, most,
				)
			}
			// The screen's own sound takes a pass over its file; the key frames looked at come on top.
			passes := whole["21"]
			if tt.sound == "24" {
				passes = whole["24"]
			}
			// Of both files it reads the index, key frames 10 s apart and six stretches of sound to compare.
			most := passes + (whole["24"]+whole["21"])*2/5
			if cost.Analysis > most {
				t.Errorf("analysis read %d bytes, %d are allowed, one pass is %d", cost.Analysis, most, passes)
			}
		})
	}
}

// mergeCost runs a merge and gives what its report says of the cost.
func mergeCost(t *testing.T, args ...string) (cost struct {
	Read     int64 `json:"read_bytes"`
	Analysis int64 `json:"analysis_bytes"`
	PeakRSS  int64 `json:"peak_rss_bytes"`
}) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	var stdout, stderr strings.Builder
	if code := run(t.Context(), append(append([]string{"merge"}, args...), "--report", path), &stdout, &stderr); code != exitDone {
		t.Fatalf("merge = %d: %s", code, stderr.String())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &struct {
		Cost any `json:"cost"`
	}{&cost}); err != nil {
		t.Fatal(err)
	}
	return cost
}

// twentySeconds records pictures and sound of 20 s once for all tests: noise, so that the bit rate is even. The
// sound comes and goes as syllables do, so that it counts as a voice.
var twentySeconds = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // recorded once
	path := filepath.Join(os.Getenv(sharedFolder), "twenty-seconds.mp4")
	out, err := exec.Command(
		"ffmpeg", "-v", "error", "-nostdin",
		"-f", "lavfi", "-i", "mandelbrot=s=320x180:r=10,noise=alls=8:allf=t", "-f", "lavfi", "-i", "anoisesrc=c=pink:a=0.5:r=48000:seed=1,tremolo=f=3:d=0.95", "-t", "20",
		"-c:v", "libx264", "-preset", "ultrafast", "-b:v", "800k", "-g", "20", "-sc_threshold", "0", "-bf", "0",
		"-pix_fmt", "yuv420p", "-c:a", "aac", path,
	).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("record 20 s: %w: %s", err, out)
	}
	return path, nil
})

// tenMinutes makes a file of the lecturer and one of the screen, each 20 s over and over, and returns their sizes.
func tenMinutes(t *testing.T, dir, moov string) map[string]int64 {
	t.Helper()
	short, err := twentySeconds()
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, octet := range []string{"24", "21"} {
		long := filepath.Join(dir, fmt.Sprintf("2026-11-20_15:00_504_%s.mp4", octet))
		args := []string{"-v", "error", "-nostdin", "-stream_loop", "29", "-i", short, "-c", "copy", "-movflags", moov, long}
		if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
			t.Fatalf("make footage: %v: %s", err, out)
		}
		sizes[octet] = fileSize(long)
	}
	return sizes
}
