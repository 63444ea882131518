package merge_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// TestFaults damages files in every way that a merge meets.
func TestFaults(t *testing.T) {
	t.Parallel()
	testFaults(t, func(test faultTest) bool { return !test.repeats() })
}

// TestFaultsOfTheSameKinds damages files in ways that the merge treats as others of TestFaults.
func TestFaultsOfTheSameKinds(t *testing.T) {
	if testing.Short() {
		t.Skip("make check runs it: it repeats kinds of TestFaults")
	}
	t.Parallel()
	testFaults(t, faultTest.repeats)
}

// testFaults records the room once. Every chosen test damages files of its own.
func testFaults(t *testing.T, chosen func(faultTest) bool) {
	t.Helper()
	base := t.TempDir()
	recordFiles(t, base, camera(lecturerCam), camera(boardCam))
	for _, test := range slices.Concat(lostFiles(), lostStretches(), oddFiles(), strangers(), storage()) {
		if !chosen(test) {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newScene(t, base))
		})
	}
}

type faultTest struct {
	name string
	run  func(*damageCase)
}

// repeats reports whether another test shows the same kind of fault.
func (f faultTest) repeats() bool {
	return slices.Contains([]string{
		"text",
		"random bytes",
		"one byte",
		"a head without an index",
		"moov lost",
		"cut at a frame border",
		"cut one byte early",
		"garbage at the very beginning",
		"another size",
	}, f.name)
}

// lecturerLost is what a merge shows whose second lecturer file is of no use.
func lecturerLost() []show {
	return []show{
		{until: joint, left: lecturerCam, right: boardCam},
		{until: recordFrames, right: boardCam},
	}
}

// allThere is what a merge shows that lacks nothing.
func allThere() show { return show{until: recordFrames, left: lecturerCam, right: boardCam} }

