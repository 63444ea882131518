package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Segment is a clip and what was found in it. Durations count from the file's zero.
type Segment struct {
	Clip        `json:"-"`
	Path        string          `json:"path"`
	Source      string          `json:"source"`
	Start       time.Time       `json:"start"` // wall clock of its zero: the minute in its name, corrected by Sync
	Sync        Sync            `json:"sync,omitzero"`
	Bytes       int64           `json:"bytes"`
	Generation  string          `json:"generation"`
	Length      time.Duration   `json:"length_ns"` // from the zero to the end of the longest track
	Picture     *Picture        `json:"picture,omitempty"`
	Sound       *SoundTrack     `json:"sound,omitempty"`
	PictureRuns []timeline.Run  `json:"picture_runs,omitempty"` // usable pictures, since the zero
	SoundRuns   []timeline.Run  `json:"sound_runs,omitempty"`   // usable sound, since the zero
	Faults      []cause.Cause   `json:"faults,omitempty"`
	Warnings    []Warning       `json:"warnings,omitempty"`
	Losses      []timeline.Loss `json:"losses,omitempty"` // why it lacks certain stretches of picture
	InnerCause  cause.Cause     `json:"inner,omitzero"`   // why it lacks the rest of what is before and between its runs
	Cause       cause.Cause     `json:"cause,omitzero"`   // why it lacks what comes after its runs
	BetterFile  string          `json:"rival,omitempty"`  // the better file of the same slot

	sounds []soundChoice // the sound tracks that could be heard; known until the plan is written
}

// Picture is a segment's picture track.
type Picture struct {
	Codec  string `json:"codec"`
	Stream int    `json:"stream,omitempty"` // its number among the picture tracks of the file
	Width  int    `json:"width"`
	Height int    `json:"height"`
	// Fields is set for interlaced pictures, which are deinterlaced. Shape is set if the file does not say it.
	Fields ffmpeg.FieldOrder `json:"fields,omitempty"`
	Shape  ffmpeg.Shape      `json:"shape,omitzero"`
	Frames int               `json:"frames"`
	FPS    float64           `json:"fps"` // on average; for people
	// Hold is the longest that one picture is on show before the next.
	Hold time.Duration `json:"hold_ns"`
}

// SoundTrack is a segment's sound track.
type SoundTrack struct {
	Stream   int    `json:"stream,omitempty"` // its number among the sound tracks of the file
	Codec    string `json:"codec"`
	Channels int    `json:"channels"`
	Rate     int    `json:"rate"` // samples a second
	// Exact is set if channels and rate are those of the decoder, and not those that the file names.
	Exact bool `json:"exact,omitempty"`
	// PacketSamples is how many samples each packet is decoded to, and FrameBytes how many bytes each sample
	// takes in uncompressed sound. If both are 0, a packet is as long as the table says.
	PacketSamples int `json:"packet_samples,omitempty"`
	FrameBytes    int `json:"frame_bytes,omitempty"`
	// Mix is how the channels are mixed; empty: by their names.
	Mix ffmpeg.Mix `json:"mix,omitempty"`
}

// Overrun is how far past its nominal length a file is still believed.
const Overrun = 10 * time.Second

// lengthTolerance is how far a file's length may be off its nominal length without a fault. Recorders lose a
// few seconds between two files.
const lengthTolerance = 5 * time.Second

// maxGap is how long a picture holds inside a file. A longer distance of two timestamps is a gap.
const maxGap = timeline.SlateMax

// Probe finds out what a clip holds. zone is the room's location, length the nominal length of a
// segment. damages are stretches that rendering found undecodable.
func (p *Prober) Probe(
	ctx context.Context, clip Clip, zone *time.Location, length time.Duration, damages []Damage,
) (*Segment, error) {
	start, err := clip.Name.Start(zone)
	if err != nil {
		return nil, err
	}
	seg := &Segment{
		Clip:       clip,
		Path:       clip.Path,
		Source:     clip.Name.Source,
		Start:      start,
		Generation: clip.Generation,
	}
	if !clip.Fault.IsZero() {
		seg.Cause = clip.Fault
		seg.AddFault(clip.Fault)
		return seg, nil
	}
	bytes, err := clip.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open segment %s: %w", clip.Path, err)
	}
	defer func() { _ = bytes.Close() }() // open for reading only
	seg.Bytes = bytes.Size()
	object := rangeproxy.Share(rangeproxy.Metered{Object: bytes, Meter: p.Meter})
	t, err := p.ReadTable(ctx, clip.Generation, object)
	if err == nil {
		seg.sounds, err = p.soundTracks(ctx, clip.Generation, t, object)
	}
	switch fault := faultOf(err); {
	case err == nil:
		seg.describe(t, length, OwnDamages(damages, seg))
		if err := p.examine(ctx, seg, t, object); err != nil {
			return nil, err
		}
		return seg, p.findStills(ctx, seg, t, object)
	case !fault.IsZero():
		seg.Cause = fault
		seg.AddFault(fault)
	default:
		return nil, fmt.Errorf("read the index of segment %s: %w", clip.Path, err)
	}
	return seg, nil
}

