package timecode_test

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/recorder/timecode"
)

func picture(width, height int, source string, at time.Time) []byte {
	luma := bytes.Repeat([]byte{90}, width*height)
	timecode.Draw(luma, width, height, source, at)
	return luma
}

func TestStripSaysWhatWasDrawn(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 15, 7, 9, 480e6, time.UTC)
	for _, size := range [][2]int{
		{320, 180},
		{240, 180},
		{640, 480},
		{1280, 720},
		{1920, 1080},
		{322, 182},
	} {
		for source := range 256 {
			now := at.Add(time.Duration(source*source) * 997 * time.Millisecond)
			want := timecode.Reading{State: timecode.Valid, Source: strconv.Itoa(source), At: now}
			got := timecode.Read(
				picture(size[0], size[1], want.Source, now), size[0], size[1], at.Add(-20*24*time.Hour),
			)
			if got.State != timecode.Valid || got.Source != want.Source || !got.At.Equal(now) {
				t.Fatalf("%v: read %+v, want %+v", size, got, want)
			}
		}
	}
}

func TestStripThatCannotBeTrue(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 15, 7, 9, 0, time.UTC)
	one, other := picture(320, 180, "24", at), picture(320, 180, "24", at.Add(40*time.Millisecond))
	blend := make([]byte, len(one))
	for i := range one {
		blend[i] = byte((int(one[i]) + int(other[i])) / 2)
	}
	flipped := bytes.Clone(one)
	for y := 164; y < 172; y++ { // one cell of the payload
		for x := 100; x < 110; x++ {
			flipped[y*320+x] ^= 0xff
		}
	}
	tests := map[string]struct {
		luma []byte
		want timecode.State
	}{
		"plain":   {bytes.Repeat([]byte{128}, 320*180), timecode.Absent},
		"black":   {make([]byte, 320*180), timecode.Absent},
		"blend":   {blend, timecode.Damaged},
		"flipped": {flipped, timecode.Damaged},
		"faint":   {dim(one), timecode.Absent},
	}
	for name, tt := range tests {
		if got := timecode.Read(tt.luma, 320, 180, at); got.State != tt.want {
			t.Errorf("%s: read %+v, want %v", name, got, tt.want)
		}
	}
}

// dim leaves a tenth of the contrast.
func dim(luma []byte) []byte {
	faint := make([]byte, len(luma))
	for i, v := range luma {
		faint[i] = 128 + v/10
	}
	return faint
}

func TestMarkNamesTheNearestInstant(t *testing.T) {
	t.Parallel()
	near := time.Unix(1_795_000_099, 400e6)
	for second, want := range map[int]int64{
		99: 1_795_000_099,
		0:  1_795_000_100,
		48: 1_795_000_148,
		50: 1_795_000_050,
		98: 1_795_000_098,
	} {
		if got := (timecode.Mark{Second: second}).Instant(near).Unix(); got != want {
			t.Errorf("second %d near %d is %d, want %d", second, near.Unix(), got, want)
		}
	}
}

func TestStepsOfASplicedPilot(t *testing.T) {
	t.Parallel()
	const rate = 48000
	start := time.Unix(1_795_000_000, 0)
	marks := timecode.NewMarks(rate, "24")
	whole := make([]float64, 3*rate)
	marks.AddPilot(whole, start.Unix()*rate)
	sound := &timecode.Sound{Rate: rate}
	for i, v := range whole {
		if i != rate+7 && i != rate+8 { // two samples are lost
			sound.Samples = append(sound.Samples, float32(v))
		}
	}
	steps := timecode.Steps(sound.Phases(start), 15*time.Microsecond)
	if len(steps) != 1 || (steps[0].At-time.Second).Abs() > 60*time.Millisecond ||
		(steps[0].Shift+2*time.Second/rate).Abs() > 4*time.Microsecond {
		t.Errorf("steps %+v, want one of -41.7 µs at 1 s", steps)
	}
}
