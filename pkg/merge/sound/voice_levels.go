package sound

import (
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// VoiceLevel is what is heard in a tenth of a second of a finished sound.
type VoiceLevel struct {
	// Voice is set if the sound around it rises and falls as a voice does.
	Voice bool
	// LevelDB is the power in the band of a voice, in dB.
	LevelDB float64
}

// VoiceLevels tells a voice from silence, a constant, a hum and noise in the measured sound of a finished
// video, from its start.
func VoiceLevels(levels ffmpeg.Levels) []VoiceLevel {
	all := timeline.Run{Until: timeline.Block * time.Duration(len(levels.Blocks)+1)}
	if n := len(levels.Chunks); n > 0 {
		last := levels.Chunks[n-1]
		all.Until = samplesTime(last.PTS+last.Samples, ffmpeg.SampleRate)
	}
	h := &soundAnalysis{Runs: measured(ffmpeg.SampleRate, all, 0, levels)}
	threshold := silenceThreshold([]*soundAnalysis{h})
	blocks := make([]voiceBlock, max(0, all.Until/timeline.Block))
	for i := range blocks {
		if b, ok := h.block(timeline.Block * time.Duration(i)); ok && len(b.traits) > 0 {
			blocks[i] = voiceBlockOf(b, unpackedTraits(b.traits), threshold)
		} else {
			blocks[i].voice = voiceFloor
		}
	}
	voiced := voicedBlocks(blocks)
	heard := make([]VoiceLevel, len(blocks))
	for i, b := range blocks {
		heard[i] = VoiceLevel{Voice: voiced[i], LevelDB: b.voice}
	}
	return heard
}
