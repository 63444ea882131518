package pipeline

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // Drive names files' content by MD5; nothing secret rests on it
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/report"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/timeline"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// uploadReport puts the report beside the video, as a page, where it has something to tell. The page is one file,
// whose id is noted before it is made; a video that was made again gives it new content, or throws it
// away. A page that Google refuses for good fails no record.
func (w *worker) uploadReport(ctx context.Context, video workspace.File) error {
	err := w.putReport(ctx, video)
	if _, final := refusal(err); final {
		w.log.WarnContext(ctx, "the report could not be put beside the video", "err", err)
		return nil
	}
	return err
}

func (w *worker) putReport(ctx context.Context, video workspace.File) error {
	name, err := bucket.ReportName(w.rec.ID, w.rec.Digest, "json")
	if err != nil {
		return err
	}
	var r report.Report
	if err := w.p.readJSON(ctx, name, &r); errors.Is(err, bucket.ErrNotFound) {
		return nil // its time in the bucket is over
	} else if err != nil {
		return err
	}
	if !worthReporting(&r) {
		return w.dropPage(ctx)
	}
	var text bytes.Buffer
	if err := r.HTML(&text, w.p.Texts.For(w.room.Language), nil); err != nil {
		return err
	}
	id, err := w.putPage(ctx, video, text.Bytes())
	if err != nil {
		return fmt.Errorf("put the report beside the video: %w", err)
	}
	_, err = w.share(ctx, id)
	return err
}

// worthReporting reports whether the report is worth a page beside the video. A recorder loses a few seconds
// between any two files, so that only a gap that changes the layout counts. Raised speech is not a problem.
func worthReporting(r *report.Report) bool {
	for _, gap := range r.Gaps {
		if gap.End.Sub(gap.Start.Time) > timeline.SlateMax {
			return true
		}
	}
	return slices.ContainsFunc(r.Warnings, func(w report.Warning) bool { return w.Code != cause.CodeLevelsRaised })
}

// putPage makes the page hold text, under the id that it has or, if a person or an earlier video threw it
// away, under a new one.
func (w *worker) putPage(ctx context.Context, video workspace.File, text []byte) (id string, err error) {
	var there workspace.File
	if id, err = w.effect(ctx, store.EffectReport, ""); err == nil && id != "" {
		there, err = w.p.Workspace.Stat(ctx, id)
	}
	if err != nil && !errors.Is(err, workspace.ErrNotFound) {
		return id, err
	}
	if id == "" || there.Trashed {
		there = workspace.File{}
		if id, err = w.p.Workspace.GenerateID(ctx, w.rec.ID); err != nil {
			return id, err
		}
		if err := w.recordEffect(ctx, store.EffectReport, "", id); err != nil {
			return id, err
		}
	}
	sum := md5.Sum(text) //nolint:gosec // as above
	if there.MD5 == hex.EncodeToString(sum[:]) {
		return id, nil
	}
	upload := workspace.Upload{
		Record:      w.rec.ID,
		FileID:      id,
		Replace:     there.ID != "",
		Name:        workspace.PageName(w.fileName()),
		MIME:        "text/html",
		Size:        int64(len(text)),
		Description: w.description(),
		Properties:  map[string]string{"nvrReport": strconv.FormatInt(w.rec.ID, 10)},
	}
	if len(video.Parents) > 0 {
		upload.Parent = video.Parents[0]
	} else if upload.Parent, err = w.folder(ctx); err != nil { // we may not see where it lies
		return id, err
	}
	return id, w.p.Workspace.Put(ctx, upload, text)
}

// dropPage throws away the page of an earlier video.
func (w *worker) dropPage(ctx context.Context) error {
	id, err := w.effect(ctx, store.EffectReport, "")
	if err != nil || id == "" {
		return err
	}
	return w.p.Workspace.Trash(ctx, id)
}
