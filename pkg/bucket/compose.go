package bucket

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"cloud.google.com/go/storage"
)

// composeSources is the number of objects that Cloud Storage composes in one call.
const composeSources = 32

// Compose composes any number of objects of this bucket into a new one, in order
// and by generation. It returns [ErrExists] as [Bucket.Create] does. Intermediate
// objects are deleted. After a kill they remain beside dst, and the next call uses
// them.
func (b *Bucket) Compose(
	ctx context.Context,
	dst, contentType string,
	meta map[string]string,
	sources []Object,
) (Object, error) {
	return b.composeVia(ctx, dst+treeSuffix, dst, contentType, meta, sources)
}

// composeVia is Compose with intermediate objects below the prefix via.
func (b *Bucket) composeVia(
	ctx context.Context,
	via, dst, contentType string,
	meta map[string]string,
	sources []Object,
) (Object, error) {
	if len(sources) == 0 {
		return Object{}, fmt.Errorf("compose %q in bucket %s: there are no sources", dst, b.name)
	}
	if len(sources) <= composeSources {
		return b.composeOnce(ctx, dst, contentType, meta, sources)
	}
	if there, err := b.Stat(ctx, dst); !errors.Is(err, ErrNotFound) {
		if err == nil { // before much is joined for nothing
			err = fmt.Errorf("compose %q in bucket %s: %w", dst, b.name, ErrExists)
		}
		return there, err
	}
	level := sources
	for len(level) > composeSources {
		var err error
		if level, err = b.composeLevel(ctx, via, contentType, level); err != nil {
			return b.afterConflict(ctx, via, dst, err)
		}
	}
	made, err := b.composeOnce(ctx, dst, contentType, meta, level)
	if errors.Is(err, ErrNotFound) {
		return b.afterConflict(ctx, via, dst, err)
	}
	if err != nil && !errors.Is(err, ErrExists) {
		return made, err
	}
	return made, errors.Join(err, b.DeleteAll(ctx, via+"/"))
}

// afterConflict handles vanished sources. Another call that composed the same
// object may have deleted them.
func (b *Bucket) afterConflict(ctx context.Context, via, dst string, err error) (Object, error) {
	if !errors.Is(err, ErrNotFound) {
		return Object{}, err
	}
	there, statErr := b.Stat(ctx, dst)
	if statErr != nil {
		return Object{}, err
	}
	err = fmt.Errorf("compose %q in bucket %s: %w", dst, b.name, ErrExists)
	return there, errors.Join(err, b.DeleteAll(ctx, via+"/"))
}

// composeLevel composes groups of 32 objects. The names are digests of the sources,
// so that the next call after a kill finds them.
func (b *Bucket) composeLevel(
	ctx context.Context,
	via, contentType string,
	sources []Object,
) ([]Object, error) {
	var level []Object
	for len(sources) > 0 {
		run := sources[:min(composeSources, len(sources))]
		sources = sources[len(run):]
		if len(run) == 1 {
			level = append(level, run[0])
			continue
		}
		made, err := b.composeOnce(ctx, via+"/"+sourcesDigest(run), contentType, nil, run)
		if err != nil && !errors.Is(err, ErrExists) {
			return nil, err
		}
		level = append(level, made)
	}
	return level, nil
}

// sourcesDigest returns a digest of names and generations.
func sourcesDigest(run []Object) string {
	var text strings.Builder
	for _, o := range run {
		fmt.Fprintf(&text, "%q %d\n", o.Name, o.Generation)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:16])
}

// composeOnce composes up to 32 objects in one call, with the precondition that dst
// does not exist.
func (b *Bucket) composeOnce(
	ctx context.Context,
	dst, contentType string,
	meta map[string]string,
	sources []Object,
) (Object, error) {
	mark := rand.Text()
	var handles []*storage.ObjectHandle
	for _, s := range sources {
		handles = append(handles, b.handle.Object(s.Name).Generation(s.Generation))
	}
	composer := b.handle.Object(dst).If(storage.Conditions{DoesNotExist: true}).ComposerFrom(handles...)
	composer.ContentType = contentType
	composer.Metadata = withMark(meta, mark)
	attrs, err := composer.Run(ctx)
	if err != nil {
		return b.resolveWrite(ctx, dst, mark, err)
	}
	return objectFromAttrs(attrs), nil
}
