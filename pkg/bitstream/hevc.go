package bitstream

import "slices"

// NAL unit types of HEVC (7.4.2.2, table 7-1).
const (
	hevcRADLN   = 6
	hevcRASLN   = 8
	hevcRASLR   = 9
	hevcLastSub = 14 // even types up to it are sub-layer non-reference pictures
	hevcBLA     = 16 // 16 to 18
	hevcIDR     = 19 // 19 and 20
	hevcCRA     = 21
	hevcLastVCL = 31
	hevcSPS     = 33
	hevcPPS     = 34
	hevcSEI     = 39
)

// hevcSPSet is what is kept of a sequence parameter set (7.3.2.2.1).
type hevcSPSet struct {
	known          bool
	separatePlanes bool
	pocBits        int
	addressBits    int
	shortSets      [][]reference
	longTerm       bool
	longLSB        []uint32
	longUsed       []bool
}

// hevcPPSet is what is kept of a picture parameter set (7.3.2.3.1).
type hevcPPSet struct {
	sps        int
	dependent  bool
	outputFlag bool
	extraBits  int
}

// hevcSets are the parameter sets of a track.
type hevcSets struct {
	sps [16]hevcSPSet
	pps map[int]hevcPPSet
}

// read takes in a NAL unit if it is a parameter set of the base layer.
func (s *hevcSets) read(nal []byte) {
	if len(nal) < 3 || nal[0]&1 != 0 || nal[1]>>3 != 0 {
		return
	}
	switch nal[0] >> 1 & 63 {
	case hevcSPS:
		s.readSPS(newBitReader(nal[2:], setBytes))
	case hevcPPS:
		s.readPPS(newBitReader(nal[2:], headerBytes))
	}
}

// readPPS reads a picture parameter set up to num_extra_slice_header_bits.
func (s *hevcSets) readPPS(r *bitReader) {
	id, ok := r.upTo(63)
	sps, found := r.upTo(15)
	if !ok || !found {
		return
	}
	if s.pps == nil {
		s.pps = map[int]hevcPPSet{}
	}
	set := hevcPPSet{sps: sps, dependent: r.bit(), outputFlag: r.bit(), extraBits: int(r.bits(3))}
	if !r.over {
		s.pps[id] = set
	}
}

// readSPS reads a sequence parameter set up to the long-term reference pictures.
func (s *hevcSets) readSPS(r *bitReader) {
	var set hevcSPSet
	r.skip(4)
	layers := int(r.bits(3))
	r.skip(1)
	skipProfile(r, layers)
	id, ok := r.upTo(15)
	if !ok {
		return
	}
	if r.ue() == 3 {
		set.separatePlanes = r.bit()
	}
	width, height := r.ue(), r.ue()
	if r.bit() {
		for range 4 {
			r.ue()
		}
	}
	r.ue()
	r.ue()
	bits, ok := r.upTo(12)
	if !ok {
		return
	}
	set.pocBits = bits + 4
	first := layers
	if r.bit() {
		first = 0
	}
	for ; first <= layers; first++ {
		for range 3 {
			r.ue()
		}
	}
	block, _ := r.upTo(8)
	more, _ := r.upTo(8)
	for range 4 {
		r.ue()
	}
	set.addressBits = addressBits(width, height, block+3+more)
	enabled := r.bit() // scaling_list_enabled_flag
	if enabled && r.bit() {
		skipHEVCMatrix(r)
	}
	r.skip(2)
	if r.bit() {
		r.skip(8)
		r.ue()
		r.ue()
		r.skip(1)
	}
	if !set.readReferences(r) {
		return
	}
	set.known = !r.over
	s.sps[id] = set
}

// readReferences reads the sets of reference pictures of a sequence parameter set.
func (set *hevcSPSet) readReferences(r *bitReader) bool {
	count, ok := r.upTo(64)
	if !ok {
		return false
	}
	for i := range count {
		list, ok := readShortSet(r, i, count, set.shortSets)
		if !ok {
			return false
		}
		set.shortSets = append(set.shortSets, list)
	}
	set.longTerm = r.bit()
	if !set.longTerm {
		return true
	}
	long, ok := r.upTo(32)
	if !ok {
		return false
	}
	for range long {
		set.longLSB = append(set.longLSB, r.bits(set.pocBits))
		set.longUsed = append(set.longUsed, r.bit())
	}
	return true
}

