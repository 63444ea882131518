package presence

import (
	"slices"

	"github.com/nvr-miem/merger/pkg/cause"
)

// band is a run of rows that are alike.
type band struct {
	// from and to bound the rows: [from, to).
	from, to int
	// profile is the median colour of each column.
	profile []colour
	// wrong is the number of pixels that differ from the profile.
	wrong int
	runs  []run
}

// height returns the number of rows.
func (b band) height() int {
	return b.to - b.from
}

// run is a part of a profile in one colour, from column from up to column to.
type run struct {
	from, to int
	colour   colour
}

// matchColorBars recognises colour bars, grey steps and multibursts. These are
// pictures of a few bands with equal rows, striped from edge to edge. It returns no cause
// for anything else.
//
// Bars in the order of the standards are a card even under text. They are not firm
// if they leave the top of the picture free or if text stands beside them, because
// a page may show bars as a figure. Other stripes are a card only if almost nothing
// else is there, because a table or a chart may look alike.
func matchColorBars(p picture) (found cause.Cause, firm bool) {
	bands := findBands(p)
	if len(bands) == 0 || len(bands) > maxBands {
		return cause.Cause{}, false
	}
	firm = true
	var bars, other, wrong, longest int
	for i, b := range bands {
		wrong += b.wrong
		primaries := b.standardRun()
		longest = max(longest, primaries)
		switch {
		case primaries >= 5 && b.coversRow():
			bars += b.height()
		case b.height()*100 >= 85*height && b.jumps() >= 10:
			other += b.height()
		case b.coversRow() &&
			(len(b.runs) >= 5 && b.isEven() || len(bands) > 1 && b.isRamp()):
			other += b.height()
		case i == 0 || b.hasCaption():
			firm = false
		}
	}
	unlike := 1000 * wrong / (width * height)
	switch {
	case bars*100 >= 38*height &&
		unlike <= 250 &&
		!hasUniformBorder(p):
		return cause.ColourBars(longest, 100*bars/height), firm
	case (bars+other)*100 >= 85*height && unlike <= 30:
		return cause.Stripes(100 * (bars + other) / height), unlike < 1
	}
	return cause.Cause{}, false
}

// maxBands is more than any striped card has.
const maxBands = 9

// findBands splits the picture where a row differs from the previous one in a
// quarter of its length. It stops after maxBands bands.
func findBands(p picture) []band {
	var bands []band
	from := 0
	for y := 1; y <= height; y++ {
		if y < height && !p.rowChanges(y) {
			continue
		}
		// Rows of a blurred edge are bands of a row or two: no bands at all.
		if y-from >= 5 {
			bands = append(bands, p.band(from, y))
		}
		if from = y; len(bands) > maxBands {
			break
		}
	}
	return bands
}

// rowChanges reports whether row y differs from the row above it in a quarter of
// its length.
func (p picture) rowChanges(y int) bool {
	n := 0
	for x := 0; x < width; x += 2 {
		if p.at(x, y).maxDiff(p.at(x, y-1)) > 28 {
			n++
		}
	}
	return n*100 > 25*width/2
}

// profileRows is the number of rows sampled for the profile of a band.
const profileRows = 9

// band computes the profile of the rows [from, to).
func (p picture) band(from, to int) band {
	b := band{from: from, to: to, profile: make([]colour, width)}
	asked := min(profileRows, to-from)
	var values [profileRows]int
	for x := range width {
		for ch := range 3 {
			for n := range asked {
				y := from + (2*n+1)*(to-from)/(2*asked)
				values[n] = int(p[3*(y*width+x)+ch])
			}
			b.profile[x][ch] = medianOf(values[:asked])
		}
	}
	b.runs = findRuns(b.profile)
	for y := from + 1; y < to-1; y++ {
		for x := range width {
			if p.at(x, y).maxDiff(b.profile[x]) > 40 {
				b.wrong++
			}
		}
	}
	return b
}

// medianOf sorts a few values and returns their median.
func medianOf(values []int) int {
	for i := 1; i < len(values); i++ {
		for k := i; k > 0 && values[k] < values[k-1]; k-- {
			values[k], values[k-1] = values[k-1], values[k]
		}
	}
	return values[len(values)/2]
}