// faultOf returns the fault of a file. It returns the zero cause if the error is about reading the file, and
// not about the file itself.
func faultOf(err error) cause.Cause {
	switch {
	case errors.Is(err, mp4.ErrEmpty):
		return cause.FileEmpty()
	case errors.Is(err, mp4.ErrNoMoov):
		return cause.FileNoIndex()
	case errors.Is(err, mp4.ErrNotMP4):
		return cause.FileNotMP4()
	case errors.Is(err, mp4.ErrExternal):
		return cause.FileExternal()
	case errors.Is(err, mp4.ErrMalformed) && errors.Is(err, ffmpeg.ErrStalled):
		return cause.DecoderStalled()
	case errors.Is(err, mp4.ErrNoSamples):
		return cause.FileNoMedia()
	case errors.Is(err, mp4.ErrMalformed), errors.Is(err, mp4.ErrFragmented):
		return cause.FileIndexDamaged()
	default:
		return cause.Cause{}
	}
}

// describe fills in what the tables hold. damages are the segment's own.
func (s *Segment) describe(t *Table, length time.Duration, damages []Damage) {
	s.Length = t.Length
	if t.Picture == nil {
		s.AddFault(cause.NoPictureTrack())
		s.Cause = cause.NoPictureTrack()
	} else {
		s.describePicture(t, length, damages)
	}
	if len(s.sounds) == 0 {
		s.AddFault(cause.NoSoundTrack())
	}
	limit := length + Overrun
	pictures := len(s.PictureRuns)
	s.PictureRuns = s.inside(s.PictureRuns, limit)
	for i := range s.sounds {
		s.sounds[i].runs = s.inside(s.sounds[i].runs, limit)
	}
	if len(s.sounds) > 0 {
		s.UseSound(0)
	}
	if len(s.PictureRuns) < pictures {
		s.Cause = cause.TimestampsJump()
	}
	off := (t.Length - length).Abs()
	if t.Length < limit && off > lengthTolerance {
		s.AddFault(cause.OddLength(t.Length, length))
	}
}

// describePicture fills in what the picture track holds.
func (s *Segment) describePicture(t *Table, length time.Duration, damages []Damage) {
	track := t.Picture
	shown, lost := countSamples(track)
	for _, size := range t.Unused {
		s.Warn(timeline.Run{Until: s.Length}, cause.PictureTrackUnused(size.Width, size.Height))
	}
	s.Picture = &Picture{
		Codec:  codecName(track.Codec),
		Stream: t.Stream,
		Width:  track.Width,
		Height: track.Height,
		Frames: shown,
	}
	end := t.pictureEnd()
	if first, ok := track.First(); ok {
		last, _ := track.Last()
		if seconds := (last.Duration() - first.Duration()).Seconds(); seconds > 0 {
			s.Picture.FPS = math.Round(100*float64(shown)/seconds) / 100
		}
	}
	s.InnerCause = cause.NoPictureThere()
	s.Cause = cause.FileEndsEarly(end, length)
	if lost > 0 {
		s.AddFault(cause.PicturesBeyondEnd(lost, shown))
		s.lose(t.firstLost(), s.Length, cause.FileCutOff())
		s.Cause = cause.FileCutOff()
	}
	if s.Picture.Codec != "h264" {
		s.AddFault(cause.OtherCodec(s.Picture.Codec))
	}
	if len(track.Entries) > 1 {
		s.AddFault(cause.FormatChanges())
	}
	for _, d := range damages {
		s.AddFault(d.fault())
		s.lose(d.From, d.Until, d.cause())
		s.Losses[len(s.Losses)-1].Damage = !d.Stalled
		if d.Until >= end {
			s.Cause = d.cause()
		}
	}
	s.Picture.Hold = longestHold(t)
	s.PictureRuns = tablePictureRuns(t, damages)
	startsInside := len(track.Samples) > 0 && !track.Samples[0].Key
	if startsInside && len(s.PictureRuns) > 0 {
		s.AddFault(cause.NoKeyFrame())
		s.lose(0, s.PictureRuns[0].From, cause.BeforeKeyFrame())
	}
	if len(s.PictureRuns) == 0 {
		s.AddFault(cause.NoUsablePicture())
	}
}

