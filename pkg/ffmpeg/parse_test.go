package ffmpeg

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
)

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{
		"ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000": "5.1.9-0+deb12u1",
		"ffmpeg version n7.1 Copyright":                     "n7.1",
		"ffmpeg version N-117-gabc Copyright":               "N-117-gabc",
		"ffmpeg version 4.4.2 Copyright":                    "",
		"ffmpeg version 5.0 Copyright":                      "",
		"something else":                                    "",
	} {
		got, err := parseVersion(out)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("parseVersion(%q) = %q, %v", out, got, err)
		}
	}
	var permanent *fault.PermanentError
	if _, err := parseVersion("ffmpeg version 4.4.2"); !errors.As(err, &permanent) || permanent.Cause.IsZero() {
		t.Errorf("an old version is %v, want a reason for people", err)
	}
}

func TestSecondsAreExact(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                                "0.000000",
		1500 * time.Millisecond:          "1.500000",
		-40 * time.Millisecond:           "-0.040000",
		2*time.Hour + 3*time.Microsecond: "7200.000003",
	} {
		if got := seconds(d); got != want {
			t.Errorf("seconds(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestLinesOfBothFFmpegs(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"[Parsed_showinfo_0 @ 0x1] [info] n:   3 pts:   1536 pts_time:0.12    pos:    48 fmt:yuv420p":       "1536",
		"[Parsed_showinfo_1 @ 0x1] [info] n:   3 pts:   -512 pts_time:-0.04   duration:    512 fmt:yuv420p": "-512",
		"[Parsed_showinfo_0 @ 0x1] [info] n:   3 pts:  NOPTS pts_time:NOPTS":                                "NOPTS",
	} {
		if m := showinfoLine.FindStringSubmatch(line); m == nil || m[1] != want {
			t.Errorf("%q: %q, want %s", line, m, want)
		}
	}
	m := ebur128Line.FindStringSubmatch("[Parsed_ebur128_1 @ 0x1] [info] t: 0.7   TARGET:-23 LUFS    M: -21.8 S:-120.7     I: -21.8 LUFS       LRA:   0.0 LU  FTPK: -17.7 -inf dBFS  TPK: -16.1 -inf dBFS")
	if m == nil {
		t.Fatal("a line of ebur128 is not known")
	}
	if got := parseLevel(m[1], m[2]); got != (Level{MomentaryLUFS: -21.8, TruePeakDBTP: -17.7}) {
		t.Errorf("level %+v", got)
	}
}

// FuzzLines feeds the parsers of FFmpeg's log with anything.
func FuzzLines(f *testing.F) {
	f.Add("[Parsed_ashowinfo_0 @ 0x1] [info] n:33 pts:33792 pts_time:0.704 nb_samples:1024")
	f.Add("t: 0.7 M: -21.8 S: FTPK: -17.7 nan dBFS")
	f.Fuzz(func(t *testing.T, line string) {
		var chunks chunkLog
		chunks.read(line)
		if m := ebur128Line.FindStringSubmatch(line); m != nil {
			if level := parseLevel(m[1], m[2]); math.IsNaN(level.MomentaryLUFS) || math.IsNaN(level.TruePeakDBTP) {
				t.Errorf("%q gives a level that is no number", line)
			}
		}
		showinfoLine.FindStringSubmatch(line)
		_, _ = parseVersion(line)
	})
}

// FuzzParsePackets feeds the reader of ffprobe's answer with anything.
func FuzzParsePackets(f *testing.F) {
	f.Add([]byte("packet|stream_index=0|pts=0|duration=512|flags=K_\nstream|index=0|codec_name=h264|" +
		"codec_type=video|width=320|height=180|time_base=1/12800|disposition:attached_pic=0\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		list := packetList{left: 100}
		err := list.read(bytes.NewReader(out))
		if list.count > 100 {
			t.Errorf("%d packets, more than may come", list.count)
		}
		streams, streamErr := list.streams()
		err = errors.Join(err, streamErr)
		for _, s := range streams {
			if err == nil && s.Timescale <= 0 {
				t.Errorf("time base 1/%d was accepted", s.Timescale)
			}
		}
	})
}
