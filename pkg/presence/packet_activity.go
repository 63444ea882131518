package presence

import (
	"slices"
	"time"
)

// What the sizes of packets tell without decoding a picture: where something came or went.

const (
	// movingPackets is the smallest packet size of moving pictures, in bytes. Those
	// of an idle screen are smaller.
	movingPackets = 2000
	// slightJump and clearJump are sizes in bytes. A packet is a jump if it exceeds
	// four usual packets by that much. A key frame costs little to examine, so a
	// slight jump suffices. Decoding from a key frame on costs more.
	slightJump, clearJump = 400, 1500
	// changeSpread is the largest distance between a change and its traces in the
	// packet sizes.
	changeSpread = 500 * time.Millisecond
)

// mayHideChange reports whether something that lasts 3 s may lie between two
// similar pictures. A key frame between them then differs from both, or it came
// soon after the first and went shortly before the second. full means that both
// pictures have much detail.
func (in Input) mayHideChange(from, until int64, full bool) bool {
	if in.Sizes == nil {
		return true
	}
	p := in.packets(from, until)
	if full && p.isMoving() {
		return false // as much goes on throughout as in a film
	}
	margin := in.ticks(in.since(until) - in.since(from) - shortest + changeSpread)
	came := false
	went := false
	for i := range p.sizes {
		if p.key[i] && p.isActive(i, slightJump) {
			return true
		}
		at := p.frames[i]
		early := at <= from+margin
		late := at >= until-margin
		if (early && !came || late && !went) &&
			p.isActive(i, slightJump) {
			came = came || early
			went = went || late
		}
	}
	return came && went
}

// isMovingScene reports whether a scene of a single shot belongs to moving
// pictures.
func (in Input) isMovingScene(s *scene) bool {
	if len(s.shots) > 1 || in.Sizes == nil {
		return false
	}
	return in.movesBetween(s.first().pts, s.next)
}

// lastActivity returns a PTS after the last change between two key frames, or from
// if there is none.
func (in Input) lastActivity(from, until int64) int64 {
	p := in.packets(from, until)
	for i := len(p.sizes) - 1; i >= 0; i-- {
		if p.isActive(i, clearJump) {
			return min(p.frames[i]+2*in.Timescale, until)
		}
	}
	return from
}

// packets are the packets between two classified key frames.
type packets struct {
	frames []int64
	sizes  []uint32
	key    []bool
	// edges are the sizes of the two key frames, or 0 if unknown.
	edges [2]uint32
	// usual is the median of the largest packet in each group of four, in bytes.
	usual uint32
	// second is the number of packets per second.
	second int
}

// packets returns the packets between two PTS.
func (in Input) packets(from, until int64) packets {
	first, _ := slices.BinarySearch(in.Frames, from+1)
	end, _ := slices.BinarySearch(in.Frames, until)
	p := packets{
		frames: in.Frames[first:end],
		sizes:  in.Sizes[first:end],
		key:    make([]bool, end-first),
	}
	if first > 0 && in.isKey(in.Frames[first-1]) {
		p.edges[0] = in.Sizes[first-1]
	}
	if end < len(in.Frames) && in.isKey(in.Frames[end]) {
		p.edges[1] = in.Sizes[end]
	}
	// Of pictures that are not needed by others only few have many bytes: the largest of four counts.
	var largest []uint32
	for i := 0; i < len(p.sizes); i += 4 {
		most := uint32(0)
		for k := i; k < min(i+4, len(p.sizes)); k++ {
			if p.key[k] = in.isKey(p.frames[k]); !p.key[k] {
				most = max(most, p.sizes[k])
			}
		}
		largest = append(largest, most)
	}
	if len(largest) > 0 {
		p.usual = medianSize(largest)
	}
	p.second = max(1, int(int64(end-first)*in.Timescale/(until-from)))
	return p
}

// isKey reports whether a key frame has this PTS.
func (in Input) isKey(pts int64) bool {
	_, found := slices.BinarySearch(in.Keys, pts)
	return found
}

// isActive reports whether the picture changes at packet i. The packet is then much
// larger than its neighbours, or the level changes for a second. A key frame is
// active if its size differs from those at the edges.
func (p *packets) isActive(i int, jump uint32) bool {
	size := p.sizes[i]
	if p.key[i] {
		return p.edges[0] == 0 ||
			p.edges[1] == 0 ||
			size > 5*max(p.edges[0], p.edges[1])/4+500 ||
			size+500 < 4*min(p.edges[0], p.edges[1])/5
	}
	if size > 4*p.usual+jump {
		return true
	}
	if i < p.second || i+p.second > len(p.sizes) {
		return false
	}
	before := medianSize(p.sizes[i-p.second : i])
	after := medianSize(p.sizes[i : i+p.second])
	return max(before, after) > 4*min(before, after)+400
}

// isMoving reports whether the picture moves all the time. Its calmest second then
// has at least half of the usual packet size.
func (p *packets) isMoving() bool {
	if p.usual < movingPackets || len(p.sizes) < p.second {
		return false
	}
	usual := medianSize(p.sizes)
	for i := 0; i+p.second <= len(p.sizes); i += max(1, p.second/4) {
		if medianSize(p.sizes[i:i+p.second]) < max(movingPackets, usual)/2 {
			return false
		}
	}
	return true
}

// medianSize returns the median of packet sizes.
func medianSize(sizes []uint32) uint32 {
	sorted := slices.Clone(sizes)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}
