// Package interlace tells interlaced pictures from progressive ones by what they show, whatever the file says
// of itself.
//
// An interlaced picture holds two fields, its even and its odd rows, taken half a picture's time apart. Where
// something moves, the later field of a picture is nearer to the earlier field of the next picture than its
// own other field is. In progressive pictures both parities are equally far. Fine horizontal stripes that
// move or appear are not taken for fields: their edges favour either parity alike.
package interlace

// Order is the order of the fields of a picture.
type Order int

// The orders. Unknown means that too little moves.
const (
	Unknown Order = iota
	Progressive
	TopFirst
	BottomFirst
)

const (
	// tile is the width and height of the squares that are judged one by one, in pixels.
	tile = 32
	// movingStep is the difference of two pictures at a pixel from which it counts as moving.
	movingStep = 20
	// fewestMoving is the number of moving pixels from which a square is judged.
	fewestMoving = 24
	// fewestVotes is the number of squares that a verdict needs.
	fewestVotes = 4
)

// votes counts the squares for each order.
type votes [BottomFirst + 1]int

// Detector judges pictures of one size. It expects one byte of brightness a pixel, rows without padding, at
// the height of the source.
type Detector struct {
	Width, Height int

	last   []byte
	group  votes // since the last Cut
	groups []votes
}

// Add takes the picture that follows the last one. It keeps a copy.
func (d *Detector) Add(picture []byte) {
	if d.last != nil {
		for y := 0; y+tile <= d.Height; y += tile {
			for x := 0; x+tile <= d.Width; x += tile {
				d.group[d.judge(picture, x, y)]++
			}
		}
	}
	d.last = append(d.last[:0], picture...)
}

// Cut says that the next picture does not follow the last one.
func (d *Detector) Cut() {
	d.groups = append(d.groups, d.group)
	d.group, d.last = votes{}, nil
}

// distances are sums of differences of brightness over the moving pixels of a square.
type distances struct {
	within      int // of rows to those beside them in the same picture, of both pictures
	combLast    int // the same where rows alternate, of the last picture
	combNext    int // and of the next
	topFirst    int // of rows to those beside them across two pictures, as they follow with the top field first
	bottomFirst int // the same with the bottom field first
	moving      int
}

// judge judges the square at x, y between the last picture and the next. It ignores the outer rows of the
// picture.
func (d *Detector) judge(next []byte, x, y int) Order {
	var sum distances
	for row := max(y, 2); row < min(y+tile, d.Height-1); row++ {
		sum.addRow(d.last, next, row*d.Width+x, d.Width, row%2 == 1)
	}
	return sum.order()
}

// addRow adds a row of a square that begins at byte at. odd is set for a row of the bottom field.
func (s *distances) addRow(last, next []byte, at, width int, odd bool) {
	for i := at; i < at+tile; i++ {
		a, b := int(last[i]), int(next[i])
		if distance(a, b) < movingStep &&
			distance(int(last[i-width]), int(next[i-width])) < movingStep &&
			distance(int(last[i+width]), int(next[i+width])) < movingStep {
			continue
		}
		s.moving++
		besideLast := (int(last[i-width]) + int(last[i+width])) / 2
		besideNext := (int(next[i-width]) + int(next[i+width])) / 2
		s.within += distance(a, besideLast) + distance(b, besideNext)
		if alternates(last, i, width) {
			s.combLast += distance(a, besideLast)
		}
		if alternates(next, i, width) {
			s.combNext += distance(b, besideNext)
		}
		forward, backward := distance(a, besideNext), distance(b, besideLast)
		if odd {
			s.topFirst, s.bottomFirst = s.topFirst+forward, s.bottomFirst+backward
		} else {
			s.topFirst, s.bottomFirst = s.topFirst+backward, s.bottomFirst+forward
		}
	}
}

// alternates reports whether the rows around a pixel resemble the next but one each, and not the next.
func alternates(picture []byte, at, width int) bool {
	above, here, below := int(picture[at-width]), int(picture[at]), int(picture[at+width])
	beyond := int(picture[at-2*width])
	step := distance(here, below)
	return step >= movingStep/2 && 2*distance(above, below) < step && 2*distance(here, beyond) < step
}

// order returns what the square votes for. Both pictures of a moving thing show its fields as combs: where
// only one does, stripes have appeared.
func (s *distances) order() Order {
	least, most := min(s.topFirst, s.bottomFirst), max(s.topFirst, s.bottomFirst)
	fewer, more := min(s.combLast, s.combNext), max(s.combLast, s.combNext)
	switch {
	case s.moving < fewestMoving || most < s.moving*movingStep/4:
		return Unknown
	case 5*s.within < 4*least && 2*most < 3*least: // within counts twice as many rows as either order
		return Progressive
	case 5*most < 8*least, 5*(fewer+more) < most, 4*fewer < more:
		return Unknown
	case s.topFirst < s.bottomFirst:
		return TopFirst
	default:
		return BottomFirst
	}
}

// Verdict returns the order of all pictures so far.
func (d *Detector) Verdict() Order {
	var sum votes
	judged, top, bottom := 0, 0, 0 // groups with votes, and for either order
	for _, g := range append(d.groups[:len(d.groups):len(d.groups)], d.group) {
		for order, n := range g {
			sum[order] += n
		}
		if g[TopFirst]+g[BottomFirst]+g[Progressive] > 0 {
			judged++
		}
		if g[TopFirst] > 2*g[BottomFirst] {
			top++
		}
		if g[BottomFirst] > 2*g[TopFirst] {
			bottom++
		}
	}
	switch {
	case interlaced(sum[TopFirst], sum[BottomFirst], sum[Progressive]) && 2*top > judged:
		return TopFirst
	case interlaced(sum[BottomFirst], sum[TopFirst], sum[Progressive]) && 2*bottom > judged:
		return BottomFirst
	case sum[Progressive] >= fewestVotes && sum[Progressive] > 2*(sum[TopFirst]+sum[BottomFirst]):
		return Progressive
	default:
		return Unknown
	}
}

// interlaced reports whether votes for one order far outweigh those for the other, and are not a few among
// progressive ones.
func interlaced(these, others, progressive int) bool {
	return these >= fewestVotes && these >= 8*others && 2*these >= progressive
}

func distance(a, b int) int {
	if a < b {
		return b - a
	}
	return a - b
}
