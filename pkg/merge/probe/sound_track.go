package probe

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// soundProbePackets is how many packets are decoded to learn the format of a sound track.
const soundProbePackets = 24

// usualRate is the sample rate of a track that names none, in Hz.
const usualRate = 48000

// soundTrack describes the sound track of a table. Rate and channels are those of the decoder, unless it cannot
// decode: the sample entry names half the rate for HE-AAC, and a wrong one or none in the files of some recorders.
func (p *Prober) soundTrack(
	ctx context.Context, generation string, t *Table, object rangeproxy.Object,
) (*SoundTrack, error) {
	key := "sound-" + Fingerprint([]string{generation, p.Tool.Version()})
	if t.SoundStream > 0 {
		key += fmt.Sprint("-", t.SoundStream)
	}
	known := &SoundTrack{}
	if p.Learned.Load(key, known) && known.Rate > 0 {
		return known, nil
	}
	track := &SoundTrack{
		Stream:   t.SoundStream,
		Codec:    codecName(t.Sound.Codec),
		Channels: max(t.Sound.Channels, 1),
		Rate:     namedRate(t.Sound),
	}
	packets := t.presentPackets()
	// The first packets usually tell; if they are damaged, those in the middle do.
	for _, at := range []int{0, len(packets) / 2} {
		part := packets[at:min(at+soundProbePackets, len(packets))]
		frames, err := p.soundFrames(ctx, t.Sound, part, object)
		if err != nil {
			return nil, err
		}
		if track.learn(t.Sound, part, frames) {
			break
		}
	}
	return track, p.Learned.Save(key, track)
}

// namedRate is the sample rate that a track names in its sample entry, else its timescale if that can be a rate.
func namedRate(track *mp4.Track) int {
	const least, most = 4000, 192000
	for _, rate := range []int64{int64(track.SampleRate), track.Timescale} {
		if rate >= least && rate <= most {
			return int(rate)
		}
	}
	return usualRate
}

// presentPackets lists the presented packets of the sound track that are in the file.
func (t *Table) presentPackets() []int {
	var packets []int
	for i := range t.Sound.Samples {
		if s := &t.Sound.Samples[i]; !s.Hidden && !s.Lost {
			packets = append(packets, i)
		}
	}
	return packets
}

// soundFrames decodes packets of a sound track. What FFmpeg cannot decode gives no frames.
func (p *Prober) soundFrames(
	ctx context.Context, track *mp4.Track, packets []int, object rangeproxy.Object,
) ([]ffmpeg.SoundFrame, error) {
	list := make([]mp4.SoundPacket, len(packets))
	for n, i := range packets {
		list[n] = mp4.SoundPacket{Sample: i, Duration: min(int64(track.Samples[i].Duration), track.Timescale)}
	}
	view, err := mp4.NewSoundView(object, track, track.Timescale, list)
	if err != nil {
		return nil, nil //nolint:nilerr // a track without packets has no frames
	}
	served := p.Proxy.Serve(view)
	frames, err := p.Tool.SoundFrames(ctx, served)
	if readErr := served.Close(); readErr != nil {
		return nil, readErr
	}
	if ffmpeg.IsUndecodable(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("learn the format of the sound: %w", err)
	}
	return frames, nil
}

// learn takes over what the decoder made of packets. It reports whether that tells the format.
func (s *SoundTrack) learn(track *mp4.Track, packets []int, frames []ffmpeg.SoundFrame) bool {
	rate := usual(frames, func(f ffmpeg.SoundFrame) int { return f.Rate })
	channels := usual(frames, func(f ffmpeg.SoundFrame) int { return f.Channels })
	length := usual(frames, func(f ffmpeg.SoundFrame) int { return f.Samples })
	if rate <= 0 || channels <= 0 || length <= 0 {
		return false
	}
	s.Rate, s.Channels, s.Exact = rate, channels, true
	var bytes, samples int64
	for _, i := range packets {
		bytes += int64(track.Samples[i].Size)
	}
	same := 0
	for _, f := range frames {
		samples += int64(f.Samples)
		if f.Samples == length {
			same++
		}
	}
	switch {
	// Of compressed sound a sample of a channel takes less than a byte.
	case samples > 0 && bytes%samples == 0 && bytes/samples >= int64(channels):
		s.FrameBytes = int(bytes / samples)
	// The first and the last may be shorter.
	case len(frames) > 2 && same >= len(frames)-2:
		s.PacketSamples = length
	}
	return true
}

