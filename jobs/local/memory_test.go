package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkMemory holds the memory of a long merge against that of a short one: what grows with the
// record's length are tables, and those must not matter. Pictures are tiny here, so what does grow
// shows; at 1080p the same growth comes on top of several hundred megabytes.
func BenchmarkMemory(b *testing.B) {
	dir := b.TempDir()
	local := filepath.Join(dir, "local")
	command(b, "go", "build", "-o", local, ".")
	segments := filepath.Join(dir, "segments")
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	halfHours(b, segments, start, 8)
	for b.Loop() {
		peaks := map[time.Duration]int64{}
		for _, length := range []time.Duration{10 * time.Minute, 4 * time.Hour} {
			m := measure(b, way{
				name: "a record of " + length.String(),
				steps: [][]string{{
					local,
					"merge",
					"--segments",
					segments,
					"--room",
					"504",
					"--date",
					start.Format(time.DateOnly),
					"--start",
					start.Format("15:04"),
					"--end",
					start.Add(length).Format("15:04"),
					"--lecturer",
					"24",
					"--screen",
					"21",
					"--sound",
					"24",
					"--size",
					"256x72",
					"--parallel",
					"1",
					"--out",
					filepath.Join(dir, "merge.mp4"),
				}},
			})
			peaks[length] = m.rss
			b.ReportMetric(float64(m.rss>>20), fmt.Sprintf("MB/%v", length))
			b.ReportMetric(m.cpu.Seconds(), fmt.Sprintf("cpu-s/%v", length))
		}
		if short, long := peaks[10*time.Minute], peaks[4*time.Hour]; long > short*11/10 {
			b.Errorf("ten minutes take %d MB, four hours %d MB", short>>20, long>>20)
		}
	}
}

// halfHours makes n half-hour files of two sources with few, small pictures.
func halfHours(b *testing.B, dir string, start time.Time, n int) {
	b.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		b.Fatal(err)
	}
	short := filepath.Join(b.TempDir(), "short.mp4")
	command(b, "ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "mandelbrot=s=160x90:r=25", "-f", "lavfi", "-i", "sine=440:r=48000", "-t", "20",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", short)
	for _, octet := range []string{"24", "21"} {
		first := ""
		for i := range n {
			name := start.Add(time.Duration(i)*30*time.Minute).Format("2006-01-02_15:04") + "_504_" + octet + ".mp4"
			path := filepath.Join(dir, name)
			if first == "" {
				first = path
				command(
					b,
					"ffmpeg",
					"-v",
					"error",
					"-nostdin",
					"-stream_loop",
					"89",
					"-i",
					short,
					"-c",
					"copy",
					path,
				)
			} else if err := os.Link(first, path); err != nil {
				b.Fatal(err)
			}
		}
	}
}
