package merge_test

import (
	"math"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// boardLate is how long after the minute in its name the board's recorder began.
const boardLate = 420 * time.Millisecond

// recordLateBoard records a lecturer who is heard and a board camera that begins late.
func recordLateBoard(t *testing.T, sound recorder.Sound) (dir string, req merge.Request) {
	t.Helper()
	s := session(three(), three().Add(2*slot))
	s.Sources = []recorder.Source{s.Sources[0], s.Sources[2]}
	s.Sources[0].Sound, s.Sources[1].Sound = recorder.Sound{Speech: 0.5}, sound
	for i := range s.Sources[1].Segments {
		s.Sources[1].Segments[i].Late = boardLate
	}
	req = request(three().Add(45*time.Second), three().Add(65*time.Second))
	delete(req.Sources, nvr.Screen)
	return record(t, s), req
}

// TestSync merges a board camera that begins late and hears the lecturer: its pane shows the instant that is
// heard.
func TestSync(t *testing.T) {
	t.Parallel()
	const frame = 40 * time.Millisecond
	dir, req := recordLateBoard(t, recorder.Sound{Speech: 0.5})
	f := makeFilm(t, newEngine(t), dir, req, 2)
	c := complaints{t: t}
	for k, got := range f.frames(t) {
		if text := wrong(got.Left, lecturer, f.at(k), frame); text != "" {
			c.add("frame %d: left pane %s", k, text)
		}
		if text := wrong(got.Right, board, f.at(k), frame); text != "" {
			c.add("frame %d: right pane %s", k, text)
		}
	}
	synced := f.Plan.Report(i18n.Default()).Sync
	if len(synced) != 1 || synced[0].Source != board || synced[0].Reference != lecturer || !synced[0].Sure {
		t.Fatalf("%+v", synced)
	}
	if off := math.Abs(float64(synced[0].OffsetMs) + float64(boardLate.Milliseconds())); off > 20 {
		t.Errorf("%+v, want a lag of -%v", synced[0], boardLate)
	}
}

// TestSyncIsNotGuessed plans where the board hears nothing, and where it is not to be moved.
func TestSyncIsNotGuessed(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]bool{"silence": false, "off": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, req := recordLateBoard(t, recorder.Sound{})
			req.SyncOff = off
			p, err := newEngine(t).Plan(t.Context(), req, clips(t, dir), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, seg := range p.Segments {
				if seg.Start.Nanosecond() != 0 {
					t.Errorf("%s was moved to %v", seg.Path, seg.Start)
				}
			}
			synced := p.Report(i18n.Default()).Sync
			if measured := len(synced) == 1 && !synced[0].Sure; measured == off {
				t.Errorf("sync %+v", synced)
			}
		})
	}
}
