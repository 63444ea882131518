package presence_test

import (
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/presence"
)

// line makes stretches of seconds: positive a presentation, negative a canvas.
func line(seconds ...int) []presence.Stretch {
	var list []presence.Stretch
	at := time.Duration(0)
	for _, s := range seconds {
		v := presence.Presentation
		if s < 0 {
			v, s = presence.Canvas, -s
		}
		end := at + time.Duration(s)*time.Second
		list = append(list, presence.Stretch{
			Start:   at,
			End:     end,
			Verdict: v,
			Causes:  []cause.Cause{cause.Verbatim(string(v))},
		})
		at = end
	}
	return list
}

func TestHalfHour(t *testing.T) {
	t.Parallel()
	p, c := presence.Presentation, presence.Canvas
	tests := map[string]struct {
		list []presence.Stretch
		want presence.Verdict
	}{
		"nothing":                       {nil, c},
		"a whole lecture":               {line(1800), p},
		"a minute":                      {line(-1740, 60), p},
		"less than a minute":            {line(-1741, 59), c},
		"two halves of a minute":        {line(-800, 30, -940, 30), p},
		"half of a short file":          {line(-10, 10), p},
		"less than half of a short one": {line(-11, 9), c},
		"canvas only":                   {line(-20), c},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := presence.HalfHour(tt.list); got != tt.want {
				t.Errorf("HalfHour(%v) = %s, want %s", tt.list, got, tt.want)
			}
		})
	}
}

func TestSteady(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want []presence.Stretch }{
		"nothing":                {nil, nil},
		"a short one alone":      {line(4), line(4)},
		"a flicker":              {line(100, -4, 100), line(204)},
		"long enough":            {line(100, -10, 100), line(100, -10, 100)},
		"short at the start":     {line(-4, 100), line(104)},
		"short at the end":       {line(100, -4), line(104)},
		"flapping in a lecture":  {line(100, -5, 6, -5, 6, -5, 100), line(227)},
		"shortest goes first":    {line(100, -9, 3, -9, 100), line(100, -21, 100)},
		"equal neighbours unite": {line(5, 5, -20, -20), line(10, -40)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := presence.Steady(tt.in, presence.SteadyFor)
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i].Start != tt.want[i].Start || got[i].End != tt.want[i].End || got[i].Verdict != tt.want[i].Verdict {
					t.Errorf("stretch %d: got %v, want %v", i, got[i], tt.want[i])
				}
			}
		})
	}
}
