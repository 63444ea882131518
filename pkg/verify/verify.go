// Package verify compares the videos on Drive with what was uploaded.
package verify

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/workspace"
)

const (
	// page is how many uploads are read from the database at a time.
	page = 100
	// concurrency bounds the calls to Drive that run at once.
	concurrency = 4
)

// Difference is a video that is not on Drive as it was uploaded.
type Difference struct {
	Upload store.Delivered
	Cause  cause.Cause
}

// Verifier compares uploads with Drive. It changes nothing.
type Verifier struct {
	Uploads   store.Uploads
	Workspace *workspace.Client
}

// Run compares the videos of all delivered records from the date since on, YYYY-MM-DD in the room's time zone;
// of all dates if since is empty. It calls differs, from one goroutine, for each video that differs, by the
// number of the record. It returns how many videos it compared.
func (v *Verifier) Run(ctx context.Context, since string, differs func(Difference) error) (compared int, err error) {
	after := int64(0)
	for {
		uploads, err := v.Uploads.Delivered(ctx, since, after, page)
		if err != nil || len(uploads) == 0 {
			return compared, err
		}
		after = uploads[len(uploads)-1].Record
		causes, err := v.compareAll(ctx, uploads)
		if err != nil {
			return compared, err
		}
		for i, upload := range uploads {
			compared++
			if causes[i].IsZero() {
				continue
			}
			if err := differs(Difference{Upload: upload, Cause: causes[i]}); err != nil {
				return compared, err
			}
		}
	}
}

// compareAll returns how each upload differs; no cause if it does not.
func (v *Verifier) compareAll(ctx context.Context, uploads []store.Delivered) ([]cause.Cause, error) {
	causes := make([]cause.Cause, len(uploads))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i, upload := range uploads {
		group.Go(func() (err error) {
			causes[i], err = v.compare(ctx, upload)
			return err
		})
	}
	return causes, group.Wait()
}

func (v *Verifier) compare(ctx context.Context, upload store.Delivered) (cause.Cause, error) {
	file, err := v.Workspace.Stat(ctx, upload.FileID)
	switch {
	case errors.Is(err, workspace.ErrNotFound):
		return cause.DeliveredGone(), nil
	case err != nil:
		return cause.Cause{}, fmt.Errorf("look at the video of record %d: %w", upload.Record, err)
	case file.Trashed:
		return cause.DeliveredTrashed(), nil
	case file.Size != upload.Size:
		return cause.DeliveredSize(file.Size, upload.Size), nil
	case file.MD5 != upload.MD5:
		return cause.DeliveredContent(), nil
	}
	return cause.Cause{}, nil
}
