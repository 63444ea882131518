package bucket

import "context"

// CopyInBy is CopyIn with chunks of a size that suits a test.
func (b *Bucket) CopyInBy(
	ctx context.Context,
	chunk int64,
	name, contentType string,
	source Source,
) (Object, error) {
	return b.newCopy(name, source, chunk).run(ctx, contentType)
}
