package speech_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/captions"
	"github.com/nvr-miem/merger/pkg/speech"
)

// TestNothingInNoise wants no word in an hour of a room's noise at -50 dBFS, and in two minutes with -short.
func TestNothingInNoise(t *testing.T) {
	t.Parallel()
	seconds := 3600
	if testing.Short() {
		seconds = 120
	}
	s := &sounds{TB: t, dir: t.TempDir()}
	s.play(seconds, roomNoise)
	l := &speech.Listener{Tool: findTool(t), Engine: pocketsphinx(t), Dir: t.TempDir()}
	words, err := l.Words(t.Context(), s.video(), speech.Options{})
	if err != nil || len(words) > 0 {
		t.Errorf("words %v, error %v", words, err)
	}
}

// pocketsphinx returns the engine.
func pocketsphinx(t testing.TB) speech.Engine {
	t.Helper()
	engine, err := speech.Open(t.Context(), speech.Choice{Engine: speech.Pocketsphinx})
	if err != nil {
		t.Fatalf("%v: scripts/setup pocketsphinx", err)
	}
	return engine
}

// talk is what the benchmark's voices say. No other test has these sentences.
func talk() []string {
	return []string{
		"The energy of a closed system does not change.",
		"Let us look at the second picture on the left side of the board.",
		"A function is continuous if small changes give small changes.",
		"Please open your books and read the next two pages.",
		"In this experiment the water was heated for twenty minutes.",
		"The answer to the first question is on the last slide.",
		"We will meet again next week at the same time.",
		"Who can tell me why the light bends when it enters the glass?",
	}
}

// BenchmarkPocketsphinx measures the share of words that pocketsphinx gets wrong (wer-%), the share of its
// words that lie outside of what was said (outside-%), and the largest distance of a cue from the speech
// (edge-ms).
func BenchmarkPocketsphinx(b *testing.B) {
	for b.Loop() {
		s := &sounds{TB: b, dir: b.TempDir()}
		var said []string
		for i, sentence := range talk() {
			s.play(2+i%3, roomNoise)
			s.voice = []string{"en-us", "en-gb", "en-us+f3", "en-us+m3"}[i%4]
			s.say(sentence)
			said = append(said, plainWords(sentence)...)
		}
		s.play(3, roomNoise)
		l := &speech.Listener{Tool: findTool(b), Engine: pocketsphinx(b), Dir: b.TempDir()}
		words, err := l.Words(b.Context(), s.video(), speech.Options{})
		if err != nil {
			b.Fatal(err)
		}
		var heard []string
		outside := 0
		for _, w := range words {
			heard = append(heard, plainWords(w.Text)...)
			if s.distance(w.Start) > time.Second/2 || s.distance(w.End) > time.Second/2 {
				outside++
			}
		}
		edge := time.Duration(0)
		for _, c := range captions.Cues(words) {
			edge = max(edge, s.distance(c.Start), s.distance(c.End))
		}
		b.ReportMetric(100*float64(edits(said, heard))/float64(len(said)), "wer-%")
		b.ReportMetric(100*float64(outside)/float64(max(1, len(words))), "outside-%")
		b.ReportMetric(float64(edge.Milliseconds()), "edge-ms")
		b.ReportMetric(float64(len(said)), "words")
	}
}

// distance returns how far a time is from what was said. It is 0 inside.
func (s *sounds) distance(at time.Duration) time.Duration {
	best := time.Duration(1 << 62)
	for _, span := range s.spoken {
		best = min(best, max(0, span.Start-at, at-span.End))
	}
	return best
}

func plainWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !strings.ContainsRune("'-", r) && (r < 'a' || r > 'z') })
}

// edits returns how many words must be replaced, inserted or deleted to turn one list into the other.
func edits(a, b []string) int {
	row := make([]int, len(b)+1)
	for k := range row {
		row[k] = k
	}
	for i := range a {
		next := []int{i + 1}
		for k := range b {
			replace := row[k]
			if a[i] != b[k] {
				replace++
			}
			next = append(next, min(replace, row[k+1]+1, next[k]+1))
		}
		row = next
	}
	return row[len(b)]
}

func TestEdits(t *testing.T) {
	t.Parallel()
	split := strings.Fields
	if n := edits(split("a b c d"), split("a x c d e")); n != 2 {
		t.Errorf("%d edits, want 2", n)
	}
	if !slices.Equal(plainWords("It's 2 Words."), []string{"it's", "words"}) {
		t.Errorf("words %q", plainWords("It's 2 Words."))
	}
}
