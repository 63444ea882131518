package sound

import (
	"context"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Planned is whose sound is heard, and how loud.
type Planned struct {
	Channels   int              `json:"channels"`
	Target     *float64         `json:"target_lufs"` // nil: loudness is left as it was
	Measured   *Measured        `json:"measured,omitempty"`
	GainDB     float64          `json:"gain_db"`
	Expected   *float64         `json:"expected_lufs,omitempty"` // behind gain and limiter; nil: nothing is heard
	LimitDBFS  float64          `json:"limit_dbfs,omitempty"`    // 0: no limiter
	SpeechDB   *float64         `json:"speech_db,omitempty"`     // level of the record's speech; nil: nothing is leveled
	Leveler    Curve            `json:"leveler,omitempty"`       // before the gain; empty: nothing is raised
	Candidates []string         `json:"candidates"`              // last octets, best first
	Thresholds map[string]int16 `json:"silent_below_dbtp_hundredths,omitempty"`
	Heard      []Heard          `json:"heard"`
	Takes      []timeline.Take  `json:"takes"`
}

// Heard is a stretch of the record's sound, in tenths of a second, and where it comes from.
type Heard struct {
	First  int64       `json:"first"`
	End    int64       `json:"end"`
	Source string      `json:"source"` // empty: nothing is heard
	Reason cause.Cause `json:"reason"`
}

// Loudness is what the sound is brought to.
type Loudness struct {
	Off        bool // the sound stays as it was
	TargetLUFS float64
	LevelerOff bool  // quiet speech is not raised
	Kept       *Gain // of the record's first revision: it is not measured again
}

// Gain is how loud the sound of a plan is made, and on how many channels. A revision that keeps the gain of
// the first one shares its parts.
type Gain struct {
	Channels  int
	GainDB    float64
	LimitDBFS float64
	SpeechDB  *float64 // of the leveler; nil: it was off
}

// Gain returns the gain of a planned sound.
func (p *Planned) Gain() *Gain {
	return &Gain{Channels: p.Channels, GainDB: p.GainDB, LimitDBFS: p.LimitDBFS, SpeechDB: p.SpeechDB}
}

// Chooser decides whose sound is heard where, and how loud. It measures a source when the choice first
// depends on it.
type Chooser struct {
	Prober   *probe.Prober
	Segments []*probe.Segment
	Sources  []string      // last octets, best first
	Start    time.Time     // of the record
	Samples  int64         // of the record, at 48 kHz
	Segment  time.Duration // nominal length of a segment
	Loudness Loudness
	Withheld []timeline.Listen       // blocks of the record in which nothing may be heard, in order
	Progress func(done, total int64) // segments measured

	ctx      context.Context //nolint:containedctx // of Choose, for the callbacks of timeline.Choose
	channels int
	known    map[int]*measuredSource
	blocks   int64 // of the record
	err      error
	notes    []Note
}

// measuredSource is a source that was measured.
type measuredSource struct {
	segments         []int
	hearings         []*soundAnalysis
	silenceThreshold int16
	kinds            []blockKind // by block of the record
	runs             []timeline.SoundRun
	ppm              int64 // by how many parts in a million the clock of its sound is fast
}

// trueTime converts a time of a segment's sound by the source's clock to true time, both since the file's zero. The
// clock is right where the sound begins.
func (k *measuredSource) trueTime(seg *probe.Segment, at time.Duration) time.Duration {
	zero := seg.SoundRuns[0].From
	return zero + trueTime(at-zero, k.ppm)
}

// Choose decides the sound of the record. It is called once.
func (c *Chooser) Choose(ctx context.Context) (Planned, error) {
	c.ctx, c.known, c.channels = ctx, map[int]*measuredSource{}, channelsOf(c.Segments)
	if kept := c.Loudness.Kept; kept != nil {
		c.channels = kept.Channels
	}
	planned := Planned{
		Channels:   c.channels,
		Candidates: c.Sources,
		Thresholds: map[string]int16{},
	}
	c.blocks = (c.Samples*timeline.BlocksPerSecond + ffmpeg.SampleRate - 1) / ffmpeg.SampleRate
	var listens []timeline.Listen
	if len(c.Sources) > 0 {
		listens = timeline.Choose(0, c.blocks, len(c.Sources), c.heard)
	}
	listens = timeline.Without(listens, c.Withheld)
	for source, k := range c.known {
		planned.Thresholds[c.Sources[source]] = k.silenceThreshold
	}
	planned.Heard = c.addWithheld(c.describe(listens, c.blocks))
	if c.err != nil {
		return Planned{}, c.err
	}
	c.noteChoice(listens)
	planned.Takes = timeline.Takes(inSamples(listens, c.Samples), func(source int) []timeline.SoundRun {
		return c.known[source].runs
	})
	c.level(&planned, listens)
	return planned, nil
}

// channelsOf returns 2 if any segment that counts is stereo, otherwise 1.
func channelsOf(segments []*probe.Segment) int {
	for _, seg := range segments {
		if seg.SoundChannels() > 1 && seg.BetterFile == "" {
			return 2
		}
	}
	return 1
}

// heard returns how a block of a source counts in the choice. It measures the source if it was not measured
// yet.
func (c *Chooser) heard(source int, block int64) timeline.Heard {
	return c.kind(source, block).heard()
}

// kind returns what a source holds in a block of the record. It measures the source if it was not measured
// yet.
func (c *Chooser) kind(source int, block int64) blockKind {
	k := c.listen(source)
	if c.err != nil || c.isWithheld(block) {
		return kindMissing
	}
	return k.kinds[block]
}

// kindsOf returns what a source holds in each block of the record.
func (c *Chooser) kindsOf(k *measuredSource) []blockKind {
	blocks := make([]voiceBlock, c.blocks)
	for i := range blocks {
		if b, ok := c.at(k, int64(i)); ok {
			blocks[i] = voiceBlockOf(b, unpackedTraits(b.traits), k.silenceThreshold)
		}
	}
	return kindsOf(blocks)
}

// at finds a source's measured block at a block of the record.
func (c *Chooser) at(k *measuredSource, block int64) (b loudBlock, ok bool) {
	instant := c.Start.Add(time.Duration(block)*timeline.Block + timeline.Block/2)
	for i := len(k.segments) - 1; i >= 0; i-- { // a later file wins where two overlap
		seg := c.Segments[k.segments[i]]
		if at := instant.Sub(seg.Start); at >= 0 {
			zero := seg.SoundRuns[0].From
			at = zero + fileTime(at-zero, k.ppm)
			if b, ok = k.hearings[i].block(at); ok {
				return b, true
			}
		}
	}
	return loudBlock{}, false
}

// listen measures a source, once.
func (c *Chooser) listen(source int) *measuredSource {
	if k := c.known[source]; k != nil {
		return k
	}
	k := &measuredSource{}
	c.known[source] = k
	if c.err != nil {
		return k // nothing will come of it any more
	}
	for _, i := range probe.OfSource(c.Segments, c.Sources[source]) {
		if len(c.Segments[i].SoundRuns) > 0 {
			k.segments = append(k.segments, i)
		}
	}
	if c.chooseTracks(k); c.err != nil {
		return k
	}
	k.hearings = make([]*soundAnalysis, len(k.segments))
	c.err = c.Prober.Each(c.ctx, len(k.segments), c.Progress, func(ctx context.Context, i int) (err error) {
		k.hearings[i], err = c.measure(ctx, c.Segments[k.segments[i]], nil)
		return err
	})
	if c.err == nil {
		c.fitEars(k)
	}
	if c.err != nil {
		return k
	}
	k.silenceThreshold = silenceThreshold(k.hearings)
	k.ppm = c.clockDrift(k)
	k.kinds = c.kindsOf(k)
	for i, index := range k.segments {
		seg := c.Segments[index]
		if seg.Sound.Mix = k.hearings[i].Mix; k.hearings[i].LFE {
			seg.Warn(timeline.Run{Until: seg.Length}, cause.ChannelLFE())
		}
		if k.ppm != 0 {
			seg.Warn(timeline.Run{Until: seg.Length}, cause.ClockDrift(int(k.ppm)))
		}
		zero := seg.Start.Sub(c.Start)
		for _, run := range k.hearings[i].Runs {
			k.runs = append(k.runs, timeline.SoundRun{
				First: samplesIn(zero + k.trueTime(seg, run.Run.From)),
				End:   samplesIn(zero + k.trueTime(seg, run.Run.Until)),
				File:  index,
				Run:   run.Run,
				PPM:   k.ppm,
			})
		}
		if lost := undecoded(seg, k.hearings[i]); lost > 100*time.Millisecond {
			seg.AddFault(cause.UndecodableSound(lost))
		}
	}
	return k
}

// undecoded is how much of a segment's sound FFmpeg could not decode.
func undecoded(seg *probe.Segment, h *soundAnalysis) time.Duration {
	var lost time.Duration
	for _, run := range seg.SoundRuns {
		lost += run.Until - run.From
	}
	for _, run := range h.Runs {
		lost -= run.Run.Until - run.Run.From
	}
	return lost
}

// measure measures a segment as a mix of its channels, unless its levels are known already. Without a mix its
// channels are heard as they are.
func (c *Chooser) measure(ctx context.Context, seg *probe.Segment, mix ffmpeg.Mix) (*soundAnalysis, error) {
	const form = "as rendered, with traits" // former versions measured other mixes, and no traits
	key := "levels-" + probe.Fingerprint([]any{
		form,
		seg.Generation,
		c.channels,
		c.Prober.Tool.Version(),
		seg.SoundRuns,
		seg.Sound.Stream,
		mix,
	})
	h, err := probe.Learn(c.Prober.Learned, key, func() (soundAnalysis, error) {
		return measureSegment(ctx, c.Prober, seg, c.channels, mix)
	})
	if err != nil {
		return nil, err
	}
	return &h, nil
}

// describe says for people where the sound comes from.
func (c *Chooser) describe(listens []timeline.Listen, blocks int64) []Heard {
	if len(listens) == 0 {
		return []Heard{{First: 0, End: blocks, Reason: cause.NoSound()}}
	}
	var out []Heard
	for _, listen := range listens {
		name := c.Sources[listen.Source]
		h := Heard{
			First:  listen.First,
			End:    listen.End,
			Source: name,
			Reason: cause.SoundSource(name),
		}
		switch {
		case c.none(listen):
			h.Source, h.Reason = "", cause.NoSoundHere()
		case listen.Source > 0 && c.none(timeline.Listen{
			First:  listen.First,
			End:    listen.End,
			Source: 0,
		}):
			h.Reason = cause.SoundStandsIn(c.Sources[0], name)
		case listen.Source > 0:
			h.Reason = c.standsIn(listen)
		}
		out = append(out, h)
	}
	return out
}

// standsIn says why a source is heard in place of the wanted one, which has samples.
func (c *Chooser) standsIn(listen timeline.Listen) cause.Cause {
	wanted, name := c.Sources[0], c.Sources[listen.Source]
	if why := c.lacks(0, listen); !why.Is(cause.CodeSoundSilent) && !why.Is(cause.CodeNoSoundThere) {
		return cause.SoundReplaced(wanted, name, why)
	}
	return cause.SoundStandsInSilent(wanted, name)
}

// none reports whether a source has no samples at all in a stretch.
func (c *Chooser) none(listen timeline.Listen) bool {
	for block := listen.First; block < listen.End; block++ {
		if c.heard(listen.Source, block) != timeline.Missing {
			return false
		}
	}
	return true
}

// inSamples turns blocks into samples, the last one cut at the record's end.
func inSamples(listens []timeline.Listen, samples int64) []timeline.Listen {
	const blockSamples = ffmpeg.SampleRate / 10
	out := make([]timeline.Listen, len(listens))
	for i, listen := range listens {
		out[i] = timeline.Listen{
			First:  listen.First * blockSamples,
			End:    min(listen.End*blockSamples, samples),
			Source: listen.Source,
		}
	}
	return out
}
