package main

import (
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// screenClip encodes what lavfi draws; the filters of a case put the parts together.
func screenClip(t *testing.T, dir, name, graph string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-filter_complex", graph+"[v]", "-map", "[v]",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", name, err, out)
	}
	return path
}

const (
	bars  = "smptehdbars=s=320x180:r=5"
	words = "color=white:s=320x180:r=5,drawbox=20:20:200:16:black:fill,drawbox=20:60:120:8:black:fill,drawbox=20:80:180:8:black:fill,drawbox=20:100:90:8:black:fill"
)

func judged(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	code = run(t.Context(), append([]string{"presence"}, args...), &out, &err)
	return code, out.String(), err.String()
}

// TestPresenceJSON holds the shape of the answer, which scripts rely on.
func TestPresenceJSON(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	card := screenClip(t, dir, `a "card" <1>.mp4`, bars+":d=4")
	both := screenClip(t, dir, "both.mp4", bars+":d=7[a];"+words+",trim=end=9[b];[a][b]concat")
	code, stdout, stderr := judged(t, "--json", card, both)
	if code != exitDone || stderr != "" {
		t.Fatalf("exit %d, %s", code, stderr)
	}
	var answer []map[string]any
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatalf("%v in\n%s", err, stdout)
	}
	if len(answer) != 2 {
		t.Fatalf("%d objects, want 2", len(answer))
	}
	for i, file := range answer {
		wantKeys(t, file, "file", "stretches", "verdict")
		if want := []string{card, both}[i]; file["file"] != want {
			t.Errorf("file %v, want %s", file["file"], want)
		}
	}
	if answer[0]["verdict"] != "canvas" || answer[1]["verdict"] != "presentation" {
		t.Errorf("verdicts %v and %v", answer[0]["verdict"], answer[1]["verdict"])
	}
	stretches, ok := answer[1]["stretches"].([]any)
	if !ok || len(stretches) != 2 {
		t.Fatalf("stretches %v, want a canvas and a presentation", answer[1]["stretches"])
	}
	for i, want := range []struct {
		start, end float64
		verdict    string
	}{{0, 7, "canvas"}, {7, 16, "presentation"}} {
		s, ok := stretches[i].(map[string]any)
		if !ok {
			t.Fatalf("stretch %v is no object", stretches[i])
		}
		wantKeys(t, s, "args", "cause", "code", "end_s", "start_s", "verdict")
		start, _ := s["start_s"].(float64)
		end, _ := s["end_s"].(float64)
		if math.Abs(start-want.start) > 1 || math.Abs(end-want.end) > 1 || s["verdict"] != want.verdict || s["cause"] == "" {
			t.Errorf("stretch %v, want %v", s, want)
		}
	}
}

func wantKeys(t *testing.T, object map[string]any, want ...string) {
	t.Helper()
	var keys []string
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if !slices.Equal(keys, want) {
		t.Errorf("an object of %v, want %v", keys, want)
	}
}

// TestPresenceWholeFile: less than half of a file shorter than two minutes is not enough.
func TestPresenceWholeFile(t *testing.T) {
	t.Parallel()
	path := screenClip(
		t,
		t.TempDir(),
		"mostly-card.mp4",
		bars+":d=12[a];"+words+",trim=end=6[b];[a][b]concat",
	)
	code, stdout, stderr := judged(t, path)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != exitDone || stderr != "" || len(lines) != 3 {
		t.Fatalf("exit %d, %q, table\n%s", code, stderr, stdout)
	}
	for i, want := range [][]string{
		{path, "canvas"},
		{"0:00.0 to 0:12.", "canvas", "bars"},
		{"0:12.", "to 0:18.0", "presentation"},
	} {
		for _, part := range want {
			if !strings.Contains(lines[i], part) {
				t.Errorf("line %d lacks %q: %s", i, part, lines[i])
			}
		}
	}
}

// TestPresenceCards: a picture that only the user knows to be a card.
func TestPresenceCards(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := screenClip(
		t,
		dir,
		"lobby.mp4",
		"mandelbrot=s=320x180:r=5:start_scale=0.01:end_scale=0.01,loop=20:1:0,trim=end=4",
	)
	if code, stdout, stderr := judged(t, path); code != exitDone || !strings.Contains(stdout, "presentation") {
		t.Fatalf("without the card: exit %d, %s%s", code, stdout, stderr)
	}
	cards := filepath.Join(dir, "cards")
	if err := os.Mkdir(cards, 0o750); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", filepath.Join(cards, "lobby.png")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	code, stdout, stderr := judged(t, "--cards", cards, path)
	if code != exitDone || !strings.Contains(stdout, "canvas") || !strings.Contains(stdout, "card: lobby") {
		t.Errorf("with the card: exit %d, %s%s", code, stdout, stderr)
	}
}

func TestPresenceExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := screenClip(t, dir, "good.mp4", bars+":d=2")
	empty, garbage := filepath.Join(dir, "empty.mp4"), filepath.Join(dir, "garbage.mp4")
	for path, text := range map[string]string{empty: "", garbage: strings.Repeat("no video ", 99)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	badCard := filepath.Join(dir, "cards")
	if err := os.Mkdir(badCard, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(badCard, "broken.png"), []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args   []string
		code   int
		stderr string
	}{
		"no file":        {nil, exitUsage, "no FILE"},
		"unknown option": {[]string{"--bogus", good}, exitUsage, "bogus"},
		"absent":         {[]string{filepath.Join(dir, "absent.mp4")}, exitFailed, "absent.mp4"},
		"empty":          {[]string{"--json", empty}, exitNoFootage, "empty.mp4"},
		"garbage":        {[]string{garbage, empty}, exitNoFootage, "garbage.mp4"},
		"one of two":     {[]string{"--json", good, empty}, exitFailed, "empty.mp4"},
		"a broken card":  {[]string{"--cards", badCard, good}, exitFailed, "broken.png"},
		"no such folder": {
			[]string{"--cards", filepath.Join(dir, "none"), good},
			exitFailed,
			"none",
		},
		"a folder's name": {[]string{dir}, exitFailed, "regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := judged(t, tt.args...)
			if code != tt.code || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit %d, %q; want %d and %q", code, stderr, tt.code, tt.stderr)
			}
			if name == "one of two" && (!json.Valid([]byte(stdout)) || !strings.Contains(stdout, "good.mp4")) {
				t.Errorf("the good file is not answered: %s", stdout)
			}
		})
	}
	if code, stdout, _ := judged(t, "--help"); code != exitDone || !strings.Contains(stdout, "--json") {
		t.Errorf("--help: exit %d, %s", code, stdout)
	}
}

// TestPresenceOfOneFrame judges the shortest file there is.
func TestPresenceOfOneFrame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	green := image.NewRGBA(image.Rect(0, 0, 320, 180))
	for i := range 320 * 180 {
		green.Set(i%320, i/320, color.RGBA{0, 135, 0, 255})
	}
	still := filepath.Join(dir, "green.png")
	f, err := os.Create(still)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, green); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "green.mp4")
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", still, "-pix_fmt", "yuv420p", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if code, stdout, stderr := judged(t, path); code != exitDone || !strings.Contains(stdout, "plain green") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
}
