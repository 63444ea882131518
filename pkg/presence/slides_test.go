package presence_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/presence"
)

// page is a slide of a deck: what it shows s seconds after it came.
type page struct {
	title string
	draw  func(s float64) board
}

var (
	titleWords = strings.Fields("Vector Fields Stokes Theorem Gradient Markov Chains Entropy Fourier Series " +
		"Квантовая механика Теория графов Линейный оператор Сходимость Матрица Производная Интеграл Алгоритм")
	bodyWords = strings.Fields("every closed curve bounds surface then flux equals integral around edge let us assume " +
		"each function smooth пусть функция непрерывна тогда предел существует следовательно ряд сходится абсолютно")
)

func phrase(random *rand.Rand, from []string, words int) string {
	var out []string
	for range words {
		out = append(out, from[random.IntN(len(from))])
	}
	return strings.Join(out, " ")
}

// bodyOf returns the lines of a slide, of so many words each.
func bodyOf(random *rand.Rand, lines, words int) []string {
	var body []string
	for range lines {
		body = append(body, phrase(random, bodyWords, words))
	}
	return body
}

// The styles of the rendered decks.
var deckStyles = []string{"plain", "dark", "band", "photo", "footer", "centred"}

// newPage draws a slide of a style.
func newPage(random *rand.Rand, style string) page {
	title := phrase(random, titleWords, 2)
	var body []string
	for range 2 + random.IntN(5) {
		body = append(body, phrase(random, bodyWords, 3+random.IntN(3)))
	}
	return page{title, still(pageOf(style, title, body))}
}

func pageOf(style, title string, body []string) board {
	b := newBoard()
	switch style {
	case "plain":
		b.fill(0xffffff).text(40, 60, 34, 0x202020, "bold", title).lines(50, 120, 20, 0x303030, "regular", body...)
	case "dark":
		b.fill(0x1b1f2a).text(40, 60, 32, 0xffd24a, "bold", title).lines(50, 120, 20, 0xe0e0e0, "regular", body...)
	case "band":
		b.fill(0xf4f4f0).rect(0, 0, boardWide, 70, 0x2a4d8f).text(30, 48, 32, 0xffffff, "bold", title).
			lines(50, 120, 19, 0x222222, "regular", body...)
	case "photo":
		b.photo(70, 2).text(40, 70, 36, 0xffffff, "bold", title).lines(50, 140, 22, 0xffffff, "bold", body...)
	case "footer":
		b.fill(0xffffff).text(40, 50, 30, 0x800000, "bold", title).lines(50, 110, 18, 0x303030, "mono", body...).
			rect(0, 330, boardWide, 30, 0x004080).text(20, 350, 14, 0xffffff, "regular", "Higher School · Lecture 7")
	default:
		b.fill(0xfdf6e3).text(-1, 80, 34, 0x073642, "bold", title).lines(90, 150, 20, 0x586e75, "regular", body...)
	}
	return b
}

// shown is a slide that a test shows.
type shown struct {
	at    float64
	title string
}

// deck lays pages one after the other. It returns the acts and when each page comes.
func deck(random *rand.Rand, style string, pages int, least, most float64) (acts []segment, truth []shown) {
	at := 0.0
	for range pages {
		p := newPage(random, style)
		length := math.Round((least+random.Float64()*(most-least))*boardRate) / boardRate
		truth = append(truth, shown{at, p.title})
		begin := at
		at += length
		acts = append(acts, segment{at, func(s float64) board { return p.draw(s - begin) }})
	}
	return acts, truth
}

// over draws something over all acts. s is the time of the film.
func over(acts []segment, draw func(b board, s float64) board) []segment {
	out := slices.Clone(acts)
	for i, a := range acts {
		out[i].draw = func(s float64) board { return draw(a.draw(s).copyOf(), s) }
	}
	return out
}

func cursorOver(b board, s float64) board {
	x, y := int(320+250*math.Sin(s*0.7)), int(180+120*math.Cos(s*0.45))
	return b.rect(x, y, 8, 12, 0x000000).rect(x+1, y+1, 6, 10, 0xffffff)
}

func clockOver(b board, s float64) board {
	return b.rect(540, 4, 96, 22, 0x000000).text(546, 20, 16, 0xffff00, "mono", clockText(s))
}

// slideCase is a film with the slides that it shows.
type slideCase struct {
	name    string
	acts    []segment
	truth   []shown
	options []string
}

