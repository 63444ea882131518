package timecode_test

import (
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
)

// A strip at the foot of a picture names its source and instant.
func ExampleRead() {
	const width, height = 320, 180
	luma := make([]byte, width*height)
	at := time.Date(2026, 11, 20, 12, 10, 0, 40_000_000, time.UTC)
	timecode.Draw(luma, width, height, "24", at)

	reading := timecode.Read(luma, width, height, at.Add(3*time.Hour))
	fmt.Println(reading.State == timecode.Valid, reading.Source)
	fmt.Println(reading.At.UTC().Format(time.RFC3339Nano))
	// Output:
	// true 24
	// 2026-11-20T12:10:00.04Z
}
