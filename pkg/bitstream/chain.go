package bitstream

import "slices"

// Verdict is what is wrong with a picture among those decoded before it.
type Verdict struct {
	// Reference is set if a picture that later ones refer to is missing before this one. All that follow
	// up to an entry point are wrong.
	Reference bool
	// Slices is set if the picture lacks slices that those before it have. Of H.264 the decoder says so.
	Slices bool
	// Spoiled is set if the picture's bytes are not those of an encoder, and those before it are.
	Spoiled bool
}

// Chain follows the pictures of a track in decoding order, from an entry point on, and finds what is
// missing between them. The zero value is ready.
type Chain struct {
	started bool
	// previous is PrevRefFrameNum (H.264, 7.4.3).
	previous uint32
	// pocs are the decoded pictures that HEVC still keeps, lsb and msb those of prevTid0Pic (8.3.1).
	pocs     []int32
	lsb, msb int32
	// skipsLeading is set after an HEVC entry point at which decoding starts.
	skipsLeading bool

	layout []uint32 // the slices of the pictures so far
	alike  int      // how many pictures in a row had them

	plain, odd int // pictures whose bytes are an encoder's, and others
}

// Next takes in the next sample. A unit that holds no picture changes nothing.
func (c *Chain) Next(u *Unit) Verdict {
	if !u.Picture || u.maxFrameNum == 0 && u.maxPOC == 0 {
		return Verdict{}
	}
	v := Verdict{Slices: u.maxPOC != 0 && c.lacksSlices(u), Spoiled: c.isSpoiled(u)}
	if u.maxPOC != 0 {
		v.Reference = c.nextHEVC(u)
	} else {
		v.Reference = c.nextH264(u)
	}
	c.started = true
	return v
}

// nextH264 reports whether frame_num skips a reference picture (H.264, 7.4.3).
func (c *Chain) nextH264(u *Unit) bool {
	missing := false
	if c.started && !u.idr {
		next := (c.previous + 1) % u.maxFrameNum
		missing = u.frameNum != c.previous && u.frameNum != next && !u.gapsAllowed
	}
	switch {
	case u.Reference:
		c.previous = u.frameNum
	case missing || !c.started:
		c.previous = (u.frameNum + u.maxFrameNum - 1) % u.maxFrameNum
	}
	return missing
}

// nextHEVC reports whether a picture of the reference picture set is missing (HEVC, 8.3.2).
func (c *Chain) nextHEVC(u *Unit) bool {
	starts := u.idr || u.Entry == Clean || !c.started
	if u.Entry == Clean || u.Entry == Open {
		c.skipsLeading = starts
	}
	if u.leading && c.skipsLeading {
		return false // no decoder shows it
	}
	poc := c.count(u, starts)
	if starts {
		missing := !u.idr && c.started && u.Entry == NoEntry
		c.pocs = append(c.pocs[:0], poc)
		return missing
	}
	missing := false
	var kept []int32
	for _, ref := range u.refs {
		i := slices.IndexFunc(c.pocs, func(have int32) bool {
			if ref.longLSB {
				return uint32(have)&(u.maxPOC-1) == ref.lsb // #nosec G115 -- the low bits are wanted
			}
			return have == poc+ref.delta
		})
		if i >= 0 {
			kept = append(kept, c.pocs[i])
		}
		missing = missing || i < 0 && ref.used
	}
	kept = append(kept, poc)
	c.pocs = kept
	return missing
}

// count returns the picture order count (HEVC, 8.3.1).
func (c *Chain) count(u *Unit, starts bool) int32 {
	lsb, size := int32(u.pocLSB), int32(u.maxPOC) // #nosec G115 -- at most 16 bits
	msb := int32(0)
	if !starts {
		switch msb = c.msb; {
		case lsb < c.lsb && c.lsb-lsb >= size/2:
			msb += size
		case lsb > c.lsb && lsb-c.lsb > size/2:
			msb -= size
		}
	}
	if u.carries || starts {
		c.lsb, c.msb = lsb, msb
	}
	return msb + lsb
}

// isSpoiled reports whether a picture is cut or overwritten. Encoders that write like that as a rule are
// left alone.
func (c *Chain) isSpoiled(u *Unit) bool {
	if !u.Cut && !u.Forbidden {
		c.plain++
		return false
	}
	c.odd++
	return c.plain >= settled*c.odd
}

// settled is after how many pictures with the same slices another one is expected to have them.
const settled = 8

// lacksSlices reports whether a picture lacks slices: its first, or one of those that every picture
// before it had.
func (c *Chain) lacksSlices(u *Unit) bool {
	if len(u.Slices) == 0 {
		return false
	}
	if slices.Equal(u.Slices, c.layout) {
		c.alike++
		return false
	}
	lacks := u.Slices[0] != 0
	if c.alike >= settled && len(u.Slices) < len(c.layout) {
		part := !slices.ContainsFunc(u.Slices, func(a uint32) bool { return !slices.Contains(c.layout, a) })
		lacks = lacks || part
	}
	if !lacks {
		c.layout, c.alike = append(c.layout[:0], u.Slices...), 1
	}
	return lacks
}