// slideCases draws films from a seed. Key frames are 2 s apart unless an option says otherwise.
func slideCases(seed uint64) []slideCase {
	random := rand.New(rand.NewPCG(seed, 17))
	var cases []slideCase
	add := func(name string, acts []segment, truth []shown, options ...string) {
		cases = append(cases, slideCase{name, acts, truth, append([]string{"-sc_threshold", "0", "-qp", "30"}, options...)})
	}
	for _, style := range deckStyles {
		acts, truth := deck(random, style, 12, 5, 14)
		add(style, acts, truth)
	}
	acts, truth := deck(random, "plain", 10, 5, 12)
	add("cursor and clock", over(over(acts, cursorOver), clockOver), truth)
	acts, truth = deck(random, "footer", 8, 6, 25)
	add("GOP of 20 s", acts, truth, "-g", "100")
	acts, truth = deck(random, "dark", 14, 4, 6)
	add("quick", acts, truth)
	acts, truth = buildUps(random)
	add("build-ups", acts, truth)
	acts, truth = fades(random)
	add("cross-fades", acts, truth)
	acts, truth = typed(random)
	add("typing", acts, truth)
	acts, truth = filmInside(random)
	add("film inside a slide", acts, truth)
	acts, truth = editor(random)
	add("code editor", acts, truth)
	acts, truth = browser(random)
	add("browser", acts, truth)
	return cases
}

// buildUps shows slides whose lines come one by one, and are dimmed in the end.
func buildUps(random *rand.Rand) (acts []segment, truth []shown) {
	at := 0.0
	for range 5 {
		title := phrase(random, titleWords, 2)
		body := bodyOf(random, 5, 4)
		truth = append(truth, shown{at, title})
		for n := range 6 {
			b := pageOf("plain", title, body[:n])
			at += 1.4 + float64(random.IntN(15))/boardRate
			acts = append(acts, segment{at, still(b)})
		}
		at += 4
		acts = append(acts, segment{at, still(pageOf("plain", title, nil).lines(50, 120, 20, 0x909090, "regular", body...))})
	}
	return acts, truth
}

// fades shows slides that fade into each other within a second.
func fades(random *rand.Rand) (acts []segment, truth []shown) {
	at := 0.0
	var before board
	for i := range 9 {
		p := newPage(random, "band")
		now := p.draw(0)
		truth = append(truth, shown{at, p.title})
		if i > 0 {
			begin, from := at, before
			at++
			acts = append(acts, segment{at, func(s float64) board { return blend(from, now, s-begin) }})
		}
		at += 5 + float64(random.IntN(20))/boardRate
		acts = append(acts, segment{at, still(now)})
		before = now
	}
	return acts, truth
}

func blend(a, b board, share float64) board {
	out := a.copyOf()
	for i := range out.Pix {
		out.Pix[i] = uint8(float64(a.Pix[i])*(1-share) + float64(b.Pix[i])*share)
	}
	return out
}

// typed is a document in which a line after the other is typed.
func typed(random *rand.Rand) (acts []segment, truth []shown) {
	title := phrase(random, titleWords, 2)
	text := []rune(strings.Join(bodyOf(random, 10, 6), "\n"))
	return []segment{{70, func(s float64) board {
		n := min(len(text), int(s*6))
		b := newBoard().fill(0xd8d8d8).rect(0, 0, boardWide, 30, 0x2b579a).rect(60, 40, 520, 320, 0xffffff)
		b.text(90, 80, 26, 0x000000, "bold", title)
		return b.lines(90, 110, 15, 0x202020, "regular", strings.Split(string(text[:n]), "\n")...)
	}}}, []shown{{0, title}}
}

// filmInside shows a slide, slides with a film in them, a film alone and a slide.
func filmInside(random *rand.Rand) (acts []segment, truth []shown) {
	play := shortFilm()
	at := 0.0
	for i, length := range []float64{9.4, 15.2, 21.6, 14, 8.2} {
		p := newPage(random, "plain")
		begin := at
		at += length
		switch i {
		case 1, 2:
			b := pageOf("plain", p.title, []string{phrase(random, bodyWords, 4)})
			acts = append(acts, segment{at, func(s float64) board { return b.copyOf().paste(play(s), 150, 140, 340, 200) }})
		case 3:
			acts = append(acts, segment{at, play})
			continue
		default:
			acts = append(acts, segment{at, p.draw})
		}
		truth = append(truth, shown{begin, p.title})
	}
	return acts, truth
}

