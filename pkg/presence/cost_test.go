package presence_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkHalfHour measures the CPU time, ours and that of all that we start, for half an hour of
// 1080p25 with a key frame every 2 s. The first is the worst case (a noisy moving picture at 4.5
// Mb/s), the second slides, the third a card with a clock.
func BenchmarkHalfHour(b *testing.B) {
	clips := map[string]string{
		"noisy film": "mandelbrot=s=1920x1080:r=25,noise=alls=12:allf=t",
		"slides":     "color=white:s=1920x1080:r=25,drawtext=text='Slide %{eif\\:t/4\\:d} of a lecture about fields':fontsize=70:x=100:y=120,drawtext=text='%{pts\\:hms}':fontsize=40:x=1500:y=1000",
		"card":       "smptehdbars=s=1920x1080:r=25,drawtext=text='%{pts\\:hms}':fontsize=40:x=1500:y=1000",
	}
	for name, source := range clips {
		b.Run(name, func(b *testing.B) {
			seconds := 1800
			if name == "noisy film" {
				seconds = 320 // a gigabyte otherwise; nothing of it is counted once a file
			}
			path := longClip(b, source, seconds)
			judge, in := newJudge(b, ""), input(b, path)
			before := cpuTime(b)
			for b.Loop() {
				list, err := judge.Look(b.Context(), in)
				if err != nil {
					b.Fatal(err)
				}
				b.Logf("%d stretches, the first %v", len(list), list[0])
			}
			spent := (cpuTime(b) - before).Seconds() / float64(b.N)
			b.ReportMetric(spent*1800/float64(seconds), "cpu-s/half-hour")
		})
	}
}

// longClip encodes 16 s and repeats them.
func longClip(b *testing.B, source string, seconds int) string {
	b.Helper()
	dir := b.TempDir()
	short, long := filepath.Join(dir, "short.mp4"), filepath.Join(dir, "long.mp4")
	for _, args := range [][]string{
		{"-f", "lavfi", "-i", source, "-t", "16", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "4500k", "-g", "50", "-sc_threshold", "0", "-bf", "0", "-pix_fmt", "yuv420p", short},
		{"-stream_loop", fmt.Sprint(seconds / 16), "-i", short, "-c", "copy", long},
	} {
		if out, err := exec.CommandContext(
			b.Context(),
			"ffmpeg",
			append([]string{"-v", "error"}, args...)...,
		).CombinedOutput(); err != nil {
			b.Fatalf("make a clip: %v: %s", err, out)
		}
	}
	return long
}

// cpuTime is user and system time of this process and the children that have ended.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	sum := time.Duration(0)
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(who, &usage); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return sum
}
