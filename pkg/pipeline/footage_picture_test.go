package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
)

// TestFootagePicture takes pictures out of a minute of footage, and out of a file that is none.
func TestFootagePicture(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.putBytes("segments", "504/2026-11-20/2026-11-20_15:01_504_24.mp4", []byte("no video"))
	take := func(at string, after time.Duration) (jpg []byte, err error) {
		segment := store.Segment{Name: nvr.SegmentName{Room: "504", Date: "2026-11-20", Time: at, Source: "24"}}
		w.must(w.live(&process{}, func(ctx context.Context, p *pipeline.Pipeline) error {
			jpg, err = p.FootagePicture(ctx, segment, after)
			return nil
		}))
		return jpg, err
	}
	first, err := take("15:00", 0)
	w.must(err)
	picture, err := jpeg.Decode(bytes.NewReader(first))
	w.must(err)
	if size := picture.Bounds().Size(); size.X != 320 || size.Y != 180 {
		t.Errorf("the picture measures %v", size)
	}
	later, err := take("15:00", 40*time.Second)
	w.must(err)
	if bytes.Equal(first, later) {
		t.Error("the picture does not depend on the instant")
	}
	for _, test := range []struct {
		at    string
		after time.Duration
	}{{"15:00", time.Hour}, {"15:01", 0}} {
		if _, err := take(test.at, test.after); !errors.Is(err, pipeline.ErrNoPicture) {
			t.Errorf("%s and %v: %v", test.at, test.after, err)
		}
	}
}
