package merge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Segment is a clip and what was found in it.
type Segment struct {
	Clip        `json:"-"`
	Path        string          `json:"path"`
	Source      string          `json:"source"`
	Start       time.Time       `json:"start"` // wall clock of its zero: the minute in its name
	Bytes       int64           `json:"bytes"`
	Generation  string          `json:"generation"`
	Length      time.Duration   `json:"length_ns"` // from the zero to the end of the longest track
	Picture     *Picture        `json:"picture,omitempty"`
	Sound       *SoundTrack     `json:"sound,omitempty"`
	PictureRuns []timeline.Run  `json:"picture_runs,omitempty"` // usable pictures, since the zero
	SoundRuns   []timeline.Run  `json:"sound_runs,omitempty"`   // usable sound, since the zero
	Faults      []string        `json:"faults,omitempty"`
	Losses      []timeline.Loss `json:"losses,omitempty"` // why it lacks certain stretches of picture
	InnerCause  string          `json:"inner,omitempty"`  // why it lacks the rest of what is before and between its runs
	Cause       string          `json:"cause,omitempty"`  // why it lacks what comes after its runs
	BetterFile  string          `json:"rival,omitempty"`  // the better file of the same slot
}

// Picture is a segment's picture track.
type Picture struct {
	Codec  string  `json:"codec"`
	Width  int     `json:"width"`
	Height int     `json:"height"`
	Frames int     `json:"frames"`
	FPS    float64 `json:"fps"` // on average; for people
	// Hold is the longest that one picture is on show before the next.
	Hold time.Duration `json:"hold_ns"`
}

// SoundTrack is a segment's sound track.
type SoundTrack struct {
	Codec    string `json:"codec"`
	Channels int    `json:"channels"`
	Rate     int    `json:"rate"` // samples a second
}

// maxGap is how long a picture holds inside a file; a longer gap in the timestamps is a hole.
const maxGap = timeline.SlateMax

// survey finds out what a clip holds. Faults of the file are part of the answer; an error is only
// what keeps us from reading it.
func (e *Engine) survey(ctx context.Context, req Request, clip Clip, damages []Damage) (*Segment, error) {
	start, err := clip.Name.Start(req.Start.Location())
	if err != nil {
		return nil, err
	}
	seg := &Segment{Clip: clip, Path: clip.Path, Source: clip.Name.Source, Start: start, Generation: clip.Generation}
	bytes, err := clip.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open segment %s: %w", clip.Path, err)
	}
	defer func() { _ = bytes.Close() }() // openSegment for reading only
	seg.Bytes = bytes.Size()
	t, err := e.readTable(ctx, clip.Generation, rangeproxy.Metered{Object: bytes, Meter: &e.Analysis})
	switch cause := faultOf(err); {
	case err == nil:
		seg.describe(req, t, damages)
	case cause != "":
		seg.Cause = cause
		seg.Faults = append(seg.Faults, cause)
	default:
		return nil, fmt.Errorf("read the index of segment %s: %w", clip.Path, err)
	}
	return seg, nil
}

// faultOf says in words what is wrong with a file; empty if the error is not about the file.
func faultOf(err error) string {
	switch {
	case errors.Is(err, mp4.ErrEmpty):
		return "the file is empty (zero bytes)"
	case errors.Is(err, mp4.ErrNoMoov):
		return "the file has no index (moov): the recorder was stopped while writing, or the file is cut off"
	case errors.Is(err, mp4.ErrNotMP4):
		return "the file is not an MP4 file"
	case errors.Is(err, mp4.ErrNoSamples):
		return "the file holds no picture and no sound"
	case errors.Is(err, mp4.ErrMalformed), errors.Is(err, mp4.ErrFragmented):
		return "the file's index is damaged"
	default:
		return ""
	}
}

