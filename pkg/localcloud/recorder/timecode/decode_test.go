package timecode_test

import (
	"bytes"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
)

// TestLayouts reads a film whose frames are laid out in every way that a merge knows.
func TestLayouts(t *testing.T) {
	t.Parallel()
	const width, height = 1280, 360
	start := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	said := func(source string, frame int) timecode.Reading {
		return timecode.Reading{
			State:  timecode.Valid,
			Source: source,
			At:     start.Add(time.Duration(frame) * 40 * time.Millisecond),
		}
	}
	want := []timecode.Frame{
		{Left: said("24", 0), Right: said("21", 0)},
		{Centre: said("24", 1)},
		{Right: said("30", 2)},
		{},
		{Left: said("24", 4)},
	}
	path := filepath.Join(t.TempDir(), "film.mp4")
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = tool.Record(t.Context(), ffmpeg.Recording{File: path, Pictures: &ffmpeg.RecordedPictures{
		Codec:  ffmpeg.H264,
		Width:  width,
		Height: height,
		Rate:   ffmpeg.Rate{Num: 25, Den: 1},
		GOP:    10,
		CRF:    28,
	}}, func(to io.Writer) error {
		for _, f := range want {
			whole := bytes.Repeat([]byte{128}, width*height*3/2)
			for x, r := range map[int]timecode.Reading{
				0:         f.Left,
				width / 4: f.Centre,
				width / 2: f.Right,
			} {
				if r.State == timecode.Valid {
					pane := picture(width/2, height, r.Source, r.At)
					for y := range height {
						copy(whole[y*width+x:], pane[y*width/2:(y+1)*width/2])
					}
				}
			}
			if _, err := to.Write(whole); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := timecode.ReadFrames(
		t.Context(), tool, timecode.Film{Path: path, Width: width, Height: height, Start: start},
	)
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d frames, %v", len(got), err)
	}
	for i, f := range got {
		if f.Index != i || f.Left != want[i].Left || f.Right != want[i].Right ||
			f.Centre != want[i].Centre {
			t.Errorf("frame %d: %+v, want %+v", i, f, want[i])
		}
	}
}

func TestReadingWhatIsNotThere(t *testing.T) {
	t.Parallel()
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "none.mp4")
	if _, err := timecode.ReadFrames(
		t.Context(), tool, timecode.Film{Path: path, Width: 320, Height: 180},
	); err == nil {
		t.Error("frames of a file that is not there")
	}
	if _, err := timecode.ReadSound(t.Context(), tool, path); err == nil {
		t.Error("sound of a file that is not there")
	}
}
