package mp4

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// maxFragment bounds the size of a moof and of the moov of a stream, in bytes. Half
// a second needs 1 kB.
const maxFragment = 1 << 20

// ErrShort means that a stream ended before all requested packets.
var ErrShort = errors.New("the stream is short")

// PartWindow selects the audio packets of a part: Count packets from index First of
// the stream. The packets around it only prime the encoder.
type PartWindow struct{ First, Count int }

// ReadPart reads a fragmented MP4 stream to its end in one pass. The stream has one
// H.264 track and at most one AAC track, as FFmpeg writes it with -movflags
// +frag_keyframe+empty_moov+default_base_moof. ReadPart writes the media bytes to
// payload and returns their tables. Audio packets outside the window are dropped.
// The error wraps ErrShort if the stream ends inside the window.
func ReadPart(r io.Reader, payload io.Writer, window PartWindow) (*Part, error) {
	p := partReader{
		window: window,
		part:   &Part{},
		sha:    sha256.New(),
		crc:    crc32.New(crc32.MakeTable(crc32.Castagnoli)),
	}
	p.in.r = bufio.NewReaderSize(r, 64<<10)
	p.out = io.MultiWriter(payloadWriter{payload}, p.sha, p.crc)
	for {
		box, err := p.header()
		if errors.Is(err, io.EOF) {
			return p.finish()
		}
		if err == nil {
			err = p.read(box)
		}
		if err != nil {
			return nil, fmt.Errorf("read the encoder's stream at byte %d: %w", p.in.at, err)
		}
	}
}

// partReader is the state of ReadPart.
type partReader struct {
	in     countingReader
	out    io.Writer
	sha    hash.Hash
	crc    hash.Hash32
	window PartWindow
	part   *Part

	video, audio partTrack
	// packets is the number of audio packets seen so far.
	packets int
	// moof is the position of the last moof box in the stream.
	moof int64
	// runs are the runs of the last moof not read yet, by position.
	runs []partRun
}

// partTrack holds the ID of a track and the defaults of its samples.
type partTrack struct {
	id   uint32
	trex *mp4.TrexBox
}

// partRun is a run of samples (trun, 8.8.8) of one track in an mdat.
type partRun struct {
	kind Kind
	// at is the position of the first byte in the stream.
	at      int64
	samples []mp4.Sample
}

// countingReader counts the bytes that are read.
type countingReader struct {
	r  *bufio.Reader
	at int64
}

// Read implements [io.Reader].
func (p *countingReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.at += int64(n)
	return n, err
}

// payloadWriter marks errors of the payload as such, so that they are not taken for
// errors of the stream.
type payloadWriter struct{ w io.Writer }

// Write implements [io.Writer].
func (p payloadWriter) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	if err != nil {
		return n, fmt.Errorf("write the payload: %w", err)
	}
	return n, nil
}

// header reads the next box header. It returns io.EOF if the stream ends before it.
func (p *partReader) header() (boxHeader, error) {
	start, err := p.in.r.Peek(16)
	if len(start) == 0 {
		return boxHeader{}, err
	}
	box, ok := parseBoxHeader(start, 0)
	if !ok {
		if err != nil && !errors.Is(err, io.EOF) {
			return boxHeader{}, err
		}
		if p.in.at == 0 {
			return boxHeader{}, ErrNotMP4
		}
		return boxHeader{}, fmt.Errorf("%w: no box", ErrMalformed)
	}
	if p.in.at == 0 && !isListed(box.boxType, firstBoxes) {
		return boxHeader{}, ErrNotMP4
	}
	if err := p.skip(box.headerSize); err != nil {
		return boxHeader{}, err
	}
	return box, nil
}

// skip discards n bytes of the stream.
func (p *partReader) skip(n int64) error {
	return p.copy(io.Discard, n)
}

