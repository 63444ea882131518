package sound_test

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
)

// recorded makes a segment of a minute whose sound begins at second from of the lecture. By the clock that stamps the
// sound, a second lasts (1000000+ppm)/1000000 s, and the sound lasts for length.
func recorded(t *testing.T, from int, ppm int, length string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.mp4")
	cmd := exec.CommandContext( // #nosec G204 -- constant arguments
		t.Context(), "ffmpeg", "-v", "error",
		"-f", "lavfi", "-i", "color=s=64x64:r=5:d=60",
		"-f", "lavfi", "-i", "aevalsrc='"+lecture(fmt.Sprintf("(%d+t/(1+%d/1000000))", from, ppm))+"':s=16000:d="+length,
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-c:a", "aac", "-b:a", "128k", "-aac_pns", "0", path,
	)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("record: %v\n%s", err, out)
	}
	return path
}

// lecture is the sound at a time: a tone that changes in pitch, in words with pauses.
func lecture(at string) string {
	return "0.3*sin(2*PI*(400*" + at + "+30*sin(" + at + ")))*(0.5+0.5*sin(9*" + at + "))*gt(sin(2.3*" + at + "),-0.5)"
}

// TestClockDrift has recorders whose sound runs by a wrong clock, and some that only stop writing late or early.
func TestClockDrift(t *testing.T) {
	t.Parallel()
	const first, second, other = "15:00_504_24", "15:01_504_24", "15:00_504_30"
	right := recorded(t, 0, 0, "60")
	slow := recorded(t, 0, -2000, "59.88")
	for name, tt := range map[string]struct {
		files map[string]string
		found bool // the drift
	}{
		"fast": {map[string]string{
			first: recorded(t, 0, 2000, "60.12"), second: recorded(t, 60, 2000, "60.12"),
		}, true},
		"slow beside a right one": {map[string]string{first: slow, other: right}, true},
		"slow in two files": {map[string]string{
			first: recorded(t, 0, -9000, "59.46"), second: recorded(t, 60, -9000, "59.46"),
		}, true},
		"slow, not sure": {map[string]string{first: slow}, false},
		"goes on for 120 ms": {map[string]string{
			first: recorded(t, 0, 0, "60.12"), second: recorded(t, 60, 0, "60.12"),
		}, false},
		"ends 120 ms early": {map[string]string{first: recorded(t, 0, 0, "59.88"), other: right}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const until = 59 * ffmpeg.SampleRate
			m := planFiles(t, time.Minute, until, tt.files)
			if got := warnedOf(m.segments[0], cause.CodeClockDrift); got != tt.found {
				t.Fatalf("warning %s: %v, want %v", cause.CodeClockDrift, got, tt.found)
			}
			if !tt.found {
				return
			}
			whole := m.mix(t, until)
			if d, at := farthest(whole, m.mix(t, 25*ffmpeg.SampleRate, 20*ffmpeg.SampleRate+1111)); d > 0.0005 {
				t.Errorf("slices differ from one go by %.5f at %v", d, at)
			}
			want := decoded(t, right)
			for second := 1; second < 59; second += 3 {
				if off := lag(whole, want, second*ffmpeg.SampleRate); off.Abs() > 5*time.Millisecond {
					t.Errorf("after %d s the sound is %v late", second, off)
				}
			}
		})
	}
}

// warnedOf reports whether a segment has a warning.
func warnedOf(seg *probe.Segment, code cause.Code) bool {
	return slices.ContainsFunc(seg.Warnings, func(w probe.Warning) bool { return w.Cause.Is(code) })
}

// lag is by how much a is later than b at a sample, to half a millisecond, up to 30 ms.
func lag(a, b []float32, at int) time.Duration {
	const step, most, window = ffmpeg.SampleRate / 2000, 60, ffmpeg.SampleRate / 5
	best, least, power := 0, math.Inf(1), 0.0
	for _, x := range b[at : at+window] {
		power += float64(x * x)
	}
	if power < 10 { // a pause
		return 0
	}
	for d := -most; d <= most; d++ {
		sum := 0.0
		for i := at; i < at+window; i += 8 {
			difference := float64(a[i+d*step] - b[i])
			sum += difference * difference
		}
		if sum < least {
			best, least = d, sum
		}
	}
	return time.Duration(best) * time.Second / 2000
}
