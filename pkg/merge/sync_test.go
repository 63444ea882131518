package merge_test

import (
	"math"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// TestSync merges a board camera that is late, or hears nothing. Where both hear the voice,
// the pane of the board shows the instant that is heard; else it stays where its file says.
func TestSync(t *testing.T) {
	t.Parallel()
	const frame = 40 * time.Millisecond
	speech := recorder.Sound{Speech: 0.5}
	for _, tt := range []struct {
		name   string
		board  recorder.Sound
		late   time.Duration // by which the board's recorder began after the minute in its name
		off    bool
		lag    time.Duration // that the report must say
		sure   bool
		within time.Duration // of the right pane
	}{
		{"a recorder that begins late", speech, 420 * time.Millisecond, false, -420 * time.Millisecond, true, frame},
		{"not wanted", speech, 420 * time.Millisecond, true, 0, false, 420*time.Millisecond + frame},
		{"silence", recorder.Sound{}, 420 * time.Millisecond, false, 0, false, 420*time.Millisecond + frame},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := session(three(), three().Add(2*slot))
			s.Sources = []recorder.Source{s.Sources[0], s.Sources[2]}
			s.Sources[0].Sound, s.Sources[1].Sound = speech, tt.board
			for i := range s.Sources[1].Segments {
				s.Sources[1].Segments[i].Late = tt.late
			}
			req := request(three().Add(45*time.Second), three().Add(65*time.Second))
			req.SyncOff = tt.off
			delete(req.Sources, nvr.Screen)
			f := makeFilm(t, newEngine(t), record(t, s), req, 2)
			c := complaints{t: t}
			for k, got := range f.frames(t) {
				if text := wrong(got.Left, lecturer, f.at(k), frame); text != "" {
					c.add("frame %d: left pane %s", k, text)
				}
				if text := wrong(got.Right, board, f.at(k), tt.within); text != "" {
					c.add("frame %d: right pane %s", k, text)
				}
			}
			synced := f.Plan.Report(i18n.Default()).Sync
			if tt.off {
				if len(synced) > 0 {
					t.Errorf("measured all the same: %+v", synced)
				}
				return
			}
			if len(synced) != 1 || synced[0].Source != board || synced[0].Sure != tt.sure {
				t.Fatalf("%+v, want sure %v", synced, tt.sure)
			}
			if off := math.Abs(float64(synced[0].OffsetMs) - float64(tt.lag.Milliseconds())); tt.sure && off > 20 {
				t.Errorf("%+v, want a lag of %v", synced[0], tt.lag)
			}
		})
	}
}
