package ffmpeg_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

// serve makes a clip with FFmpeg's own sources and serves its folder on loopback.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	args = append(append([]string{"-v", "error"}, args...), filepath.Join(dir, "clip.mp4"))
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("make a clip: %v\n%s", err, out)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	return server.URL + "/clip.mp4"
}

func find(t *testing.T) *ffmpeg.Tool {
	t.Helper()
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

func readPictures(t *testing.T, p ffmpeg.Pictures) []int64 {
	t.Helper()
	s, err := find(t).OpenPictures(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all []int64
	buf := make([]byte, p.Format.Bytes(p.Width, p.Height))
	for {
		pts, err := s.Next(buf)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pts)
	}
}

func TestPicturesCarryTheirPTS(t *testing.T) {
	t.Parallel()
	url := serve(
		t, "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-t", "4", "-c:v",
		"libx264", "-g", "25", "-bf", "2", "-video_track_timescale", "25000",
	)
	all := ffmpeg.Pictures{
		Source: ffmpeg.URL(url),
		From:   ffmpeg.FirstPTS,
		Until:  ffmpeg.LastPTS,
		Width:  64,
		Height: 36,
		Format: ffmpeg.Gray,
	}

	tests := []struct {
		name        string
		change      func(*ffmpeg.Pictures)
		first, last int64
		count       int
	}{
		{"all", func(*ffmpeg.Pictures) {}, 0, 99000, 100},
		{"key frames", func(p *ffmpeg.Pictures) { p.KeyOnly = true }, 0, 75000, 4},
		{"range", func(p *ffmpeg.Pictures) { p.From, p.Until = 60000, 70000 }, 60000, 69000, 10},
		{"range after a seek", func(p *ffmpeg.Pictures) {
			at := 2400 * time.Millisecond
			p.Seek, p.From, p.Until = &at, 60000, 70000
		}, 60000, 69000, 10},
		{"yuv fitted, strict", func(p *ffmpeg.Pictures) {
			p.Format, p.Fit, p.Strict, p.Width, p.Height = ffmpeg.YUV420P, true, true, 128, 128
		}, 0, 99000, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := all
			tt.change(&p)
			got := readPictures(t, p)
			if len(got) != tt.count || got[0] != tt.first || got[len(got)-1] != tt.last {
				t.Errorf(
					"got %d pictures %v, want %d from %d to %d",
					len(got),
					got,
					tt.count,
					tt.first,
					tt.last,
				)
			}
		})
	}
}

func TestPicturesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	s, err := find(t).OpenPictures(t.Context(), ffmpeg.Pictures{
		Source: ffmpeg.URL(server.URL),
		From:   ffmpeg.FirstPTS,
		Until:  ffmpeg.LastPTS,
		Width:  64,
		Height: 36,
		Format: ffmpeg.Gray,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var failed *ffmpeg.Error
	if _, err := s.Next(make([]byte, 64*36)); !errors.As(err, &failed) || len(failed.Lines) == 0 {
		t.Errorf("Next = %v, want an *ffmpeg.Error with FFmpeg's own words", err)
	}
}

func TestPicturesStopWhenCancelled(t *testing.T) {
	t.Parallel()
	url := serve(
		t, "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-t", "60", "-c:v",
		"libx264", "-preset", "ultrafast",
	)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := find(t).OpenPictures(ctx, ffmpeg.Pictures{
		Source: ffmpeg.URL(url),
		From:   ffmpeg.FirstPTS,
		Until:  ffmpeg.LastPTS,
		Width:  320,
		Height: 180,
		Format: ffmpeg.RGB24,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	buf := make([]byte, 320*180*3)
	if _, err := s.Next(buf); err != nil {
		t.Fatal(err)
	}
	cancel()
	for err == nil {
		_, err = s.Next(buf)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v, want context.Canceled", err)
	}
}
