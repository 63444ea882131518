package bitstream

// bitReader reads the payload of a NAL unit (RBSP) bit by bit. Bits beyond the end are zero and set
// over.
type bitReader struct {
	data []byte
	at   int // the next bit
	over bool
}

// newBitReader returns a reader of the first limit bytes of a NAL unit's body, without its emulation
// prevention bytes.
func newBitReader(body []byte, limit int) *bitReader {
	body = body[:min(len(body), limit)]
	data := make([]byte, 0, len(body))
	zeros := 0
	for _, b := range body {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		zeros++
		if b != 0 {
			zeros = 0
		}
		data = append(data, b)
	}
	return &bitReader{data: data}
}

// bit reads a flag, u(1).
func (r *bitReader) bit() bool { return r.bits(1) == 1 }

// bits reads u(n), n up to 32.
func (r *bitReader) bits(n int) uint32 {
	v := uint32(0)
	for range n {
		v <<= 1
		if r.at>>3 >= len(r.data) {
			r.over = true
			continue
		}
		v |= uint32(r.data[r.at>>3]>>(7-r.at&7)) & 1
		r.at++
	}
	return v
}

// skip skips n bits.
func (r *bitReader) skip(n int) {
	for ; n > 32; n -= 32 {
		r.bits(32)
	}
	r.bits(n)
}

// ue reads an unsigned Exp-Golomb code, ue(v).
func (r *bitReader) ue() uint32 {
	zeros := 0
	for !r.bit() {
		if zeros++; zeros > 31 || r.over {
			r.over = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// se reads a signed Exp-Golomb code, se(v).
func (r *bitReader) se() int32 {
	v := r.ue()
	if v&1 == 1 {
		return int32(v>>1) + 1 // #nosec G115 -- at most 31 bits
	}
	return -int32(v >> 1) // #nosec G115 -- at most 31 bits
}

// upTo reads ue(v) and reports whether it is at most limit.
func (r *bitReader) upTo(limit uint32) (int, bool) {
	v := r.ue()
	return int(min(v, limit)), v <= limit && !r.over
}
