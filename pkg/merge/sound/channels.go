package sound

import (
	"math"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

// Of more than two channels, those count that are at most heardRangeDB fainter than the loudest one, and
// louder than heardFloorDBFS.
const (
	heardRangeDB   = 20
	heardFloorDBFS = -70
)

// multichannelMix chooses how a track of more than two channels is heard. Recorders write channels that are
// empty, or that are not where their names say. A layout with a voice in front is left to FFmpeg's matrix,
// which drops the channel for low frequencies. Otherwise each channel that holds something is heard on both
// sides, and the first two, if only they do, as left and right. lfe reports that the channel for low
// frequencies is the only one that holds anything.
func multichannelMix(levels ffmpeg.ChannelLevels, channels int) (mix ffmpeg.Mix, lfe bool) {
	heard := heardChannels(levels.RMS)
	front, low := surround(levels.Layout)
	switch {
	case len(levels.RMS) <= 2:
		return nil, false
	case len(heard) == 0 && front > 0:
		return nil, false
	case len(heard) == 0:
		heard = []int{0, 1}
	case len(heard) > 1 && heard[0] < front:
		return nil, false
	}
	mix = make(ffmpeg.Mix, channels)
	for out := range mix {
		mix[out] = make([]float64, len(levels.RMS))
		for _, in := range heard {
			mix[out][in] = 1 / float64(len(heard))
		}
	}
	if channels == 2 && slices.Equal(heard, []int{0, 1}) {
		mix[0][0], mix[0][1], mix[1][0], mix[1][1] = 1, 0, 0, 1
	}
	return mix, low > 0 && slices.Equal(heard, []int{low})
}

// heardChannels lists the channels that hold something, in the order of the stream.
func heardChannels(rms []float64) []int {
	loudest := math.Inf(-1)
	for _, level := range rms {
		loudest = max(loudest, level)
	}
	var heard []int
	for i, level := range rms {
		if level > heardFloorDBFS && level >= loudest-heardRangeDB {
			heard = append(heard, i)
		}
	}
	return heard
}

// surround returns how many channels of a layout, by FFmpeg's name, are in front, and the index of the
// channel for low frequencies, or 0. Both are 0 for a layout that is only a number of channels.
func surround(layout string) (front, low int) {
	name, _, _ := strings.Cut(layout, "(")
	switch name {
	case "2.1":
		return 2, 2
	case "3.1", "4.1", "5.1", "6.1", "7.1":
		return 3, 3
	case "3.0", "4.0", "5.0", "6.0", "7.0", "hexagonal", "octagonal":
		return 3, 0
	case "quad":
		return 2, 0
	}
	return 0, 0
}
