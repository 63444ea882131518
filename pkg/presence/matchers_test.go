package presence

import (
	"image"
	"math/rand/v2"
	"testing"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// paint returns a picture whose pixels are given by a function of their position.
func paint(at func(x, y int) colour) picture {
	p := make(picture, 3*width*height)
	for y := range height {
		for x := range width {
			for ch, v := range at(x, y) {
				p[3*(y*width+x)+ch] = byte(v)
			}
		}
	}
	return p
}

func grey(v int) colour { return colour{v, v, v} }

// TestMatchers classifies pictures that need no encoder and no text recognition.
func TestMatchers(t *testing.T) {
	t.Parallel()
	cards, err := LoadCards("")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	bars := [...]colour{
		{192, 192, 192}, {192, 192, 0}, {0, 192, 192}, {0, 192, 0},
		{192, 0, 192}, {192, 0, 0}, {0, 0, 192}, {0, 0, 0},
	}
	box := image.Rect(140, 80, 180, 100)
	for name, tt := range map[string]struct {
		at        func(x, y int) colour
		certainty certainty
		code      cause.Code
	}{
		"black": {func(int, int) colour { return grey(0) }, isCanvas, cause.CodeBackgroundOnly},
		"blue": {
			func(int, int) colour { return colour{0, 0, 255} },
			isCanvas,
			cause.CodeBackgroundOnly,
		},
		"gradient": {
			func(x, _ int) colour { return colour{0, x * 200 / width, 100} },
			isCanvas, cause.CodeBackgroundOnly,
		},
		"noise": {
			func(int, int) colour { return grey(random.IntN(256)) },
			isCanvas,
			cause.CodeNoise,
		},
		"colour bars": {
			func(x, _ int) colour { return bars[x*len(bars)/width] },
			isCanvas, cause.CodeColourBars,
		},
		"turned bars": {
			func(_, y int) colour { return bars[y*len(bars)/height] },
			isCanvas, cause.CodeTurned,
		},
		"checkerboard": {
			func(x, y int) colour { return grey((x/16 + y/12) % 2 * 255) },
			isCanvas, cause.CodeCheckerboard,
		},
		"crosshatch": {
			func(x, y int) colour {
				if x%20 < 2 || y%20 < 2 {
					return grey(255)
				}
				return grey(20)
			},
			isCanvas, cause.CodeCrosshatch,
		},
		"box on blue": {
			func(x, y int) colour {
				if image.Pt(x, y).In(box) {
					return grey(255)
				}
				return colour{0, 0, 160}
			},
			maybeOverlay, cause.CodeSomethingOnBackground,
		},
		"texture": {
			func(x, y int) colour {
				return colour{(x * y) % 251, (x*7 + y*y) % 241, (x * x / 9) % 239}
			},
			maybeWords,
			cause.CodeDetail,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := paint(tt.at)
			got := cards.classify(p, p.mosaic())
			if got.certainty != tt.certainty {
				t.Errorf("certainty is %d, want %d", got.certainty, tt.certainty)
			}
			if got.description.Code() != tt.code {
				t.Errorf("cause is %v, want %s", got.description, tt.code)
			}
		})
	}
}

func TestContentRect(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		bright image.Rectangle
		want   image.Rectangle
	}{
		"no bars": {pictureBounds, pictureBounds},
		"letterbox": {
			image.Rect(0, 30, width, height-30),
			image.Rect(0, 32, width, height-32),
		},
		"pillarbox": {
			image.Rect(40, 0, width-40, height),
			image.Rect(42, 0, width-42, height),
		},
		"uneven letterbox": {
			image.Rect(0, 20, width, height-40),
			image.Rect(0, 22, width, height-22),
		},
		"too little inside": {image.Rect(0, 80, width, 100), pictureBounds},
	} {
		p := paint(func(x, y int) colour {
			if image.Pt(x, y).In(tt.bright) {
				return grey(200)
			}
			return grey(10)
		})
		if got := p.contentRect(10); got != tt.want {
			t.Errorf("%s: contentRect = %v, want %v", name, got, tt.want)
		}
	}
}

