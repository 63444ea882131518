package mp4_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nvr-miem/merger/pkg/mp4"
)

func ExampleRead() {
	text := "This is not a video."
	_, err := mp4.Read(strings.NewReader(text), int64(len(text)))
	fmt.Println(errors.Is(err, mp4.ErrNotMP4))
	// Output: true
}

func ExampleTime_In() {
	frame := mp4.Time{Ticks: 75, Scale: 25}
	fmt.Println(frame.In(48000), frame.Duration())
	// Output: 144000 3s
}
