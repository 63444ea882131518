package speech_test

import (
	"os"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/speech"
)

// Sounds that are no voice.
const (
	silence   = "anullsrc=r=48000"
	roomNoise = "anoisesrc=a=0.0032:r=48000:seed=7" // -50 dBFS
	melody    = "aevalsrc='0.2*sin(2*PI*(220+110*mod(floor(2*t),3))*t)*(0.6+0.4*cos(4*PI*t))':s=48000"
	applause  = "anoisesrc=a=0.2:c=pink:r=48000:seed=9,tremolo=f=9:d=0.3"
)

// TestWords recognises sentences between silence, noise, music and applause by pocketsphinx. It gets few
// words of a synthetic voice right; what counts are their times, and that there are none elsewhere.
func TestWords(t *testing.T) {
	t.Parallel()
	s := &sounds{TB: t, dir: t.TempDir()}
	s.play(2, silence)
	s.say("Good morning. Today we talk about linear algebra.")
	s.play(6, roomNoise)
	s.say("The first example has three rows and four columns.")
	s.play(6, melody)
	s.play(6, applause)
	video := s.video()
	done := 0.0
	l := &speech.Listener{
		Tool:     findTool(t),
		Engine:   pocketsphinx(t),
		Dir:      t.TempDir(),
		Progress: func(part float64) { done = part },
	}
	words, err := l.Words(t.Context(), video, speech.Options{Language: "ru"})
	if err != nil {
		t.Fatal(err)
	}
	const near = 500 * time.Millisecond // from the word to the end of what espeak-ng wrote
	heard := make([]int, len(s.spoken))
	for _, w := range words {
		inside := false
		for i, span := range s.spoken {
			if w.Start >= span.Start-near && w.End <= span.End+near {
				inside = true
				heard[i]++
			}
		}
		if !inside {
			t.Errorf("%q from %v to %v: nothing was said there", w.Text, w.Start, w.End)
		}
	}
	for i, n := range heard {
		if n < 4 {
			t.Errorf("%d words of sentence %d", n, i)
		}
	}
	if rest, err := os.ReadDir(l.Dir); err != nil || len(rest) > 0 || done != 1 {
		t.Errorf("%v left, error %v, progress %v", rest, err, done)
	}
}
