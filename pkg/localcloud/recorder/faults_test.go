package recorder_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
)

// ticks of the small clips' time base.
const ticks = 90000

// shown is a picture's time in the file and what it says.
type shown struct {
	pts  time.Duration
	says timecode.Reading
}

func readFile(t *testing.T, path string) []shown {
	t.Helper()
	frames, err := timecode.ReadFrames(
		t.Context(), find(t), timecode.Film{Path: path, Width: 320, Height: 180, Start: three()},
	)
	if err != nil {
		t.Error(err)
	}
	all := make([]shown, len(frames))
	for i, f := range frames {
		all[i] = shown{time.Duration(f.PTS) * time.Second / ticks, f.Centre}
	}
	return all
}

// TestTimesOfPictures wants every picture to say the wall's time of its PTS.
func TestTimesOfPictures(t *testing.T) {
	t.Parallel()
	type change = func(*recorder.Source, *recorder.Segment)
	rate := func(num, den int) change {
		return func(s *recorder.Source, _ *recorder.Segment) {
			s.Pictures.Rate = ffmpeg.Rate{Num: num, Den: den}
		}
	}
	tests := []struct {
		name   string
		change change
		count  int
		first  time.Duration // PTS of the first picture
		zero   time.Duration // what PTS 0 shows, after 15:00
	}{
		{name: "plain", count: 50},
		{name: "15 fps", change: rate(15, 1), count: 30},
		{name: "29.97 fps", change: rate(30000, 1001), count: 60},
		{name: "30 fps", change: rate(30, 1), count: 60},
		{
			name:   "B-frames",
			change: func(s *recorder.Source, _ *recorder.Segment) { s.Pictures.BFrames = 2 },
			count:  50,
		},
		{
			name: "B-frames, no edit list",
			change: func(s *recorder.Source, g *recorder.Segment) {
				s.Pictures.BFrames, g.NoEditList, g.NoSound = 2, true, true
			},
			count: 50,
			first: 80 * time.Millisecond,
			zero:  -80 * time.Millisecond,
		},
		{
			name: "HEVC",
			change: func(s *recorder.Source, _ *recorder.Segment) {
				s.Pictures.Codec = ffmpeg.HEVC
			},
			count: 50,
		},
		{
			name:   "no sound",
			change: func(_ *recorder.Source, g *recorder.Segment) { g.NoSound = true },
			count:  50,
		},
		{
			name: "shorter",
			change: func(_ *recorder.Source, g *recorder.Segment) {
				g.Length -= 400 * time.Millisecond
			},
			count: 40,
		},
		{
			name:   "late",
			change: func(_ *recorder.Source, g *recorder.Segment) { g.Late = time.Second },
			count:  50,
			zero:   time.Second,
		},
		{
			name:   "first PTS",
			change: func(_ *recorder.Source, g *recorder.Segment) { g.FirstPTS = 5 * time.Second },
			count:  50,
			first:  5 * time.Second,
			zero:   -5 * time.Second,
		},
		{name: "picture late", change: func(_ *recorder.Source, g *recorder.Segment) {
			g.PictureLate = 200 * time.Millisecond
		},
			count: 45, first: 200 * time.Millisecond},
		{
			name: "sound late",
			change: func(_ *recorder.Source, g *recorder.Segment) {
				g.SoundLate = 200 * time.Millisecond
			},
			count: 50,
		},
		{
			name: "edit list",
			change: func(_ *recorder.Source, g *recorder.Segment) {
				g.Lead = 720 * time.Millisecond
			},
			count: 50,
		},
		{name: "edit list, B-frames", change: func(s *recorder.Source, g *recorder.Segment) {
			g.Lead, s.Pictures.BFrames = 720*time.Millisecond, 2
		}, count: 50},
		{name: "no key frame first", change: func(s *recorder.Source, g *recorder.Segment) {
			s.Pictures.GOP, g.DropFirst = 25, 10
		},
			count: 25, first: time.Second},
		{name: "variable rate", change: func(_ *recorder.Source, g *recorder.Segment) {
			g.Drop, g.DropPeriod = []ffmpeg.Span{{From: 3, Until: 5}}, 10
		}, count: 40},
		{
			name:   "drift",
			change: func(s *recorder.Source, _ *recorder.Segment) { s.DriftPPM = 10000 },
			count:  50,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := one(2*time.Second, tt.change)
			got := readFile(t, record(t, s))
			if len(got) != tt.count {
				t.Fatalf("%d pictures, want %d", len(got), tt.count)
			}
			if (got[0].pts - tt.first).Abs() > time.Millisecond {
				t.Errorf("first PTS %v, want %v", got[0].pts, tt.first)
			}
			for i, f := range got {
				wall := f.pts + tt.zero
				if drift := s.Sources[0].DriftPPM; drift != 0 {
					wall = wall * 48000 / time.Duration(48000-48000*drift/1e6)
				}
				if off := f.says.At.Sub(three().Add(wall)); f.says.Source != "24" ||
					off.Abs() > time.Millisecond {
					t.Fatalf("picture %d at %v says %+v, off by %v", i, f.pts, f.says, off)
				}
			}
		})
	}
}

