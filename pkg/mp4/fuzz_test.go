package mp4_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// seed makes a small clip for a fuzzer to begin with.
func seed(f *testing.F, args ...string) []byte {
	f.Helper()
	path := filepath.Join(f.TempDir(), "seed.mp4")
	args = append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=32x32:r=25:d=0.4", "-f", "lavfi", "-i", "sine=r=48000:d=0.4",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-b:a", "16k"}, append(args, path)...)
	if out, err := exec.CommandContext(f.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		f.Fatalf("make a clip: %v\n%s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// FuzzRead: whatever the bytes are, Read ends soon, takes little memory, and what it returns is sound.
func FuzzRead(f *testing.F) {
	for _, b := range [][]byte{
		seed(f, "-movflags", "+faststart"),
		seed(f, "-movflags", "+faststart+negative_cts_offsets", "-output_ts_offset", "0.5"),
		seed(f, "-movflags", "+frag_keyframe+empty_moov"),
	} {
		f.Add(b[:bytes.Index(b, []byte("mdat"))+4]) // small inputs change faster; the media are not read
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var file *mp4.File
		var err error
		if n := allocated(func() { file, err = mp4.Read(bytes.NewReader(b), int64(len(b))) }); n > structureMemory {
			t.Errorf("reading %d bytes allocated %d MB", len(b), n>>20)
		}
		if err != nil {
			return
		}
		for _, track := range file.Tracks {
			first, ok := track.First()
			last, also := track.Last()
			if ok != also || track.Timescale <= 0 {
				t.Errorf(
					"First %v %v, Last %v %v, timescale %d",
					first, ok, last, also, track.Timescale,
				)
			}
			for _, s := range track.Samples {
				if s.Lost == s.Within(int64(len(b))) {
					t.Errorf("sample %+v of %d bytes", s, len(b))
				}
			}
		}
		if zero, ok := file.Zero(); ok {
			zero.Duration()
		}
		if err := mp4.Check(bytes.NewReader(b), int64(len(b))); err != nil {
			return
		}
	})
}

// FuzzReadPart: whatever the bytes are, a part that is returned can be joined or is refused.
func FuzzReadPart(f *testing.F) {
	movflags := "+frag_keyframe+empty_moov+default_base_moof"
	f.Add(seed(f, "-f", "mp4", "-movflags", movflags, "-frag_duration", "200000"), 1, 12)
	f.Add(seed(f, "-an", "-f", "mp4", "-movflags", movflags), 0, 0)
	f.Fuzz(func(t *testing.T, b []byte, first, count int) {
		var payload bytes.Buffer
		var part *mp4.Part
		var err error
		n := allocated(func() {
			part, err = mp4.ReadPart(bytes.NewReader(b), &payload, mp4.PartWindow{First: first, Count: count})
		})
		if n > structureMemory {
			t.Errorf("reading %d bytes allocated %d MB", len(b), n>>20)
		}
		if err != nil {
			return
		}
		if int64(payload.Len()) != part.Bytes {
			t.Errorf("%d bytes of payload, the part says %d", payload.Len(), part.Bytes)
		}
		meta := mp4.Meta{Frames: int64(len(part.Video.Sizes)), Rate: mp4.Rate{Num: 25, Den: 1}}
		header, err := mp4.Header([]*mp4.Part{part}, meta)
		if err != nil {
			return
		}
		video := io.NewSectionReader(
			bytes.NewReader(append(header, payload.Bytes()...)),
			0,
			int64(len(header))+part.Bytes,
		)
		if err := mp4.Check(video, video.Size()); err != nil {
			t.Errorf("the joined video: %v", err)
		}
	})
}
