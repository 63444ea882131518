package bitstream

// NAL unit types of H.264 (7.4.1, table 7-1).
const (
	h264Slice      = 1
	h264PartitionA = 2
	h264IDR        = 5
	h264SEI        = 6
	h264SPS        = 7
	h264PPS        = 8
)

// h264SPSet is what is kept of a sequence parameter set (7.3.2.1.1).
type h264SPSet struct {
	known          bool
	separatePlanes bool
	frameNumBits   int
	gapsAllowed    bool
	framesOnly     bool
}

// h264Sets are the parameter sets of a track.
type h264Sets struct {
	sps [32]h264SPSet
	pps map[uint32]uint32 // seq_parameter_set_id by pic_parameter_set_id
}

// read takes in a NAL unit if it is a parameter set.
func (s *h264Sets) read(nal []byte) {
	if len(nal) < 2 {
		return
	}
	switch nal[0] & 31 {
	case h264SPS:
		s.readSPS(newBitReader(nal[1:], setBytes))
	case h264PPS:
		r := newBitReader(nal[1:], headerBytes)
		id, ok := r.upTo(255)
		sps, found := r.upTo(31)
		if !ok || !found {
			return
		}
		if s.pps == nil {
			s.pps = map[uint32]uint32{}
		}
		s.pps[uint32(id)] = uint32(sps) // #nosec G115 -- bounded
	}
}

// readSPS reads seq_parameter_set_data up to frame_mbs_only_flag.
func (s *h264Sets) readSPS(r *bitReader) {
	var set h264SPSet
	profile := r.bits(8)
	r.skip(16)
	id, ok := r.upTo(31)
	if !ok {
		return
	}
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		chroma := r.ue()
		if chroma == 3 {
			set.separatePlanes = r.bit()
		}
		r.ue()
		r.ue()
		r.skip(1)
		if r.bit() {
			skipH264Matrix(r, chroma == 3)
		}
	}
	bits, ok := r.upTo(12)
	if !ok {
		return
	}
	set.frameNumBits = bits + 4
	switch r.ue() {
	case 0:
		r.ue()
	case 1:
		r.skip(1)
		r.se()
		r.se()
		n, _ := r.upTo(255)
		for range n {
			r.se()
		}
	}
	r.ue()
	set.gapsAllowed = r.bit()
	r.ue()
	r.ue()
	set.framesOnly = r.bit()
	set.known = !r.over
	s.sps[id] = set
}

// skipH264Matrix skips the scaling lists of a sequence parameter set (7.3.2.1.1.1).
func skipH264Matrix(r *bitReader, full bool) {
	lists := 8
	if full {
		lists = 12
	}
	for i := range lists {
		if !r.bit() {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		last, next := int32(8), int32(8)
		for range size {
			if next != 0 {
				next = (last + r.se()) & 255
			}
			if next != 0 {
				last = next
			}
		}
	}
}

// unit takes in a NAL unit of a sample.
func (s *h264Sets) unit(u *Unit, nal []byte) {
	switch kind := nal[0] & 31; kind {
	case h264Slice, h264PartitionA, h264IDR:
		s.slice(u, nal, kind == h264IDR)
	case h264SEI:
		if frames, ok := recoveryPoint(nal[1:], false); ok && frames >= 0 {
			u.Entry, u.Recovery = Open, frames
			if frames > 0 {
				u.Entry = Gradual
			}
		}
	case h264SPS, h264PPS:
		s.read(nal)
	}
}

// slice reads the header of a slice (7.3.3) up to bottom_field_flag.
func (s *h264Sets) slice(u *Unit, nal []byte, idr bool) {
	first := !u.Picture
	u.Picture = true
	u.Forbidden = u.Forbidden || isForbidden(nal)
	r := newBitReader(nal[1:], headerBytes)
	address := r.ue()
	kind := r.ue() % 5
	pps, ok := r.upTo(255)
	set := s.sps[s.pps[uint32(pps)]&31]                              // #nosec G115 -- bounded
	if _, found := s.pps[uint32(pps)]; !ok || !found || !set.known { // #nosec G115 -- bounded
		u.Malformed = true
		return
	}
	if set.separatePlanes {
		r.skip(2)
	}
	number := r.bits(set.frameNumBits)
	field := uint8(0)
	if !set.framesOnly && r.bit() {
		field = 1
		if r.bit() {
			field = 2
		}
	}
	if len(u.Slices) < maxSlices {
		u.Slices = append(u.Slices, address)
	}
	u.Intra = u.Intra && (kind == 2 || kind == 4)
	u.Reference = u.Reference || nal[0]>>5&3 != 0
	if r.over {
		u.Malformed = true
	}
	if !first {
		return
	}
	u.frameNum, u.maxFrameNum, u.field, u.gapsAllowed = number, 1<<set.frameNumBits, field, set.gapsAllowed
	u.idr = idr
	if idr {
		u.Entry, u.Recovery = Clean, 0
	}
}

// recoveryPoint finds a recovery point among the SEI messages of a NAL unit's body, and returns
// recovery_frame_cnt (H.264, D.2.8) or recovery_poc_cnt (HEVC, D.2.8).
func recoveryPoint(body []byte, hevc bool) (int, bool) {
	const point = 6
	r := newBitReader(body, setBytes)
	for len(r.data)-r.at/8 > 2 {
		kind, size := 0, 0
		for _, v := range []*int{&kind, &size} {
			for {
				b := int(r.bits(8))
				*v += b
				if b != 255 || r.over {
					break
				}
			}
		}
		if r.over || size > len(r.data)-r.at/8 {
			return 0, false
		}
		if kind != point {
			r.at += 8 * size
			continue
		}
		if hevc {
			return int(r.se()), !r.over
		}
		n, ok := r.upTo(1 << 16)
		return n, ok
	}
	return 0, false
}