func TestMarksOfFaultySound(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*recorder.Source, *recorder.Segment){
		"edit list": func(_ *recorder.Source, g *recorder.Segment) {
			g.Lead = 720 * time.Millisecond
		},
		"sound late": func(_ *recorder.Source, g *recorder.Segment) {
			g.SoundLate = 200 * time.Millisecond
		},
		"16 kHz":     func(s *recorder.Source, _ *recorder.Segment) { s.Sound.SampleRate = 16000 },
		"sound only": func(_ *recorder.Source, g *recorder.Segment) { g.NoPicture = true },
		"resized": func(_ *recorder.Source, g *recorder.Segment) {
			g.Resize = &recorder.Resize{At: time.Second, Width: 640, Height: 360}
		},
		"silent": func(s *recorder.Source, _ *recorder.Segment) {
			s.Sound.Silent = []recorder.Stretch{
				{
					From:  three().Add(1500 * time.Millisecond),
					Until: three().Add(2500 * time.Millisecond),
				},
			}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sound, err := timecode.ReadSound(
				t.Context(),
				find(t),
				record(t, one(4*time.Second, change)),
			)
			if err != nil {
				t.Fatal(err)
			}
			heard := map[int]bool{}
			for _, m := range sound.Marks() {
				if off := m.Instant(three()).Sub(three().Add(m.At)); off.Abs() > 50*time.Microsecond {
					t.Errorf("mark %+v is off by %v", m, off)
				}
				heard[m.Instant(three()).Second()] = true
			}
			if !heard[1] || heard[2] == (name == "silent") || !heard[3] {
				t.Errorf("marks heard: %v", heard)
			}
		})
	}
}

func TestJumpOfADay(t *testing.T) {
	t.Parallel()
	s := one(2*time.Second, func(s *recorder.Source, g *recorder.Segment) {
		s.Pictures.Timescale, s.Sound.SampleRate = 12800, 16000
		g.Jump = &recorder.Jump{At: time.Second, By: 24 * time.Hour, Picture: true, Sound: true}
	})
	frames, err := timecode.ReadFrames(
		t.Context(), find(t), timecode.Film{
			Path:   record(t, s),
			Width:  320,
			Height: 180,
			Start:  three(),
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	if len(frames) != 50 {
		t.Fatalf("%d frames", len(frames))
	}
	if step := (frames[25].PTS - frames[24].PTS) / 12800; step != 86400 {
		t.Errorf("the pictures leap by %d s", step)
	}
}

func TestResizeKeepsEveryPicture(t *testing.T) {
	t.Parallel()
	path := record(t, one(2*time.Second, func(_ *recorder.Source, g *recorder.Segment) {
		g.Resize = &recorder.Resize{At: time.Second, Width: 640, Height: 360}
	}))
	frames, err := timecode.ReadFrames(t.Context(), find(t), timecode.Film{
		Path:   path,
		Width:  320,
		Height: 180,
		Start:  three(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range frames {
		if !f.Centre.At.Equal(three().Add(time.Duration(i) * 40 * time.Millisecond)) {
			t.Errorf("frame %d says %+v", i, f.Centre)
		}
	}
	if len(frames) != 50 {
		t.Errorf("%d frames", len(frames))
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	moovLast := func(_ *recorder.Source, g *recorder.Segment) { g.MoovFirst = false }
	tests := []struct {
		name     string
		change   func(*recorder.Source, *recorder.Segment)
		damage   recorder.Damage
		min, max int // pictures that can still be read
	}{
		{"empty", nil, recorder.Empty(), 0, 0},
		{"truncated in the moov", nil, recorder.CutMoov(), 0, 0},
		{"moov lost", moovLast, recorder.LoseMoov(), 0, 0},
		{"truncated by half", nil, recorder.TruncatePart(500), 15, 90},
		{"truncated at a picture", nil, recorder.TruncateAtPicture(40), 40, 40},
		{"garbage pictures", nil, recorder.GarbagePictures(30, 33, 1), 70, 97},
		{"garbage", nil, recorder.Garbage(400, 600, 1), 20, 95},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := record(t, one(4*time.Second, func(s *recorder.Source, g *recorder.Segment) {
				s.Pictures.GOP = 25
				if tt.change != nil {
					tt.change(s, g)
				}
				g.Damage = append(g.Damage, tt.damage)
			}))
			if got := countStrict(t, path); got < tt.min || got > tt.max {
				t.Errorf("%d pictures can be read, want %d to %d", got, tt.min, tt.max)
			}
		})
	}
}

// countStrict counts the valid readings of pictures that decode without an error.
func countStrict(t *testing.T, path string) int {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(path))))
	defer server.Close()
	stream, err := find(t).OpenPictures(t.Context(), ffmpeg.Pictures{
		Source: ffmpeg.URL(server.URL + "/" + filepath.Base(path)),
		From:   ffmpeg.FirstPTS,
		Until:  ffmpeg.LastPTS,
		Strict: true,
		Width:  320,
		Height: 180,
		Format: ffmpeg.Gray,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	buf, valid := make([]byte, 320*180), 0
	for {
		if _, err := stream.Next(buf); err != nil {
			if failed := new(ffmpeg.Error); !errors.Is(err, io.EOF) && !errors.As(err, &failed) {
				t.Error(err)
			}
			return valid
		}
		if timecode.Read(buf, 320, 180, three()).State == timecode.Valid {
			valid++
		}
	}
}

func TestNamesAndPlaces(t *testing.T) {
	t.Parallel()
	s := one(time.Second, nil)
	src := &s.Sources[0]
	src.Segments = append(src.Segments,
		recorder.Segment{Named: three(), Length: time.Second, Folder: "copy"},
		recorder.Segment{Named: three(), Length: time.Second, Room: "505"},
		recorder.Segment{Named: three().AddDate(0, 0, 1), Length: time.Second},
		recorder.Segment{Named: three().Add(time.Hour), Length: time.Second, Missing: true})
	dir := t.TempDir()
	if err := s.Record(t.Context(), find(t), dir, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"2026-11-20_15:00_504_24.mp4", "copy/2026-11-20_15:00_504_24.mp4", "2026-11-20_15:00_505_24.mp4", "2026-11-21_15:00_504_24.mp4",
	} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(
		dir, "2026-11-20_16:00_504_24.mp4",
	)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the missing segment: %v", err)
	}
}
