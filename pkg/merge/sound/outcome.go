package sound

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/report"
)

// Measured is the loudness of the record's sound.
type Measured struct {
	LUFS         float64 `json:"lufs"`
	TruePeakDBTP float64 `json:"true_peak_dbtp"`
}

// MeasureFile measures the sound of a finished file. It returns nil for silence, which has no loudness.
func MeasureFile(ctx context.Context, tool *ffmpeg.Tool, proxy *rangeproxy.Proxy, path string, channels int) (*Measured, error) {
	file, err := rangeproxy.OpenFile(path)
	if err != nil {
		return nil, fmt.Errorf("measure the finished sound: %w", err)
	}
	defer func() { _ = file.Close() }() // open for reading only
	served := proxy.Serve(file)
	levels, err := tool.MeasureFinished(ctx, ffmpeg.Sound{
		Source:   served,
		From:     ffmpeg.FirstPTS,
		Until:    ffmpeg.LastPTS,
		Channels: channels,
	})
	if err = errors.Join(err, served.Close()); err != nil {
		return nil, fmt.Errorf("measure the finished sound: %w", err)
	}
	return measuredOf(levels), nil
}

// measuredOf is the loudness of all blocks; nil for silence.
func measuredOf(levels ffmpeg.Levels) *Measured {
	var lufs []int16
	peak := math.Inf(-1)
	for _, block := range levels.Blocks {
		lufs = append(lufs, hundredths(block.MomentaryLUFS))
		peak = max(peak, block.TruePeakDBTP)
	}
	loudness := integrated(lufs)
	if math.IsInf(loudness, 0) || math.IsInf(peak, 0) {
		return nil
	}
	return &Measured{LUFS: rounded(loudness), TruePeakDBTP: rounded(peak)}
}

// Report returns the measurement as the report holds it; nil for silence.
func (m *Measured) Report() *report.Loudness {
	if m == nil {
		return nil
	}
	return &report.Loudness{LUFS: report.Number(m.LUFS), TruePeak: report.Number(m.TruePeakDBTP)}
}
