// Package timecode marks footage with machine-readable time. A strip of cells at the foot of
// every picture names its source and instant; marks and a pilot tone in the sound tell when each
// sample was recorded. The recorder writes them, and tests read them back from a finished merge.
//
// The package knows pictures, samples and the geometry of a merge. It knows no segment, no plan
// and no room. Instants are Unix milliseconds modulo 2^32 (49 days) in pictures and Unix seconds
// modulo 100 in sound. The reader is given an approximate time and resolves them. Start with
// [ReadFrames] and [ReadSound].
package timecode

import (
	"strconv"
	"time"
)

// The strip: two rows of cells over the whole width, at the foot of the picture. In a picture of
// 320x180 a cell is 10x8 pixels, which survives x264 at crf 28.
const (
	columns = 32
	rows    = 2
)

// The strip's height is Num/Den of the picture's.
const (
	StripNum = 16
	StripDen = 180
)

// Each row begins and ends with two cells that are always the same; what is between is the
// payload: 8 bits source, 32 bits instant, 16 bits checksum.
const (
	payloadColumns = columns - 4
	payloadBits    = rows * payloadColumns
)

// black and white are the luma of the cells, limited range.
const black, white = 16, 235

// rowMarks returns the outer cells of a row: two on the left, two on the right.
func rowMarks(row int) [4]bool {
	if row == 0 {
		return [4]bool{true, false, false, true}
	}
	return [4]bool{false, true, true, false}
}

// Draw draws the strip of source (an octet) at an instant into the luma plane of a picture.
func Draw(luma []byte, width, height int, source string, at time.Time) {
	top := height - height*StripNum/StripDen
	for row := range rows {
		y0 := top + (height-top)*row/rows
		y1 := top + (height-top)*(row+1)/rows
		line := luma[y0*width : y0*width+width]
		drawRow(line, row, encode(source, at))
		for y := y0 + 1; y < y1; y++ {
			copy(luma[y*width:(y+1)*width], line)
		}
	}
}

// drawRow draws one row of cells.
func drawRow(line []byte, row int, payload uint64) {
	marks := rowMarks(row)
	for col := range columns {
		var bit bool
		switch {
		case col < 2:
			bit = marks[col]
		case col >= columns-2:
			bit = marks[col-columns+4] // #nosec G602 -- 2 or 3
		default:
			bit = payload>>(payloadBits-1-row*payloadColumns-(col-2))&1 == 1
		}
		value := byte(black)
		if bit {
			value = white
		}
		for x := len(line) * col / columns; x < len(line)*(col+1)/columns; x++ {
			line[x] = value
		}
	}
}

// encode packs source, instant and checksum, most significant bit first.
func encode(source string, at time.Time) uint64 {
	octet, err := strconv.ParseUint(source, 10, 8)
	if err != nil {
		octet = 0 // names no source: the reader reports source 0
	}
	data := octet<<32 | uint64(uint32(at.UnixMilli())) // #nosec G115 -- modulo 2^32 is meant
	return data<<16 | uint64(checksum(data))
}

// checksum is CRC-16/CCITT over 40 bits.
func checksum(data uint64) uint16 {
	crc := uint16(0xffff)
	for shift := 32; shift >= 0; shift -= 8 {
		crc ^= uint16(data>>shift&0xff) << 8 // #nosec G115 -- 8 bits
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// State is how far a strip could be read.
type State int

// The states of a reading.
const (
	Absent  State = iota // no strip: a slate, a card, another layout
	Damaged              // a strip is there, and what it says is not consistent
	Valid
)

// String names the state.
func (s State) String() string {
	return [...]string{"absent", "damaged", "valid"}[s]
}

// Reading is the content of a strip.
type Reading struct {
	State  State
	Source string    // octet; only if Valid
	At     time.Time // to the millisecond; only if Valid
}

// rect is a part of a picture in 1/1024 pixels, so that letterboxes need not begin on pixels.
type rect struct{ x, y, w, h int }

// one is a pixel in a rect's units.
const one = 1024

// Read reads the strip of a picture that fills its luma plane. near resolves the instant.
func Read(luma []byte, width, height int, near time.Time) Reading {
	return read(luma, width, rect{w: width * one, h: height * one}, near)
}

// read reads the strip of the source picture inside r. near resolves the instant.
func read(luma []byte, width int, r rect, near time.Time) Reading {
	var cells [rows][columns]int
	for row := range rows {
		for col := range columns {
			cells[row][col] = cell(luma, width, r, row, col) // #nosec G602 -- within both
		}
	}
	low, high, ok := levels(cells)
	if !ok {
		return Reading{}
	}
	var payload uint64
	for row := range rows {
		for col := 2; col < columns-2; col++ {
			value := cells[row][col]
			if third := (high - low) / 3; value > low+third && value < high-third {
				// neither black nor white: two pictures in one, or a broken one
				return Reading{State: Damaged}
			}
			payload <<= 1
			if value > (low+high)/2 {
				payload |= 1
			}
		}
	}
	data := payload >> 16
	if uint64(checksum(data)) != payload&0xffff {
		return Reading{State: Damaged}
	}
	at := resolve(uint32(data&0xffffffff), near) // #nosec G115 -- 32 bits
	return Reading{
		State:  Valid,
		Source: strconv.FormatUint(data>>32, 10),
		At:     at,
	}
}

// levels checks the marks. It returns the levels of black and white after coding.
func levels(cells [rows][columns]int) (low, high int, ok bool) {
	low, high = 0, 255
	for row := range rows {
		marks := rowMarks(row)
		for i, col := range [4]int{0, 1, columns - 2, columns - 1} {
			if value := cells[row][col]; marks[i] {
				high = min(high, value)
			} else {
				low = max(low, value)
			}
		}
	}
	return low, high, high-low > 90
}

// cell returns the mean luma of the inner half of a cell.
func cell(luma []byte, width int, r rect, row, col int) int {
	stripTop := r.y + r.h - r.h*StripNum/StripDen
	h, w := (r.y+r.h-stripTop)/rows, r.w/columns
	x0 := (r.x + r.w*col/columns + w/4) / one
	x1 := (r.x + r.w*col/columns + w*3/4) / one
	y0 := (stripTop + h*row + h/4) / one
	y1 := (stripTop + h*row + h*3/4) / one
	sum, n := 0, 0
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			if i := y*width + x; x >= 0 && x < width && i >= 0 && i < len(luma) {
				sum += int(luma[i])
				n++
			}
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

// resolve returns the instant nearest to near whose milliseconds have these low 32 bits.
func resolve(low uint32, near time.Time) time.Time {
	base := near.UnixMilli()
	// #nosec G115 -- modulo 2^32 is meant
	return time.UnixMilli(base + int64(int32(low-uint32(base)))).In(near.Location())
}
