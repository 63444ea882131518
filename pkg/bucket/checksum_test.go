package bucket_test

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/nvr-miem/merger/pkg/bucket"
)

// TestConcatCRC32C joins the sums of runs of many lengths, and compares with the sum of all bytes.
func TestConcatCRC32C(t *testing.T) {
	t.Parallel()
	table := crc32.MakeTable(crc32.Castagnoli)
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- predictable on purpose
	data := make([]byte, 70_000)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	for _, cut := range []int{0, 1, 7, 8, 255, 256, 4096, 65_535, len(data)} {
		first, second := data[:cut], data[cut:]
		got := bucket.ConcatCRC32C(crc32.Checksum(first, table), crc32.Checksum(second, table), int64(len(second)))
		if want := crc32.Checksum(data, table); got != want {
			t.Errorf("cut at %d: %08x, want %08x", cut, got, want)
		}
	}
}
