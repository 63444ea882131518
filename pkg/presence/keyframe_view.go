package presence

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// KeyView serves a file that holds only the key frames with the given ascending PTS. In that file, key
// frame n of these has PTS n. The caller closes it. The error of Close is that of the storage.
type KeyView func(keys []int64) (*rangeproxy.Served, error)

// ViewOf returns the KeyView of an object's picture track. It returns nil if the
// samples of the track were not read from an index. The whole object must then be
// read.
func ViewOf(proxy *rangeproxy.Proxy, object rangeproxy.Object, track *mp4.Track) KeyView {
	if !track.Viewable() {
		return nil
	}
	var keys []int
	for i := range track.Samples {
		s := &track.Samples[i]
		if s.Key && !s.Hidden && !s.Lost {
			keys = append(keys, i)
		}
	}
	slices.SortFunc(
		keys,
		func(a, b int) int {
			return cmp.Compare(track.Samples[a].PTS, track.Samples[b].PTS)
		},
	)
	pts := func(i int, want int64) int {
		return cmp.Compare(track.Samples[i].PTS, want)
	}
	return func(wanted []int64) (*rangeproxy.Served, error) {
		samples := make([]int, 0, len(wanted))
		for _, want := range wanted {
			at, found := slices.BinarySearchFunc(keys, want, pts)
			if !found {
				return nil, fmt.Errorf("view key frames: none has PTS %d", want)
			}
			samples = append(samples, keys[at])
		}
		view, err := mp4.NewView(object, track, samples)
		if err != nil {
			return nil, fmt.Errorf("view key frames: %w", err)
		}
		return proxy.Serve(rangeproxy.Share(view)), nil // so that a key frame is one read of the object
	}
}

// viewRequest returns a request for all pictures of a [KeyView].
func viewRequest(served *rangeproxy.Served) ffmpeg.Pictures {
	return ffmpeg.Pictures{
		Source:  served,
		From:    ffmpeg.FirstPTS,
		Until:   ffmpeg.LastPTS,
		KeyOnly: true,
		Width:   width,
		Height:  height,
		Format:  ffmpeg.RGB24,
	}
}