// editor shows code that is typed into, in two files.
func editor(random *rand.Rand) (acts []segment, truth []shown) {
	at := 0.0
	for range 3 {
		name := phrase(random, []string{"server", "client", "parser", "main", "matrix"}, 2)
		var lines []string
		for range 14 {
			lines = append(lines, strings.Repeat(" ", 2*random.IntN(4))+phrase(random, bodyWords, 3+random.IntN(3)))
		}
		truth = append(truth, shown{at, ""})
		for range 8 {
			code := slices.Clone(lines)
			b := newBoard().fill(0x1e1e1e).rect(0, 0, 120, boardHigh, 0x252526).text(130, 18, 16, 0xffffff, "regular", name)
			b.lines(130, 40, 14, 0xd4d4d4, "mono", code...)
			at += 1 + float64(random.IntN(20))/boardRate
			acts = append(acts, segment{at, still(b)})
			k := 3 + random.IntN(8)
			lines = slices.Insert(lines, k, "  "+phrase(random, bodyWords, 3))[:14]
		}
		at += 3
		acts = append(acts, segment{at, acts[len(acts)-1].draw})
	}
	return acts, truth
}

// browser shows pages that are scrolled a little.
func browser(random *rand.Rand) (acts []segment, truth []shown) {
	at := 0.0
	for range 4 {
		title := phrase(random, titleWords, 2)
		body := bodyOf(random, 24, 6)
		truth = append(truth, shown{at, title})
		for step := range 4 {
			b := newBoard().fill(0xffffff).text(40, 80-step*36, 30, 0x111111, "bold", title)
			b.lines(40, 120-step*36, 15, 0x222222, "regular", body...).rect(0, 0, boardWide, 30, 0xdee1e6)
			at += 3 + float64(random.IntN(15))/boardRate
			acts = append(acts, segment{at, still(b)})
		}
	}
	return acts, truth
}

// slideScore counts how slides were found.
type slideScore struct {
	changes, found, extra, titles, right int
}

// score compares what was found with what was shown.
func score(t *testing.T, c slideCase, got []presence.Slide) (s slideScore) {
	t.Helper()
	taken := make([]bool, len(got))
	for _, want := range c.truth {
		at := time.Duration(want.at * float64(time.Second))
		s.changes++
		i := slices.IndexFunc(got, func(g presence.Slide) bool {
			limit := time.Second
			if strings.HasPrefix(c.name, "cross") {
				limit += time.Second // the fade itself
			}
			return g.Start >= at-time.Second && g.Start <= at+limit
		})
		if i < 0 || taken[i] {
			t.Logf("%s: no slide at %v (%s)", c.name, at, want.title)
			continue
		}
		taken[i] = true
		s.found++
		if want.title == "" {
			continue
		}
		s.titles++
		if plain(got[i].Title) == plain(want.title) {
			s.right++
		} else {
			t.Logf("%s: title %q, want %q", c.name, got[i].Title, want.title)
		}
	}
	for i, g := range got {
		if !taken[i] {
			s.extra++
			t.Logf("%s: another slide at %v to %v: %q", c.name, g.Start, g.End, g.Title)
		}
	}
	return s
}

// plain returns a text in lower case with single spaces.
func plain(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// findSlides looks at a film as a merge does.
func findSlides(t testing.TB, path string) []presence.Slide {
	t.Helper()
	judge, in := newJudge(t, ""), input(t, path)
	in.Seen = &presence.Seen{}
	if _, err := judge.Look(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	got, err := judge.Slides(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestSlides finds the slides of rendered films within a second, and reads their titles.
func TestSlides(t *testing.T) {
	t.Parallel()
	cases := slideCases(1)
	short := []string{"cursor and clock", "film inside a slide"}
	for _, c := range cases {
		if testing.Short() && !slices.Contains(short, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			frames, draw := play(c.acts)
			s := score(t, c, findSlides(t, film(t, frames, draw, c.options...)))
			t.Logf("%-20s changes %d, found %d, others %d, titles %d, right %d",
				c.name, s.changes, s.found, s.extra, s.titles, s.right)
			if s.found < s.changes || s.extra > 0 {
				t.Errorf("found %d of %d slides and %d others", s.found, s.changes, s.extra)
			}
		})
	}
}
