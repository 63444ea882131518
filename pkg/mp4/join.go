package mp4

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrMismatch means that parts do not belong together or not to the record.
var ErrMismatch = errors.New("parts do not fit")

// Rate is a frame rate, Num/Den frames per second: 25/1, 30000/1001. Both are
// positive.
type Rate struct{ Num, Den int64 }

// Meta describes the finished video. Texts are UTF-8 with any content.
type Meta struct {
	// Frames is the number of pictures. The sound ends with the last one.
	Frames int64
	Rate   Rate
	// SoundLead is how many samples of the first packet behind the priming lie before the first picture. It
	// is less than [PacketSamples].
	SoundLead int64
	// Title is written as ©nam.
	Title string
	// Date is written as ©day.
	Date string
	// Room is written as ©alb (album).
	Room string
	// Chapters begin with one at frame 0 and ascend. They may be empty.
	Chapters []Chapter
}

// Chapter is a named stretch up to the next chapter.
type Chapter struct {
	StartFrame int64
	Title      string
}

// Header returns the first bytes of the finished video: ftyp, moov, the header of
// mdat and the chapter text. The payloads of the parts in order complete the file.
//
// All parts must have the same codec configuration and exactly meta.Frames pictures
// in total. Each part must begin with a key picture and present its own pictures
// only. The sound of the first part must begin with the priming packet of the
// encoder, which an edit list hides with the sound before the first picture. Errors wrap ErrMismatch and name
// the part.
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

// joiner collects the sample tables of the finished video.
type joiner struct {
	meta Meta
	// scale is the timescale of the pictures, the movie and the chapters, in ticks
	// per second.
	scale int64
	// frame is the duration of a picture in ticks.
	frame int64
	// delay is the largest reordering delay of any part, in frames.
	delay int64
	first *Part

	sizes []uint32
	// offsets are the composition offsets in frames.
	offsets []int64
	keys    []uint32
	packets []uint32
	// chunks have offsets in the joined payload.
	chunks []Chunk
	// bytes is the size of the payloads so far.
	bytes int64
}

// prepare validates the parts and computes the common timescale and delay. The
// timescale is at most 96 kHz.
func (j *joiner) prepare(parts []*Part) error {
	r := j.meta.Rate
	if len(parts) == 0 ||
		r.Num <= 0 ||
		r.Den <= 0 ||
		r.Num > 1<<20 ||
		r.Den > 1<<20 ||
		j.meta.Frames <= 0 ||
		j.meta.SoundLead < 0 ||
		j.meta.SoundLead >= PacketSamples {
		return fmt.Errorf(
			"%w: %d parts for %d pictures at %d/%d, %d samples early",
			ErrMismatch,
			len(parts),
			j.meta.Frames,
			r.Num,
			r.Den,
			j.meta.SoundLead,
		)
	}
	factor := int64(512)
	for factor > 1 && r.Num*factor > 96000 {
		factor /= 2
	}
	j.scale = r.Num * factor
	j.frame = r.Den * factor
	j.first = parts[0]
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

// checkConfig returns an error unless a part has the codec configuration of the
// first, because one header describes all parts.
func (j *joiner) checkConfig(p *Part) error {
	v := &p.Video
	w := &j.first.Video
	if !bytes.Equal(v.Config, w.Config) ||
		v.Width != w.Width ||
		v.Height != w.Height {
		return fmt.Errorf(
			"%w: its pictures have another codec configuration (avcC) than the first part's",
			ErrMismatch,
		)
	}
	a := &p.Audio
	b := &j.first.Audio
	if !bytes.Equal(a.Config, b.Config) ||
		a.SampleRate != b.SampleRate ||
		a.Channels != b.Channels {
		return fmt.Errorf(
			"%w: its sound has another codec configuration than the first part's",
			ErrMismatch,
		)
	}
	return nil
}

// frameOffsets returns the composition offsets of a part in frames, and its
// reordering delay. The pictures sorted by time must be consecutive frames.
func (j *joiner) frameOffsets(p *Part) (offsets []int64, delay int64, err error) {
	n := len(p.Video.Sizes)
	ticks := p.Video.Timescale * j.meta.Rate.Den / j.meta.Rate.Num
	rest := p.Video.Timescale * j.meta.Rate.Den % j.meta.Rate.Num
	if rest != 0 || ticks == 0 {
		return nil, 0, fmt.Errorf(
			"%w: a timescale of %d is no multiple of the frame rate",
			ErrMismatch,
			p.Video.Timescale,
		)
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
			return nil, 0, fmt.Errorf(
				"%w: picture %d is presented as frame %d of %d, or is not the only one there",
				ErrMismatch,
				i,
				at,
				n,
			)
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

// checkLengths returns an error unless pictures and sound are as long as the
// record.
func (j *joiner) checkLengths() error {
	if int64(len(j.sizes)) != j.meta.Frames || j.meta.Frames > 1<<30 {
		return fmt.Errorf(
			"%w: they have %d pictures, the record %d",
			ErrMismatch,
			len(j.sizes),
			j.meta.Frames,
		)
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

// length returns the duration of the video in ticks.
func (j *joiner) length() int64 {
	return j.meta.Frames * j.frame
}

// soundEnd returns the number of audio samples of the record, including priming, what
// lies before the first picture, and the last incomplete sample.
func (j *joiner) soundEnd() int64 {
	rate := int64(j.first.Audio.SampleRate)
	return PacketSamples + j.meta.SoundLead + (j.length()*rate+j.scale-1)/j.scale
}
