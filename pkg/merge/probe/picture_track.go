package probe

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// longestPicture is the longest that one picture counts when tracks are compared. A preview is one picture
// that may be said to last as long as the recording.
const longestPicture = 2 * time.Second

// pictureTrack is a picture track that may be the recording.
type pictureTrack struct {
	track     *mp4.Track
	stream    int // its number among the picture tracks
	pictures  int
	covered   time.Duration // shown by pictures that are in the file
	decodable bool
}

// choosePicture chooses the picture track that is the recording, and lists the sizes of the others.
func (t *Table) choosePicture(file *mp4.File) {
	var list []pictureTrack
	for i := range file.Tracks {
		if track := &file.Tracks[i]; track.Kind == mp4.Video {
			list = append(list, measureTrack(track, len(list)))
			t.pictures = append(t.pictures, track)
		}
	}
	if len(list) == 0 {
		return
	}
	best := recordingOf(list)
	t.Picture, t.Stream = best.track, best.stream
	for _, other := range list {
		if other.stream != best.stream && other.pictures > 0 {
			t.Unused = append(t.Unused, mp4.Size{Width: other.track.Width, Height: other.track.Height})
		}
	}
}

// usePicture makes the table that of the picture track with a number, as a plan says.
func (t *Table) usePicture(stream int) error {
	if stream < 0 || stream >= len(t.pictures) {
		return fmt.Errorf("picture track %d of %d", stream, len(t.pictures))
	}
	t.Picture, t.Stream = t.pictures[stream], stream
	t.entries, t.corrected = nil, false
	return nil
}

// measureTrack counts what a picture track shows.
func measureTrack(track *mp4.Track, stream int) pictureTrack {
	p := pictureTrack{track: track, stream: stream, decodable: isDecodable(track.Codec)}
	for i := range track.Samples {
		s := &track.Samples[i]
		if s.Hidden || s.Lost {
			continue
		}
		p.pictures++
		lasts := mp4.Time{Ticks: int64(s.Duration), Scale: track.Timescale}.Duration()
		p.covered += min(lasts, longestPicture)
	}
	return p
}

// recordingOf returns the track that is the recording: of those that cover at least half of what the longest
// covers, the one with the most pixels times time. A track of one picture, or one that cannot be decoded,
// gives way to any other.
func recordingOf(list []pictureTrack) pictureTrack {
	rank := func(p pictureTrack) int {
		switch {
		case p.pictures == 0:
			return 0
		case !p.decodable:
			return 1
		case p.pictures == 1:
			return 2
		default:
			return 3
		}
	}
	top, longest := 0, time.Duration(0)
	for _, p := range list {
		top = max(top, rank(p))
	}
	list = slices.DeleteFunc(slices.Clone(list), func(p pictureTrack) bool { return rank(p) < top })
	for _, p := range list {
		longest = max(longest, p.covered)
	}
	list = slices.DeleteFunc(list, func(p pictureTrack) bool { return p.covered < longest/2 })
	return slices.MaxFunc(list, func(a, b pictureTrack) int {
		return cmp.Or(
			cmp.Compare(a.weight(), b.weight()),
			cmp.Compare(a.pictures, b.pictures),
			cmp.Compare(b.stream, a.stream),
		)
	})
}

// weight returns pixels times milliseconds shown.
func (p pictureTrack) weight() int64 {
	return int64(p.track.Width) * int64(p.track.Height) * p.covered.Milliseconds()
}

// isDecodable reports whether pictures of a sample entry, or of a codec by FFmpeg's name, can be decoded.
func isDecodable(codec string) bool {
	switch codec {
	case "avc1", "avc2", "avc3", "avc4", "dva1", "dvav", "h264", "H264",
		"hvc1", "hev1", "hvc2", "hev2", "dvh1", "dvhe", "hevc",
		"mp4v", "mpeg4", "jpeg", "mjpg", "mjpa", "mjpeg":
		return true
	default:
		return false
	}
}