// copy copies n bytes of the stream. An early end is io.ErrUnexpectedEOF.
func (p *partReader) copy(w io.Writer, n int64) error {
	_, err := io.CopyN(w, &p.in, n)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// read reads the body of one top-level box.
func (p *partReader) read(box boxHeader) error {
	body := box.size - box.headerSize
	switch box.boxType {
	case "moov", "moof":
		if body > maxFragment {
			return fmt.Errorf("%w: a %s of %d bytes", ErrMalformed, box.boxType, body)
		}
		start := p.in.at - box.headerSize
		b := make([]byte, body)
		if _, err := io.ReadFull(&p.in, b); err != nil {
			return fmt.Errorf("%s: %w", box.boxType, unexpectedEOF(err))
		}
		if box.boxType == "moov" {
			return p.readMoov(b)
		}
		p.moof = start
		return p.readMoof(b)
	case "mdat":
		return p.readMedia(p.in.at + body)
	default:
		return p.skip(body)
	}
}

// unexpectedEOF converts io.EOF to io.ErrUnexpectedEOF.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readMoof reads the samples of a movie fragment (8.8.4).
func (p *partReader) readMoof(b []byte) error {
	if p.video.id == 0 {
		return fmt.Errorf("%w before the first fragment", ErrNoMoov)
	}
	if len(p.runs) > 0 {
		return fmt.Errorf("%w: a fragment without its media", ErrMalformed)
	}
	hdr := mp4.BoxHeader{
		Name:   "moof",
		Size:   uint64(len(b)) + 8,
		Hdrlen: 8,
	}
	decoded, err := mp4.DecodeMoofSR(
		hdr,
		uint64(p.moof),
		bits.NewFixedSliceReader(b),
	) // #nosec G115 -- not negative
	if err != nil {
		return fmt.Errorf("%w: moof: %w", ErrMalformed, err)
	}
	moof, ok := decoded.(*mp4.MoofBox)
	if !ok {
		return fmt.Errorf("%w: moof", ErrMalformed)
	}
	for _, traf := range moof.Trafs {
		if err := p.readTrack(traf); err != nil {
			return err
		}
	}
	slices.SortStableFunc(p.runs, func(a, b partRun) int {
		return cmp.Compare(a.at, b.at)
	})
	return nil
}

// readTrack reads a track fragment (traf, 8.8.6). Its offsets must be relative to
// the moof.
func (p *partReader) readTrack(traf *mp4.TrafBox) error {
	if traf.Tfhd == nil || traf.Tfhd.HasBaseDataOffset() {
		return fmt.Errorf("%w: a track fragment that does not count from its moof", ErrMalformed)
	}
	kind := Video
	track := p.video
	if traf.Tfhd.TrackID == p.audio.id {
		kind = Audio
		track = p.audio
	}
	if traf.Tfhd.TrackID == 0 || traf.Tfhd.TrackID != track.id {
		return fmt.Errorf(
			"%w: a fragment of track %d, which the moov does not name",
			ErrMalformed,
			traf.Tfhd.TrackID,
		)
	}
	for _, trun := range traf.Truns {
		if !trun.HasDataOffset() {
			return fmt.Errorf("%w: a run of samples without a place", ErrMalformed)
		}
		trun.AddSampleDefaultValues(traf.Tfhd, track.trex)
		p.runs = append(p.runs, partRun{
			kind:    kind,
			at:      p.moof + int64(trun.DataOffset),
			samples: trun.Samples,
		})
	}
	return nil
}

// readMedia reads an mdat box that ends at position end of the stream.
func (p *partReader) readMedia(end int64) error {
	for _, run := range p.runs {
		if run.at < p.in.at {
			return fmt.Errorf("%w: samples at byte %d, which is past", ErrMalformed, run.at)
		}
		if run.at > end {
			return fmt.Errorf("%w: samples beyond their mdat", ErrMalformed)
		}
		if err := p.skip(run.at - p.in.at); err != nil {
			return err
		}
		if err := p.readRun(run, end); err != nil {
			return err
		}
	}
	p.runs = nil
	return p.skip(end - p.in.at)
}

// readRun copies the samples of one run to the payload. Audio packets outside the
// window are skipped.
func (p *partReader) readRun(run partRun, end int64) error {
	if total := len(p.part.Video.Sizes) + p.packets + len(run.samples); total > maxSamples {
		return fmt.Errorf("%w: more than %d samples", ErrMalformed, maxSamples)
	}
	from := 0
	to := len(run.samples)
	if run.kind == Audio {
		from = min(max(p.window.First-p.packets, 0), to)
		to = min(max(p.window.First+p.window.Count-p.packets, from), to)
		p.packets += len(run.samples)
		p.part.Audio.Dropped += len(run.samples) - (to - from)
	}
	before := totalSize(run.samples[:from])
	kept := totalSize(run.samples[from:to])
	after := totalSize(run.samples[to:])
	if before+kept+after > end-p.in.at {
		return fmt.Errorf("%w: samples beyond their mdat", ErrMalformed)
	}
	if err := p.skip(before); err != nil {
		return err
	}
	if from < to {
		p.addSamples(run.kind, run.samples[from:to])
	}
	if err := p.copy(p.out, kept); err != nil {
		return err
	}
	p.part.Bytes += kept
	return p.skip(after)
}

// totalSize returns the size of samples in bytes.
func totalSize(samples []mp4.Sample) int64 {
	sum := int64(0)
	for i := range samples {
		sum += int64(samples[i].Size)
	}
	return sum
}

// addSamples adds a chunk of samples to the tables.
func (p *partReader) addSamples(kind Kind, samples []mp4.Sample) {
	p.part.Chunks = append(p.part.Chunks, Chunk{
		Kind:   kind,
		Offset: p.part.Bytes,
		Count:  len(samples),
	})
	if kind == Audio {
		for _, s := range samples {
			p.part.Audio.Sizes = append(p.part.Audio.Sizes, s.Size)
		}
		return
	}
	v := &p.part.Video
	for _, s := range samples {
		if !mp4.DecodeSampleFlags(s.Flags).SampleIsNonSync {
			v.Keys = append(v.Keys, len(v.Sizes))
		}
		v.Sizes = append(v.Sizes, s.Size)
		v.Offsets = append(v.Offsets, s.CompositionTimeOffset)
		v.addDuration(int64(s.Dur))
	}
}

// finish completes and validates the part.
func (p *partReader) finish() (*Part, error) {
	switch {
	case p.in.at == 0:
		return nil, ErrEmpty
	case p.video.id == 0:
		return nil, ErrNoMoov
	case len(p.runs) > 0:
		return nil, fmt.Errorf("%w: the media of the last fragment is missing", ErrShort)
	case len(p.part.Audio.Sizes) != p.window.Count:
		return nil, fmt.Errorf(
			"%w: %d of %d packets of sound",
			ErrShort,
			len(p.part.Audio.Sizes),
			p.window.Count,
		)
	}
	p.part.SHA256 = hex.EncodeToString(p.sha.Sum(nil))
	p.part.CRC32C = p.crc.Sum32()
	return p.part, p.part.Check()
}
