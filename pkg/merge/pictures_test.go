package merge_test

import (
	"bytes"
	"encoding/binary"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// In these tests one camera records 24 s of a picture that moves everywhere, and the record is of its
// seconds 9 to 19: it begins and ends inside of a GOP.
const (
	filmSeconds = 24
	filmFirst   = 9
	filmFrames  = 250
)

// newFilm returns a folder with the one file, as an encoder wrote it.
func newFilm(t *testing.T, codec string, args ...string) *damageCase {
	t.Helper()
	s := &damageCase{T: t, tool: findTool(t), dir: t.TempDir(), work: t.TempDir()}
	args = append([]string{
		"-v", "error", "-f", "lavfi",
		"-i", "testsrc2=s=320x180:r=25:d=" + strconv.Itoa(filmSeconds) + ",scroll=h=0.004:v=0.003,noise=alls=6:allf=t",
		"-pix_fmt", "yuv420p", "-c:v", codec,
	}, args...)
	args = append(args, s.path(fileOf(lecturerCam, 1)))
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("make a film: %v\n%s", err, out)
	}
	return s
}

// h264 and hevc are encoders' arguments.
func h264(params string) []string {
	return []string{"-preset", "ultrafast", "-x264-params", "scenecut=0:" + params}
}

func hevc(params string) []string {
	return []string{
		"-preset", "ultrafast", "-tag:v", "hvc1",
		"-x265-params", "log-level=error:pools=1:frame-threads=1:scenecut=0:" + params,
	}
}

// filmMerge merges the film's folder, in two slices.
func (s *damageCase) filmMerge(first int) *merged {
	s.Helper()
	s.work = s.TempDir()
	req := faultyRequest()
	req.Start = slotAt(1).Add(time.Duration(first) * time.Second)
	req.End = slotAt(1).Add(filmFirst*time.Second + filmFrames/25*time.Second)
	req.Sources = map[nvr.Role]string{nvr.Lecturer: lecturerCam}
	req.Loudness = merge.Loudness{Off: true}
	req.Slice = 4 * time.Second
	return s.merge(req)
}

// frames decodes the merge to small grey pictures, the last filmFrames of them.
func (m *merged) frames() [][]byte {
	m.Helper()
	const size = 80 * 44
	out, err := exec.CommandContext(m.Context(), "ffmpeg", "-v", "error", "-i", m.path, "-vf",
		"scale=80:44:flags=area", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1").Output()
	if err != nil {
		m.Fatal(err)
	}
	var frames [][]byte
	for ; len(out) >= size; out = out[size:] {
		frames = append(frames, out[:size])
	}
	if len(frames) < filmFrames {
		m.Fatalf("%d frames, want %d", len(frames), filmFrames)
	}
	return frames[len(frames)-filmFrames:]
}

// difference returns by how many grey levels two pictures differ on average.
func difference(a, b []byte) float64 {
	sum := 0
	for i := range a {
		sum += max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return float64(sum) / float64(len(a))
}

// sync rewrites the table of key frames (stss). change returns the new list, which may not be longer, or
// nil for no table.
func (s *damageCase) sync(name string, change func(listed []uint32) []uint32) {
	s.Helper()
	data := s.read(name)
	at := bytes.Index(data, []byte("stss"))
	if at < 0 {
		s.Fatal("no stss")
	}
	list := data[at+12:]
	var listed []uint32
	for range binary.BigEndian.Uint32(data[at+8:]) {
		listed = append(listed, binary.BigEndian.Uint32(list[4*len(listed):]))
	}
	if listed = change(listed); listed == nil {
		copy(data[at:], "free")
	}
	binary.BigEndian.PutUint32(data[at+8:], uint32(len(listed)))
	for i, n := range listed {
		binary.BigEndian.PutUint32(list[4*i:], n)
	}
	s.replace(name, data)
}

func onlyFirst(listed []uint32) []uint32 { return listed[:1] }

func noTable([]uint32) []uint32 { return nil }

// shifted lists each second key frame some pictures late.
func shifted(listed []uint32) []uint32 {
	for i := 1; i < len(listed); i += 2 {
		listed[i] += 7
	}
	return listed
}

// TestKeyFrameTableLies: the same pictures come out whatever the table of key frames says.
func TestKeyFrameTableLies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		codec string
		args  []string
		lie   func([]uint32) []uint32
	}{
		{"no table", "libx264", h264("keyint=50:bframes=3"), noTable},
		{"only the first", "libx264", h264("keyint=60:bframes=2:open-gop=1"), onlyFirst},
		{"wrong ones", "libx264", h264("keyint=40:bframes=0"), shifted},
		{"HEVC, no table, open GOPs", "libx265", hevc("keyint=50:bframes=3:open-gop=1"), noTable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFilm(t, tt.codec, tt.args...)
			want := s.filmMerge(filmFirst)
			s.sync(fileOf(lecturerCam, 1), tt.lie)
			got := s.filmMerge(filmFirst)
			got.noGaps(lecturerCam)
			if got.result.SHA256 != want.result.SHA256 {
				t.Error("other pictures come out")
			}
		})
	}
}

