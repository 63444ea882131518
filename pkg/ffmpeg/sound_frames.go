package ffmpeg

import (
	"context"
	"regexp"
	"strconv"
)

// SoundFrame is a stretch of sound that a decoder gave for one packet, usually.
type SoundFrame struct {
	// Rate is in Hz. It is the decoder's, which the file's boxes need not know.
	Rate     int
	Channels int
	// Samples is the count for each channel.
	Samples int
}

// ashowinfoFrame matches a line of FFmpeg's ashowinfo filter.
var ashowinfoFrame = regexp.MustCompile(`ashowinfo.*\bchannels:(\d+) .*\brate:(\d+) nb_samples:(\d+)`)

// SoundFrames decodes the first audio track of a short file and lists what the decoder gave.
func (t *Tool) SoundFrames(ctx context.Context, source Source) ([]SoundFrame, error) {
	const doing = "learn the format of sound"
	c := t.sound(Sound{Source: source}, "ashowinfo", "-f", "null", "-")
	var frames []SoundFrame
	err := repeat(doing, func() (int64, error) {
		frames = nil
		err := t.readReport(ctx, doing, c, source, func(line string) bool {
			m := ashowinfoFrame.FindStringSubmatch(line)
			if m != nil {
				frames = append(frames, soundFrameOf(m[1:]))
			}
			return m != nil
		})
		return int64(len(frames)), err
	})
	return frames, err
}

// soundFrameOf parses channels, rate and count. They are digits; those that no frame has become 0.
func soundFrameOf(fields []string) SoundFrame {
	number := func(i int) int {
		n, err := strconv.ParseInt(fields[i], 10, 32)
		if err != nil {
			return 0
		}
		return int(n)
	}
	return SoundFrame{Channels: number(0), Rate: number(1), Samples: number(2)}
}
