package recorder_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
)

func find(t testing.TB) *ffmpeg.Tool {
	t.Helper()
	tool, err := ffmpeg.Find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// three is the instant that the sessions of the tests begin at.
func three() time.Time {
	return time.Date(2026, 11, 20, 15, 0, 0, 0, time.FixedZone("MSK", 3*3600))
}

// one is a session of one small source with one segment.
func one(length time.Duration, change func(*recorder.Source, *recorder.Segment)) recorder.Session {
	s := recorder.Source{
		Octet:    "24",
		Label:    "lecturer",
		Scene:    recorder.Lecturer,
		Sound:    recorder.TrueSound(),
		Pictures: recorder.Pictures{Width: 320, Height: 180, Timescale: 90000},
		Segments: recorder.Slots(three(), three().Add(length), length),
	}
	if change != nil {
		change(&s, &s.Segments[0])
	}
	return recorder.Session{Room: "504", Seed: 7, Sources: []recorder.Source{s}}
}

// record records a session and returns the path of the first segment.
func record(t testing.TB, s recorder.Session) string {
	t.Helper()
	dir := t.TempDir()
	if err := s.Record(t.Context(), find(t), dir, nil); err != nil {
		t.Fatal(err)
	}
	return s.Path(dir, s.Sources[0], s.Sources[0].Segments[0])
}

// TestMergeReadsBack puts two sources side by side as a merge does, small and badly coded, and
// reads every frame and mark back.
func TestMergeReadsBack(t *testing.T) {
	t.Parallel()
	const length, frames = 4 * time.Second, 100
	left := one(
		length,
		func(s *recorder.Source, _ *recorder.Segment) {
			s.Pictures.Width, s.Pictures.Height = 1280, 720
		},
	)
	right := one(length, func(s *recorder.Source, _ *recorder.Segment) {
		s.Octet, s.Scene = "121", recorder.Screen()
		s.Pictures.Width, s.Pictures.Height = 640, 480
	})
	merged := filepath.Join(t.TempDir(), "merge.mp4")
	sideBySide(t, record(t, left), record(t, right), merged)

	got, err := timecode.ReadFrames(
		t.Context(),
		find(t),
		timecode.Film{Path: merged, Width: 640, Height: 180, Start: three().Add(26 * time.Hour)},
	)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != frames {
		t.Fatalf("%d frames, want %d", len(got), frames)
	}
	for i, f := range got {
		at := three().Add(time.Duration(i) * 40 * time.Millisecond)
		want := timecode.Frame{
			Index: i,
			PTS:   f.PTS,
			Left:  timecode.Reading{State: timecode.Valid, Source: "24", At: at},
			Right: timecode.Reading{State: timecode.Valid, Source: "121", At: at},
		}
		if !f.Left.At.Equal(at) || !f.Right.At.Equal(at) || f.Left.Source != "24" ||
			f.Right.Source != "121" ||
			f.Centre.State != timecode.Absent {
			t.Errorf("frame %d: %+v, want %+v", i, f, want)
		}
	}
	checkSound(t, merged, three(), length)
}

// checkSound wants a mark within 1 ms of each full second inside, and a pilot without a step.
func checkSound(t *testing.T, path string, start time.Time, length time.Duration) {
	t.Helper()
	sound, err := timecode.ReadSound(t.Context(), find(t), path)
	if err != nil {
		t.Fatal(err)
	}
	inside := 0
	for _, m := range sound.Marks() {
		if m.At < 50*time.Millisecond || m.At > length-50*time.Millisecond {
			continue // half of it is cut off
		}
		inside++
		if off := m.Instant(start.Add(3 * time.Second)).Sub(start.Add(m.At)); off.Abs() > 50*time.Microsecond ||
			m.Source != 4 {
			t.Errorf("mark of second %d, source %d at %v: off by %v", m.Second, m.Source, m.At, off)
		}
	}
	if want := int(length/time.Second) - 1; inside != want {
		t.Errorf("%d marks inside, want %d", inside, want)
	}
	phases := sound.Phases(start)
	phases = phases[5 : len(phases)-5] // the mark at either end is cut in half, which is a click
	if steps := timecode.Steps(phases, 15*time.Microsecond); len(steps) > 0 {
		t.Errorf("the pilot steps at %v", steps)
	}
	for _, p := range phases {
		if !p.Heard || p.Shift.Abs() > 21*time.Microsecond {
			t.Errorf("pilot %+v, want it within a sample", p)
		}
	}
}

// sideBySide makes a merge of 640x180 at crf 28 with the sound of the left source.
func sideBySide(t *testing.T, left, right, merged string) {
	t.Helper()
	tool := find(t)
	out := ffmpeg.Recording{
		File: merged,
		Pictures: &ffmpeg.RecordedPictures{
			Codec:  ffmpeg.H264,
			Width:  640,
			Height: 180,
			Rate:   ffmpeg.Rate{Num: 25, Den: 1},
			GOP:    50,
			CRF:    28,
		},
		Sound: &ffmpeg.RecordedSound{SampleRate: 48000},
	}
	server := httptest.NewServer(http.FileServer(http.Dir("/")))
	t.Cleanup(server.Close)
	open := func(path string) *ffmpeg.PictureStream {
		s, err := tool.OpenPictures(t.Context(), ffmpeg.Pictures{
			Source: ffmpeg.URL(server.URL + path),
			From:   ffmpeg.FirstPTS,
			Until:  ffmpeg.LastPTS,
			Fit:    true,
			Width:  320,
			Height: 180,
			Format: ffmpeg.YUV420P,
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := open(left), open(right)
	defer a.Close()
	defer b.Close()
	sound, err := timecode.ReadSound(t.Context(), tool, left)
	if err != nil {
		t.Fatal(err)
	}
	err = tool.Record(t.Context(), out, func(to io.Writer) error {
		one, two := make([]byte, 320*180*3/2), make([]byte, 320*180*3/2)
		for {
			if _, err := a.Next(one); err != nil {
				return ignoreEOF(err)
			}
			if _, err := b.Next(two); err != nil {
				return ignoreEOF(err)
			}
			var whole []byte
			for row := 0; row < 180*2; row++ { // the rows of luma, then half rows of the two chroma planes
				width := 320
				at := row * width
				if row >= 180 {
					width, at = 160, 180*320+(row-180)*160
				}
				whole = append(append(whole, one[at:at+width]...), two[at:at+width]...)
			}
			if _, err := to.Write(whole); err != nil {
				return err
			}
		}
	}, func(to io.Writer) error {
		var raw []byte
		for _, v := range sound.Samples {
			raw = binary.LittleEndian.AppendUint16(raw, uint16(int16(v*32767)))
		}
		_, err := to.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
