package captions_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/captions"
)

const ms = time.Millisecond

// speak returns words with the times of a speaker who says so many words a minute. "|" is a pause of 2 s.
func speak(text string, perMinute int) []captions.Word {
	var words []captions.Word
	at := time.Second
	letter := time.Minute / time.Duration(perMinute) / 6
	for _, w := range strings.Fields(text) {
		if w == "|" {
			at += 2 * time.Second
			continue
		}
		length := letter * time.Duration(utf8.RuneCountInString(w))
		words = append(words, captions.Word{Text: w, Start: at, End: at + length})
		at += length + letter
	}
	return words
}

// checkForm wants cues in form: lines, letters, times, no overlap, every word once, edges near the words and
// no cue over a pause.
func checkForm(t *testing.T, words []captions.Word, cues []captions.Cue) {
	t.Helper()
	at := 0
	for i, c := range cues {
		texts := strings.Fields(strings.Join(c.Lines, " "))
		first := at
		for _, text := range texts {
			if at == len(words) || words[at].Text != text {
				t.Fatalf("cue %d %q: word %d is not %q", i, c.Lines, at, text)
			}
			at++
		}
		length := c.End - c.Start
		if len(texts) == 0 || len(c.Lines) > 2 || length < time.Second || length > 7*time.Second {
			t.Errorf("cue %d %v to %v: %q", i, c.Start, c.End, c.Lines)
		}
		for _, line := range c.Lines {
			if n := utf8.RuneCountInString(line); n == 0 || n > 42 {
				t.Errorf("cue %d: a line of %d letters: %q", i, n, line)
			}
		}
		if i > 0 && c.Start < cues[i-1].End {
			t.Errorf("cue %d begins at %v, the one before ends at %v", i, c.Start, cues[i-1].End)
		}
		spoken := captions.Span{Start: words[first].Start, End: words[at-1].End}
		if d := spoken.Start - c.Start; d < 0 || d > 200*ms {
			t.Errorf("cue %d begins %v before its first word", i, d)
		}
		if d := c.End - spoken.End; d < 0 || d > 200*ms && length > time.Second {
			t.Errorf("cue %d %q ends %v after its last word", i, c.Lines, d)
		}
		for k := first; k < at-1; k++ {
			if words[k+1].Start-words[k].End >= time.Second {
				t.Errorf("cue %d stands over a pause after %q", i, words[k].Text)
			}
		}
	}
	if at != len(words) {
		t.Errorf("%d of %d words stand in the cues", at, len(words))
	}
}

const lecture = `Good morning. Today we talk about Isaac Newton, who was born in 1642, and about the laws of motion that are
 named after him. | In room 504 there are 1 000 000 books, 12 % of them by A. N. Kolmogorov and Dr. Who! | Yes. |
 Сегодня мы говорим о теореме, которую доказал Андрей Николаевич Колмогоров в двадцать пятом году; она занимает
 не больше двадцать две страницы. | Supercalifragilisticexpialidocious words are long, but they stay whole here.`

func TestCues(t *testing.T) {
	t.Parallel()
	for _, perMinute := range []int{60, 120, 160, 240, 300} {
		words := speak(lecture, perMinute)
		cues := captions.Cues(words)
		checkForm(t, words, cues)
		var ends []string // where cues and lines end
		for _, c := range cues {
			ends = append(ends, c.Lines...)
		}
		text := strings.Join(ends, "\n")
		for _, whole := range []string{"Isaac Newton", "1 000 000", "12 %", "A. N. Kolmogorov", "Dr. Who", "Андрей Николаевич Колмогоров", "двадцать две"} {
			if !strings.Contains(text, whole) {
				t.Errorf("at %d words a minute %q is broken:\n%s", perMinute, whole, text)
			}
		}
	}
}

func TestCuesEndWithSentences(t *testing.T) {
	t.Parallel()
	cues := captions.Cues(speak("This is the first sentence of a talk. And here is the second one, which is longer.", 150))
	var got []string
	for _, c := range cues {
		got = append(got, strings.Join(c.Lines, "/"))
	}
	want := []string{"This is the first sentence of a talk.", "And here is the second one,/which is longer."}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCuesOfRandomSpeech(t *testing.T) {
	t.Parallel()
	vocabulary := []string{
		"a", "the", "matrix,", "однородная", "система.", "Ivan", "Petrov", "42", "000", "%", "eigenvalue", "so;", "twenty", "five",
	}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 17))
		var text []string
		for range 60 {
			text = append(text, vocabulary[random.IntN(len(vocabulary))])
			if random.IntN(12) == 0 {
				text = append(text, "|")
			}
		}
		words := speak(strings.Join(text, " "), 60+random.IntN(240))
		checkForm(t, words, captions.Cues(words))
	}
}