// describe fills in what the tables say.
func (s *Segment) describe(req Request, t *table, damages []Damage) {
	s.Length = t.length
	if t.picture == nil {
		s.fault("no picture track")
		s.Cause = "the file has no picture track"
	} else {
		s.describePicture(req, t, damages)
	}
	if t.sound == nil {
		s.fault("no sound track")
	} else {
		s.Sound = &SoundTrack{Codec: codecName(t.sound.Codec), Channels: t.sound.Channels, Rate: t.sound.SampleRate}
		s.SoundRuns = tableSoundRuns(t)
	}
	limit := req.Segment + overrun
	films := len(s.PictureRuns)
	s.PictureRuns, s.SoundRuns = s.inside(s.PictureRuns, limit), s.inside(s.SoundRuns, limit)
	if len(s.PictureRuns) < films {
		s.Cause = "the timestamps jump there: the time of what follows is not known"
	}
	if off := t.length - req.Segment; t.length < limit && (off < -5*time.Second || off > 5*time.Second) {
		s.fault("it lasts " + secondsText(t.length) + " instead of " + secondsText(req.Segment))
	}
}

func (s *Segment) describePicture(req Request, t *table, damages []Damage) {
	track := t.picture
	shown := 0
	lost := 0
	for i := range track.Samples {
		if !track.Samples[i].Hidden {
			shown++
		}
		if track.Samples[i].Lost {
			lost++
		}
	}
	s.Picture = &Picture{Codec: codecName(track.Codec), Width: track.Width, Height: track.Height, Frames: shown}
	end := time.Duration(0) // of the pictures
	if first, ok := track.First(); ok {
		last, _ := track.Last()
		end = last.Duration() - t.zero.Duration()
		if last.Duration() > first.Duration() {
			s.Picture.FPS = math.Round(100*float64(shown)/(last.Duration()-first.Duration()).Seconds()) / 100
		}
	}
	s.InnerCause = "the file has no picture there"
	s.Cause = "the file ends early: it holds " + secondsText(end) + " of " + secondsText(req.Segment)
	if lost > 0 {
		s.fault("the file is cut off: " + strconv.Itoa(lost) + " of " + strconv.Itoa(shown) + " pictures lie beyond its end")
		s.Losses = append(s.Losses, timeline.Loss{Run: timeline.Run{From: t.firstLost(), Until: s.Length}, Cause: "the file is cut off there"})
		s.Cause = "the file is cut off there"
	}
	if s.Picture.Codec != "h264" {
		s.fault("its pictures are " + s.Picture.Codec + " instead of h264")
	}
	if len(track.Entries) > 1 {
		s.fault("the picture's format changes inside the file")
	}
	for _, d := range ownDamages(damages, s) {
		s.fault("pictures cannot be decoded from " + secondsText(d.From) + " to " + secondsText(d.Until))
		s.Losses = append(s.Losses, timeline.Loss{Run: timeline.Run{From: d.From, Until: d.Until}, Cause: damagedCause})
		if d.Until >= end {
			s.Cause = damagedCause
		}
	}
	s.Picture.Hold = longestHold(t)
	s.PictureRuns = tablePictureRuns(t, damages, s)
	if len(track.Samples) > 0 && !track.Samples[0].Key && len(s.PictureRuns) > 0 {
		s.fault("it does not begin with a key frame")
		s.Losses = append(s.Losses, timeline.Loss{Run: timeline.Run{Until: s.PictureRuns[0].From}, Cause: "the pictures before the file's first key frame cannot be decoded"})
	}
	if len(s.PictureRuns) == 0 {
		s.fault("no picture of it can be used")
	}
}

// firstLost is the earliest picture that lies beyond the end of the file.
func (t *table) firstLost() time.Duration {
	first := t.length
	for i := range t.picture.Samples {
		if s := &t.picture.Samples[i]; s.Lost && !s.Hidden {
			first = min(first, t.at(t.picture, s.PTS))
		}
	}
	return first
}

func (s *Segment) fault(text string) {
	if !slices.Contains(s.Faults, text) {
		s.Faults = append(s.Faults, text)
	}
}

// shot is one usable picture.
type shot struct {
	pts      int64
	at       time.Duration // since the file's zero
	errorSet time.Duration // how long it may be shown: to the next, as its own duration says
	after    bool          // a picture between it and the one before cannot be used
}

