package ffmpeg_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// makeClip makes a clip with FFmpeg and returns its bytes.
func makeClip(t *testing.T, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	args = append(append([]string{"-v", "error"}, args...), path)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("make a clip: %v\n%s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// serveBytes serves bytes through the range proxy, from a sparse file at offset.
func serveBytes(t *testing.T, head, tail []byte, offset int64) *rangeproxy.Served {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "file.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	_, headErr := file.WriteAt(head, 0)
	_, tailErr := file.WriteAt(tail, offset)
	if err := errors.Join(headErr, tailErr, file.Close()); err != nil {
		t.Fatal(err)
	}
	object, err := rangeproxy.OpenFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := rangeproxy.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	served := proxy.Serve(object)
	t.Cleanup(func() {
		if err := errors.Join(served.Close(), proxy.Close(), object.Close()); err != nil {
			t.Error(err)
		}
	})
	return served
}

// shiftChunks adds a distance to all chunk offsets of a file.
func shiftChunks(t *testing.T, b []byte, by uint32) {
	t.Helper()
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("stco"))
		if i < 0 {
			return
		}
		at += i + 4
		for n := range int(binary.BigEndian.Uint32(b[at+4:])) {
			entry := b[at+8+4*n:]
			binary.BigEndian.PutUint32(entry, binary.BigEndian.Uint32(entry)+by)
		}
	}
}

// mpd is a DASH playlist that begins in the type of a box.
const mpd = `free x?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" ` +
	`type="static" mediaPresentationDuration="PT10S"><Period><AdaptationSet contentType="video">` +
	`<Representation id="0" mimeType="video/mp4" bandwidth="1000"><BaseURL>URL</BaseURL></Representation>` +
	`</AdaptationSet></Period></MPD>`

// TestFileCannotChooseWhatIsOpened reads files that are MP4 for this program, and a playlist for a program
// that guesses.
func TestFileCannotChooseWhatIsOpened(t *testing.T) {
	t.Parallel()
	clip := makeClip(
		t, "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=1", "-f", "lavfi", "-i", "sine=r=48000:d=1",
		"-preset", "ultrafast", "-g", "25",
	)
	var fetched atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	t.Cleanup(other.Close)
	playlists := map[string]string{
		"DASH": mpd,
		"HLS":  "free #EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nURL\n#EXT-X-ENDLIST\n",
	}
	const size = 151600191 // its bytes are "\t\t<?"
	for name, playlist := range playlists {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tail := bytes.Clone(clip)
			shiftChunks(t, tail, size)
			head := binary.BigEndian.AppendUint32(nil, size)
			head = append(head, strings.ReplaceAll(playlist, "URL", other.URL+"/x")...)
			source := serveBytes(t, head, tail, size)

			pictures := readPictures(t, ffmpeg.Pictures{
				Source: source, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS,
				Width: 64, Height: 64, Format: ffmpeg.Gray,
			})
			if len(pictures) != 25 {
				t.Errorf("%d pictures, want 25", len(pictures))
			}
			levels, err := find(t).MeasureLevels(t.Context(), ffmpeg.Sound{
				Source: source, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS, Channels: 1,
			})
			if err != nil || len(levels.Blocks) < 9 {
				t.Errorf("%d blocks of sound, %v", len(levels.Blocks), err)
			}
			streams, err := find(t).ListPackets(t.Context(), source, size+int64(len(tail)))
			if err != nil || len(streams) != 2 || len(streams[0].Packets) != 25 {
				t.Errorf("%d streams, %v", len(streams), err)
			}
		})
	}
	t.Cleanup(func() {
		if n := fetched.Load(); n > 0 {
			t.Errorf("FFmpeg opened the address in a file %d times", n)
		}
	})
}

// TestChildrenGetNoSecrets lists packets with a program that stores its environment.
func TestChildrenGetNoSecrets(t *testing.T) { //nolint:paralleltest // it sets the environment
	t.Setenv("DATABASE", "mysql://u:hunter2@db/nvr")
	dir := t.TempDir()
	script := "#!/bin/sh\nenv > \"$0.environment\"\n"
	if err := os.WriteFile(filepath.Join(dir, "ffprobe"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	tool := find(t).Replace(dir)
	_, _ = tool.ListPackets(t.Context(), serveBytes(t, []byte("x"), nil, 0), 1) // it lists nothing
	environment, err := os.ReadFile(filepath.Join(dir, "ffprobe.environment"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(environment), "hunter2") || !strings.Contains(string(environment), "PATH=") {
		t.Errorf("the environment of a child:\n%s", environment)
	}
}

// TestOtherFormatsAreRefused gives FFmpeg what is no MP4 file at all.
func TestOtherFormatsAreRefused(t *testing.T) {
	t.Parallel()
	var fetched atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	t.Cleanup(other.Close)
	for name, text := range map[string]string{
		"HLS":      "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n" + other.URL + "/x.ts\n#EXT-X-ENDLIST\n",
		"ffconcat": "ffconcat version 1.0\nfile '" + other.URL + "/x.mp4'\n",
		"data":     "ffconcat version 1.0\nfile 'data:video/mp4;base64,AAAA'\n",
	} {
		source := serveBytes(t, []byte(text), nil, 0)
		s, err := find(t).OpenPictures(t.Context(), ffmpeg.Pictures{
			Source: source, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS,
			Width: 64, Height: 64, Format: ffmpeg.Gray,
		})
		if err != nil {
			t.Fatal(err)
		}
		var failed *ffmpeg.Error
		if _, err := s.Next(make([]byte, 64*64)); !errors.As(err, &failed) {
			t.Errorf("%s: %v, want an *ffmpeg.Error", name, err)
		}
		s.Close()
	}
	if n := fetched.Load(); n > 0 {
		t.Errorf("FFmpeg opened the address in a file %d times", n)
	}
}
