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

// maxFragment bounds the header of a fragment, and the stream's own: half a second needs 1 kB.
const maxFragment = 1 << 20

// ErrShort marks a stream that ended before all packets that were asked for.
var ErrShort = errors.New("the stream is short")

// PartWindow is the run of audio packets that belong to a part: Count of them from First on, counted
// from 0 in the stream. The packets around it only warmed the encoder up.
type PartWindow struct{ First, Count int }

// ReadPart reads a fragmented MP4 stream of one H.264 track and at most one AAC track, as FFmpeg writes
// it with -movflags +frag_keyframe+empty_moov+default_base_moof, to its end, in one pass. It writes the
// media bytes to payload and returns their tables. Packets of sound outside the window are dropped;
// ErrShort says that the stream ended inside it.
func ReadPart(r io.Reader, payload io.Writer, window PartWindow) (*Part, error) {
	p := partReader{window: window, part: &Part{}, sha: sha256.New(), crc: crc32.New(crc32.MakeTable(crc32.Castagnoli))}
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

// partReader is where ReadPart stands.
type partReader struct {
	in     countingReader
	out    io.Writer
	sha    hash.Hash
	crc    hash.Hash32
	window PartWindow
	part   *Part

	video, audio partTrack
	packets      int       // of sound, seen so far
	moof         int64     // where the last fragment began
	runs         []partRun // of it, not read yet, by place
}

// partTrack is a track's number and the defaults of its samples.
type partTrack struct {
	id   uint32
	trex *mp4.TrexBox
}

// partRun is samples of one track that lie together in a mdat.
type partRun struct {
	kind    Kind
	at      int64 // of the first byte, in the stream
	samples []mp4.Sample
}

// countingReader counts what is read.
type countingReader struct {
	r  *bufio.Reader
	at int64
}

func (p *countingReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.at += int64(n)
	return n, err
}

// payloadWriter marks errors of the payload, which is not the stream.
type payloadWriter struct{ w io.Writer }

func (p payloadWriter) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	if err != nil {
		return n, fmt.Errorf("write the payload: %w", err)
	}
	return n, nil
}

// header reads the next box header; io.EOF if the stream ends before it.
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

func (p *partReader) skip(n int64) error { return p.copy(io.Discard, n) }

// copy moves n bytes of the stream; that it ends before them is an error.
func (p *partReader) copy(w io.Writer, n int64) error {
	_, err := io.CopyN(w, &p.in, n)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

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

// unexpectedEOF makes an end inside something an unexpected one.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readMoof reads the samples of a fragment.
func (p *partReader) readMoof(b []byte) error {
	if p.video.id == 0 {
		return fmt.Errorf("%w before the first fragment", ErrNoMoov)
	}
	if len(p.runs) > 0 {
		return fmt.Errorf("%w: a fragment without its media", ErrMalformed)
	}
	hdr := mp4.BoxHeader{Name: "moof", Size: uint64(len(b)) + 8, Hdrlen: 8}
	decoded, err := mp4.DecodeMoofSR(hdr, uint64(p.moof), bits.NewFixedSliceReader(b)) // #nosec G115 -- not negative
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
	slices.SortStableFunc(p.runs, func(a, b partRun) int { return cmp.Compare(a.at, b.at) })
	return nil
}

func (p *partReader) readTrack(traf *mp4.TrafBox) error {
	if traf.Tfhd == nil || traf.Tfhd.HasBaseDataOffset() {
		return fmt.Errorf("%w: a track fragment that does not count from its moof", ErrMalformed)
	}
	kind, track := Video, p.video
	if traf.Tfhd.TrackID == p.audio.id {
		kind, track = Audio, p.audio
	}
	if traf.Tfhd.TrackID == 0 || traf.Tfhd.TrackID != track.id {
		return fmt.Errorf("%w: a fragment of track %d, which the moov does not name", ErrMalformed, traf.Tfhd.TrackID)
	}
	for _, trun := range traf.Truns {
		if !trun.HasDataOffset() {
			return fmt.Errorf("%w: a run of samples without a place", ErrMalformed)
		}
		trun.AddSampleDefaultValues(traf.Tfhd, track.trex)
		p.runs = append(p.runs, partRun{kind: kind, at: p.moof + int64(trun.DataOffset), samples: trun.Samples})
	}
	return nil
}

// readMedia reads a mdat that ends at end.
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

// readRun moves the samples of one run that are kept; in sound, those in the window.
func (p *partReader) readRun(run partRun, end int64) error {
	if total := len(p.part.Video.Sizes) + p.packets + len(run.samples); total > maxSamples {
		return fmt.Errorf("%w: more than %d samples", ErrMalformed, maxSamples)
	}
	from, to := 0, len(run.samples)
	if run.kind == Audio {
		from = min(max(p.window.First-p.packets, 0), to)
		to = min(max(p.window.First+p.window.Count-p.packets, from), to)
		p.packets += len(run.samples)
		p.part.Audio.Dropped += len(run.samples) - (to - from)
	}
	before, kept, after := totalSize(run.samples[:from]), totalSize(run.samples[from:to]), totalSize(run.samples[to:])
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

func totalSize(samples []mp4.Sample) int64 {
	sum := int64(0)
	for i := range samples {
		sum += int64(samples[i].Size)
	}
	return sum
}

// addSamples enters a chunk of samples into the tables.
func (p *partReader) addSamples(kind Kind, samples []mp4.Sample) {
	p.part.Chunks = append(p.part.Chunks, Chunk{Kind: kind, Offset: p.part.Bytes, Count: len(samples)})
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

// finish checks what was read.
func (p *partReader) finish() (*Part, error) {
	switch {
	case p.in.at == 0:
		return nil, ErrEmpty
	case p.video.id == 0:
		return nil, ErrNoMoov
	case len(p.runs) > 0:
		return nil, fmt.Errorf("%w: the media of the last fragment is missing", ErrShort)
	case len(p.part.Audio.Sizes) != p.window.Count:
		return nil, fmt.Errorf("%w: %d of %d packets of sound", ErrShort, len(p.part.Audio.Sizes), p.window.Count)
	}
	p.part.SHA256 = hex.EncodeToString(p.sha.Sum(nil))
	p.part.CRC32C = p.crc.Sum32()
	return p.part, p.part.Check()
}