// addressBits returns the length of slice_segment_address: Ceil(Log2(PicSizeInCtbsY)).
func addressBits(width, height uint32, log2 int) int {
	side := uint64(1) << log2
	units := (uint64(width) + side - 1) / side * ((uint64(height) + side - 1) / side)
	bits := 0
	for bits < 32 && uint64(1)<<bits < units {
		bits++
	}
	return bits
}

// skipProfile skips profile_tier_level (7.3.3).
func skipProfile(r *bitReader, layers int) {
	r.skip(96)
	var profile, level [8]bool
	for i := range layers {
		profile[i], level[i] = r.bit(), r.bit()
	}
	if layers > 0 {
		r.skip(2 * (8 - layers))
	}
	for i := range layers {
		if profile[i] {
			r.skip(88)
		}
		if level[i] {
			r.skip(8)
		}
	}
}

// skipHEVCMatrix skips scaling_list_data (7.3.4).
func skipHEVCMatrix(r *bitReader) {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6; matrix += step {
			if !r.bit() {
				r.ue()
				continue
			}
			if size > 1 {
				r.se()
			}
			for range min(64, 1<<(4+size<<1)) {
				r.se()
			}
		}
	}
}

// maxReferences bounds a set of reference pictures (sps_max_dec_pic_buffering_minus1 is at most 15).
const maxReferences = 16

// readShortSet reads st_ref_pic_set(index) (7.3.7). count is the number of sets of the sequence, known
// are those before.
func readShortSet(r *bitReader, index, count int, known [][]reference) ([]reference, bool) {
	if index > 0 && r.bit() {
		return readPredictedSet(r, index, count, known)
	}
	negative, ok := r.upTo(maxReferences)
	positive, found := r.upTo(maxReferences)
	if !ok || !found {
		return nil, false
	}
	var list []reference
	poc := int32(0)
	for range negative {
		poc -= int32(r.ue()&0x7fff) + 1 // #nosec G115 -- bounded
		list = append(list, reference{delta: poc, used: r.bit()})
	}
	poc = 0
	for range positive {
		poc += int32(r.ue()&0x7fff) + 1 // #nosec G115 -- bounded
		list = append(list, reference{delta: poc, used: r.bit()})
	}
	return list, !r.over
}

// readPredictedSet reads a set that is predicted from one before (7.4.8, equations 7-61 and 7-62).
func readPredictedSet(r *bitReader, index, count int, known [][]reference) ([]reference, bool) {
	back := 1
	if index == count {
		n, ok := r.upTo(uint32(index - 1)) // #nosec G115 -- index is positive here
		if !ok {
			return nil, false
		}
		back = n + 1
	}
	sign := r.bit()
	delta := int32(r.ue()&0x7fff) + 1 // #nosec G115 -- bounded
	if sign {
		delta = -delta
	}
	if back > index || index-back >= len(known) {
		return nil, false
	}
	source := append(append([]reference{}, known[index-back]...), reference{})
	var negative, positive []reference
	for _, ref := range source {
		used := r.bit()
		if !used && !r.bit() { // use_delta_flag
			continue
		}
		switch poc := ref.delta + delta; {
		case poc < 0:
			negative = append(negative, reference{delta: poc, used: used})
		case poc > 0:
			positive = append(positive, reference{delta: poc, used: used})
		}
	}
	sortReferences(negative, -1)
	sortReferences(positive, 1)
	list := slices.Concat(negative, positive)
	return list, !r.over && len(list) <= maxReferences
}

