package merge_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/report"
)

// The room of these tests: a lecturer camera and a board camera, files of a minute, and a record of
// 40 s that begins 10 s before the second file does. What is wrong is wrong with the second file of
// the lecturer, or of the board where that says more.
const (
	faultyRoom   = "504"
	lecturerCam  = "24"
	boardCam     = "30"
	joint        = 250 // the frame at which the second files begin
	recordFrames = 1000
	noSource     = "" // what a pane shows that no source shows
)

func recordStart() time.Time { return time.Date(2026, 11, 20, 15, 0, 50, 0, moscow()) }

func moscow() *time.Location { return time.FixedZone("MSK", 3*3600) }

func slotAt(minute int) time.Time { return time.Date(2026, 11, 20, 15, minute, 0, 0, moscow()) }

// faultyRequest asks for the whole record.
func faultyRequest() merge.Request {
	return merge.Request{
		Room:     faultyRoom,
		Title:    "Faults",
		Start:    recordStart(),
		End:      recordStart().Add(40 * time.Second),
		Sources:  map[nvr.Role]string{nvr.Lecturer: lecturerCam, nvr.Board: boardCam},
		Sound:    lecturerCam,
		Segment:  time.Minute,
		Slice:    16 * time.Second,
		Policy:   merge.Auto,
		Width:    640,
		Height:   180,
		Rate:     25,
		Loudness: merge.Loudness{TargetLUFS: -16},
	}
}

// camera is a source of the room with both its files.
func camera(octet string) recorder.Source {
	source := recorder.Source{
		Octet:    octet,
		Role:     nvr.Lecturer,
		Label:    octet,
		Scene:    recorder.Lecturer,
		Sound:    recorder.TrueSound(),
		Pictures: recorder.Pictures{Width: 320, Height: 180},
		Segments: recorder.Slots(slotAt(0), slotAt(2), time.Minute),
	}
	if octet == boardCam {
		source.Role, source.Scene = nvr.Board, recorder.Board
	}
	return source
}

