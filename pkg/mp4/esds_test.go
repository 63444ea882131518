package mp4_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// TestChannels reads how many channels the sound of a file has: FFmpeg says 2 in the sample entry
// whatever they are, and the truth in the decoder's configuration.
func TestChannels(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"mono.mp4":     {"-ac", "1"},
		"stereo.mp4":   {"-ac", "2"},
		"surround.mp4": {"-ac", "6"},
		"mono.mov":     {"-ac", "1", "-f", "mov"},
		"low.mp4":      {"-ac", "1", "-ar", "16000"},
	} {
		path := filepath.Join(t.TempDir(), name)
		args = append(
			append([]string{"-v", "error", "-f", "lavfi", "-i", "sine=440:r=48000:d=1"}, args...),
			"-c:a",
			"aac",
			path,
		)
		if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
			t.Fatalf("make sound: %v: %s", err, out)
		}
		object, err := rangeproxy.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := mp4.Read(object, object.Size())
		if err := object.Close(); err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"stereo.mp4": 2, "surround.mp4": 6}[name]
		if want == 0 {
			want = 1
		}
		if err != nil || len(file.Tracks) != 1 || file.Tracks[0].Channels != want {
			t.Errorf("%s: %+v, %v, want %d channels", name, file.Tracks, err, want)
		}
	}
}