// shots lists the usable pictures in order of presentation: presented, whole, decodable from a key
// frame that is there, and not known to be damaged.
func shots(t *table, damages []Damage) []shot {
	track := t.picture
	usable := make([]bool, len(track.Samples))
	keyPTS, decodable := int64(0), false
	for i := range track.Samples {
		s := &track.Samples[i]
		switch {
		case s.Lost:
			decodable = false
		case s.Key && !decodable:
			// What is decoded after it and shown before it rests on pictures that are not there. Later key
			// frames may have such pictures too (open GOPs), and these can be decoded.
			keyPTS, decodable = s.PTS, true
		}
		usable[i] = decodable && s.PTS >= keyPTS && !s.Hidden
	}
	order := make([]int, 0, len(track.Samples))
	for i := range track.Samples {
		if !track.Samples[i].Hidden {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return int(min(max(track.Samples[a].PTS-track.Samples[b].PTS, -1), 1)) })
	var out []shot
	broken := false
	for _, i := range order {
		s := &track.Samples[i]
		at := t.at(track, s.PTS)
		if !usable[i] || slices.ContainsFunc(damages, func(d Damage) bool { return d.From <= at && at < d.Until }) {
			broken = true
			continue
		}
		if n := len(out); n > 0 && out[n-1].pts == s.PTS {
			continue
		}
		out = append(out, shot{pts: s.PTS, at: at, errorSet: t.at(track, s.PTS+int64(s.Duration)), after: broken})
		broken = false
	}
	return out
}

// tablePictureRuns groups shots into runs. Gaps in the timestamps up to maxGap hold the picture before.
func tablePictureRuns(t *table, damages []Damage, s *Segment) []timeline.Run {
	list := shots(t, ownDamages(damages, s))
	nominal := nominalLength(list)
	var runs []timeline.Run
	for i, shot := range list {
		end := shot.errorSet
		if end-shot.at > maxGap || end <= shot.at {
			end = shot.at + nominal
		}
		if i+1 < len(list) && !list[i+1].after && list[i+1].at-shot.at <= maxGap {
			end = list[i+1].at
		}
		if i == 0 || shot.after || shot.at-list[i-1].at > maxGap {
			runs = append(runs, timeline.Run{From: shot.at, Until: end})
			continue
		}
		runs[len(runs)-1].Until = end
	}
	return runs
}

// nominalLength is the usual distance of two pictures: their median.
func nominalLength(list []shot) time.Duration {
	if len(list) < 2 {
		return 40 * time.Millisecond
	}
	gaps := make([]time.Duration, len(list)-1)
	for i := range gaps {
		gaps[i] = list[i+1].at - list[i].at
	}
	slices.Sort(gaps)
	return min(gaps[len(gaps)/2], time.Second)
}

// soundJitter is how far a packet's timestamp may be from where the samples before it end.
const soundJitter = 20 * time.Millisecond

// tableSoundRuns groups the packets of the sound track into stretches without a gap.
func tableSoundRuns(t *table) []timeline.Run {
	track := t.sound
	var runs []timeline.Run
	var next int64 // the tick at which the samples so far end
	usual := usualDuration(track)
	for i := range track.Samples {
		s := &track.Samples[i]
		if s.Hidden || s.Lost {
			continue
		}
		from := max(s.PTS, track.Start)
		lasts := int64(s.Duration)
		if lasts > 2*usual {
			lasts = usual // tables have no gaps: the packet before one is said to last to its end
		}
		end := s.PTS + lasts
		if len(runs) > 0 {
			if off := (mp4.Time{Ticks: s.PTS - next, Scale: track.Timescale}).Duration(); off >= -soundJitter && off <= soundJitter {
				next += lasts
				runs[len(runs)-1].Until = t.at(track, next)
				continue
			}
		}
		next = end
		runs = append(runs, timeline.Run{From: t.at(track, from), Until: t.at(track, end)})
	}
	return runs
}

// codecName is FFmpeg's name of a sample entry's codec.
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

// secondsText prints a duration for people, to the millisecond, without needless zeros.
func secondsText(d time.Duration) string {
	return strconv.FormatFloat(d.Round(time.Millisecond).Seconds(), 'f', -1, 64) + " s"
}