// usual returns the most frequent value of frames, and 0 of none.
func usual(frames []ffmpeg.SoundFrame, of func(ffmpeg.SoundFrame) int) int {
	counts := map[int]int{}
	best := 0
	for _, f := range frames {
		value := of(f)
		counts[value]++
		if cmp.Or(cmp.Compare(counts[value], counts[best]), cmp.Compare(best, value)) > 0 {
			best = value
		}
	}
	return best
}

// packetSamples is how many samples packet i of a track is decoded to. It is within what a view of the packet
// can say, whatever the table says.
func (s *SoundTrack) packetSamples(track *mp4.Track, i int) int64 {
	return min(max(0, s.listedSamples(track, i)), math.MaxInt32)
}

// listedSamples is how many samples packet i of a track is decoded to, as the table says.
func (s *SoundTrack) listedSamples(track *mp4.Track, i int) int64 {
	packet := &track.Samples[i]
	if s.FrameBytes > 0 {
		return int64(packet.Size) / int64(s.FrameBytes)
	}
	// Rounded from the start of the track, so that rounding does not add up.
	rate := int64(s.Rate)
	named := rescale(packet.PTS+int64(packet.Duration), rate, track.Timescale) - rescale(packet.PTS, rate, track.Timescale)
	if s.PacketSamples == 0 {
		return named
	}
	last := i == len(track.Samples)-1
	if length := int64(s.PacketSamples); !last || named <= 0 || named > length {
		return length
	}
	return named
}

// rescale converts n from a number of ticks per second to another, to the nearest.
func rescale(n, to, from int64) int64 {
	whole, rest := n/from, n%from
	if rest < 0 {
		whole, rest = whole-1, rest+from
	}
	return whole*to + (rest*to+from/2)/from
}

// useSound makes the table that of the sound track with a number, as a plan says.
func (t *Table) useSound(stream int) error {
	if stream < 0 || stream >= len(t.sounds) {
		return fmt.Errorf("sound track %d of %d", stream, len(t.sounds))
	}
	t.Sound, t.SoundStream = t.sounds[stream], stream
	return nil
}

// soundChoice is a sound track of a segment that could be heard.
type soundChoice struct {
	track *SoundTrack
	runs  []timeline.Run
}

// maxSoundTracks is how many sound tracks of a file are looked at.
const maxSoundTracks = 8

// soundTracks describes the sound tracks of a table that hold packets. The table's own is the first.
func (p *Prober) soundTracks(
	ctx context.Context, generation string, t *Table, object rangeproxy.Object,
) ([]soundChoice, error) {
	if t.Sound == nil {
		return nil, nil
	}
	own := t.SoundStream
	defer func() { _ = t.useSound(own) }() // it is in the table
	var list []soundChoice
	for stream, track := range t.sounds {
		if stream != own && (stream < own || len(track.Samples) == 0) || len(list) == maxSoundTracks {
			continue
		}
		t.Sound, t.SoundStream = track, stream
		described, err := p.soundTrack(ctx, generation, t, object)
		if err != nil {
			return nil, err
		}
		list = append(list, soundChoice{track: described, runs: t.soundRuns(described)})
	}
	return list, nil
}

// SoundTracks returns the number of sound tracks that could be heard.
func (s *Segment) SoundTracks() int {
	return len(s.sounds)
}

// UseSound makes the n-th of the sound tracks that could be heard, from 0, the one that is.
func (s *Segment) UseSound(n int) {
	s.Sound, s.SoundRuns = s.sounds[n].track, s.sounds[n].runs
}

// SoundChannels returns the most channels of a sound track that could be heard.
func (s *Segment) SoundChannels() int {
	most := 0
	for _, sound := range s.sounds {
		most = max(most, sound.track.Channels)
	}
	return most
}
