package ffmpeg_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// stallLimit is the time without progress in these tests. A healthy process may be that slow on a busy
// machine: it is then started again, which changes nothing.
const stallLimit = 3 * time.Second

// stopping returns an FFmpeg that runs a line of shell before it starts, and a function that returns the
// processes so far.
func stopping(t *testing.T, line string) (*ffmpeg.Tool, func() []int) {
	t.Helper()
	dir := t.TempDir()
	pids := filepath.Join(dir, "pids")
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho $$ >>%s\n%s\nexec %s \"$@\"\n", pids, line, path)
	if err := os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	tool := find(t).Replace(dir)
	tool.StallAfter = stallLimit
	return tool, func() []int {
		text, err := os.ReadFile(pids)
		if err != nil {
			t.Fatal(err)
		}
		var all []int
		for _, line := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(line)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, pid)
		}
		return all
	}
}

// stop stops a process, as an operator or a debugger does.
func stop(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}

func stallClip(t *testing.T) ffmpeg.URL {
	t.Helper()
	return ffmpeg.URL(serve(
		t, "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-f", "lavfi", "-i", "sine=r=48000", "-t", "20",
		"-c:v", "libx264", "-preset", "ultrafast", "-video_track_timescale", "25",
	))
}

func allPictures(source ffmpeg.Source) ffmpeg.Pictures {
	return ffmpeg.Pictures{
		Source: source, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS,
		Width: 320, Height: 180, Format: ffmpeg.RGB24,
	}
}

// firstPicture returns the error of decoding the first picture of a source.
func firstPicture(t *testing.T, tool *ffmpeg.Tool, source ffmpeg.Source) error {
	t.Helper()
	s, err := tool.OpenPictures(t.Context(), allPictures(source))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Next(make([]byte, 320*180*3))
	return err
}

// TestStoppedDecoderIsReplaced stops FFmpeg in the middle of a file: the pictures go on where they were.
func TestStoppedDecoderIsReplaced(t *testing.T) {
	t.Parallel()
	clip := stallClip(t)
	tool, pids := stopping(t, "")
	s, err := tool.OpenPictures(t.Context(), allPictures(clip))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	buf := make([]byte, 320*180*3)
	var got []int64
	for {
		pts, err := s.Next(buf)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, pts); len(got) == 100 {
			stop(t, pids()[0])
		}
	}
	want := make([]int64, 500)
	for i := range want {
		want[i] = int64(i)
	}
	if !slices.Equal(got, want) {
		t.Errorf("pictures %v, want 0 to 499", got)
	}
	if len(pids()) < 2 {
		t.Error("FFmpeg was not started again")
	}
}

// TestStoppedSoundIsReplaced does the same to sound, which is measured meanwhile.
func TestStoppedSoundIsReplaced(t *testing.T) {
	t.Parallel()
	clip := stallClip(t)
	tool, pids := stopping(t, "")
	s, err := tool.OpenSound(t.Context(), ffmpeg.Sound{
		Source: clip, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS, Channels: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	read := func(n int) []float32 {
		samples := make([]float32, n)
		have, err := s.Read(samples)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		return samples[:have]
	}
	all := read(48000)
	stop(t, pids()[0])
	all = append(all, read(20*48000)...)
	if len(all) < 19*48000 || len(s.Chunks()) != 1 {
		t.Errorf("%d samples in %v, want 20 s in one chunk", len(all), s.Chunks())
	}
	reference, err := find(t).OpenSound(t.Context(), ffmpeg.Sound{
		Source: clip, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS, Channels: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer reference.Close()
	same := make([]float32, len(all))
	if _, err := reference.Read(same); err != nil || !slices.Equal(same, all) {
		t.Errorf("the samples differ from those of an undisturbed run (%v)", err)
	}
}

// TestSecondStallIsTheFilesFault never gives a picture.
func TestSecondStallIsTheFilesFault(t *testing.T) {
	t.Parallel()
	clip := stallClip(t)
	tool, pids := stopping(t, "kill -STOP $$")
	err := firstPicture(t, tool, clip)
	if !ffmpeg.IsUndecodable(err) || !errors.Is(err, ffmpeg.ErrStalled) {
		t.Errorf("%v, want an *ffmpeg.Error that wraps ErrStalled", err)
	}
	if n := len(pids()); n != 2 {
		t.Errorf("FFmpeg was started %d times, want 2", n)
	}
	_, err = tool.MeasureLevels(t.Context(), ffmpeg.Sound{
		Source: clip, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS, Channels: 1,
	})
	var failed *ffmpeg.Error
	if !errors.As(err, &failed) || !errors.Is(err, ffmpeg.ErrStalled) {
		t.Errorf("%v, want an *ffmpeg.Error that wraps ErrStalled", err)
	}
}

// stuck is a storage that never answers.
type stuck struct{ until <-chan struct{} }

func (stuck) Size() int64 { return 1 << 20 }

func (s stuck) ReadAt([]byte, int64) (int, error) {
	<-s.until
	return 0, errors.New("the test is over")
}

// TestSilentStorageIsNotTheFilesFault waits for bytes that do not come.
func TestSilentStorageIsNotTheFilesFault(t *testing.T) {
	t.Parallel()
	until := make(chan struct{})
	proxy, err := rangeproxy.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(until)
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	tool := find(t)
	tool.StallAfter = stallLimit
	err = firstPicture(t, tool, proxy.Serve(stuck{until}))
	var failed *ffmpeg.Error
	if !errors.Is(err, ffmpeg.ErrStalled) || errors.As(err, &failed) {
		t.Errorf("%v, want a stall that is no fault of the file", err)
	}
}

// TestSlowReaderIsNoStall leaves pictures unread for longer than a stall.
func TestSlowReaderIsNoStall(t *testing.T) {
	t.Parallel()
	clip := stallClip(t)
	tool, pids := stopping(t, "")
	s, err := tool.OpenPictures(t.Context(), allPictures(clip))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	buf := make([]byte, 320*180*3)
	if _, err := s.Next(buf); err != nil {
		t.Fatal(err)
	}
	<-time.After(3 * stallLimit / 2)
	before := len(pids())
	if _, err := s.Next(buf); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pids()[before-1], 0); err != nil {
		t.Errorf("FFmpeg was ended while its pictures were not read: %v", err)
	}
}

// TestStoppedEncoderIsNoticed stops an encoder that has pictures and sound.
func TestStoppedEncoderIsNoticed(t *testing.T) {
	t.Parallel()
	tool, _ := stopping(t, "kill -STOP $$")
	encoder, err := tool.OpenEncoder(t.Context(), ffmpeg.Encoding{
		Width: 64, Height: 64, Rate: 25, CRF: 23, GOPFrames: 25, Channels: 1, AudioBytes: 8000,
	}, ffmpeg.EncodeInput{})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = encoder.WritePicture(make([]byte, 1000*64*64*3/2)) // more than a pipe holds
		_ = encoder.ClosePictures()
	}()
	go func() { _ = encoder.CloseSound() }()
	if _, err := io.Copy(io.Discard, encoder.Output()); err != nil {
		t.Log(err)
	}
	if err := encoder.Wait(); !errors.Is(err, ffmpeg.ErrStalled) {
		t.Errorf("%v, want ErrStalled", err)
	}
}