// TestIntraRefresh: a film with no key frame after its first is right from any place on.
func TestIntraRefresh(t *testing.T) {
	t.Parallel()
	for name, lie := range map[string]func([]uint32) []uint32{
		"as written": func(listed []uint32) []uint32 { return listed },
		"no table":   noTable,
		"the first":  onlyFirst,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFilm(t, "libx264", h264("keyint=50:intra-refresh=1:bframes=0")...)
			want := s.filmMerge(0).frames()
			s.sync(fileOf(lecturerCam, 1), lie)
			m := s.filmMerge(filmFirst)
			m.noGaps(lecturerCam)
			for i, frame := range m.frames() {
				if d := difference(frame, want[i]); d > 2 {
					t.Fatalf("frame %d is off by %.1f grey levels", i, d)
				}
			}
		})
	}
}

// picture returns the place of the picture that is shown at a frame of the film.
func (s *damageCase) picture(name string, frame int) mp4.Sample {
	s.Helper()
	data := s.read(name)
	file, err := mp4.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		s.Fatal(err)
	}
	track := &file.Tracks[0]
	for _, sample := range track.Samples {
		if sample.PTS*25 == int64(frame)*track.Timescale {
			return sample
		}
	}
	s.Fatalf("no picture is shown at frame %d", frame)
	return mp4.Sample{}
}

// overwrite changes the bytes of the picture that is shown at a frame.
func (s *damageCase) overwrite(name string, frame int, change func(sample []byte)) {
	s.Helper()
	place := s.picture(name, frame)
	data := s.read(name)
	change(data[place.Offset : place.Offset+int64(place.Size)])
	s.replace(name, data)
}

// TestSamplesWithoutAPicture: a sample that holds no picture holds the one before it, for one frame.
func TestSamplesWithoutAPicture(t *testing.T) {
	t.Parallel()
	const lost = filmFirst*25 + 102 // no other picture refers to it
	unit := func(header ...byte) func([]byte) {
		return func(sample []byte) { copy(sample[4:], header) }
	}
	for _, tt := range []struct {
		name   string
		codec  string
		args   []string
		change func(sample []byte)
		frame  int
	}{
		{"filler", "libx264", h264("keyint=250:bframes=1:b-adapt=0"), unit(12), lost},
		{"an AUD", "libx264", h264("keyint=100:bframes=1:b-adapt=0"), unit(9), lost},
		{"an SEI of HEVC", "libx265", hevc("keyint=250:bframes=1:b-adapt=0:open-gop=0"), unit(39<<1, 1), lost},
		{"a first one", "libx264", h264("keyint=250:bframes=1:b-adapt=0"), unit(9), filmFirst * 25},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFilm(t, tt.codec, tt.args...)
			want := s.filmMerge(filmFirst).frames()
			s.overwrite(fileOf(lecturerCam, 1), tt.frame, tt.change)
			m := s.filmMerge(filmFirst)
			m.noGaps(lecturerCam)
			for i, frame := range m.frames() {
				source := i
				if i == tt.frame-filmFirst*25 {
					source = max(i-1, 0)
				}
				if d := difference(frame, want[source]); d > 1.5 && i > 0 {
					t.Errorf("frame %d is off by %.1f grey levels", i, d)
				}
			}
		})
	}
}

