package nvr_test

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/nvr-miem/merger/pkg/nvr"
)

func TestParseSegmentName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file string
		want nvr.SegmentName
		bad  bool
	}{
		{
			file: "2026-11-20_15:00_504_24.mp4",
			want: nvr.SegmentName{Date: "2026-11-20", Time: "15:00", Room: "504", Source: "24"},
		},
		{
			file: "2026-11-20_15:00_big_hall_A_24.mp4",
			want: nvr.SegmentName{
				Date:   "2026-11-20",
				Time:   "15:00",
				Room:   "big_hall_A",
				Source: "24",
			},
		},
		{
			file: "2026-11-20_15:00_ауд. '5%'_7.mp4",
			want: nvr.SegmentName{
				Date:   "2026-11-20",
				Time:   "15:00",
				Room:   "ауд. '5%'",
				Source: "7",
			},
		},
		{file: "2026-11-20_15:00_504_24.mkv", bad: true},
		{file: "2026-11-20_15:00_504.mp4", bad: true},
		{file: "2026-11-20_15:00__24.mp4", bad: true},
		{file: "2026-02-30_15:00_504_24.mp4", bad: true},
		{file: "2026-11-20_24:00_504_24.mp4", bad: true},
		{file: "2026-11-20_15:00_504_x.mp4", bad: true},
		{file: "", bad: true},
	}
	for _, tt := range tests {
		got, err := nvr.ParseSegmentName(tt.file)
		if tt.bad != errors.Is(err, nvr.ErrNotSegment) || got != tt.want {
			t.Errorf(
				"ParseSegmentName(%q) = %+v, %v; want %+v, bad %v",
				tt.file, got, err, tt.want, tt.bad,
			)
		}
	}
}

func FuzzParseSegmentName(f *testing.F) {
	f.Add("2026-11-20_15:00_504_24.mp4")
	f.Add("2026-11-20_15:00_a_b_24.mp4")
	f.Fuzz(func(t *testing.T, file string) {
		name, err := nvr.ParseSegmentName(file)
		if err == nil && name.String() != file {
			t.Errorf("%q parsed and printed is %q", file, name)
		}
	})
}

func TestWallAtClockChanges(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		date, clock string
		want        string // RFC 3339; empty: no such time
	}{
		{"2026-11-20", "15:10", "2026-11-20T15:10:00+01:00"},
		{"2026-11-20", "15:10:07", "2026-11-20T15:10:07+01:00"},
		{"2026-10-25", "02:30", "2026-10-25T02:30:00+02:00"}, // repeated: the first pass
		{"2026-10-25", "03:00", "2026-10-25T03:00:00+01:00"},
		{"2026-03-29", "02:30", ""}, // skipped
		{"2026-03-29", "03:00", "2026-03-29T03:00:00+02:00"},
	}
	for _, tt := range tests {
		got, err := nvr.Wall(tt.date, tt.clock, berlin)
		if tt.want == "" {
			if !errors.Is(err, nvr.ErrNoSuchTime) {
				t.Errorf("Wall(%s %s) = %v, %v; want ErrNoSuchTime", tt.date, tt.clock, got, err)
			}
			continue
		}
		if err != nil || got.Format(time.RFC3339) != tt.want {
			t.Errorf("Wall(%s %s) = %v, %v; want %s", tt.date, tt.clock, got, err, tt.want)
		}
	}
}

func TestOctet(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"172.18.191.24/0": "24",
		"172.18.191.30":   "30",
		"24":              "24",
		"":                "",
		"host":            "",
		"1.2.3.x/0":       "",
	} {
		if got := nvr.Octet(address); got != want {
			t.Errorf("Octet(%q) = %q, want %q", address, got, want)
		}
	}
}

// FuzzWall checks that an instant prints as the wall clock it was read from.
func FuzzWall(f *testing.F) {
	f.Add("2026-11-20", "15:10", "Europe/Moscow")
	f.Add("2026-10-25", "02:30:59", "Europe/Berlin")
	f.Fuzz(func(t *testing.T, date, clock, zone string) {
		location, err := time.LoadLocation(zone)
		if err != nil {
			return
		}
		at, err := nvr.Wall(date, clock, location)
		if err != nil {
			return
		}
		layout := "2006-01-02 15:04"
		if len(clock) > 5 {
			layout += ":05"
		}
		if got := at.Format(layout); got != date+" "+clock {
			t.Errorf("Wall(%q, %q, %s) prints as %q", date, clock, zone, got)
		}
	})
}
