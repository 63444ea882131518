package presence_test

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// segment is a part of a film: something shown until a second.
type segment struct {
	until float64
	draw  func(s float64) board
}

func play(acts []segment) (frames int, draw func(i int) board) {
	return int(acts[len(acts)-1].until * boardRate), func(i int) board {
		s := float64(i) / boardRate
		for _, a := range acts {
			if s < a.until {
				return a.draw(s)
			}
		}
		return newBoard()
	}
}

type want struct {
	until   float64
	verdict presence.Verdict
}

// TestChanges holds what is found to when it was shown, within a second.
func TestChanges(t *testing.T) {
	t.Parallel()
	slide := still(newBoard().fill(0xffffff).text(
		40,
		60,
		34,
		0x202020,
		"bold",
		"Vector fields",
	).lines(
		60,
		120,
		22,
		0x303030,
		"regular",
		"One",
		"Two or three",
		"Many",
	))
	other := still(newBoard().fill(0xffffff).text(40, 60, 34, 0x202020, "bold", "Stokes").lines(
		60,
		120,
		22,
		0x303030,
		"regular",
		"On manifolds",
		"With corners",
	))
	card := still(newBoard().fill(0x0000a0).text(-1, 190, 40, 0xffffff, "bold", "NO SIGNAL"))
	splash := still(newBoard().photo(60, 3).text(-1, 190, 44, 0xffffff, "bold", "NO SIGNAL"))
	black := still(newBoard())
	film := shortFilm()
	p, c := presence.Presentation, presence.Canvas
	tests := map[string]struct {
		acts    []segment
		want    []want
		options []string
	}{
		"a laptop connects": {
			[]segment{{11.4, card}, {26, slide}},
			[]want{{11.4, c}, {26, p}},
			nil,
		},
		"and goes again": {
			[]segment{{7.2, slide}, {17.8, black}, {26, slide}},
			[]want{{7.2, p}, {17.8, c}, {26, p}},
			nil,
		},
		"film through black": {
			[]segment{{8, film}, {10.4, black}, {20, film}},
			[]want{{20, p}},
			nil,
		},
		"film to black": {
			[]segment{{8, film}, {15, black}, {20, film}},
			[]want{{8, p}, {15, c}, {20, p}},
			nil,
		},
		"splash on a photo": {
			[]segment{{9, slide}, {17, splash}, {24, other}},
			[]want{{9, p}, {17, c}, {24, p}},
			nil,
		},
		"long GOP": {
			[]segment{{11.4, slide}, {17.6, card}, {30, slide}},
			[]want{{11.4, p}, {17.6, c}, {30, p}},
			[]string{"-g", "50"},
		},
		"one key frame": {
			[]segment{{11.4, slide}, {17.6, black}, {30, slide}},
			[]want{{11.4, p}, {17.6, c}, {30, p}},
			[]string{"-g", "900", "-sc_threshold", "0"},
		},
		"B-frames": {
			[]segment{{11.4, card}, {26, slide}},
			[]want{{11.4, c}, {26, p}},
			[]string{"-bf", "3", "-preset", "veryfast"},
		},
		"one picture": {[]segment{{0.2, slide}}, []want{{0.2, p}}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			frames, draw := play(tt.acts)
			got, err := newJudge(t, "").Look(
				t.Context(),
				input(t, film2(t, frames, draw, tt.options)),
			)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, tt.want)
		})
	}
}

func film2(t *testing.T, frames int, draw func(int) board, options []string) string {
	return film(t, frames, draw, append([]string{"-qp", "34"}, options...)...)
}

func compare(t *testing.T, got []presence.Stretch, want []want) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	at := time.Duration(0)
	for i, s := range got {
		wanted := time.Duration(want[i].until * float64(time.Second))
		if s.Verdict != want[i].verdict || (s.End-wanted).Abs() > time.Second || s.Start != at {
			t.Errorf("stretch %d: %v, want %v", i, s, want[i])
		}
		if off := (s.End - wanted).Abs(); off > time.Second/boardRate {
			t.Logf("stretch %d ends %v off", i, off)
		}
		at = s.End
	}
}