// sortReferences orders a list by the distance of its POC, as the bits of a set that is predicted from
// it are ordered.
func sortReferences(list []reference, sign int32) {
	for i := range list {
		for j := i; j > 0 && sign*list[j].delta < sign*list[j-1].delta; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

// unit takes in a NAL unit of a sample. Other layers than the base are skipped.
func (s *hevcSets) unit(u *Unit, nal []byte) {
	if len(nal) < 3 || nal[0]&1 != 0 || nal[1]>>3 != 0 {
		return
	}
	switch kind := int(nal[0] >> 1 & 63); {
	case kind <= hevcRASLR, kind >= hevcBLA && kind <= hevcCRA:
		s.slice(u, nal, kind)
	case kind == hevcSEI:
		if count, ok := recoveryPoint(nal[2:], true); ok && u.Entry == NoEntry {
			u.Entry, u.Recovery = Open, 0
			if count > 0 {
				u.Entry, u.Recovery = Gradual, count
			}
		}
	case kind == hevcSPS, kind == hevcPPS:
		s.read(nal)
	}
}

// slice reads the header of a slice segment (7.3.6.1) up to the reference pictures.
func (s *hevcSets) slice(u *Unit, nal []byte, kind int) {
	first := !u.Picture
	u.Picture = true
	u.Forbidden = u.Forbidden || isForbidden(nal)
	r := newBitReader(nal[2:], headerBytes)
	start := r.bit()
	irap := kind >= hevcBLA
	if irap {
		r.skip(1)
	}
	id, _ := r.upTo(63)
	pps, found := s.pps[id]
	sps := &s.sps[pps.sps]
	if !found || !sps.known || r.over {
		u.Malformed = true
		return
	}
	dependent, address := false, uint32(0)
	if !start {
		if pps.dependent {
			dependent = r.bit()
		}
		address = r.bits(sps.addressBits)
	}
	if len(u.Slices) < maxSlices {
		u.Slices = append(u.Slices, address)
	}
	if dependent {
		return
	}
	r.skip(pps.extraBits)
	u.Intra = u.Intra && r.ue() == 2
	if !first && u.maxPOC != 0 {
		return
	}
	u.classify(kind, int(nal[1]&7)-1)
	if pps.outputFlag {
		r.skip(1)
	}
	if sps.separatePlanes {
		r.skip(2)
	}
	u.maxPOC = 1 << sps.pocBits
	if !u.idr {
		u.pocLSB = r.bits(sps.pocBits)
		u.Malformed = !sps.readSet(r, u) || u.Malformed
	}
	u.Malformed = u.Malformed || r.over
}

// classify sets what the type of its NAL units says of a picture.
func (u *Unit) classify(kind, layer int) {
	u.idr = kind == hevcIDR || kind == hevcIDR+1
	u.leading = kind == hevcRASLN || kind == hevcRASLR
	u.Reference = kind > hevcLastSub || kind%2 == 1
	u.carries = layer == 0 && u.Reference && (kind < hevcRADLN || kind >= hevcBLA)
	switch {
	case kind >= hevcBLA && kind < hevcCRA:
		u.Entry, u.Recovery = Clean, 0
	case kind == hevcCRA:
		u.Entry, u.Recovery = Open, 0
	}
}

// readSet reads the reference pictures of a slice segment.
func (set *hevcSPSet) readSet(r *bitReader, u *Unit) bool {
	if !r.bit() {
		list, ok := readShortSet(r, len(set.shortSets), len(set.shortSets), set.shortSets)
		if !ok {
			return false
		}
		u.refs = list
	} else if n := len(set.shortSets); n > 0 {
		bits := 0
		for 1<<bits < n {
			bits++
		}
		i := int(r.bits(bits))
		if i >= n {
			return false
		}
		u.refs = append([]reference{}, set.shortSets[i]...)
	}
	return !set.longTerm || set.readLongTerm(r, u)
}

// readLongTerm reads the long-term reference pictures of a slice segment.
func (set *hevcSPSet) readLongTerm(r *bitReader, u *Unit) bool {
	fromSPS := 0
	if len(set.longLSB) > 0 {
		fromSPS, _ = r.upTo(32)
	}
	own, ok := r.upTo(32)
	if !ok {
		return false
	}
	bits := 0
	for 1<<bits < len(set.longLSB) {
		bits++
	}
	for i := range fromSPS + own {
		ref := reference{longLSB: true}
		if i < fromSPS {
			k := int(r.bits(bits))
			if k >= len(set.longLSB) {
				return false
			}
			ref.lsb, ref.used = set.longLSB[k], set.longUsed[k]
		} else {
			ref.lsb, ref.used = r.bits(set.pocBits), r.bit()
		}
		if r.bit() {
			r.ue()
		}
		u.refs = append(u.refs, ref)
	}
	return !r.over
}
