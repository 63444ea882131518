package ffmpeg

import (
	"context"
	"io"
	"math"
	"regexp"
)

// ChannelLevels is how loud each channel of a track is.
type ChannelLevels struct {
	// Layout is FFmpeg's name of the layout, for example 5.1, or a text like "16 channels".
	Layout string
	// RMS has the level of each channel in dBFS, -Inf for digital silence.
	RMS []float64
}

// Lines that FFmpeg logs about the channels.
var (
	astatsChannel   = regexp.MustCompile(`astats.*\bChannel:\s*(\d+)`)
	astatsRMS       = regexp.MustCompile(`astats.*\bRMS level dB:\s*(-?[\d.]+|-?inf|nan)`)
	ashowinfoLayout = regexp.MustCompile(`ashowinfo.*\bchlayout:(.*?) rate:`)
)

// MeasureChannels decodes a stretch and measures each channel of it by itself.
func (t *Tool) MeasureChannels(ctx context.Context, s Sound) (ChannelLevels, error) {
	const doing = "measure channels"
	filter := s.trimFilter() + ",astats=measure_overall=none:measure_perchannel=RMS_level"
	c := t.sound(s, filter, "-f", "null", "-")
	var levels ChannelLevels
	err := repeat(doing, func() (int64, error) {
		levels = ChannelLevels{}
		return 0, t.readReport(ctx, doing, c, s.Source, levels.read)
	})
	return levels, err
}

// readReport runs FFmpeg for what its filters log, and passes each line to read. It returns once all are read.
func (t *Tool) readReport(
	ctx context.Context, doing string, c command, source Source, read func(line string) bool,
) error {
	r, err := t.open(ctx, doing, c, source, read)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r.out); err != nil {
		r.proc.discard(r.out)
		return &Error{Doing: doing, Err: err}
	}
	return r.proc.wait()
}

// read parses a line of the log. It reports whether the line was one of a filter.
func (l *ChannelLevels) read(line string) bool {
	if m := ashowinfoLayout.FindStringSubmatch(line); m != nil {
		if l.Layout == "" {
			l.Layout = m[1]
		}
		return true
	}
	if m := astatsChannel.FindStringSubmatch(line); m != nil {
		l.RMS = append(l.RMS, math.Inf(-1))
		return true
	}
	m := astatsRMS.FindStringSubmatch(line)
	if m == nil || len(l.RMS) == 0 {
		return false
	}
	l.RMS[len(l.RMS)-1] = decibels(m[1])
	return true
}
