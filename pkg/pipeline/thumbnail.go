package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/merge"
)

const (
	thumbWidth = 480         // pixels
	thumbTime  = time.Minute // that it may take; a merge is not kept waiting for its picture
)

// thumbnail stores a picture out of the merge, which the page of recordings shows: it has
// no right to read Drive. A video without one is as good, so nothing here fails the record.
func (w *worker) thumbnail(ctx context.Context, merged bucket.Object, plan *merge.Plan, at time.Duration) {
	short, stop := context.WithTimeout(ctx, thumbTime)
	defer stop()
	if err := w.storeThumbnail(short, merged, plan, at); err != nil && !errors.Is(err, bucket.ErrExists) && ctx.Err() == nil {
		w.log.WarnContext(ctx, "the video gets no thumbnail", "err", err)
	}
}

func (w *worker) storeThumbnail(ctx context.Context, merged bucket.Object, plan *merge.Plan, at time.Duration) error {
	name, err := bucket.ReportName(w.rec.ID, plan.Digest(), "jpg")
	if err != nil {
		return err
	}
	video, err := w.p.Work.Open(ctx, merged.Name, merged.Generation)
	if err != nil {
		return err
	}
	served := w.p.Tools.Proxy.Serve(video)
	e := plan.Encoding
	jpg, err := w.p.Tools.FFmpeg.JPEG(
		ctx,
		served,
		at,
		thumbWidth,
		thumbWidth*e.Height/e.Width/2*2,
	)
	if err = errors.Join(err, served.Close(), video.Close()); err != nil {
		return err
	}
	_, err = w.p.Work.CreateBytes(ctx, name, "image/jpeg", nil, jpg)
	return err
}