// TestCuesOfBrokenTimes passes times as a recogniser should not give them.
func TestCuesOfBrokenTimes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var words []captions.Word
		for range 30 {
			at := time.Duration(random.IntN(20000)-100) * ms
			text := strings.Repeat("ж", 1+random.IntN(90)) + []string{"", " two", "\n", "\x00"}[random.IntN(4)]
			words = append(words, captions.Word{Text: text, Start: at, End: at + time.Duration(random.IntN(15000)-100)*ms})
		}
		cues := captions.Cues(words)
		letters := func(text string) int { return strings.Count(text, "ж") + strings.Count(text, "two") }
		want, got := 0, 0
		for _, w := range words {
			want += letters(w.Text)
		}
		for i, c := range cues {
			got += letters(strings.Join(c.Lines, " "))
			if len(c.Lines) > 2 || c.End-c.Start > 7*time.Second || i > 0 && c.Start < cues[i-1].End {
				t.Fatalf("cue %d: %v", i, c)
			}
		}
		if got != want {
			t.Fatalf("%d letters of %d stand in the cues", got, want)
		}
	}
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	got := captions.Transcript(speak("Good morning. | Let us begin.", 150))
	if want := "Good morning.\n\nLet us begin.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := captions.Transcript(nil); got != "" {
		t.Errorf("no words give %q", got)
	}
}

func TestVTT(t *testing.T) {
	t.Parallel()
	cues := []captions.Cue{
		{Start: 1500 * ms, End: 3 * time.Second, Lines: []string{"a < b && b --> c", "Добрый день"}},
		{Start: 3 * time.Second, End: 27*time.Hour + 4*time.Second, Lines: []string{"&lt; stays"}},
	}
	var out bytes.Buffer
	if err := captions.WriteVTT(&out, cues); err != nil {
		t.Fatal(err)
	}
	want := "WEBVTT\n\n00:00:01.500 --> 00:00:03.000\na &lt; b &amp;&amp; b --&gt; c\nДобрый день\n" +
		"\n00:00:03.000 --> 27:00:04.000\n&amp;lt; stays\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	read, err := captions.ParseVTT(&out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cues, read); diff != "" {
		t.Error(diff)
	}
}

