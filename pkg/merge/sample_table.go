package merge

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

// table is a segment's sample tables, its zero found.
type table struct {
	picture *mp4.Track
	sound   *mp4.Track
	zero    mp4.Time
	length  time.Duration
}

// readTable reads a clip's sample tables. Files without a plain index are listed packet by packet,
// which reads all of them: what came out is kept under the clip's generation. An error that wraps one
// of package mp4's is about the file; others are about reading it.
func (e *Engine) readTable(ctx context.Context, generation string, object rangeproxy.Object) (*table, error) {
	file, err := mp4.Read(object, object.Size())
	if errors.Is(err, mp4.ErrFragmented) {
		file, err = e.listed(ctx, generation, object)
	}
	if err != nil {
		return nil, err
	}
	t := &table{}
	zero, ok := file.Zero()
	if !ok {
		return nil, mp4.ErrNoSamples
	}
	t.zero = zero
	for i := range file.Tracks {
		track := &file.Tracks[i]
		if track.Kind == mp4.Video && t.picture == nil {
			t.picture = track
		}
		if track.Kind == mp4.Audio && t.sound == nil {
			t.sound = track
		}
		if last, ok := track.Last(); ok && track.Kind != mp4.Other {
			t.length = max(t.length, last.Duration()-zero.Duration())
		}
	}
	return t, nil
}

// listed is the way to a table for files that have none: FFmpeg reads them through, once.
func (e *Engine) listed(ctx context.Context, generation string, object rangeproxy.Object) (*mp4.File, error) {
	key := "packets-" + digest([]string{generation, e.Tool.Version()})
	var streams []ffmpeg.Stream
	if e.Learned.Load(key, &streams) {
		return tabled(streams, object.Size()), nil
	}
	served := e.Proxy.Serve(object)
	streams, err := e.Tool.ListPackets(ctx, served.URL)
	if readErr := served.Close(); readErr != nil {
		return nil, readErr
	}
	var broken *ffmpeg.Error
	if errors.As(err, &broken) && !broken.Killed() {
		return nil, fmt.Errorf("%w: %w", mp4.ErrMalformed, err)
	}
	if err != nil {
		return nil, err
	}
	return tabled(streams, object.Size()), e.Learned.Save(key, streams)
}

// tabled makes tables of a list of packets. FFmpeg places before 0 what an edit list hides.
func tabled(streams []ffmpeg.Stream, size int64) *mp4.File {
	file := &mp4.File{Size: size}
	for _, s := range streams {
		track := mp4.Track{Kind: mp4.Audio, Codec: s.Codec, Timescale: s.Timescale, Width: s.Width, Height: s.Height, Channels: s.Channels, SampleRate: s.Rate, Start: math.MaxInt64}
		if s.Video {
			track.Kind = mp4.Video
		}
		for _, p := range s.Packets {
			track.Start = min(track.Start, max(0, p.PTS))
			track.Samples = append(track.Samples, mp4.Sample{PTS: p.PTS, Hidden: p.PTS+p.Duration <= 0, Duration: uint32(max(0, min(p.Duration, math.MaxUint32))), Key: p.Key || !s.Video}) // #nosec G115 -- bounded
		}
		file.Tracks = append(file.Tracks, track)
	}
	return file
}

// at is a PTS of a track as time since the file's zero.
func (t *table) at(track *mp4.Track, pts int64) time.Duration {
	return mp4.Time{Ticks: pts, Scale: track.Timescale}.Duration() - t.zero.Duration()
}
