package speech_test

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/captions"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// asWhisper makes the test binary whisper-cli, if it is started by that name.
const asWhisper = "whisper-cli"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == asWhisper {
		if err := whisperCLI(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// sounds are what a test video sounds like, one after another.
type sounds struct {
	testing.TB
	dir    string
	voice  string // of espeak-ng; empty for en-us
	inputs []string
	at     time.Duration
	spoken []captions.Span
}

// say adds a sentence of espeak-ng.
func (s *sounds) say(text string) {
	s.Helper()
	path := filepath.Join(s.dir, fmt.Sprintf("say-%d.wav", len(s.inputs)))
	s.run("espeak-ng", "-v", cmp.Or(s.voice, "en-us"), "-s", "140", "-w", path, text)
	info, err := os.Stat(path)
	if err != nil {
		s.Fatal(err)
	}
	const rate = 22050
	length := time.Duration(info.Size()-44) / 2 * time.Second / rate
	s.spoken = append(s.spoken, captions.Span{Start: s.at, End: s.at + length})
	s.at += length
	s.inputs = append(s.inputs, "-i", path)
}

// play adds a source of FFmpeg's lavfi for some seconds.
func (s *sounds) play(seconds int, lavfi string) {
	s.at += time.Duration(seconds) * time.Second
	s.inputs = append(s.inputs, "-f", "lavfi", "-t", fmt.Sprint(seconds), "-i", lavfi)
}

// video returns the sounds as a video of AAC.
func (s *sounds) video() *rangeproxy.Served {
	s.Helper()
	path := filepath.Join(s.dir, "video.mp4")
	var graph, joined strings.Builder
	count := 0
	for _, arg := range s.inputs {
		if arg != "-i" {
			continue
		}
		fmt.Fprintf(&graph, "[%d]aresample=48000,aformat=channel_layouts=mono[a%d];", count, count)
		fmt.Fprintf(&joined, "[a%d]", count)
		count++
	}
	fmt.Fprintf(&graph, "%sconcat=n=%d:v=0:a=1", &joined, count)
	args := append([]string{"-v", "error", "-y"}, s.inputs...)
	s.run("ffmpeg", append(args, "-filter_complex", graph.String(), "-ac", "2", "-c:a", "aac", path)...)
	proxy, err := rangeproxy.Listen(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	file, err := rangeproxy.OpenFile(path)
	if err != nil {
		s.Fatal(err)
	}
	served := proxy.Serve(file)
	s.Cleanup(func() {
		if err := served.Close(); err != nil {
			s.Error(err)
		}
		_ = file.Close()
		_ = proxy.Close()
	})
	return served
}

func (s *sounds) run(name string, args ...string) {
	s.Helper()
	if out, err := exec.CommandContext(s.Context(), name, args...).CombinedOutput(); err != nil {
		s.Fatalf("%s: %v: %s", name, err, out)
	}
}

func findTool(t testing.TB) *ffmpeg.Tool {
	t.Helper()
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tool
}
