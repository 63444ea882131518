package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What of the footage is merged: a stretch that begins on a key frame, so that the old way, which
// cuts without decoding, cuts there too.
const (
	costFrom   = 4   // seconds into the footage
	costLength = 120 // seconds
)

// way is one way to come to a merge, or a part of one.
type way struct {
	name  string
	about string
	out   string     // the video it makes; empty for floors
	size  string     // of the video
	steps [][]string // commands, one after another
	feed  []string   // a command whose output the only step reads; it is not counted
}

// measurement is what a way cost and gave.
type measurement struct {
	way
	cpu     time.Duration
	rss     int64 // bytes, the most that the tree held
	bytes   int64 // of the video
	written int64 // bytes of files that are no result
	ssim    float64
	psnr    float64
}

// BenchmarkCost measures, in one paired run, what a merge costs: the old way, the usual way, ours, and
// the floors under them. It writes the table to docs/. Absolute numbers follow the machine and what
// else runs on it; the ratios hold.
func BenchmarkCost(b *testing.B) {
	root, err := filepath.Abs("../..")
	if err != nil {
		b.Fatal(err)
	}
	footage := costFootage(b, filepath.Join(root, ".cache", "cost-"+strconv.Itoa(footageLength)))
	dir := b.TempDir()
	local := filepath.Join(dir, "local")
	command(b, "go", "build", "-o", local, ".")
	for b.Loop() {
		var rows []measurement
		for _, w := range costWays(dir, local, footage) {
			row := measure(b, w)
			if w.out != "" {
				compareWithLossless(b, &row, footage)
			}
			b.Logf(
				"%-40s %7.1f CPU-s %5d MB %9d bytes  SSIM %.4f  PSNR %.2f",
				w.name, row.cpu.Seconds(), row.rss>>20, row.bytes, row.ssim, row.psnr,
			)
			rows = append(rows, row)
		}
		writeCost(b, filepath.Join(root, "docs"), rows)
		old, usual, ours := rows[0], rows[1], rows[2]
		ofOld, ofUsual := ours.cpu.Seconds()/old.cpu.Seconds(), ours.cpu.Seconds()/usual.cpu.Seconds()
		b.ReportMetric(ofOld, "of-the-old-way")
		b.ReportMetric(ofUsual, "of-the-usual-way")
		if ofOld > 0.25 || ofUsual > 0.85 || float64(ours.bytes) > 1.1*float64(usual.bytes) || ours.ssim < usual.ssim-0.005 {
			b.Error("want a quarter of the old way's time and 0.85 of the usual one's, at 1.1 times its bytes and 0.005 below its SSIM at most")
		}
	}
}

