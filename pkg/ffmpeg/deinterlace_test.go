package ffmpeg_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

// TestDeinterlacedPicturesAreTheSameFromAnywhere decodes interlaced pictures from several starts. With their
// neighbours at hand they are the same, and each has the PTS of the picture that it was made of.
func TestDeinterlacedPicturesAreTheSameFromAnywhere(t *testing.T) {
	t.Parallel()
	url := serve(
		t, "-f", "lavfi", "-i", "testsrc2=s=160x96:r=50:d=4,tinterlace=interleave_bottom,setfield=bff", "-c:v", "libx264",
		"-flags", "+ilme+ildct", "-x264-params", "bff=1", "-g", "25", "-bf", "2", "-video_track_timescale", "25000",
	)
	decode := func(from, until, fieldsFrom, fieldsUntil int64) (pictures [][]byte) {
		seek := time.Duration(max(fieldsFrom, 0)) * 40 * time.Microsecond
		p := ffmpeg.Pictures{
			Source: ffmpeg.URL(url), Seek: &seek, From: from, Until: until,
			Fields: ffmpeg.BottomFirst, FieldsFrom: fieldsFrom, FieldsUntil: fieldsUntil,
			Width: 160, Height: 96, Fit: true, Format: ffmpeg.YUV420P,
		}
		s, err := find(t).OpenPictures(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for {
			buf := make([]byte, p.Format.Bytes(p.Width, p.Height))
			pts, err := s.Next(buf)
			if errors.Is(err, io.EOF) {
				return pictures
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := max(from, 0) + int64(len(pictures))*1000; pts != want {
				t.Fatalf("PTS %d, want %d", pts, want)
			}
			pictures = append(pictures, buf)
		}
	}
	whole := decode(ffmpeg.FirstPTS, ffmpeg.LastPTS, ffmpeg.FirstPTS, ffmpeg.LastPTS)
	if len(whole) != 100 {
		t.Fatalf("%d pictures, want 100", len(whole))
	}
	for _, first := range []int64{1, 25, 26, 60, 98} {
		part := decode(first*1000, first*1000+1, first*1000-1000, first*1000+1001)
		if len(part) != 1 || !bytes.Equal(part[0], whole[first]) {
			t.Errorf("picture %d is another if decoding begins there", first)
		}
	}
}