func TestCardsOfTheUser(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// Words that no list knows, on clouds: only the card itself can tell.
	card := newBoard().photo(90, 4).rect(180, 130, 280, 100, 0x203040).text(
		-1,
		190,
		30,
		0xffffff,
		"bold",
		"Room 504",
	)
	logo := newBoard().fill(0x0040a0).disc(320, 160, 60, 0xffffff).text(
		-1,
		290,
		24,
		0xffffff,
		"regular",
		"Aula Magna",
	)
	for name, b := range map[string]board{"room.png": card, "logo.PNG": logo} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, b); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	slideWithLogo := newBoard().fill(0x0040a0).disc(320, 160, 60, 0xffffff).text(
		-1,
		290,
		24,
		0xffffff,
		"regular",
		"Aula Magna",
	).
		text(30, 50, 30, 0xffffff, "bold", "Ordinary differential equations").text(
		30,
		340,
		22,
		0xffffff,
		"regular",
		"Existence and uniqueness, an outlook",
	)
	clocked := func(b board) func(float64) board {
		return func(s float64) board {
			return b.copyOf().text(400, 350, 18, 0xffff00, "mono", clockText(s))
		}
	}
	acts := []segment{{6, clocked(card)}, {12, still(slideWithLogo)}, {18, clocked(logo)}}
	want := []want{{6, presence.Canvas}, {12, presence.Presentation}, {18, presence.Canvas}}
	for name, options := range map[string][]string{
		"as it is":  {"-qp", "38"},
		"letterbox": {"-vf", "scale=640:270,pad=640:360:0:45", "-qp", "36"},
		"scaled":    {"-vf", "scale=320:240", "-qp", "32"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			frames, draw := play(acts)
			got, err := newJudge(t, dir).Look(
				t.Context(),
				input(t, film(t, frames, draw, options...)),
			)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, want)
			if text := english(got[0].Causes); !strings.Contains(text, "card: room") {
				t.Errorf("cause %q does not name the card", text)
			}
		})
	}
}

func TestCardsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "broken.png"), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := presence.LoadCards(dir); err == nil || !strings.Contains(err.Error(), "broken.png") {
		t.Errorf("LoadCards = %v, want an error that names broken.png", err)
	}
	if _, err := presence.LoadCards(filepath.Join(dir, "absent")); err == nil {
		t.Error("LoadCards of an absent folder gave no error")
	}
}

// shortFilm repeats a few pictures: drawing them takes long.
func shortFilm() func(s float64) board {
	var frames [8]board
	for i := range frames {
		frames[i] = newBoard().photo(110, float64(i)*0.6)
	}
	return func(s float64) board { return frames[int(s*boardRate)%len(frames)] }
}

// TestHiddenBetweenLooks: in a longer file not every key frame is looked at, and what lasts little
// more than 3 s lies between two that are. It is found all the same.
func TestHiddenBetweenLooks(t *testing.T) {
	t.Parallel()
	slide := still(newBoard().fill(0xffffff).text(
		40,
		60,
		34,
		0x202020,
		"bold",
		"Vector fields",
	).lines(
		60,
		120,
		22,
		0x303030,
		"regular",
		"One",
		"Two or three",
		"Many",
	))
	card := still(newBoard().fill(0x0000a0).text(-1, 190, 40, 0xffffff, "bold", "NO SIGNAL"))
	splash := still(newBoard().photo(60, 3).text(-1, 190, 44, 0xffffff, "bold", "NO SIGNAL"))
	black := still(newBoard())
	film := shortFilm()
	p, c := presence.Presentation, presence.Canvas
	for name, tt := range map[string]struct {
		acts []segment
		want []want
	}{
		"in slides": {
			[]segment{
				{20.4, slide},
				{23.8, black},
				{44.4, slide},
				{47.8, card},
				{68.4, slide},
				{71.8, splash},
				{90, slide},
			},
			[]want{{20.4, p}, {23.8, c}, {44.4, p}, {47.8, c}, {68.4, p}, {71.8, c}, {90, p}},
		},
		"in a card": {
			[]segment{
				{20.4, black},
				{23.8, slide},
				{44.4, card},
				{47.8, film},
				{68.4, card},
				{71.8, slide},
				{90, card},
			},
			[]want{{20.4, c}, {23.8, p}, {44.4, c}, {47.8, p}, {68.4, c}, {71.8, p}, {90, c}},
		},
		"in a film": {
			[]segment{{20.4, film}, {23.8, black}, {44.4, film}, {47.8, card}, {90, film}},
			[]want{{20.4, p}, {23.8, c}, {44.4, p}, {47.8, c}, {90, p}},
		},
	} {
		if testing.Short() && name != "in slides" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			frames, draw := play(tt.acts)
			in := input(t, film2(t, frames, draw, []string{"-g", "10", "-sc_threshold", "0"}))
			asked := [][]int64{}
			whole := in.View
			in.View = func(keys []int64) (*rangeproxy.Served, error) {
				asked = append(asked, keys)
				return whole(keys)
			}
			got, err := newJudge(t, "").Look(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, tt.want)
			if len(asked) != 2 || len(asked[0]) > len(in.Keys)/2+2 || len(asked[0])+len(asked[1]) > len(in.Keys)*3/4 {
				t.Errorf("%d key frames, asked for %d times: %v", len(in.Keys), len(asked), asked)
			}
		})
	}
}
