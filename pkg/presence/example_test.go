package presence_test

import (
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/presence"
)

func ExampleHalfHour() {
	stretches := []presence.Stretch{
		{Start: 0, End: 25 * time.Minute, Verdict: presence.Canvas},
		{Start: 25 * time.Minute, End: 30 * time.Minute, Verdict: presence.Presentation},
	}
	fmt.Println(presence.HalfHour(stretches))
	// Output: presentation
}

func ExampleSteady() {
	stretches := []presence.Stretch{
		{Start: 0, End: 10 * time.Minute, Verdict: presence.Presentation},
		{Start: 10 * time.Minute, End: 10*time.Minute + 4*time.Second, Verdict: presence.Canvas},
		{
			Start:   10*time.Minute + 4*time.Second,
			End:     30 * time.Minute,
			Verdict: presence.Presentation,
		},
	}
	for _, s := range presence.Steady(stretches, presence.SteadyFor) {
		fmt.Println(s.Start, s.End, s.Verdict)
	}
	// Output: 0s 30m0s presentation
}