// costWays lists what is measured; the first three are the ways, then come the floors.
func costWays(dir, local string, f footagePair) []way {
	in := func(name string) string { return filepath.Join(dir, name) }
	from, length := strconv.Itoa(costFrom), strconv.Itoa(costLength)
	ff := func(args ...string) []string {
		return append([]string{"ffmpeg", "-v", "error", "-nostdin", "-y"}, args...)
	}
	cut := func(path string) []string {
		return []string{"-threads", "1", "-ss", from, "-t", length, "-i", path}
	}
	both := append(cut(f.lecturer), cut(f.screen)...)
	scaled := "[0:v]scale=1280:720:flags=area[l];[1:v]scale=1280:720:flags=area[r];[l][r]hstack[v]"
	raw := ff(append(both, "-filter_complex", scaled, "-map", "[v]", "-f", "rawvideo", "pipe:1")...)
	encode := func(args ...string) [][]string {
		args = append(
			[]string{"ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "2560x720", "-r", "25", "-i", "pipe:0", "-c:v", "libx264", "-g", "50"},
			args...,
		)
		return [][]string{append(args, in("floor.mp4"))}
	}
	at := func(seconds int) string {
		return time.Date(2026, 11, 20, 15, 0, seconds, 0, time.UTC).Format(time.TimeOnly)
	}
	ours := []string{
		local,
		"merge",
		"--segments",
		f.dir,
		"--room",
		"504",
		"--date",
		"2026-11-20",
		"--start",
		at(costFrom),
		"--end",
		at(costFrom + costLength),
		"--lecturer",
		"24",
		"--screen",
		"21",
		"--sound",
		"24",
		"--segment-length",
		"3m",
	}
	var old [][]string
	for _, path := range []string{f.lecturer, f.screen} {
		name := filepath.Base(path)
		list := in(name + ".txt")
		old = append(old, []string{"sh", "-c", `printf "file '%s'\n" "$1" >"$2"`, "sh", path, list},
			ff("-f", "concat", "-safe", "0", "-i", list, "-c", "copy", in("concat-"+name)),
			ff("-ss", from, "-i", in("concat-"+name), "-t", length, "-c", "copy", in("cut-"+name)))
	}
	cutLeft, cutRight := in("cut-"+filepath.Base(f.lecturer)), in("cut-"+filepath.Base(f.screen))
	old = append(old, ff(
		"-i",
		cutLeft,
		"-i",
		cutRight,
		"-filter_complex",
		"[0:v][1:v]hstack[v]",
		"-map",
		"[v]",
		"-map",
		"0:a",
		"-c:v",
		"libx264",
		"-c:a",
		"aac",
		in("old.mp4"),
	))
	usual := ff("-ss", from, "-t", length, "-i", f.lecturer, "-ss", from, "-t", length, "-i", f.screen,
		"-filter_complex", "[0:v]scale=1280:720[l];[1:v]scale=1280:720[r];[l][r]hstack[v]", "-map", "[v]", "-map", "0:a",
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-c:a", "aac", "-movflags", "+faststart", in("usual.mp4"))
	return []way{
		{
			name:  "a: the old way",
			about: "concat and cut by copy, hstack of both 1080p pictures, libx264 defaults",
			out:   in("old.mp4"),
			size:  "3840x1080",
			steps: old,
		},
		{
			name:  "b: the usual way",
			about: "one graph, both panes scaled, veryfast, crf 23",
			out:   in("usual.mp4"),
			size:  "2560x720",
			steps: [][]string{usual},
		},
		{
			name:  "c: ours",
			about: "local merge, all of it",
			out:   in("ours.mp4"),
			size:  "2560x720",
			steps: [][]string{append(ours, "--out", in("ours.mp4"))},
		},
		{
			name:  "c without rendering",
			about: "local merge --plan: survey, presence, loudness",
			steps: [][]string{append(ours, "--plan", "--out", in("none.mp4"))},
		},
		{
			name:  "c without rendering and screen",
			about: "the same for a room without a projector: survey, loudness",
			steps: [][]string{append(
				without(ours, "--screen", "21"),
				"--plan",
				"--out",
				in("none.mp4"),
			)},
		},
		{
			name:  "floor: decode",
			about: "both sources, one thread each",
			steps: [][]string{ff(append(both, "-map", "0:v", "-map", "1:v", "-f", "null", "-")...)},
		},
		{
			name:  "floor: decode, scale",
			about: "the same, and both panes scaled",
			steps: [][]string{ff(append(
				both,
				"-filter_complex",
				scaled,
				"-map",
				"[v]",
				"-f",
				"null",
				"-",
			)...)},
		},
		{
			name:  "floor: encode as b",
			about: "raw pictures in, veryfast, crf 23",
			feed:  raw,
			steps: encode("-preset", "veryfast", "-crf", "23"),
		},
		{
			name:  "floor: encode as c",
			about: "raw pictures in, our settings",
			feed:  raw,
			steps: encode(
				"-preset",
				"superfast",
				"-profile:v",
				"high",
				"-threads",
				"1",
				"-crf",
				"27.8",
				"-x264-params",
				"mbtree=1:rc-lookahead=3:bframes=0:subme=0:aq-mode=2",
			),
		},
	}
}

// without leaves an option and its value out.
func without(args []string, option, value string) []string {
	text := strings.Join(args, "\x00")
	return strings.Split(strings.Replace(text, "\x00"+option+"\x00"+value, "", 1), "\x00")
}

// measure runs a way. CPU time is what the kernel charges to each command and all below it.
func measure(b *testing.B, w way) measurement {
	b.Helper()
	m := measurement{way: w}
	for _, step := range w.steps {
		cmd := exec.CommandContext(b.Context(), step[0], step[1:]...)
		var log strings.Builder
		cmd.Stderr = &log
		stop := func() {}
		if w.feed != nil {
			stop = feed(b, cmd, w.feed)
		}
		if err := cmd.Start(); err != nil {
			b.Fatalf("%s: %v", w.name, err)
		}
		peak := watchMemory(cmd.Process.Pid)
		err := cmd.Wait()
		m.rss = max(m.rss, peak())
		stop()
		if err != nil {
			b.Fatalf("%s: %q: %v: %s", w.name, step, err, log.String())
		}
		m.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if last := step[len(step)-1]; last != w.out && w.out != "" {
			m.written += fileSize(last)
		}
	}
	m.bytes = fileSize(w.out)
	return m
}

// feed lets one command read what another writes; stop waits for that one.
func feed(b *testing.B, cmd *exec.Cmd, from []string) (stop func()) {
	b.Helper()
	source := exec.CommandContext(b.Context(), from[0], from[1:]...)
	pipe, err := source.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stdin = pipe.(*os.File)
	if err := source.Start(); err != nil {
		b.Fatal(err)
	}
	return func() {
		if err := source.Wait(); err != nil {
			b.Fatalf("feed an encoder: %v", err)
		}
	}
}

// watchMemory samples the memory of a process and all below it until peak is asked for.
func watchMemory(pid int) (peak func() int64) {
	quit, most := make(chan struct{}), make(chan int64)
	go func() {
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		sum := int64(0)
		for {
			sum = max(sum, treeRSS(pid, ""))
			select {
			case <-ticker.C:
			case <-quit:
				most <- sum
				return
			}
		}
	}()
	return func() int64 {
		close(quit)
		return <-most
	}
}

func fileSize(path string) int64 {
	stat, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return stat.Size()
}

var (
	ssimAll     = regexp.MustCompile(`SSIM .*All:([\d.]+)`)
	psnrAverage = regexp.MustCompile(`PSNR .*average:([\d.]+)`)
)

// compareWithLossless holds a video against the composition that nothing was lost of, frame by frame,
// both scaled to the video's size.
func compareWithLossless(b *testing.B, m *measurement, f footagePair) {
	b.Helper()
	var width, height int
	if _, err := fmt.Sscanf(m.size, "%dx%d", &width, &height); err != nil {
		b.Fatal(err)
	}
	pane := fmt.Sprintf("scale=%d:%d:flags=lanczos,setpts=N/25/TB", width/2, height)
	log := command(b, "ffmpeg", "-hide_banner", "-nostats", "-i", m.out,
		"-ss", strconv.Itoa(costFrom), "-t", strconv.Itoa(costLength), "-i", f.lecturer,
		"-ss", strconv.Itoa(costFrom), "-t", strconv.Itoa(costLength), "-i", f.screen,
		"-filter_complex", "[1:v]"+pane+"[l];[2:v]"+pane+"[r];[l][r]hstack,split[x][y];[0:v]setpts=N/25/TB,split[a][b];[a][x]ssim[s];[b][y]psnr[p]",
		"-map", "[s]", "-map", "[p]", "-f", "null", "-")
	m.ssim, m.psnr = number(b, ssimAll, log), number(b, psnrAverage, log)
	if m.ssim < 0.95 {
		b.Fatalf("%s: SSIM %f: it shows something else than the footage", m.name, m.ssim)
	}
}

func number(b *testing.B, in *regexp.Regexp, log string) float64 {
	b.Helper()
	found := in.FindStringSubmatch(log)
	if found == nil {
		b.Fatalf("no %v in %s", in, log)
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		b.Fatal(err)
	}
	return value
}

// command runs a command and gives what it printed.
func command(b *testing.B, name string, args ...string) string {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), name, args...).CombinedOutput()
	if err != nil {
		b.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
	return string(out)
}
