package plan

import "github.com/nvr-miem/merger/pkg/ffmpeg"

// Encoder settings. "make bench" measures what they cost and give.
const (
	gopSeconds = 2
	audioBytes = 16000 // a second; with a quarter less, the joints of slices stand out of the encoder's noise
)

// crfAt is x264's rate factor at 25, 30 or 50 fps. It gives shorter pictures a coarser quantiser, and two
// ways of cutting the same record into slices must not come out further apart than 38 dB
// (TestSlicesGiveTheSame).
func crfAt(rate int) float64 {
	switch rate {
	case 30:
		return 26
	case 50:
		return 25.4
	default:
		return 27.8
	}
}

// encoding returns the encoder settings of a request. The sound's channels are decided later.
func encoding(req Request) ffmpeg.Encoding {
	return ffmpeg.Encoding{
		Width:      req.Width,
		Height:     req.Height,
		Rate:       req.Rate,
		CRF:        crfAt(req.Rate),
		GOPFrames:  gopSeconds * req.Rate,
		Channels:   1,
		AudioBytes: audioBytes,
	}
}
