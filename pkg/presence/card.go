package presence

import (
	"bytes"
	"embed"
	"fmt"
	"image"
	_ "image/jpeg" // cards may be photographs
	_ "image/png"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/draw"

	"github.com/nvr-miem/merger/pkg/cause"
)

// Cards is a set of reference pictures of the idle screen. It is safe for
// concurrent use.
type Cards struct {
	list []*card
}

// card is one reference picture, as a whole and without its black bars.
type card struct {
	name string
	// picture is that of a card that the room's operator gave. It is nil for the built-in ones.
	picture image.Image
	// variants computes the variants at the first call, so that a process starts
	// without them.
	variants func() []cardVariant
}

// cardVariant holds the block statistics of one form of a card.
type cardVariant struct {
	// low and high are the range of each block and its neighbours. Blur and small
	// shifts stay inside it.
	low, high mosaic
	// mean is the mean colour of each block.
	mean mosaic
	// figure marks the blocks that differ from the most frequent colour of the
	// card.
	figure [blocks]bool
	// figures is the number of marked blocks.
	figures int
}

// builtinCards are the test cards that come with the program.
//
//go:embed cards/*.png
var builtinCards embed.FS

// LoadCards reads the built-in test cards and, if dir is not empty, every PNG and JPEG in it (not in
// folders below it). A picture that cannot be read is an error that names it.
func LoadCards(dir string) (*Cards, error) {
	set := &Cards{}
	if err := set.load(builtinCards, "cards", false); err != nil {
		return nil, err
	}
	if dir == "" {
		return set, nil
	}
	if err := set.load(os.DirFS(dir), ".", true); err != nil {
		return nil, fmt.Errorf("read cards from %s: %w", dir, err)
	}
	return set, nil
}

// load reads all PNG and JPEG pictures of a folder, not of its subfolders. given is set if they are not built in.
func (c *Cards) load(files fs.FS, dir string, given bool) error {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		kind := strings.ToLower(filepath.Ext(entry.Name()))
		if entry.IsDir() || !slices.Contains([]string{".png", ".jpg", ".jpeg"}, kind) {
			continue
		}
		data, err := fs.ReadFile(files, path.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		picture, _, err := image.Decode(bytes.NewReader(data))
		if err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
		c.list = append(
			c.list,
			newCard(strings.TrimSuffix(entry.Name(), filepath.Ext(entry.Name())), picture, given),
		)
	}
	return nil
}

// newCard returns a card whose variants are computed when they are first needed.
func newCard(name string, from image.Image, given bool) *card {
	c := &card{name: name, variants: sync.OnceValue(func() []cardVariant {
		scaled := image.NewRGBA(pictureBounds)
		draw.BiLinear.Scale(scaled, pictureBounds, from, from.Bounds(), draw.Src, nil)
		p := make(picture, 3*width*height)
		for i := range width * height {
			copy(p[3*i:3*i+3], scaled.Pix[4*i:4*i+3])
		}
		looks := []cardVariant{newCardVariant(p)}
		if r := p.contentRect(10); r != pictureBounds {
			looks = append(looks, newCardVariant(p.crop(r)))
		}
		return looks
	})}
	if given {
		c.picture = from
	}
	return c
}

// newCardVariant computes the block statistics of a picture.
func newCardVariant(p picture) cardVariant {
	m := p.mosaic()
	l := cardVariant{
		mean: m,
		low:  slices.Clone(m),
		high: slices.Clone(m),
	}
	for y := range rows {
		for x := range cols {
			i := y*cols + x
			for ny := max(y-1, 0); ny <= min(y+1, rows-1); ny++ {
				for nx := max(x-1, 0); nx <= min(x+1, cols-1); nx++ {
					for ch := range 3 {
						l.low[i][ch] = min(l.low[i][ch], m[ny*cols+nx][ch])
						l.high[i][ch] = max(l.high[i][ch], m[ny*cols+nx][ch])
					}
				}
			}
		}
	}
	common := flatBackground(m).model[0]
	for i := range m {
		if m[i].maxDiff(common) > 24 {
			l.figure[i] = true
			l.figures++
		}
	}
	return l
}

// match returns the cause that names the card in the picture, or none, and the card if it was given.
func (c *Cards) match(m mosaic) (cause.Cause, *card) {
	for _, card := range c.list {
		for _, l := range card.variants() {
			if share, ok := l.match(m); ok {
				found := cause.Card(card.name, share)
				if card.picture == nil {
					return found, nil
				}
				return found, card
			}
		}
	}
	return cause.Cause{}, nil
}

// match returns the share of the card that the picture shows, in per cent, and
// reports whether it is enough. A minority may differ, for example a clock or a
// text box. For a card that is mostly one colour, the figure on it counts. Its
// background must then be free, because a slide may carry the same logo.
func (l *cardVariant) match(m mosaic) (share int, ok bool) {
	if l.figures < 6 {
		return 0, false // one colour: plain pictures need no card
	}
	if !l.isPlausible(m) {
		return 0, false
	}
	same, figure, ground := l.agreement(m)
	share = 100 * same / blocks
	grounds := blocks - l.figures
	if l.figures*5 >= blocks*2 {
		ok = share >= 72 && figure*100 >= 65*l.figures
	} else {
		ok = figure*100 >= 75*l.figures && ground*100 >= 93*grounds
	}
	return share, ok && l.correlates(m)
}

// isPlausible reports whether a sample of every 13th block resembles the card. It
// rejects most pictures at little cost.
func (l *cardVariant) isPlausible(m mosaic) bool {
	same := 0
	all := 0
	for i := 0; i < blocks; i += 13 {
		all++
		if m[i].isWithin(l.low[i], l.high[i], 22) {
			same++
		}
	}
	return same*100 >= 55*all
}

// agreement counts the blocks that resemble the card: in total, on the figure and
// on the background.
func (l *cardVariant) agreement(m mosaic) (same, figure, ground int) {
	for i, c := range m {
		switch {
		case !c.isWithin(l.low[i], l.high[i], 22):
		case l.figure[i]:
			figure++
		default:
			ground++
		}
	}
	return figure + ground, figure, ground
}

// isWithin reports whether each channel lies in the range from low to high,
// extended by slack levels at both ends.
func (c colour) isWithin(low, high colour, slack int) bool {
	for ch := range c {
		if c[ch] < low[ch]-slack || c[ch] > high[ch]+slack {
			return false
		}
	}
	return true
}

// correlates reports whether the structure of the picture matches the card. It
// leaves out the quarter of the blocks that differs most. In a card with fine
// detail the range of a block is too wide to reject anything.
func (l *cardVariant) correlates(m mosaic) bool {
	apart := make([]int, blocks)
	for i := range m {
		apart[i] = m[i].maxDiff(l.mean[i])
	}
	limit := percentile(apart, 75)
	var n, sa, sb, saa, sbb, sab float64
	for i := range m {
		if apart[i] > limit {
			continue
		}
		for ch := range 3 {
			a := float64(m[i][ch])
			b := float64(l.mean[i][ch])
			n++
			sa += a
			sb += b
			saa += a * a
			sbb += b * b
			sab += a * b
		}
	}
	cov := n*sab - sa*sb
	va := n*saa - sa*sa
	vb := n*sbb - sb*sb
	return cov > 0 && cov*cov >= 0.7*va*vb
}
