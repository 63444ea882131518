package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// Table holds a segment's sample tables. Times count from the file's zero; see the package comment.
type Table struct {
	Picture *mp4.Track // nil if the file has no picture track
	Stream  int        // the number of Picture among the picture tracks, as in [ffmpeg.Pictures]
	Unused  []mp4.Size // of the other picture tracks that hold pictures
	Sound   *mp4.Track // nil if the file has no sound track
	// SoundStream is the number of Sound among the sound tracks.
	SoundStream int
	Zero        mp4.Time      // the file's zero, on the file's own time axis
	Length      time.Duration // from the zero to the end of the longest track

	pictures []*mp4.Track // all picture tracks, by their stream numbers
	sounds   []*mp4.Track // all sound tracks, in the order of the file

	// entries are the entry points of the picture track, in decoding order; nil: not listed yet.
	entries []entryPoint
	// corrected is set if the file's own table of key frames is wrong.
	corrected bool
}

// ReadTable reads a clip's sample tables. Files without a plain index are listed packet by packet,
// which reads all of them: the list is kept under the clip's generation. An error that wraps one of
// package mp4's is about the file; others are about reading it.
func (p *Prober) ReadTable(ctx context.Context, generation string, object rangeproxy.Object) (*Table, error) {
	file, err := mp4.Read(object, object.Size())
	if errors.Is(err, mp4.ErrFragmented) {
		file, err = p.listed(ctx, generation, object, file)
	}
	if err != nil {
		return nil, err
	}
	zero, ok := file.Zero()
	if !ok {
		return nil, mp4.ErrNoSamples
	}
	t := &Table{Zero: zero}
	t.choosePicture(file)
	for i := range file.Tracks {
		t.add(&file.Tracks[i])
	}
	return t, p.correctKeys(ctx, generation, object, t)
}

// add takes a track into the table. The first sound track that holds packets counts. Of the picture tracks, the
// chosen one does.
func (t *Table) add(track *mp4.Track) {
	if track.Kind == mp4.Video && track != t.Picture {
		return
	}
	if track.Kind == mp4.Audio {
		if !track.Described() {
			track.Samples = nil // no reader can decode them
		}
		if t.Sound == nil || len(t.Sound.Samples) == 0 && len(track.Samples) > 0 {
			t.Sound, t.SoundStream = track, len(t.sounds)
		}
		t.sounds = append(t.sounds, track)
	}
	if last, ok := track.Last(); ok && track.Kind != mp4.Other {
		t.Length = max(t.Length, last.Duration()-t.Zero.Duration())
	}
}

// listed makes the tables of a file that has none: FFmpeg reads the file through, once. index is what the file
// says of its tracks.
func (p *Prober) listed(
	ctx context.Context, generation string, object rangeproxy.Object, index *mp4.File,
) (*mp4.File, error) {
	const form = "all pictures and sounds, with positions" // what is stored of each packet
	key := "packets-" + Fingerprint([]string{generation, p.Tool.Version(), form})
	streams, err := Learn(p.Learned, key, func() ([]ffmpeg.Stream, error) {
		served := p.Proxy.Serve(object)
		streams, err := p.Tool.ListPackets(ctx, served, object.Size())
		if readErr := served.Close(); readErr != nil {
			return nil, readErr
		}
		if ffmpeg.IsUndecodable(err) {
			return nil, fmt.Errorf("%w: %w", mp4.ErrMalformed, err)
		}
		return streams, err
	})
	if err != nil {
		return nil, err
	}
	return tabled(streams, index), nil
}

// tabled makes tables of a list of packets.
func tabled(streams []ffmpeg.Stream, index *mp4.File) *mp4.File {
	file := &mp4.File{Size: index.Size}
	sounds := 0
	for _, s := range streams {
		track := mp4.Track{
			Kind:       mp4.Audio,
			Codec:      s.Codec,
			Timescale:  s.Timescale,
			Width:      s.Width,
			Height:     s.Height,
			Channels:   s.Channels,
			SampleRate: s.Rate,
			Start:      math.MaxInt64,
		}
		if s.Video {
			track.Kind = mp4.Video
		}
		track.DescribeSound(index, sounds)
		if !s.Video {
			sounds++
		}
		for _, packet := range s.Packets {
			track.Start = min(track.Start, max(0, packet.PTS))
			track.Samples = append(track.Samples, mp4.Sample{
				PTS:      packet.PTS,
				Hidden:   packet.PTS+packet.Duration <= 0,                      // FFmpeg places before 0 what an edit list hides
				Duration: uint32(max(0, min(packet.Duration, math.MaxUint32))), // #nosec G115 -- bounded
				Key:      packet.Key || !s.Video,
				Offset:   packet.Offset,
				Size:     uint32(max(0, min(packet.Size, math.MaxUint32))), // #nosec G115 -- bounded
			})
		}
		file.Tracks = append(file.Tracks, track)
	}
	return file
}

// At converts a PTS of a track to time since the file's zero.
func (t *Table) At(track *mp4.Track, pts int64) time.Duration {
	return mp4.Time{Ticks: pts, Scale: track.Timescale}.Duration() - t.Zero.Duration()
}

// firstLost is the earliest picture that lies beyond the end of the file.
func (t *Table) firstLost() time.Duration {
	first := t.Length
	for i := range t.Picture.Samples {
		if s := &t.Picture.Samples[i]; s.Lost && !s.Hidden {
			first = min(first, t.At(t.Picture, s.PTS))
		}
	}
	return first
}

// pictureEnd is where the file's pictures end, since its zero.
func (t *Table) pictureEnd() time.Duration {
	last, ok := t.Picture.Last()
	if !ok {
		return 0
	}
	return last.Duration() - t.Zero.Duration()
}