// spoiled is a picture that is spoiled, in the 8th second of the record.
const spoiled = filmFirst*25 + 190

// mostEarly is how many frames early a stretch may be held that the decoder reports: FFmpeg 7 decodes eight
// pictures ahead of those that it passes on, and a report names no picture.
const mostEarly = 10

// heldFrom wants the record to be right but for the frames [first, end), which the report names and which
// show the last whole picture for 3 s at most, then a slate. They may begin early frames before.
func (m *merged) heldFrom(want [][]byte, first, end, early int) {
	m.Helper()
	start := slotAt(1).Add(filmFirst * time.Second)
	named := map[int]bool{}
	for _, gap := range m.report.Gaps {
		for k := range want {
			if at := start.Add(time.Duration(k) * 40 * time.Millisecond); !at.Before(gap.Start.Time) && at.Before(gap.End.Time) {
				named[k] = true
			}
		}
	}
	last := spoiled - filmFirst*25 - 1 // the last whole picture
	for k := first - early; k < first; k++ {
		if named[k] {
			first, last = k, k-1
		}
	}
	for k, frame := range m.frames() {
		source, tolerance := k, 1.5
		if k > last && k < end {
			source, tolerance = last, 2.5
		}
		if named[k] != (k >= first && k < end) {
			m.Errorf("frame %d: named as a gap: %v", k, named[k])
		}
		if d := difference(frame, want[source]); d > tolerance && k-first < 75 {
			m.Errorf("frame %d is off by %.1f grey levels from frame %d", k, d, source)
		}
	}
}

// TestSpoiledPictures: of a picture that is missing, cut or lacks a slice, and of all that rest on it,
// nothing is shown. The last whole picture is held, and the report says so.
func TestSpoiledPictures(t *testing.T) {
	t.Parallel()
	name := fileOf(lecturerCam, 1)
	filler := func(header ...byte) func([]byte) {
		return func(sample []byte) { copy(sample[4:], header) }
	}
	lastSlice := func(header ...byte) func([]byte) {
		return func(sample []byte) {
			at := 0
			for next := 0; next < len(sample); {
				at = next
				next += 4 + int(binary.BigEndian.Uint32(sample[next:]))
			}
			copy(sample[at+4:], header)
		}
	}
	zeros := func(sample []byte) { clear(sample[len(sample)/2 : len(sample)/2+40]) }
	const sliced = "keyint=50:min-keyint=50:bframes=0:slices=4"
	for _, tt := range []struct {
		name  string
		codec string
		args  []string
		spoil func([]byte)
		first int // of the frames that are held, from the spoiled one on
		end   int
		early int // frames before them that may be held, too
	}{
		{"missing", "libx264", h264("keyint=50:bframes=0:ref=1"), filler(12), 1, 35, 0},
		{"missing in HEVC", "libx265", hevc("keyint=50:min-keyint=50:bframes=0:ref=2:open-gop=0"), filler(38<<1, 1), 1, 35, 0},
		{"without a slice", "libx264", h264(sliced), lastSlice(12), 0, 35, mostEarly},
		{"without a slice in HEVC", "libx265", hevc("keyint=50:min-keyint=50:bframes=0:slices=2:open-gop=0"), lastSlice(38<<1, 1), 0, 35, 0},
		{"zeroed in HEVC", "libx265", hevc("keyint=50:min-keyint=50:bframes=0:open-gop=0"), zeros, 0, 35, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFilm(t, tt.codec, tt.args...)
			want := s.filmMerge(filmFirst).frames()
			s.overwrite(name, spoiled, tt.spoil)
			s.filmMerge(filmFirst).heldFrom(
				want, spoiled-filmFirst*25+tt.first, spoiled-filmFirst*25+tt.end, tt.early,
			)
		})
	}
}
