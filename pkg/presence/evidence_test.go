package presence_test

import (
	"fmt"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/presence"
)

// pageWords are words of documents.
const pageWords = "the kernel maps every element of a group onto the unit while its image stays closed under products so " +
	"that cosets divide what remains into classes of equal size each of them has as many members as kernel " +
	"itself hence order of subgroup divides order of group proof lemma follows by induction over length"

// randomLine returns words of a document, at most n characters.
func randomLine(random *rand.Rand, n int) string {
	all := strings.Fields(pageWords)
	line := ""
	for {
		word := all[random.IntN(len(all))]
		if len(line)+len(word) > n {
			return strings.TrimSpace(line)
		}
		line += " " + word
	}
}

// columns draws a page of text in two columns, each line as long as a printed one.
func columns(seed uint64, size float64, paper, ink uint32) board {
	random := rand.New(rand.NewPCG(seed, 3))
	b := newBoard().fill(paper)
	for _, x := range []int{24, 332} {
		for y := 30; y < 350; y += int(size * 1.4) {
			b.text(x, y, size, ink, "regular", randomLine(random, int(284/(size*0.5))))
		}
	}
	return b
}

// sheet draws a spreadsheet of random numbers between black bars.
func sheet(seed uint64, bars int, vertical bool) board {
	random := rand.New(rand.NewPCG(seed, 5))
	b := newBoard().fill(0xffffff)
	wide, high := 50+random.IntN(30), 15+random.IntN(8)
	for y := 0; y < 360; y += high {
		b.rect(0, y, 640, 1, 0xc0c0c0)
		for x := 0; x < 640; x += wide {
			b.text(x+5, y+high-4, 11, 0x101010, "regular", fmt.Sprint(random.IntN(9000)+100))
		}
	}
	for x := 0; x < 640; x += wide {
		b.rect(x, 0, 1, 360, 0xc0c0c0)
	}
	if vertical {
		return newBoard().paste(b, bars, 0, 640-2*bars, 360)
	}
	return newBoard().paste(b, 0, bars, 640, 360-2*bars)
}

// TestTextIsEvidence: a picture with text that can be read is not a card because of its geometry alone.
func TestTextIsEvidence(t *testing.T) {
	t.Parallel()
	var exhibits []sample
	add := func(name string, b board) {
		exhibits = append(exhibits, sample{name, presence.Presentation, still(b)})
	}
	for seed := range uint64(4) {
		add(fmt.Sprint("two columns ", seed), columns(seed, 12+float64(seed)*1.5, 0xffffff, 0x101010))
		add(fmt.Sprint("two dark columns ", seed), columns(seed+10, 13, 0x181818, 0xe0e0e0))
		add(fmt.Sprint("letterboxed sheet ", seed), sheet(seed, 30+int(seed)*6, false))
		add(fmt.Sprint("pillarboxed sheet ", seed), sheet(seed+7, 60+int(seed)*10, true))
	}
	add("pattern as a figure of a document", columns(4, 12, 0xffffff, 0x101010).paste(pm5544(), 40, 20, 560, 240))
	add("circle about the centre of a document", columns(5, 12, 0xffffff, 0x101010).ring(320, 180, 150, 3, 0x203080))
	judgeAll(t, "", exhibits)
}

// TestSlideBesideItsCard: the room's card is known, and a slide in the same colours is none.
func TestSlideBesideItsCard(t *testing.T) {
	t.Parallel()
	blue := func() board { return newBoard().fill(0x0030a0) }
	card := blue().disc(320, 130, 44, 0xffffff).text(-1, 230, 34, 0xffffff, "bold", "Room 504").
		text(-1, 270, 20, 0xffffff, "regular", "Connect your laptop")
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "room.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(file, card); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	judgeAll(t, dir, []sample{
		{"the card", presence.Canvas, still(card)},
		{"the card with a clock", presence.Canvas, func(s float64) board {
			return card.copyOf().text(430, 345, 18, 0xffffff, "mono", clockText(s))
		}},
		{"closing slide", presence.Presentation, still(blue().text(-1, 200, 44, 0xffffff, "bold", "Thank you!"))},
		{"closing slide, two lines", presence.Presentation, still(blue().text(-1, 230, 36, 0xffffff, "bold",
			"Thank you").text(-1, 270, 22, 0xffffff, "regular", "Questions are welcome"))},
		{"closing slide with the logo", presence.Presentation, still(blue().disc(320, 130, 44, 0xffffff).
			text(-1, 232, 34, 0xffffff, "bold", "Questions").text(-1, 270, 20, 0xffffff, "regular", "anna@example.com"))},
		{"closing slide in Russian", presence.Presentation, still(blue().disc(320, 130, 44, 0xffffff).
			text(-1, 230, 34, 0xffffff, "bold", "Спасибо за внимание"))},
	})
}

// TestSentencesInPictures: sentences of devices are read in pictures, and titles of slides are none.
func TestSentencesInPictures(t *testing.T) {
	t.Parallel()
	var exhibits []sample
	for text, want := range map[string]presence.Verdict{
		"The input signal is not supported":           presence.Canvas,
		"No computer is connected to this port":       presence.Canvas,
		"На вход не поступает сигнал":                 presence.Canvas,
		"Es liegt kein Videosignal an":                presence.Canvas,
		"Le signal d'entrée n'est pas pris en charge": presence.Canvas,
		"The input signal is filtered first":          presence.Presentation,
		"Нет данных без шума":                         presence.Presentation,
		"Le signal et le bruit":                       presence.Presentation,
	} {
		picture := newBoard().fill(0x0020a0).text(-1, 190, 24, 0xffffff, "regular", text)
		exhibits = append(exhibits, sample{text, want, still(picture)})
	}
	judgeAll(t, "", exhibits)
}
