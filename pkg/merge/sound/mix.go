package sound

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Mixer adds up the takes of a plan, sample by sample, and levels the sum. A sample depends on the plan
// alone, so slices may begin anywhere.
type Mixer struct {
	prober   *probe.Prober
	segments *probe.Cache
	takes    []timeline.Take
	leveler  Curve
	channels int
	playing  map[int]*player // by index of the take
	until    int64           // sample of the record at which mixing ends
	kernel   kernel          // nil until a take has to be resampled
}

// NewMixer returns a mixer of the planned takes, whose files it opens through segments.
func NewMixer(prober *probe.Prober, segments *probe.Cache, planned Planned) *Mixer {
	return &Mixer{
		prober:   prober,
		segments: segments,
		takes:    planned.Takes,
		leveler:  planned.Leveler,
		channels: planned.Channels,
		playing:  map[int]*player{},
	}
}

// mixSamples is how many samples are mixed at a time.
const mixSamples = 4800

// Run passes the samples [from, until) of the record to write, in order.
func (m *Mixer) Run(ctx context.Context, from, until int64, write func([]float32) error) error {
	defer m.stop()
	m.until = until
	out := make([]float32, mixSamples*m.channels)
	for at := from; at < until; at += mixSamples {
		n := min(mixSamples, until-at)
		chunk := out[:n*int64(m.channels)]
		clear(chunk)
		for i, take := range m.takes {
			if take.First >= at+n || take.End <= at {
				continue
			}
			if err := m.add(ctx, i, take, at, chunk); err != nil {
				return err
			}
		}
		m.leveler.apply(chunk, m.channels, at)
		if err := write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// add mixes a take into the chunk of samples that begins at at.
func (m *Mixer) add(ctx context.Context, i int, take timeline.Take, at int64, chunk []float32) error {
	first := max(take.First, at)
	last := min(take.End, at+int64(len(chunk)/m.channels))
	p := m.playing[i]
	if p == nil {
		var err error
		if p, err = m.open(ctx, take, first); err != nil {
			return err
		}
		m.playing[i] = p
	}
	samples, err := p.next(int(last - first))
	if err != nil {
		return cmp.Or(p.served.Err(), err) // what storage says explains what FFmpeg made of it
	}
	for s := first; s < last; s++ {
		gain := take.GainAt(s)
		for c := range m.channels {
			chunk[int(s-at)*m.channels+c] += gain * samples[int(s-first)*m.channels+c]
		}
	}
	if last == take.End {
		delete(m.playing, i)
		return p.close()
	}
	return nil
}

func (m *Mixer) stop() {
	for _, p := range m.playing {
		p.stream.Close()
		_ = p.served.Close() // the mix has failed or ended already
	}
}

// player reads a take: the samples of its run, and at its edges their mirror image.
type player struct {
	pace     *resampler // nil if the file's clock is right
	path     string
	channels int
	stream   *ffmpeg.SoundStream
	served   *rangeproxy.Served
	ahead    []float32 // read already, not yet given: the mirrored head and what it was made of
	left     int64     // samples of the run that are still to come from the stream
	past     []float32 // the last samples given, for the mirrored tail
	mirrored int64     // samples of the tail given already
	buf      []float32
}

// edgeSamples is the longest mirrored edge.
const edgeSamples = 4800

// open starts a take's decoding so that the next sample is sample first of the record.
func (m *Mixer) open(ctx context.Context, take timeline.Take, first int64) (*player, error) {
	if take.PPM == 0 {
		return m.openFile(ctx, take, first)
	}
	if m.kernel == nil {
		m.kernel = newKernel()
	}
	r := &resampler{
		kernel:   m.kernel,
		ppm:      take.PPM,
		channels: m.channels,
		next:     first - take.Start,
		first:    firstNeeded(first-take.Start, take.PPM),
	}
	p, err := m.openFile(ctx, take, take.Start+r.first)
	if err != nil {
		return nil, err
	}
	r.player, p.pace = p, r
	return p, nil
}

// next gives the next n samples of the record.
func (p *player) next(n int) ([]float32, error) {
	if p.pace != nil {
		return p.pace.read(n)
	}
	return p.read(n)
}

// openFile starts a take's decoding at a sample by the file's clock, counted as those of the record are.
func (m *Mixer) openFile(ctx context.Context, take timeline.Take, first int64) (*player, error) {
	o, err := m.segments.Open(ctx, take.File)
	if err != nil {
		return nil, err
	}
	length := samplesIn(take.Run.Until) - samplesIn(take.Run.From)
	begin := max(0, first-take.Start) // of the run, in samples at 48 kHz
	begin = min(begin, max(0, length-edgeSamples))
	samples := o.SoundSamples(take.Run)
	// Samples at 48 kHz and at the file's rate meet at multiples of step.
	step := ffmpeg.SampleRate / gcd(ffmpeg.SampleRate, samples.Rate)
	aligned := max(0, begin-resamplerLead) / step * step
	from := aligned * samples.Rate / ffmpeg.SampleRate
	view, base, err := samples.View(from, m.needed(take)*samples.Rate/ffmpeg.SampleRate)
	if err != nil {
		return nil, fmt.Errorf("read the sound of %s: %w", o.Segment.Path, err)
	}
	p := &player{
		path:     o.Segment.Path,
		channels: m.channels,
		left:     length - aligned,
		served:   m.prober.Proxy.ServeSparse(view),
	}
	p.stream, err = m.prober.Tool.OpenSound(ctx, ffmpeg.Sound{
		Source:   p.served,
		From:     from - base,
		Until:    probe.SamplesIn(take.Run.Until-take.Run.From, samples.Rate) - base,
		Channels: m.channels,
		Mix:      o.Segment.Sound.Mix,
	})
	if err != nil {
		return nil, errors.Join(err, p.served.Close())
	}
	err = p.skip(max(0, first-take.Start) - aligned)
	if head := take.Start - first; err == nil && head > 0 {
		err = p.mirrorHead(head)
	}
	if err != nil {
		p.stream.Close()
		return nil, cmp.Or(p.served.Close(), err)
	}
	return p, nil
}

// needed returns how many samples of a take's run are read, at most, at 48 kHz by the file's clock.
func (m *Mixer) needed(take timeline.Take) int64 {
	n := m.until - take.Start
	return n + n/32 // no clock is believed that is off by more
}

// resamplerLead lets the resampler settle before the first sample that is used.
const resamplerLead = 4800

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// skip reads n samples and drops them; past keeps the last of them.
func (p *player) skip(n int64) error {
	for n > 0 {
		step := min(n, mixSamples)
		if _, err := p.read(int(step)); err != nil {
			return err
		}
		n -= step
	}
	return nil
}

// mirrorHead puts the mirror image of the first samples before them.
func (p *player) mirrorHead(n int64) error {
	head, err := p.read(int(n))
	if err != nil {
		return err
	}
	p.ahead = make([]float32, 0, 2*len(head))
	for i := int(n) - 1; i >= 0; i-- {
		p.ahead = append(p.ahead, head[i*p.channels:(i+1)*p.channels]...)
	}
	p.ahead = append(p.ahead, head...)
	return nil
}

// read gives the next n samples.
func (p *player) read(n int) ([]float32, error) {
	need := n * p.channels
	if cap(p.buf) < need {
		p.buf = make([]float32, need)
	}
	buf := p.buf[:need]
	have := copy(buf, p.ahead)
	p.ahead = p.ahead[have:]
	fresh := min(int64((need-have)/p.channels), p.left)
	got, err := p.stream.Read(buf[have : have+int(fresh)*p.channels])
	p.left -= fresh
	if errors.Is(err, io.EOF) {
		err = nil
		// Rounding to the file's rate and back may cost the last samples; the tail stands in for them.
		if lack := fresh - int64(got/p.channels); lack > soundSlack {
			err = fmt.Errorf(
				"the sound of %s ended %v early",
				p.path, time.Duration(lack)*time.Second/ffmpeg.SampleRate,
			)
		}
	}
	if err != nil {
		return nil, err
	}
	have += got
	p.remember(buf[:have])
	for ; have < need; have += p.channels {
		copy(buf[have:have+p.channels], p.tail())
	}
	return buf, nil
}

// soundSlack is how many samples a stream may be short of what its timestamps say: a packet of sound
// at 24 kHz. FFmpeg 7 cuts the padding out of a last packet that FFmpeg 5 plays whole.
const soundSlack = 2048

// remember keeps the last samples given.
func (p *player) remember(samples []float32) {
	p.past = append(p.past, samples...)
	if over := len(p.past) - edgeSamples*p.channels; over > 0 {
		p.past = append(p.past[:0], p.past[over:]...)
	}
}

// tail is the next sample of the mirrored end.
func (p *player) tail() []float32 {
	p.mirrored++
	at := len(p.past) - int(p.mirrored)*p.channels
	if at < 0 {
		return make([]float32, p.channels)
	}
	return p.past[at : at+p.channels]
}

// close ends a take that was read to its end.
func (p *player) close() error {
	p.stream.Close()
	if err := p.served.Close(); err != nil {
		return fmt.Errorf("read the sound of %s: %w", p.path, err)
	}
	return nil
}
