package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/nvr-miem/merger/pkg/bucket"
)

// maxLearned bounds what is read back of one segment's analysis, in bytes.
const maxLearned = 16 << 20

// learned keeps what analysing a generation of a segment gave, an object each. It may forget, but a
// bucket that cannot be written is said in the log: then every merge repeats the analysis.
type learned struct {
	ctx  context.Context //nolint:containedctx // the engine's Memory has no context: one engine, one call
	work *bucket.Bucket
	log  *slog.Logger
	kept func() // called when something more is kept
}

// Load implements merge.Memory.
func (l learned) Load(key string, value any) bool {
	name, err := bucket.LearnedName(key)
	var text []byte
	if err == nil {
		text, _, err = l.work.ReadAll(l.ctx, name, maxLearned)
	}
	if err == nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil && !errors.Is(err, bucket.ErrNotFound) {
		l.log.WarnContext(
			l.ctx, "what was learned of a segment cannot be read: it is analysed again",
			"key", key,
			"err", err,
		)
	}
	return err == nil
}

// Save implements merge.Memory.
func (l learned) Save(key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	name, err := bucket.LearnedName(key)
	if err == nil {
		_, err = l.work.CreateBytes(l.ctx, name, "application/json", nil, text)
	}
	if errors.Is(err, bucket.ErrExists) {
		return nil
	}
	if err == nil {
		l.kept()
	}
	return err
}
