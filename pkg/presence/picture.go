package presence

import "image"

// Pictures are judged at one size, stretched to it whatever their shape was. At a sixth of 1080p a
// line of text still is a row of specks, and noise and coding errors have mostly averaged out.
const (
	width, height = 320, 180
	blockSide     = 5 // pixels a side of a block
	cols, rows    = width / blockSide, height / blockSide
	blocks        = cols * rows
)

// colour holds red, green and blue, each 0 to 255.
type colour [3]int

// maxDiff returns the largest difference of a channel, in levels.
func (c colour) maxDiff(d colour) int {
	return max(abs(c[0]-d[0]), abs(c[1]-d[1]), abs(c[2]-d[2]))
}

// luma returns the BT.709 luma, 0 to 255.
func (c colour) luma() int {
	return (54*c[0] + 183*c[1] + 19*c[2]) >> 8
}

// abs returns the absolute value of n.
func abs(n int) int {
	return max(n, -n)
}

// picture holds width by height pixels as RGB24.
type picture []byte

// at returns the colour of a pixel.
func (p picture) at(x, y int) colour {
	i := 3 * (y*width + x)
	return colour{int(p[i]), int(p[i+1]), int(p[i+2])}
}

// mosaic is the mean colour of each block, row by row.
type mosaic []colour

// mosaic computes the mean colour of each block.
func (p picture) mosaic() mosaic {
	m := make(mosaic, blocks)
	for y := range height {
		row := p[3*y*width : 3*(y+1)*width]
		line := m[(y/blockSide)*cols : (y/blockSide+1)*cols]
		for x := range cols {
			px := row[3*blockSide*x : 3*blockSide*(x+1)]
			c := &line[x]
			for i := 0; i < 3*blockSide; i += 3 {
				c[0] += int(px[i])
				c[1] += int(px[i+1])
				c[2] += int(px[i+2])
			}
		}
	}
	for i := range m {
		for ch := range 3 {
			m[i][ch] = (m[i][ch] + blockSide*blockSide/2) / (blockSide * blockSide)
		}
	}
	return m
}

// tiles is a compact mosaic with three bytes per block. Half an hour of footage
// keeps about a thousand of them.
type tiles []byte

// tiles returns the compact form.
func (m mosaic) tiles() tiles {
	t := make(tiles, 0, 3*blocks)
	for _, c := range m {
		t = append(t, byte(c[0]), byte(c[1]), byte(c[2])) // #nosec G115 -- 0 to 255
	}
	return t
}

// at returns the colour of block i.
func (t tiles) at(i int) colour {
	return colour{int(t[3*i]), int(t[3*i+1]), int(t[3*i+2])}
}

// countDiffering returns the number of blocks in which two pictures visibly differ.
func (t tiles) countDiffering(other tiles) int {
	n := 0
	for i := range blocks {
		if t.at(i).maxDiff(other.at(i)) > 14 {
			n++
		}
	}
	return n
}

// crop scales a part of the picture to the full size by bilinear interpolation.
func (p picture) crop(r image.Rectangle) picture {
	out := make(picture, len(p))
	for y := range height {
		// Positions in 1/256 of a pixel, of the pixels' centres.
		sy := clamp((2*y+1)*r.Dy()*128/height-128, (r.Dy()-1)*256)
		y0 := r.Min.Y + sy/256
		fy := sy % 256
		y1 := min(y0+1, r.Max.Y-1)
		for x := range width {
			sx := clamp((2*x+1)*r.Dx()*128/width-128, (r.Dx()-1)*256)
			x0 := r.Min.X + sx/256
			fx := sx % 256
			x1 := min(x0+1, r.Max.X-1)
			for ch := range 3 {
				a := int(p[3*(y0*width+x0)+ch])
				b := int(p[3*(y0*width+x1)+ch])
				c := int(p[3*(y1*width+x0)+ch])
				d := int(p[3*(y1*width+x1)+ch])
				top := a*(256-fx) + b*fx
				bottom := c*(256-fx) + d*fx
				out[3*(y*width+x)+ch] = byte((top*(256-fy) + bottom*fy) >> 16)
			}
		}
	}
	return out
}

// clamp limits n to the range from 0 to most.
func clamp(n, most int) int {
	return min(max(n, 0), most)
}

// transposed swaps rows and columns and scales the result to the full size.
func (p picture) transposed() picture {
	out := make(picture, len(p))
	for y := range height {
		for x := range width {
			from := 3 * ((x*height/width)*width + y*width/height)
			copy(out[3*(y*width+x):3*(y*width+x)+3], p[from:from+3])
		}
	}
	return out
}

// pictureBounds are the bounds of a picture, in pixels.
var pictureBounds = image.Rect(0, 0, width, height)

// blackLevel is the highest channel value that counts as black in a border, even
// after re-encoding.
const blackLevel = 44

// maxChannel returns the largest channel.
func (c colour) maxChannel() int {
	return max(c[0], c[1], c[2])
}

// contentRect returns the part of the picture inside black bars. The bars may hold
// spared per mille of pixels that are not black. A letterbox is centred, so
// opposite bars have the width of the narrower one. If less than two fifths would
// remain, it returns the whole picture.
func (p picture) contentRect(spared int) image.Rectangle {
	var inRow [height]int
	var inCol [width]int
	for y := range height {
		for x := range width {
			if p.at(x, y).maxChannel() > blackLevel {
				inRow[y]++
				inCol[x]++
			}
		}
	}
	above := barWidth(inRow[:], spared*width/1000)
	beside := barWidth(inCol[:], spared*height/1000)
	r := image.Rect(beside, above, width-beside, height-above)
	if r.Dx() < width*2/5 || r.Dy() < height*2/5 {
		return pictureBounds
	}
	return r
}

// barWidth returns the number of lines at both ends with at most few pixels that
// are not black. It adds two lines, which mix bar and picture.
func barWidth(lines []int, few int) int {
	n := 0
	for n < len(lines)/2 && lines[n] <= few && lines[len(lines)-1-n] <= few {
		n++
	}
	if n == 0 {
		return 0
	}
	return min(n+2, len(lines)/2)
}