// lostFiles are files of which nothing can be used.
func lostFiles() []faultTest {
	second := fileOf(lecturerCam, 1)
	lost := func(name, fault string, spoil func(*damageCase)) faultTest {
		return faultTest{name, func(s *damageCase) {
			spoil(s)
			m := s.merge(faultyRequest())
			m.shows(lecturerLost()...)
			m.gap(lecturerCam, joint, recordFrames, fault)
			m.noGaps(boardCam)
			m.fault(second, fault)
			m.parts(3)
		}}
	}
	becomes := func(data []byte) func(*damageCase) {
		return func(s *damageCase) { s.replace(second, data) }
	}
	moovLast := func(damage recorder.Damage) func(*damageCase) {
		return func(s *damageCase) {
			s.again(lecturerCam, 1, func(_ *recorder.Source, g *recorder.Segment) {
				g.MoovFirst, g.Damage = false, []recorder.Damage{damage}
			})
		}
	}
	return []faultTest{
		lost("zero bytes", "empty", becomes(nil)),
		lost("text", "not an MP4", becomes([]byte("Not found\n"))),
		lost("random bytes", "not an MP4", becomes(randomBytes(100_000))),
		lost("one byte", "not an MP4", becomes([]byte{0})),
		lost(
			"a head without an index",
			"no index",
			becomes([]byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00")),
		),
		lost("moov lost", "no index", moovLast(recorder.LoseMoov())),
		lost("moov cut", "no index", moovLast(recorder.CutMoov())),
	}
}

func randomBytes(n int) []byte {
	out := make([]byte, 0, n)
	for x := uint64(1); len(out) < n; x = x*6364136223846793005 + 1442695040888963407 {
		out = binary.BigEndian.AppendUint32(out, uint32(x>>32))
	}
	return out
}

// lostStretches are files that break off or are broken in between.
func lostStretches() []faultTest {
	second := fileOf(lecturerCam, 1)
	return []faultTest{
		{"cut at a byte", func(s *damageCase) { s.cut(second, 7) }},
		{"cut at a frame border", func(s *damageCase) { s.cut(second, 0) }},
		{"cut one byte early", func(s *damageCase) { s.cut(second, -1) }},
		{"cut at the first picture", func(s *damageCase) {
			s.spoil(second, recorder.TruncateAtPicture(0))
			m := s.merge(faultyRequest())
			m.shows(lecturerLost()...)
			m.gap(lecturerCam, joint, recordFrames, "cut off")
			m.fault(second, "no picture of it can be used")
		}},
		{
			"garbage in pictures",
			func(s *damageCase) {
				// Pictures 210 to 215 are 8.4 s into the file: lost up to the key frame at 10 s.
				s.spoil(second, recorder.GarbagePictures(210, 215, 1))
				m := s.merge(faultyRequest())
				m.shows(
					show{until: joint + 210, left: lecturerCam, right: boardCam},
					show{until: joint + 250, left: lecturerCam, right: boardCam, held: joint + 209},
					allThere(),
				)
				m.gap(lecturerCam, joint+210, joint+250, "damaged")
				m.noGaps(boardCam)
				m.fault(second, "pictures cannot be decoded from 8.4 s to 10 s")
				m.parts(3)
			},
		},
		{
			"garbage in a key frame",
			func(s *damageCase) {
				s.spoil(
					second,
					recorder.GarbagePictures(200, 201, 1),
					recorder.GarbagePictures(420, 421, 2),
				)
				m := s.merge(faultyRequest())
				m.shows(show{
					until: joint + 200,
					left:  lecturerCam,
					right: boardCam,
				}, show{until: joint + 250, left: lecturerCam, right: boardCam, held: joint + 199},
					show{
						until: joint + 420,
						left:  lecturerCam,
						right: boardCam,
					}, show{until: joint + 450, left: lecturerCam, right: boardCam, held: joint + 419}, allThere())
				m.noGaps(boardCam)
				m.parts(3)
			},
		},
		{
			"garbage at the very beginning",
			func(s *damageCase) {
				s.spoil(second, recorder.GarbagePictures(0, 1, 5))
				m := s.merge(faultyRequest())
				m.shows(
					show{until: joint, left: lecturerCam, right: boardCam},
					show{until: joint + 50, left: lecturerCam, right: boardCam, held: joint - 1},
					allThere(),
				)
				m.gap(lecturerCam, joint, joint+50, "damaged")
				m.parts(3)
			},
		},
		{"garbage in the media", func(s *damageCase) {
			s.spoil(second, recorder.Garbage(200, 260, 3))
			m := s.merge(faultyRequest())
			m.consistent()
			m.fault(second, "pictures cannot be decoded")
		}},
		{"the decoder's configuration destroyed", func(s *damageCase) {
			data := s.read(second)
			at := bytes.Index(data, []byte("avcC"))
			copy(data[at+4:at+40], randomBytes(36))
			s.replace(second, data)
			m := s.merge(faultyRequest())
			held := show{until: joint + 75, left: lecturerCam, right: boardCam, held: joint - 1}
			lost := lecturerLost()
			m.shows(lost[0], held, lost[1])
			m.gaps(lecturerCam, stretch{joint, joint + 75, "whole one is shown"}, stretch{joint + 75, recordFrames, "decoded"})
		}},
	}
}

// cut ends the lecturer's second file in the 10th second, off bytes from a picture's end, and wants
// all pictures that are whole, and none that is not.
func (s *damageCase) cut(name string, off int64) {
	s.Helper()
	packets, err := s.tool.PicturePackets(s.Context(), s.path(name))
	if err != nil {
		s.Fatal(err)
	}
	size := packets[240].Offset + packets[240].Bytes + off
	whole := slices.IndexFunc(packets, func(p ffmpeg.PacketPlace) bool {
		return p.Offset+p.Bytes > size
	})
	s.spoil(name, recorder.Truncate(size))
	m := s.merge(faultyRequest())
	m.shows(show{
		until: joint + whole,
		left:  lecturerCam,
		right: boardCam,
	}, show{until: recordFrames, right: boardCam})
	m.gap(lecturerCam, joint+whole, recordFrames, "cut off")
	m.noGaps(boardCam)
	m.fault(name, "pictures lie beyond its end")
	m.parts(3)
}

// oddFiles are files that are not like the others.
func oddFiles() []faultTest {
	second, board := fileOf(lecturerCam, 1), fileOf(boardCam, 1)
	type change = func(*recorder.Source, *recorder.Segment)
	whole := func(name, fault string, change change) faultTest {
		return faultTest{name, func(s *damageCase) {
			s.again(lecturerCam, 1, change)
			m := s.merge(faultyRequest())
			m.shows(allThere())
			m.noGaps(lecturerCam, boardCam)
			if fault != "" {
				m.fault(second, fault)
			}
		}}
	}
	return []faultTest{
		whole("no sound track", "no sound track", func(_ *recorder.Source, g *recorder.Segment) {
			g.NoSound = true
		}),
		whole("HEVC", "hevc", func(s *recorder.Source, _ *recorder.Segment) {
			s.Pictures.Codec = ffmpeg.HEVC
		}),
		whole("another size", "", func(s *recorder.Source, _ *recorder.Segment) {
			s.Pictures.Width, s.Pictures.Height = 240, 180
		}),
		whole("a change of size inside", "", func(_ *recorder.Source, g *recorder.Segment) {
			g.Resize = &recorder.Resize{At: 8 * time.Second, Width: 480, Height: 270}
		}),
		{
			"sound only",
			func(s *damageCase) {
				s.again(lecturerCam, 1, func(_ *recorder.Source, g *recorder.Segment) {
					g.NoPicture = true
				})
				m := s.merge(faultyRequest())
				m.shows(lecturerLost()...)
				m.gap(lecturerCam, joint, recordFrames, "no picture track")
				m.fault(second, "no picture track")
				for _, heard := range m.result.Plan.Sound.Heard {
					if heard.Source != lecturerCam {
						m.Errorf("the sound that is there is not heard: %+v", heard)
					}
				}
			},
		},
		{
			"timestamps jump a day",
			func(s *damageCase) {
				s.again(boardCam, 1, func(_ *recorder.Source, g *recorder.Segment) {
					g.Jump = &recorder.Jump{At: 12 * time.Second, By: 24 * time.Hour, Picture: true}
				})
				var m *merged
				s.flat(160, func() { m = s.merge(faultyRequest()) })
				m.shows(show{
					until: joint + 300,
					left:  lecturerCam,
					right: boardCam,
				}, show{until: recordFrames, left: lecturerCam, alone: true})
				m.gap(boardCam, joint+300, recordFrames, "jump")
				m.fault(board, "jump")
			},
		},
		{"sound jumps a day", func(s *damageCase) {
			s.again(lecturerCam, 1, func(source *recorder.Source, g *recorder.Segment) {
				source.Sound.SampleRate = 24000
				g.Jump = &recorder.Jump{At: 12 * time.Second, By: 24 * time.Hour, Sound: true}
			})
			var m *merged
			s.flat(160, func() { m = s.merge(faultyRequest()) })
			m.shows(allThere())
			m.fault(second, "jump")
			if last := m.result.Plan.Sound.Heard; last[len(last)-1].Source != boardCam {
				m.Errorf("the board's sound does not stand in: %+v", last)
			}
		}},
		{"fragmented", func(s *damageCase) {
			s.fragment(second)
			m := s.merge(faultyRequest())
			m.shows(allThere())
			m.noGaps(lecturerCam, boardCam)
		}},
		{"fragmented and cut off", func(s *damageCase) {
			s.fragment(second)
			s.spoil(second, recorder.TruncatePart(400))
			m := s.merge(faultyRequest())
			m.consistent()
		}},
	}
}

// strangers are files that do not belong, and files that are there twice.
func strangers() []faultTest {
	second := fileOf(lecturerCam, 1)
	return []faultTest{
		{
			"files of another room, day and time",
			func(s *damageCase) {
				data := s.read(second)
				for _, name := range []string{
					"2026-11-20_15:01_505_24.mp4", "2026-11-19_15:01_504_24.mp4", "2026-11-20_16:01_504_24.mp4", "2026-11-20_15:01_504_99.mp4",
				} {
					if err := os.WriteFile(s.path(name), data[:len(data)/2], 0o600); err != nil {
						s.Fatal(err)
					}
				}
				m := s.merge(faultyRequest())
				m.shows(allThere())
				if n := len(m.report.Segments); n != 4 {
					m.Errorf("%d segments were looked at, want 4", n)
				}
			},
		},
		{
			"two files for one slot",
			func(s *damageCase) {
				s.again(lecturerCam, 1, func(_ *recorder.Source, g *recorder.Segment) {
					g.Folder, g.Length = "a copy", 20*time.Second
				})
				m := s.merge(faultyRequest())
				m.shows(allThere())
				m.noGaps(lecturerCam, boardCam)
				m.fault(
					filepath.Join("a copy", second),
					"another file of the same slot shows more: "+second,
				)
			},
		},
		{
			"nothing that can be used",
			func(s *damageCase) {
				for _, octet := range []string{lecturerCam, boardCam} {
					for minute := range 2 {
						s.replace(fileOf(octet, minute), nil)
					}
				}
				m, err := s.try(faultyRequest(), s.clips())
				if !errors.Is(err, merge.ErrNoFootage) || m.result == nil || len(m.result.Plan.Segments) != 4 {
					s.Errorf("%v, want that there is no footage, and the plan", err)
				}
			},
		},
		{
			"only one pane's file",
			func(s *damageCase) {
				for _, name := range []string{
					fileOf(boardCam, 0),
					fileOf(boardCam, 1),
					fileOf(lecturerCam, 0),
				} {
					s.remove(name)
				}
				m := s.merge(faultyRequest())
				m.shows(show{
					until: joint,
					left:  noSource,
					alone: true,
				}, show{until: recordFrames, left: lecturerCam, alone: true})
				m.gap(lecturerCam, 0, joint, "no file was recorded")
				m.gap(boardCam, 0, recordFrames, "no file was recorded")
			},
		},
		{
			"a source that only gives sound",
			func(s *damageCase) {
				s.again(boardCam, 1, func(_ *recorder.Source, g *recorder.Segment) {
					g.NoPicture = true
				})
				req := faultyRequest()
				req.Sources, req.Sound = map[nvr.Role]string{nvr.Lecturer: lecturerCam}, boardCam
				m := s.merge(req)
				m.shows(show{until: recordFrames, left: lecturerCam, alone: true})
				if sources := m.report.Sources; len(sources) != 2 || sources[1].Source != boardCam || sources[1].Role != "" {
					m.Errorf("sources %+v, want the one that only gives sound among them", sources)
				}
			},
		},
	}
}

// fragment makes a file a fragmented one.
func (s *damageCase) fragment(name string) {
	s.Helper()
	temporary := s.path(name) + ".part"
	if err := s.tool.Copy(context.WithoutCancel(s.Context()), ffmpeg.Copy{
		From:       s.path(name),
		To:         temporary,
		Fragmented: true,
	}); err != nil {
		s.Fatal(err)
	}
	if err := os.Rename(temporary, s.path(name)); err != nil {
		s.Fatal(err)
	}
}

// consistent wants the frames and the report to agree: a pane shows its source, at its own instant,
// exactly where the report says that there is footage.
func (m *merged) consistent() {
	m.Helper()
	var want []show
	for k := range recordFrames {
		at := recordStart().Add(time.Duration(k) * 40 * time.Millisecond)
		now := show{until: k + 1, held: m.held(lecturerCam, at)}
		for _, stretch := range m.report.Stretches {
			if !stretch.Start.After(at) && stretch.End.After(at) {
				now.alone = stretch.Layout == "lecturer" || stretch.Layout == "slate"
				if stretch.Left != "" && (now.held > 0 || m.there(lecturerCam, at)) {
					now.left = lecturerCam
				}
				if stretch.Right != "" && m.there(boardCam, at) {
					now.right = boardCam
				}
			}
		}
		want = append(want, now)
	}
	m.shows(want...)
}

// held returns the frame whose picture a source still shows at an instant, or 0 if it shows its own.
func (m *merged) held(source string, at time.Time) int {
	for _, gap := range m.report.Gaps {
		if gap.Source == source && !gap.Start.After(at) && gap.End.After(at) && gap.Typed.Code == "picture-held" {
			return int(gap.Start.Sub(recordStart())/(40*time.Millisecond)) - 1
		}
	}
	return 0
}

// there reports whether the report says that a source has footage at an instant.
func (m *merged) there(source string, at time.Time) bool {
	for _, gap := range m.report.Gaps {
		if gap.Source == source && !gap.Start.After(at) && gap.End.After(at) {
			return false
		}
	}
	return true
}

// fault wants the report to say what is wrong with a file.
func (m *merged) fault(file, want string) {
	m.Helper()
	for _, seg := range m.report.Segments {
		if seg.File != file {
			continue
		}
		if !slices.ContainsFunc(seg.Faults, func(f string) bool {
			return strings.Contains(f, want)
		}) {
			m.Errorf("the faults of %s are %q, want %q among them", file, seg.Faults, want)
		}
		return
	}
	m.Errorf("the report does not name %s", file)
}

// parts counts the finished parts in the work folder: more than there are slices says that one was
// made again without need.
func (m *merged) parts(want int) {
	m.Helper()
	found, err := filepath.Glob(filepath.Join(m.work, "parts", "*.json"))
	if err != nil || len(found) != want {
		m.Errorf("%d parts were finished, want %d; %v", len(found), want, err)
	}
}