// findRuns returns the flat runs of a profile without the blurred pixels between
// them.
func findRuns(profile []colour) []run {
	var runs []run
	from := 0
	for x := 1; x <= len(profile); x++ {
		if x < len(profile) &&
			profile[x].maxDiff(profile[x-1]) <= 12 &&
			profile[x].maxDiff(profile[from]) <= 36 {
			continue
		}
		if x-from >= 4 {
			runs = append(runs, run{
				from:   from,
				to:     x,
				colour: profile[(from+x)/2],
			})
		}
		from = x
	}
	return mergeRuns(runs)
}

// mergeRuns unites neighbouring runs of one colour.
func mergeRuns(runs []run) []run {
	var out []run
	for _, r := range runs {
		if n := len(out); n > 0 &&
			out[n-1].colour.maxDiff(r.colour) <= 20 &&
			r.from-out[n-1].to <= 6 {
			out[n-1].to = r.to
			continue
		}
		out = append(out, r)
	}
	return out
}

// coversRow reports whether runs or a ramp make up most of the band.
func (b band) coversRow() bool {
	if b.isRamp() {
		return true
	}
	sum := 0
	for _, r := range b.runs {
		sum += r.to - r.from
	}
	return sum*100 >= 65*width
}

// jumps returns the number of edges along the band.
func (b band) jumps() int {
	n := 0
	for x := 1; x < width; x++ {
		if b.profile[x].maxDiff(b.profile[x-1]) > 24 {
			n++
		}
	}
	return n
}

// hasCaption reports whether the band is a strip of one colour with text on it.
func (b band) hasCaption() bool {
	widest := 0
	for _, r := range b.runs {
		widest = max(widest, r.to-r.from)
	}
	return widest*100 >= 60*width && b.wrong*1000 >= 8*width*b.height()
}

// isEven reports whether three quarters of the runs have about the same width.
func (b band) isEven() bool {
	widths := make([]int, 0, len(b.runs))
	for _, r := range b.runs {
		widths = append(widths, r.to-r.from)
	}
	slices.Sort(widths)
	mid := widths[len(widths)/2]
	n := 0
	for _, w := range widths {
		if w*10 >= mid*6 && w*10 <= mid*15 {
			n++
		}
	}
	return n*100 >= 75*len(widths)
}

// isRamp reports whether the luma rises or falls steadily along the band.
func (b band) isRamp() bool {
	up := 0
	down := 0
	for x := 16; x < width; x += 16 {
		switch d := b.profile[x].luma() - b.profile[x-16].luma(); {
		case d > 2:
			up++
		case d < -2:
			down++
		}
	}
	return max(up, down) >= 15 && min(up, down) <= 1
}

// standard is the order of colour bars by falling luma: white, yellow, cyan, green,
// magenta, red, blue, black. Each entry has a bit for each channel that is high.
var standard = [8]int{7, 6, 3, 2, 5, 4, 1, 0} // white yellow cyan green magenta red blue black

// standardRun returns the length of the longest part of the standard order that the
// runs follow, forwards or backwards.
func (b band) standardRun() int {
	longest := 0
	length := 1
	dir := 0
	last := -1
	for _, r := range b.runs {
		place := slices.Index(standard[:], channels(r.colour))
		switch {
		case last >= 0 && place-last == dir && dir != 0:
			length++
		case last >= 0 && (place-last == 1 || place-last == -1):
			dir = place - last
			length = 2
		default:
			dir = 0
			length = 1
		}
		last = place
		longest = max(longest, length)
	}
	return longest
}

// channels returns a bit for each channel that is high. Grey counts as white at any
// level.
func channels(c colour) int {
	hi := max(c[0], c[1], c[2])
	lo := min(c[0], c[1], c[2])
	switch {
	case hi < 50:
		return 0
	case hi-lo < 40:
		return 7
	}
	bits := 0
	for ch := range 3 {
		if c[ch]*2 > hi+lo {
			bits |= 4 >> ch
		}
	}
	return bits
}

// hasUniformBorder reports whether one colour runs around the picture. The bars
// inside are then a figure on a page.
func hasUniformBorder(p picture) bool {
	var ring []colour
	const in = 3
	for x := in; x < width-in; x += 2 {
		ring = append(ring, p.at(x, in), p.at(x, height-1-in))
	}
	for y := in; y < height-in; y += 2 {
		ring = append(ring, p.at(in, y), p.at(width-1-in, y))
	}
	votes := map[[3]int]int{}
	most := 0
	for _, c := range ring {
		key := [3]int{(c[0] + 8) / 32, (c[1] + 8) / 32, (c[2] + 8) / 32}
		votes[key]++
		most = max(most, votes[key])
	}
	return most*100 >= 75*len(ring)
}