func findTool(t testing.TB) *ffmpeg.Tool {
	t.Helper()
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// recordFiles records sources into a folder.
func recordFiles(t *testing.T, dir string, sources ...recorder.Source) {
	t.Helper()
	session := recorder.Session{Room: faultyRoom, Seed: 3, Sources: sources}
	if err := session.Record(t.Context(), findTool(t), dir, nil); err != nil {
		t.Fatal(err)
	}
}

func fileOf(octet string, minute int) string {
	at := slotAt(minute)
	return nvr.SegmentName{
		Date:   at.Format(time.DateOnly),
		Time:   at.Format("15:04"),
		Room:   faultyRoom,
		Source: octet,
	}.String()
}

// damageCase is a folder of segments for one test: the good files linked, so that what is done to one of
// them must be done to a copy.
type damageCase struct {
	*testing.T
	tool *ffmpeg.Tool
	dir  string
	work string

	progress func(merge.Progress) // told of the merges; may be nil
}

func newScene(t *testing.T, base string) *damageCase {
	t.Helper()
	s := &damageCase{T: t, tool: findTool(t), dir: t.TempDir(), work: t.TempDir()}
	entries, err := os.ReadDir(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if err := os.Link(filepath.Join(base, entry.Name()), filepath.Join(s.dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *damageCase) path(name string) string { return filepath.Join(s.dir, name) }

// spoil damages a file of the folder, in a copy of its own.
func (s *damageCase) spoil(name string, damages ...recorder.Damage) {
	s.Helper()
	s.replace(name, s.read(name))
	for _, damage := range damages {
		if err := damage(s.Context(), s.tool, s.path(name)); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *damageCase) read(name string) []byte {
	s.Helper()
	data, err := os.ReadFile(s.path(name))
	if err != nil {
		s.Fatal(err)
	}
	return data
}

// replace puts other bytes in a file's place.
func (s *damageCase) replace(name string, data []byte) {
	s.Helper()
	s.remove(name)
	if err := os.WriteFile(s.path(name), data, 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *damageCase) remove(name string) {
	s.Helper()
	if err := os.Remove(s.path(name)); err != nil {
		s.Fatal(err)
	}
}

// again records a file again, with a fault that no damage can make.
func (s *damageCase) again(octet string, minute int, change func(*recorder.Source, *recorder.Segment)) {
	s.Helper()
	source := camera(octet)
	source.Segments = source.Segments[minute : minute+1]
	change(&source, &source.Segments[0])
	if source.Segments[0].Folder == "" {
		s.remove(fileOf(octet, minute))
	}
	recordFiles(s.T, s.dir, source)
}

// clips lists the folder as the command does.
func (s *damageCase) clips() []merge.Clip {
	s.Helper()
	var clips []merge.Clip
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := nvr.ParseSegmentName(entry.Name())
		if err != nil {
			return nil //nolint:nilerr // not a segment
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(s.dir, path)
		clips = append(clips, merge.Clip{
			Name: name, Path: relative, Generation: relative + info.ModTime().String(),
			Open: func(context.Context) (merge.Bytes, error) { return rangeproxy.OpenFile(path) },
		})
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return clips
}

// merged is a merge that was made.
type merged struct {
	*damageCase
	result *merge.Result
	engine *merge.Engine
	path   string
	report *report.Report
}

func (s *damageCase) newEngine(learned merge.Memory) *merge.Engine {
	s.Helper()
	proxy, err := rangeproxy.Listen(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			s.Error(err)
		}
	})
	return &merge.Engine{Tool: s.tool, Proxy: proxy, Learned: learned, Texts: i18n.Default()}
}

// try makes the merge in the scene's work folder.
func (s *damageCase) try(req merge.Request, clips []merge.Clip) (*merged, error) {
	s.Helper()
	return s.tryIn(s.Context(), req, clips)
}

func (s *damageCase) tryIn(ctx context.Context, req merge.Request, clips []merge.Clip) (*merged, error) {
	s.Helper()
	work, err := merge.OpenWork(s.work)
	if err != nil {
		s.Fatal(err)
	}
	m := &merged{
		damageCase: s,
		engine:     s.newEngine(work),
		path:       filepath.Join(s.TempDir(), "merge.mp4"),
	}
	m.engine.Progress = s.progress
	m.result, err = m.engine.Make(ctx, req, clips, work, m.path, 1)
	if err = errors.Join(err, work.Close()); err != nil {
		return m, err
	}
	m.report = m.result.Plan.Report(m.engine.Texts)
	m.report.Output, m.report.Sound.Result = m.result.Output(m.path), m.result.Loudness.Report()
	return m, nil
}

// merge makes the merge and checks what holds for every merge.
func (s *damageCase) merge(req merge.Request) *merged {
	s.Helper()
	m, err := s.try(req, s.clips())
	if err != nil {
		s.Fatal(err)
	}
	m.checkReport()
	return m
}

// checkReport holds the report against its own rules, its schema, and the other language.
func (m *merged) checkReport() {
	m.Helper()
	if err := m.report.Validate(); err != nil {
		m.Errorf("the report contradicts itself: %v", err)
	}
	var text bytes.Buffer
	if err := m.report.Write(&text); err != nil {
		m.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("../../docs/report.schema.json")
	if err != nil {
		m.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(&text)
	if err != nil {
		m.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		m.Errorf("the report breaks its schema: %v", err)
	}
	for _, words := range m.words() {
		for _, word := range strings.FieldsFunc(words, func(r rune) bool {
			return !unicode.IsLetter(r)
		}) {
			if unicode.Is(unicode.Latin, []rune(word)[0]) && !slices.Contains(latinWords(), word) {
				m.Errorf("the Russian report says %q in %q", word, words)
			}
		}
	}
}

// latinWords are names that are the same in Russian.
func latinWords() []string { return []string{"moov", "MP4", "MP", "h", "hevc", "mp"} }

// words are all Russian sentences of the report.
func (m *merged) words() []string {
	words := map[string]bool{}
	for _, scene := range m.report.Stretches {
		words[scene.ReasonRu] = true
	}
	for _, gap := range m.report.Gaps {
		words[gap.CauseRu] = true
	}
	for _, seg := range m.report.Segments {
		for _, fault := range seg.FaultsRu {
			words[fault] = true
		}
	}
	for _, s := range m.report.Sound.Stretches {
		words[s.ReasonRu] = true
	}
	return slices.Collect(maps.Keys(words))
}

// show is what the merge shows up to a frame: a source, or a slate, in each pane; or the lecturer
// alone in the whole picture.
type show struct {
	until       int
	left, right string
	alone       bool
	// held is the frame whose picture the left pane still shows; 0: each frame shows its own.
	held int
}

// film reads every frame of the finished file.
func (m *merged) film() []timecode.Frame {
	m.Helper()
	frames, err := timecode.ReadFrames(m.Context(), m.tool, timecode.Film{
		Path:   m.path,
		Width:  640,
		Height: 180,
		Start:  recordStart(),
	})
	if err != nil {
		m.Fatal(err)
	}
	return frames
}

// shows wants every frame to show what it must, of its own instant.
func (m *merged) shows(want ...show) {
	m.Helper()
	frames := m.film()
	if len(frames) != recordFrames {
		m.Errorf("%d frames, want %d", len(frames), recordFrames)
	}
	wrong := 0
	for k, f := range frames {
		for k >= want[0].until && len(want) > 1 {
			want = want[1:]
		}
		left, right := f.Left, f.Right
		if want[0].alone {
			left, right = f.Centre, timecode.Reading{}
		}
		at := recordStart().Add(time.Duration(k) * 40 * time.Millisecond)
		for pane, got := range map[string]timecode.Reading{
			want[0].left:  left,
			want[0].right: right,
		} {
			if want[0].held > 0 && pane == want[0].left {
				got.At = got.At.Add(time.Duration(k-want[0].held) * 40 * time.Millisecond)
			}
			if pane == noSource && got.State == timecode.Absent || got.State == timecode.Valid && got.Source == pane && got.At.Sub(at).Abs() <= 20*time.Millisecond {
				continue
			}
			if wrong++; wrong <= 4 {
				m.Errorf(
					"frame %d (%s): a pane shows %+v, want %q; the whole frame: %+v",
					k, at.Format("15:04:05.000"), got, pane, f,
				)
			}
		}
	}
	if wrong > 4 {
		m.Errorf("%d panes are wrong in all", wrong)
	}
}

// gap wants the report to have exactly one gap of a source, in frames, its cause in words.
func (m *merged) gap(source string, first, end int, cause string) {
	m.Helper()
	m.gaps(source, stretch{first, end, cause})
}

// stretch is frames [first, end) that a source lacks, and words of the cause.
type stretch struct {
	first, end int
	cause      string
}

// gaps wants exactly these gaps of a source, in order.
func (m *merged) gaps(source string, want ...stretch) {
	m.Helper()
	var own []report.Gap
	for _, gap := range m.report.Gaps {
		if gap.Source == source {
			own = append(own, gap)
		}
	}
	at := func(frame int) time.Time {
		return recordStart().Add(time.Duration(frame) * 40 * time.Millisecond)
	}
	same := slices.EqualFunc(own, want, func(gap report.Gap, want stretch) bool {
		return gap.Start.Equal(at(want.first)) && gap.End.Equal(at(want.end)) && strings.Contains(gap.Cause, want.cause)
	})
	if !same {
		m.Errorf("the gaps of source %s are %+v, want %+v", source, own, want)
	}
}

// noGaps wants nothing to be missing of a source.
func (m *merged) noGaps(sources ...string) {
	m.Helper()
	for _, gap := range m.report.Gaps {
		if slices.Contains(sources, gap.Source) {
			m.Errorf("a gap that is none: %+v", gap)
		}
	}
}
