package probe

import (
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// SoundJitter is how far a packet's timestamp may be from where the samples before it end.
const SoundJitter = 20 * time.Millisecond

// packetRun is a run of sound and its packets, in order.
type packetRun struct {
	timeline.Run
	packets []int
	cut     int64 // samples of the first packet that an edit list leaves out
}

// soundRuns groups the packets of the sound track into runs.
func (t *Table) soundRuns(track *SoundTrack) []timeline.Run {
	var runs []timeline.Run
	for _, r := range t.packetRuns(track) {
		runs = append(runs, r.Run)
	}
	return runs
}

// packetRuns groups the packets of the sound track into stretches without a gap. Samples are counted: a run ends
// where the timestamps leave the count by more than the jitter.
func (t *Table) packetRuns(track *SoundTrack) []packetRun {
	var runs []packetRun
	var first, count int64 // the tick of the run's first sample, and its samples so far
	rate := int64(track.Rate)
	for i := range t.Sound.Samples {
		s := &t.Sound.Samples[i]
		if s.Hidden || s.Lost {
			continue
		}
		samples := track.packetSamples(t.Sound, i)
		next := first + rescale(count, t.Sound.Timescale, rate)
		off := mp4.Time{Ticks: s.PTS - next, Scale: t.Sound.Timescale}.Duration()
		if len(runs) == 0 || off.Abs() > SoundJitter {
			cut := max(0, rescale(t.Sound.Start-s.PTS, rate, t.Sound.Timescale))
			if len(runs) > 0 {
				cut = 0
			}
			first, count = s.PTS+rescale(cut, t.Sound.Timescale, rate), -cut
			runs = append(runs, packetRun{cut: cut, Run: timeline.Run{From: t.At(t.Sound, first)}})
		}
		count += samples
		r := &runs[len(runs)-1]
		r.packets = append(r.packets, i)
		r.Until = t.At(t.Sound, first+rescale(count, t.Sound.Timescale, rate))
	}
	return runs
}

// SoundSamples locates the samples of a run in a segment's sound track by counting those of its packets.
type SoundSamples struct {
	Rate int64 // in Hz, as decoded

	track   *mp4.Track
	object  rangeproxy.Object
	packets []mp4.SoundPacket
	starts  []int64 // of the packets, in samples since the run's first one; and the end of the last one
}

// SoundSamples returns the samples of a run of sound, or of a stretch inside one.
func (o *OpenSegment) SoundSamples(run timeline.Run) *SoundSamples {
	s := &SoundSamples{Rate: int64(o.Sound.Rate), track: o.Table.Sound, object: o.Object}
	whole := packetRun{Run: run}
	for _, r := range o.Table.packetRuns(o.Sound) {
		if r.From <= run.From || whole.packets == nil {
			whole = r
		}
	}
	if len(whole.packets) == 0 {
		return s
	}
	at := -whole.cut - SamplesIn(run.From-whole.From, s.Rate)
	for i := range whole.packets[0] { // what is decoded before the run, so that its first samples are whole
		if packet := &s.track.Samples[i]; !packet.Lost {
			at -= o.Sound.packetSamples(s.track, i)
			whole.packets = append(whole.packets, i)
		}
	}
	slices.Sort(whole.packets)
	for _, i := range whole.packets {
		length := o.Sound.packetSamples(s.track, i)
		s.packets = append(s.packets, mp4.SoundPacket{Sample: i, Duration: length})
		s.starts = append(s.starts, at)
		at += length
	}
	s.starts = append(s.starts, at)
	return s
}

// How much is decoded before the first wanted sample: for the overlap of blocks, for the headers of SBR, which come
// twice a second, and for MP3, whose packets take bytes of those before.
const (
	soundLead        = time.Second
	soundLeadPackets = 12
)

// soundTail is how much is decoded behind the last wanted sample, for what a resampler looks ahead.
const soundTail = time.Second

// View returns a file of the packets from which the run's samples [from, until) can be decoded. Sample n of the run
// is sample n - base of it.
func (s *SoundSamples) View(from, until int64) (view *mp4.View, base int64, err error) {
	lead := from - SamplesIn(soundLead, s.Rate)
	first, _ := slices.BinarySearch(s.starts, lead+1)
	wanted, _ := slices.BinarySearch(s.starts, from+1)
	first = min(max(0, min(first-1, wanted-1-soundLeadPackets)), max(0, len(s.packets)-1))
	if len(s.packets) > 0 {
		base = s.starts[first]
	}
	end, _ := slices.BinarySearch(s.starts, until+SamplesIn(soundTail, s.Rate))
	end = min(max(end, first+1), len(s.packets))
	view, err = mp4.NewSoundView(s.object, s.track, s.Rate, s.packets[first:end])
	return view, base, err
}

// SamplesIn is how many samples lie before d, to the nearest.
func SamplesIn(d time.Duration, rate int64) int64 {
	return rescale(int64(d), rate, int64(time.Second))
}