// countSamples counts the pictures that are shown, and the samples that lie beyond the file's end.
func countSamples(track *mp4.Track) (shown, lost int) {
	for i := range track.Samples {
		if !track.Samples[i].Hidden {
			shown++
		}
		if track.Samples[i].Lost {
			lost++
		}
	}
	return shown, lost
}

// lose notes why a stretch of the file cannot be shown.
func (s *Segment) lose(from, until time.Duration, why cause.Cause) {
	s.Losses = append(s.Losses, timeline.Loss{
		Run:   timeline.Run{From: from, Until: until},
		Cause: why,
	})
}

// Sync is how much later a segment's recorder was than that of the source that is heard. Start is corrected by it.
type Sync struct {
	Lag      time.Duration `json:"lag_ns"`    // at the file's zero
	DriftPPB int64         `json:"drift_ppb"` // parts in 1e9 by which the recorder's clock runs slower
}

// Correct moves the segment to where the source that is heard would have recorded it.
func (s *Segment) Correct(sync Sync) {
	s.Sync = sync
	s.Start = s.Start.Add(-sync.Lag)
}

// Since returns how long after Start the instant at a time since the file's zero is. The two differ if the
// recorder's clock drifts. It computes with whole numbers, so that every machine gets the same result.
func (s *Segment) Since(at time.Duration) time.Duration {
	return at - time.Duration(int64(at)/int64(time.Millisecond)*s.Sync.DriftPPB/1000)
}

// Warning is what was changed in a stretch of a file, or is doubtful about it, while it is shown or heard.
type Warning struct {
	Run   timeline.Run `json:"run"` // since the file's zero
	Cause cause.Cause  `json:"cause"`
}

// Warn notes a warning about a stretch of the file.
func (s *Segment) Warn(run timeline.Run, why cause.Cause) {
	s.Warnings = append(s.Warnings, Warning{Run: run, Cause: why})
}

// AddFault notes a fault of the file, once.
func (s *Segment) AddFault(fault cause.Cause) {
	if !slices.Contains(s.Faults, fault) {
		s.Faults = append(s.Faults, fault)
	}
}

// PictureCoverage returns what the segment shows.
func (s *Segment) PictureCoverage() timeline.FileCoverage {
	return timeline.FileCoverage{
		Start:  s.Start,
		Runs:   s.PictureRuns,
		Losses: s.Losses,
		Inner:  s.InnerCause,
		Cause:  s.Cause,
	}
}

// SoundCoverage returns what sound the segment has, for a source that has no pictures in the merge.
func (s *Segment) SoundCoverage() timeline.FileCoverage {
	why := s.Cause
	switch {
	case s.Sound != nil:
		why = cause.NoSoundThere()
	case s.Picture != nil:
		why = cause.NoSoundTrack()
	}
	return timeline.FileCoverage{
		Start: s.Start,
		Runs:  s.SoundRuns,
		Cause: why,
		Inner: cause.NoSoundThere(),
	}
}

// OfSource returns the indices of a source's segments, without those that have a better file.
func OfSource(segments []*Segment, source string) []int {
	var list []int
	for i, seg := range segments {
		if seg.Source == source && seg.BetterFile == "" {
			list = append(list, i)
		}
	}
	return list
}

// codecName returns FFmpeg's name of the codec of a sample entry. An unknown entry is returned as it is.
func codecName(entry string) string {
	switch entry {
	case "avc1", "avc3":
		return "h264"
	case "hvc1", "hev1":
		return "hevc"
	case "mp4a":
		return "aac"
	default:
		return entry
	}
}
