package merge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// The room of the tests: three small sources that tell the truth by themselves.
const (
	lecturer, screen, board = "24", "21", "30"
	slot                    = time.Minute // of a segment: the shortest that names can tell apart
)

// three is the afternoon that the tests' sessions begin at.
func three() time.Time {
	return time.Date(2026, 11, 20, 15, 0, 0, 0, time.FixedZone("MSK", 3*3600))
}

// session is the room recorded over [from, until): the lecturer and the board are heard, all three are
// seen, and the screen shows slides throughout.
func session(from, until time.Time) recorder.Session {
	source := func(octet string, role nvr.Role, scene recorder.Scene, sound recorder.Sound) recorder.Source {
		return recorder.Source{
			Octet: octet, Role: role, Label: string(role), Scene: scene, Sound: sound,
			Pictures: recorder.Pictures{Width: 320, Height: 180, Timescale: 90000, GOP: 25},
			Segments: recorder.Slots(from, until, slot),
		}
	}
	return recorder.Session{Room: "504", Seed: 7, Sources: []recorder.Source{
		source(lecturer, nvr.Lecturer, recorder.Lecturer, recorder.TrueSound()),
		source(screen, nvr.Screen, recorder.Screen(), recorder.Sound{None: true}),
		source(board, nvr.Board, recorder.Board, recorder.TrueSound()),
	}}
}

// request asks for a merge of [from, until) of the room of [session], as small as can be read.
func request(from, until time.Time) merge.Request {
	return merge.Request{
		Room:     "504",
		Title:    "Lecture",
		Start:    from,
		End:      until,
		Sources:  map[nvr.Role]string{nvr.Lecturer: lecturer, nvr.Screen: screen, nvr.Board: board},
		Sound:    lecturer,
		Segment:  slot,
		Slice:    30 * time.Second,
		Policy:   merge.Auto,
		Width:    640,
		Height:   180,
		Rate:     25,
		Loudness: merge.Loudness{Off: true},
	}
}

// record writes a session's files to a folder.
func record(t testing.TB, s recorder.Session) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := s.Record(t.Context(), find(t), dir, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

func find(t testing.TB) *ffmpeg.Tool {
	t.Helper()
	tool, err := ffmpeg.Find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// newEngine is an engine that remembers what it learns as long as the test lasts.
func newEngine(t testing.TB) *merge.Engine {
	t.Helper()
	cards, err := presence.LoadCards("")
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := rangeproxy.Listen(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	tool := find(t)
	return &merge.Engine{
		Tool:    tool,
		Proxy:   proxy,
		Screen:  &presence.Judge{Tool: tool, Cards: cards},
		Learned: &memory{known: map[string][]byte{}},
		Texts:   i18n.Default(),
	}
}

// memory is a [merge.Memory] that forgets nothing.
type memory struct {
	mu    sync.Mutex
	known map[string][]byte
}

func (m *memory) Load(key string, value any) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return json.Unmarshal(m.known[key], value) == nil
}

func (m *memory) Save(key string, value any) error {
	text, err := json.Marshal(value)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[key] = text
	return err
}

// clips lists the segments below a folder, whatever request they belong to.
func clips(t testing.TB, dir string) []merge.Clip {
	t.Helper()
	var all []merge.Clip
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".mp4") {
			return err
		}
		name, err := nvr.ParseSegmentName(entry.Name())
		info, infoErr := entry.Info()
		all = append(all, merge.Clip{
			Name:       name,
			Path:       strings.TrimPrefix(path, dir+"/"),
			Generation: fmt.Sprint(path, info.Size(), info.ModTime().UnixNano()),
			Open: func(context.Context) (merge.Bytes, error) {
				return rangeproxy.OpenFile(path)
			},
		})
		return errors.Join(err, infoErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// film is a merge that was made, to be looked into.
type film struct {
	*merge.Result
	Path    string
	Request merge.Request
}

// makeFilm merges what lies below dir.
func makeFilm(t testing.TB, engine *merge.Engine, dir string, req merge.Request, parallel int) *film {
	t.Helper()
	folder := t.TempDir()
	work, err := merge.OpenWork(filepath.Join(folder, "work"))
	if err != nil {
		t.Fatal(err)
	}
	f := &film{Path: filepath.Join(folder, "merge.mp4"), Request: req}
	f.Result, err = engine.Make(t.Context(), req, clips(t, dir), work, f.Path, parallel)
	if err := errors.Join(err, work.Remove()); err != nil {
		t.Fatal(err)
	}
	if t.Failed() {
		return f
	}
	if stat, err := os.Stat(f.Path); err != nil || stat.Size() != f.Bytes {
		t.Fatalf("the merge is not what was reported: %v, %d bytes", err, f.Bytes)
	}
	return f
}

// rate is the merge's frame rate.
func (f *film) rate() ffmpeg.Rate { return ffmpeg.Rate{Num: f.Request.Rate, Den: 1} }

// at is the instant that frame k has to show.
func (f *film) at(k int) time.Time { return f.Request.Start.Add(f.rate().At(int64(k))) }

// frames decodes the merge and reads what every frame says. Their count and their timestamps are
// checked: exactly so many as the record has, at a constant rate.
func (f *film) frames(t testing.TB) []timecode.Frame {
	t.Helper()
	frames, err := timecode.ReadFrames(t.Context(), find(t), timecode.Film{
		Path:   f.Path,
		Width:  f.Request.Width,
		Height: f.Request.Height,
		Start:  f.Request.Start,
		Rate:   f.rate(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := int(f.Request.End.Sub(f.Request.Start).Seconds()) * f.Request.Rate; len(frames) != want {
		t.Fatalf("%d frames, want %d", len(frames), want)
	}
	tick := frames[1].PTS - frames[0].PTS
	for k, frame := range frames {
		if frame.PTS != int64(k)*tick {
			t.Fatalf("frame %d has timestamp %d, want %d", k, frame.PTS, int64(k)*tick)
		}
	}
	return frames
}

// sound decodes the sound of the merge. It may have no gap.
func (f *film) sound(t testing.TB) *timecode.Sound {
	t.Helper()
	sound, err := timecode.ReadSound(t.Context(), find(t), f.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range sound.Breaks {
		t.Errorf("the sound breaks at %v by %v", b.At, b.By)
	}
	return sound
}
