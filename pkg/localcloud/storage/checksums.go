package storage

import (
	"crypto/md5" // #nosec G501 -- what Cloud Storage shows, not a protection
	"encoding/base64"
	"hash"
	"hash/crc32"
	"net/http"
	"strings"
)

// sums computes size and checksums of the bytes written to it.
type sums struct {
	md5  hash.Hash // nil: not asked for
	crc  uint32
	size int64
}

// newSums returns sums that include MD5, which is not used as a protection.
func newSums() *sums {
	return &sums{md5: md5.New()}
} // #nosec G401 -- as above

// Write implements io.Writer.
func (s *sums) Write(p []byte) (int, error) {
	s.crc = crc32.Update(s.crc, castagnoli(), p)
	s.size += int64(len(p))
	if s.md5 != nil {
		_, _ = s.md5.Write(p)
	}
	return len(p), nil
}

// expected is the checksums that a caller sent, in base64. An empty one is not checked.
type expected struct {
	CRC32C string `json:"crc32c,omitempty"`
	MD5    string `json:"md5,omitempty"`
}

// with adds the checksums of a request's X-Goog-Hash header. They win over those of the metadata.
func (e expected) with(header http.Header) expected {
	for _, value := range header.Values("X-Goog-Hash") {
		for pair := range strings.SplitSeq(value, ",") {
			kind, sum, _ := strings.Cut(strings.TrimSpace(pair), "=")
			switch kind {
			case "crc32c":
				e.CRC32C = sum
			case "md5":
				e.MD5 = sum
			}
		}
	}
	return e
}

// check refuses bytes whose checksums are not the expected ones.
func (e expected) check(s *sums) error {
	if got := crcText(s.crc); e.CRC32C != "" && e.CRC32C != got {
		return invalid("Provided CRC32C %q doesn't match calculated CRC32C %q.", e.CRC32C, got)
	}
	if got := base64.StdEncoding.EncodeToString(s.md5.Sum(nil)); e.MD5 != "" && e.MD5 != got {
		return invalid("Provided MD5 hash %q doesn't match calculated MD5 hash %q.", e.MD5, got)
	}
	return nil
}