func TestResidueIsScattered(t *testing.T) {
	t.Parallel()
	apart, together, many := &residue{}, &residue{}, &residue{}
	for i := range 4 {
		apart.mark(5*i, 3*i)
		together.mark(10+i, 7)
	}
	for i := range maxGrains + 1 {
		many.mark(2*i%cols, 2*(2*i/cols))
	}
	if !apart.isScattered() {
		t.Error("isolated blocks are not scattered")
	}
	if together.isScattered() {
		t.Error("a row of blocks is scattered")
	}
	if many.isScattered() {
		t.Error("more than maxGrains blocks are scattered")
	}
}

// packetsEvery returns an input at 25 frames per second with a key frame every 2 s.
// Packets have the given size, key frames 20,000 bytes.
func packetsEvery(seconds int, size uint32) Input {
	in := Input{Timescale: 25}
	for i := range 25 * seconds {
		in.Frames = append(in.Frames, int64(i))
		in.Sizes = append(in.Sizes, size)
		if i%50 == 0 {
			in.Keys = append(in.Keys, int64(i))
			in.Sizes[i] = 20_000
		}
	}
	return in
}

func TestPacketActivity(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size   uint32
		change func(in *Input)
		full   bool
		want   bool
	}{
		"still":         {100, func(*Input) {}, false, false},
		"sizes unknown": {100, func(in *Input) { in.Sizes = nil }, false, true},
		"came and went": {
			100,
			func(in *Input) { in.Sizes[10], in.Sizes[190] = 9000, 9000 },
			false,
			true,
		},
		"came only":        {100, func(in *Input) { in.Sizes[10] = 9000 }, false, false},
		"another key":      {100, func(in *Input) { in.Sizes[100] = 60_000 }, false, true},
		"smaller key":      {100, func(in *Input) { in.Sizes[100] = 9000 }, false, true},
		"a film":           {5000, func(in *Input) { in.Sizes[100] = 60_000 }, true, false},
		"a film of little": {1000, func(in *Input) { in.Sizes[100] = 60_000 }, true, true},
	} {
		in := packetsEvery(10, tt.size)
		tt.change(&in)
		if got := in.mayHideChange(0, 200, tt.full); got != tt.want {
			t.Errorf("%s: mayHideChange = %v, want %v", name, got, tt.want)
		}
	}
}

func TestLastActivity(t *testing.T) {
	t.Parallel()
	in := packetsEvery(10, 100)
	if got := in.lastActivity(0, 200); got != 0 {
		t.Errorf("still: lastActivity = %d, want 0", got)
	}
	in.Sizes[120] = 9000
	if got := in.lastActivity(0, 200); got != 170 {
		t.Errorf("a jump at 120: lastActivity = %d, want 170", got)
	}
}

func TestInputBounded(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(in *Input){
		"no timescale": func(in *Input) { in.Timescale = 0 },
		"no keys":      func(in *Input) { in.Keys = nil },
		"no frames":    func(in *Input) { in.Frames = nil },
		"unsorted": func(in *Input) {
			in.Frames[3], in.Frames[4] = in.Frames[4], in.Frames[3]
		},
		"missing sizes": func(in *Input) { in.Sizes = in.Sizes[1:] },
		"empty range":   func(in *Input) { in.From, in.Until = 100, 100 },
		"after the end": func(in *Input) { in.From, in.Until = 1000, 2000 },
		"before start":  func(in *Input) { in.From, in.Until = -20, 0 },
	} {
		in := packetsEvery(10, 100)
		in.From, in.Until = 0, 250
		change(&in)
		if _, err := in.bounded(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSpacedKeys(t *testing.T) {
	t.Parallel()
	in := packetsEvery(120, 100)
	if got := in.spacedKeys(in.Keys); len(got) != len(in.Keys) {
		t.Errorf("without a view: %d of %d key frames", len(got), len(in.Keys))
	}
	in.View = func([]int64) (*rangeproxy.Served, error) { return nil, nil }
	got := in.spacedKeys(in.Keys)
	if got[0] != in.Keys[0] {
		t.Errorf("the first key frame is %d, want %d", got[0], in.Keys[0])
	}
	if got[len(got)-1] != in.Keys[len(in.Keys)-1] {
		t.Errorf("the last key frame is %d, want %d", got[len(got)-1], in.Keys[len(in.Keys)-1])
	}
	for i := 1; i < len(got); i++ {
		if gap := in.since(got[i]) - in.since(got[i-1]); gap > keySpacing {
			t.Errorf("key frames %v apart, want at most %v", gap, keySpacing)
		}
	}
}
