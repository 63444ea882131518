package merge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// Join writes the finished file: the header that joins the parts' tables, and the parts' bytes as
// they are. The file is written beside out and renamed when it is complete. Join returns its size in bytes
// and its SHA-256 in hex.
func (e *Engine) Join(ctx context.Context, plan *Plan, work *WorkDir, out string) (bytes int64, sum string, err error) {
	parts := make([]*mp4.Part, len(plan.Slices))
	media := make([]string, len(plan.Slices))
	total := int64(0)
	for i, slice := range plan.Slices {
		p := work.part(plan.SliceDigest(i), slice.End-slice.First)
		if p == nil {
			return 0, "", fmt.Errorf("join: part %d is gone", i)
		}
		parts[i], media[i] = p.Part, work.media(p)
		total += p.Part.Bytes
	}
	header, err := mp4.Header(parts, plan.Meta(e.Texts))
	if err != nil {
		return 0, "", fmt.Errorf("join: %w", err)
	}
	temporary := filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".partial")
	file, err := os.OpenFile(
		temporary,
		os.O_CREATE|os.O_TRUNC|os.O_WRONLY,
		0o644,
	) // #nosec G302 G304 -- the video the user asked for
	if err != nil {
		return 0, "", fmt.Errorf("join: %w", err)
	}
	hash := sha256.New()
	counted := &countingWriter{to: io.MultiWriter(file, hash)}
	err = func() error {
		if _, err := counted.Write(header); err != nil {
			return err
		}
		for i, path := range media {
			e.progress(Joining, counted.bytes, total)
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if err := copyPart(counted, path, parts[i]); err != nil {
				return err
			}
		}
		return file.Sync()
	}()
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(temporary, out)
	}
	if err != nil {
		return 0, "", fmt.Errorf("join: %w", errors.Join(err, os.Remove(temporary)))
	}
	e.progress(Joining, total, total)
	return counted.bytes, hex.EncodeToString(hash.Sum(nil)), nil
}

// copyPart copies a part's media and compares them with their checksum.
func copyPart(to io.Writer, path string, part *mp4.Part) error {
	file, err := os.Open(path) // #nosec G304 -- inside the work folder
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // open for reading only
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(to, hash), file); err != nil {
		return err
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != part.SHA256 {
		return fmt.Errorf("part media %s do not match their checksum; run the merge again to render them again", path)
	}
	return nil
}

// countingWriter counts the bytes that were written to it.
type countingWriter struct {
	to    io.Writer
	bytes int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.bytes += int64(n)
	return n, err
}