func TestParseVTT(t *testing.T) {
	t.Parallel()
	text := "\ufeffWEBVTT - a title\r\nKind: captions\r\n\r\nNOTE by hand\r\n\r\nSTYLE\r\n::cue {}\r\n\r\nintro\r\n" +
		"00:01.000 --> 00:02.000 align:start\r\n<v Anna>Hello</v> &amp; welcome\r\n"
	got, err := captions.ParseVTT(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []captions.Cue{{Start: time.Second, End: 2 * time.Second, Lines: []string{"Hello & welcome"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for broken, says := range map[string]string{
		"":                                       "line 1",
		"WEBVTTX":                                "line 1",
		"WEBVTT\n00:01.000 --> 00:02.000\nx\n":   "line 2",
		"WEBVTT\n\n00:01,000 --> 00:02,000\nx\n": "line 3",
		"WEBVTT\n\n00:02.000 --> 00:02.000\nx\n": "ends before it begins",
		"WEBVTT\n\n00:02.000 --> 00:03.000\nx\n\n00:01.000 --> 00:03.000\n": "line 6",
		"WEBVTT\n\n00:02.000 --> 00:03.000\nx\n00:03.000 --> 00:04.000\n":   "line 5",
		"WEBVTT\n\nfree text\n":                                                     "line 3",
		"WEBVTT\n\n00:61.000 --> 01:02.000\nx":                                      "line 3",
		"WEBVTT\n\n00:01.000 --> 00:02.000\n\xff":                                   "UTF-8",
		"WEBVTT\n\n" + strings.Repeat("NOTE "+strings.Repeat("x", 1000)+"\n", 5000): "longer",
	} {
		_, err := captions.ParseVTT(strings.NewReader(broken))
		if !errors.Is(err, captions.ErrVTT) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: error %v, want %q", broken, err, says)
		}
	}
}

// room returns blocks of a room: a voice at -20 dB with syllables in spans of seconds, noise at -50 dB
// elsewhere.
func room(seconds int, speech ...[2]float64) []captions.Block {
	blocks := make([]captions.Block, seconds*10)
	for i := range blocks {
		blocks[i].LevelDB = -50 + float64(i%3)
		for _, s := range speech {
			if at := float64(i) / 10; at >= s[0] && at < s[1] {
				blocks[i] = captions.Block{Voice: true, LevelDB: -20 - 12*float64(i%3)/2}
			} else if at >= s[0]-5 && at < s[1]+5 {
				blocks[i].Voice = true // the search for a voice looks at ten seconds
			}
		}
	}
	return blocks
}

func TestSpeech(t *testing.T) {
	t.Parallel()
	got := captions.Speech(room(60, [2]float64{10, 14}, [2]float64{16, 20}, [2]float64{20.4, 30}))
	want := []captions.Span{
		{Start: 9800 * ms, End: 14200 * ms},
		{Start: 15800 * ms, End: 30200 * ms},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := captions.Speech(room(60)); got != nil {
		t.Errorf("speech in a room's noise: %v", got)
	}
	words := []captions.Word{
		{Text: "before", Start: 2 * time.Second, End: 3 * time.Second},
		{Text: "spoken", Start: 11 * time.Second, End: 12 * time.Second},
		{Text: "stretched", Start: 13 * time.Second, End: 15500 * ms},
		{Text: "after", Start: 40 * time.Second, End: 41 * time.Second},
	}
	kept := captions.Gate(words, want)
	wantWords := []captions.Word{words[1], {Text: "stretched", Start: 13 * time.Second, End: 14200 * ms}}
	if diff := cmp.Diff(wantWords, kept); diff != "" {
		t.Error(diff)
	}
}

// TestChunks cuts an hour: no chunk is longer than 20 minutes, no speech is left out, and the cuts are in
// pauses where there are any.
func TestChunks(t *testing.T) {
	t.Parallel()
	const limit = 20 * time.Minute
	var paused [][2]float64
	for at := 5.0; at < 3590; at += 7 {
		paused = append(paused, [2]float64{at, at + 6})
	}
	for name, blocks := range map[string][]captions.Block{
		"pauses":  room(3600, paused...),
		"without": room(3600, [2]float64{3, 3590}),
	} {
		speech := captions.Speech(blocks)
		chunks := captions.Chunks(blocks, speech, limit)
		if len(chunks) < 3 || len(chunks) > 6 {
			t.Errorf("%s: %d chunks", name, len(chunks))
		}
		for i, c := range chunks {
			if c.End-c.Start > limit {
				t.Errorf("%s: chunk %d lasts %v", name, i, c.End-c.Start)
			}
			if overlaps := i > 0 && c.Start < chunks[i-1].End; overlaps != (name == "without" && i > 0) {
				t.Errorf("%s: chunk %d begins at %v, the one before ends at %v", name, i, c.Start, chunks[i-1].End)
			}
		}
		for at := time.Duration(0); at < time.Hour; at += time.Second {
			in := func(s captions.Span) bool { return at >= s.Start && at < s.End }
			heard := slices.ContainsFunc(chunks, func(c captions.Chunk) bool { return in(c.Span) })
			if slices.ContainsFunc(speech, in) && !heard {
				t.Fatalf("%s: the speech at %v is in no chunk", name, at)
			}
		}
	}
}

// TestJoin recognises two overlapping chunks whose times differ by up to 300 ms, and whose edges are heard
// wrong.
func TestJoin(t *testing.T) {
	t.Parallel()
	var text []string
	for i := range 200 {
		text = append(text, fmt.Sprintf("w%d", i))
	}
	spoken := speak(strings.Join(text, " "), 150)
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 3))
		middle := spoken[100].Start + time.Duration(random.IntN(2000))*ms
		hear := func(s captions.Span) captions.Recognised {
			r := captions.Recognised{Chunk: captions.Chunk{Span: s}}
			shift := time.Duration(random.IntN(300)-150) * ms
			for _, w := range spoken {
				if w.End <= s.Start || w.Start >= s.End {
					continue
				}
				if w.Start < s.Start || w.End > s.End {
					w.Text = "cut" // half a word is heard as another one
				}
				w.Start, w.End = w.Start+shift, w.End+shift
				r.Words = append(r.Words, w)
			}
			return r
		}
		got := captions.Join([]captions.Recognised{
			hear(captions.Span{End: middle + 5*time.Second}),
			hear(captions.Span{Start: middle - 5*time.Second, End: time.Hour}),
		})
		var texts []string
		for _, w := range got {
			texts = append(texts, w.Text)
		}
		if diff := cmp.Diff(text, texts); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

// FuzzParseVTT wants every file that is accepted to be written and read alike.
func FuzzParseVTT(f *testing.F) {
	f.Add("WEBVTT\n\n00:01.000 --> 00:02.000\na <b>b</b> &amp;lt;\n")
	f.Add("WEBVTT x\nq: r\n\nNOTE\n\nid\n01:00:01.000 --> 9999:00:02.000 line:1\n\n")
	f.Add("WEBVTT\r\r00:01.000 --> 00:02.000\r-\r")
	f.Fuzz(func(t *testing.T, text string) {
		var cues []captions.Cue
		var err error
		if n := allocated(func() { cues, err = captions.ParseVTT(strings.NewReader(text)) }); n > 64<<20 {
			t.Errorf("reading %d bytes allocated %d MB", len(text), n>>20)
		}
		if err != nil {
			if !errors.Is(err, captions.ErrVTT) {
				t.Fatal(err)
			}
			return
		}
		var out bytes.Buffer
		if err := captions.WriteVTT(&out, cues); err != nil {
			t.Fatal(err)
		}
		again, err := captions.ParseVTT(&out)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(cues, again); diff != "" {
			t.Error(diff)
		}
	})
}

// allocated returns how many bytes a function allocates.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
