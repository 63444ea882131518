package bucket

import (
	"hash/crc32"
	"math/bits"
)

// ConcatCRC32C returns the CRC32C of two runs of bytes, one after the other, from the sums of both. size is the
// length of the second in bytes. The first sum is advanced over size zero bytes by squaring a matrix over
// GF(2), as zlib does.
func ConcatCRC32C(first, second uint32, size int64) uint32 {
	var step [32]uint32 // what one zero bit does to each bit of a sum
	step[0] = crc32.Castagnoli
	for i := 1; i < 32; i++ {
		step[i] = 1 << (i - 1)
	}
	for range 3 {
		step = square(step) // one zero byte
	}
	for ; size > 0; size >>= 1 {
		if size&1 == 1 {
			first = times(step, first)
		}
		step = square(step)
	}
	return first ^ second
}

// times multiplies a matrix over GF(2) with a vector.
func times(m [32]uint32, v uint32) uint32 {
	var sum uint32
	for ; v != 0; v &= v - 1 {
		sum ^= m[bits.TrailingZeros32(v)]
	}
	return sum
}

// square multiplies a matrix over GF(2) with itself.
func square(m [32]uint32) [32]uint32 {
	var out [32]uint32
	for i := range m {
		out[i] = times(m, m[i])
	}
	return out
}
