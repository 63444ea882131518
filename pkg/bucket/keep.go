package bucket

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/storage"
)

// KeepUntil sets when the lifecycle of the bucket deletes an object, as the object's custom time.
// Cloud Storage moves that time forward only, so an instant that is not after the one of the object
// does nothing (https://cloud.google.com/storage/docs/metadata#custom-time). It returns [ErrNotFound]
// or [ErrChanged] if the object is no longer as it was listed.
func (b *Bucket) KeepUntil(ctx context.Context, object Object, until time.Time) error {
	if !until.After(object.KeepUntil) {
		return nil
	}
	_, err := b.handle.Object(object.Name).If(storage.Conditions{
		GenerationMatch:     object.Generation,
		MetagenerationMatch: object.metageneration,
	}).Update(ctx, storage.ObjectAttrsToUpdate{CustomTime: until})
	if err == nil {
		return nil
	}
	err = b.classify(ctx, err, callPatch, "keep %q until %s", object.Name, until.UTC().Format(time.RFC3339))
	if errors.Is(err, ErrExists) { // its precondition failed, perhaps by its own request whose answer was lost
		return fmt.Errorf("%w: %w", ErrChanged, opaqueError{err})
	}
	return err
}
