package probe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// Clip is a segment that may belong to the record: a file in a folder, or an object in a bucket.
type Clip struct {
	Name       nvr.SegmentName
	Path       string // where it lies, for people
	Generation string // changes whenever its bytes may have changed
	Open       func(ctx context.Context) (Bytes, error)

	// Fault is why the clip is not to be opened: its stretch is a gap of this cause. Zero: open it.
	Fault cause.Cause
}

// Bytes are an open clip.
type Bytes interface {
	rangeproxy.Object
	io.Closer
}

// Memory keeps what analysing a segment gave, here or elsewhere. Keys are made of letters, digits and
// hyphens, and name the segment's generation. It is called from several goroutines. It may forget: then
// the segment is analysed again.
type Memory interface {
	// Load fills value and returns true, or returns false.
	Load(key string, value any) bool
	Save(key string, value any) error
}

// Learn returns what is kept under a key. If nothing is, it calls learn and keeps what that returns.
func Learn[T any](memory Memory, key string, learn func() (T, error)) (T, error) {
	var value T
	if memory.Load(key, &value) {
		return value, nil
	}
	value, err := learn()
	if err != nil {
		var none T
		return none, err
	}
	return value, memory.Save(key, value)
}

// Prober reads segments. It is safe for concurrent use.
type Prober struct {
	Tool    *ffmpeg.Tool
	Proxy   *rangeproxy.Proxy
	Learned Memory
	Meter   *rangeproxy.Meter // counts the bytes that are read of segments
	Serial  bool              // segments are read one after the other
	Slides  string            // the source whose pictures stand still as a rule: the screen
}

// workers is how many segments are read at once.
const workers = 2

// Each calls do for 0 to n-1, a few at once, and reports to progress how many are done. It returns the
// first error, after all calls have ended.
func (p *Prober) Each(ctx context.Context, n int, progress func(done, total int64), do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	if p.Serial {
		group.SetLimit(1)
	}
	var done atomic.Int64
	progress(0, int64(n))
	for i := range n {
		group.Go(func() error {
			if err := do(ctx, i); err != nil {
				return err
			}
			progress(done.Add(1), int64(n))
			return nil
		})
	}
	return group.Wait()
}

// Fingerprint returns the SHA-256 of content's JSON, in hexadecimal.
func Fingerprint(content any) string {
	text, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Sprintf("content without a JSON form: %v", err))
	}
	return Hash(text)
}

// Hash returns the SHA-256 of a text, in hexadecimal.
func Hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
