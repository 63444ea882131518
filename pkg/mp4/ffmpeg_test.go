package mp4_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// tableRun is an entry of stts, ctts or sbgp: count samples with the same value.
func tableRun(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return stdout.Bytes()
}

// clip makes a file with ffmpeg; the last argument is its name.
func clip(t *testing.T, dir string, args ...string) string {
	t.Helper()
	args = slices.Clone(args)
	path := filepath.Join(dir, args[len(args)-1])
	args[len(args)-1] = path
	tableRun(t, "ffmpeg", append([]string{"-v", "error", "-y"}, args...)...)
	return path
}

func open(t *testing.T, path string) *mp4.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	stat, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := mp4.Read(f, stat.Size())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// packet is one packet as ffprobe prints it.
type packet struct {
	Stream int    `json:"stream_index"`
	PTS    int64  `json:"pts"`
	Size   uint32 `json:"size,string"`
	Pos    int64  `json:"pos,string"`
	Flags  string `json:"flags"`
}

// packets asks ffprobe for the packets of each stream.
func packets(t *testing.T, path string, streams int) [][]packet {
	t.Helper()
	var answer struct {
		Packets []packet `json:"packets"`
	}
	out := tableRun(
		t, "ffprobe", "-v", "error", "-of", "json", "-show_entries",
		"packet=stream_index,pts,size,pos,flags", path,
	)
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	all := make([][]packet, streams)
	for _, p := range answer.Packets {
		if p.Stream < streams {
			all[p.Stream] = append(all[p.Stream], p)
		}
	}
	return all
}

var infoPTS = regexp.MustCompile(`Parsed_a?showinfo\S* @ \S+\] n: *\d+ +pts: *(-?\d+)`)

// decodedPTS are the timestamps of the pictures or sounds that ffmpeg decodes.
func decodedPTS(t *testing.T, path, stream string) []int64 {
	t.Helper()
	args := []string{
		"-v",
		"info",
		"-nostats",
		"-copyts",
		"-i",
		path,
		"-map",
		"0:" + stream,
		"-vf",
		"showinfo=checksum=0",
		"-fps_mode",
		"passthrough",
		"-f",
		"null",
		"-",
	}
	if stream[0] == 'a' {
		args = []string{
			"-v",
			"info",
			"-nostats",
			"-copyts",
			"-i",
			path,
			"-map",
			"0:" + stream,
			"-af",
			"ashowinfo",
			"-f",
			"null",
			"-",
		}
	}
	out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("decode %s: %v\n%s", path, err, out)
	}
	var all []int64
	for _, m := range infoPTS.FindAllStringSubmatch(string(out), -1) {
		pts, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pts)
	}
	return all
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
