package mp4

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrMismatch marks parts that do not belong together, or not to the record they are to be.
var ErrMismatch = errors.New("parts do not fit")

// Rate is pictures a second, Num/Den: 25/1, 30000/1001. Both are positive.
type Rate struct{ Num, Den int64 }

// Meta is what the finished video says of itself. Texts are UTF-8 of any content.
type Meta struct {
	Frames int64 // how many pictures it has; its sound ends where the last one does
	Rate   Rate
	Title  string // ©nam: title
	Date   string // ©day: date
	Room   string // ©alb: album
	// Chapters begin with one at frame 0 and ascend; none is fine.
	Chapters []Chapter
}

// Chapter is a named stretch, up to the next one.
type Chapter struct {
	StartFrame int64
	Title      string
}

// Header returns the first bytes of the finished video: ftyp, moov, the header of the mdat and the
// text of the chapters in it. The payloads of the parts, in order, complete the file.
//
// All parts must have one codec configuration and together exactly meta.Frames pictures, each part
// beginning with a key picture and presenting its own pictures and no others. The sound of the first
// part must begin with the encoder's priming packet, which an edit list hides. ErrMismatch names the
// part that does not fit.
func Header(parts []*Part, meta Meta) ([]byte, error) {
	j := joiner{meta: meta}
	if err := j.prepare(parts); err != nil {
		return nil, err
	}
	for i, p := range parts {
		if err := j.appendPart(p); err != nil {
			return nil, fmt.Errorf("part %d of %d: %w", i+1, len(parts), err)
		}
	}
	if err := j.checkLengths(); err != nil {
		return nil, err
	}
	return j.encode()
}

// joiner holds the tables of the finished video.
type joiner struct {
	meta  Meta
	scale int64 // ticks a second of the pictures, the movie and the chapters
	frame int64 // ticks of one picture
	delay int64 // frames by which the part that reorders most decodes ahead
	first *Part

	sizes   []uint32
	offsets []int64 // composition offsets in frames
	keys    []uint32
	packets []uint32
	chunks  []Chunk // offsets in the joined payload
	bytes   int64   // of the payloads so far
}

// prepare checks what concerns all parts and finds the common delay.
func (j *joiner) prepare(parts []*Part) error {
	r := j.meta.Rate
	if len(parts) == 0 || r.Num <= 0 || r.Den <= 0 || r.Num > 1<<20 || r.Den > 1<<20 || j.meta.Frames <= 0 {
		return fmt.Errorf("%w: %d parts for %d pictures at %d/%d", ErrMismatch, len(parts), j.meta.Frames, r.Num, r.Den)
	}
	factor := int64(512)
	for factor > 1 && r.Num*factor > 96000 {
		factor /= 2
	}
	j.scale, j.frame, j.first = r.Num*factor, r.Den*factor, parts[0]
	for i, p := range parts {
		err := p.Check()
		if err == nil {
			err = j.checkConfig(p)
		}
		var delay int64
		if err == nil {
			_, delay, err = j.frameOffsets(p)
		}
		if err != nil {
			return fmt.Errorf("part %d of %d: %w", i+1, len(parts), err)
		}
		j.delay = max(j.delay, delay)
	}
	return checkChapters(j.meta)
}

// checkConfig compares a part with the first: one header describes them all.
func (j *joiner) checkConfig(p *Part) error {
	v, w := &p.Video, &j.first.Video
	if !bytes.Equal(v.Config, w.Config) || v.Width != w.Width || v.Height != w.Height {
		return fmt.Errorf("%w: its pictures have another codec configuration (avcC) than the first part's", ErrMismatch)
	}
	a, b := &p.Audio, &j.first.Audio
	if !bytes.Equal(a.Config, b.Config) || a.SampleRate != b.SampleRate || a.Channels != b.Channels {
		return fmt.Errorf("%w: its sound has another codec configuration than the first part's", ErrMismatch)
	}
	return nil
}

// frameOffsets returns the composition offsets of a part in frames, and by how many frames it decodes ahead.
// Its pictures, sorted by time, must be consecutive frames.
func (j *joiner) frameOffsets(p *Part) (offsets []int64, delay int64, err error) {
	n := len(p.Video.Sizes)
	ticks, rest := p.Video.Timescale*j.meta.Rate.Den/j.meta.Rate.Num, p.Video.Timescale*j.meta.Rate.Den%j.meta.Rate.Num
	if rest != 0 || ticks == 0 {
		return nil, 0, fmt.Errorf("%w: a timescale of %d is no multiple of the frame rate", ErrMismatch, p.Video.Timescale)
	}
	offsets = make([]int64, n)
	least := int64(n)
	for i, offset := range p.Video.Offsets {
		if int64(offset)%ticks != 0 {
			return nil, 0, fmt.Errorf("%w: picture %d lies between two frames", ErrMismatch, i)
		}
		offsets[i] = int64(offset) / ticks
		least = min(least, int64(i)+offsets[i])
	}
	seen := make([]bool, n)
	for i, offset := range offsets {
		at := int64(i) + offset - least
		if at < 0 || at >= int64(n) || seen[at] {
			return nil, 0, fmt.Errorf("%w: picture %d is presented as frame %d of %d, or is not the only one there", ErrMismatch, i, at, n)
		}
		seen[at] = true
		offsets[i] = offset - least
		delay = max(delay, -offsets[i])
	}
	return offsets, delay, nil
}

// appendPart adds the samples of a part.
func (j *joiner) appendPart(p *Part) error {
	offsets, _, err := j.frameOffsets(p)
	if err != nil {
		return err
	}
	for _, key := range p.Video.Keys {
		j.keys = append(j.keys, uint32(len(j.sizes)+key+1)) // #nosec G115 -- checked by check
	}
	j.sizes = append(j.sizes, p.Video.Sizes...)
	j.packets = append(j.packets, p.Audio.Sizes...)
	for _, offset := range offsets {
		j.offsets = append(j.offsets, offset+j.delay)
	}
	for _, c := range p.Chunks {
		c.Offset += j.bytes
		j.chunks = append(j.chunks, c)
	}
	j.bytes += p.Bytes
	return nil
}

// checkLengths says whether the pictures and the sound are as long as the record.
func (j *joiner) checkLengths() error {
	if int64(len(j.sizes)) != j.meta.Frames || j.meta.Frames > 1<<30 {
		return fmt.Errorf("%w: they have %d pictures, the record %d", ErrMismatch, len(j.sizes), j.meta.Frames)
	}
	if len(j.packets) == 0 {
		return nil
	}
	if need := j.soundEnd(); int64(len(j.packets))*PacketSamples < need {
		return fmt.Errorf("%w: their sound has %d samples, priming included, the record %d", ErrMismatch,
			len(j.packets)*PacketSamples, need)
	}
	return nil
}

// length is how long the video is, in ticks.
func (j *joiner) length() int64 { return j.meta.Frames * j.frame }

// soundEnd is how many samples of sound the record has, priming included, the last begun one too.
func (j *joiner) soundEnd() int64 {
	rate := int64(j.first.Audio.SampleRate)
	return PacketSamples + (j.length()*rate+j.scale-1)/j.scale
}
