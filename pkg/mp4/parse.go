package mp4

import (
	"fmt"
	"math"
	"slices"
)

// parse reads the body of a moov box (8.2.1). most bounds its samples.
func (f *File) parse(moov []byte, most int) error {
	movieScale := int64(1)
	fragmented := false
	for kind, body := range boxes(moov) {
		switch kind {
		case "mvhd":
			movieScale = max(readScale(body), 1)
		case "mvex":
			fragmented = true
		}
	}
	if fragmented {
		return f.fragmented(moov)
	}
	left := sampleBudgets{raw: sampleBudget(most), edited: sampleBudget(most)}
	found := false
	for kind, body := range boxes(moov) {
		if kind != "trak" {
			continue
		}
		if len(f.Tracks) == maxTracks {
			return fmt.Errorf("%w: more than %d tracks", ErrMalformed, maxTracks)
		}
		track, err := readTrack(body, movieScale, &left)
		if err != nil {
			return fmt.Errorf("track %d: %w", len(f.Tracks)+1, err)
		}
		found = found || len(track.Samples) > 0
		for i := range track.Samples {
			s := &track.Samples[i]
			s.Lost = !s.Within(f.Size)
		}
		f.Tracks = append(f.Tracks, track)
	}
	if !found {
		return ErrNoSamples
	}
	return nil
}

// fragmented returns ErrFragmented, or ErrExternal if a track has its media elsewhere. The tracks that it reads
// have no samples.
func (f *File) fragmented(moov []byte) error {
	for kind, body := range boxes(moov) {
		if kind != "trak" {
			continue
		}
		var t Track
		var tab tables
		var entries []byte
		if err := t.readBoxes(body, &tab, &entries, 0); err != nil {
			return err
		}
		t.readSampleEntries(entries, &tab)
		if t.Kind != Other && tab.isExternal() {
			return ErrExternal
		}
		if t.description = slices.Clone(entries); len(f.Tracks) < maxTracks {
			f.Tracks = append(f.Tracks, t)
		}
	}
	return ErrFragmented
}

// readScale returns the timescale of an mvhd or mdhd box, or 0 if it is invalid.
func readScale(b []byte) int64 {
	f := fieldReader{b}
	if f.version() == 1 {
		f.skip(16)
	} else {
		f.skip(8)
	}
	scale := int64(f.u32())
	if scale > math.MaxInt32 {
		return 0
	}
	return scale
}

// readTrack reads the body of a trak box (8.3.1). left bounds its samples.
func readTrack(b []byte, movieScale int64, left *sampleBudgets) (Track, error) {
	t := Track{Timescale: movieScale}
	var tab tables
	var entries []byte
	if err := t.readBoxes(b, &tab, &entries, 0); err != nil {
		return Track{}, err
	}
	t.readSampleEntries(entries, &tab)
	if t.Kind != Other && tab.isExternal() {
		return Track{}, ErrExternal
	}
	if t.Kind != Other {
		t.description = slices.Clone(entries) // the moov need not stay in memory for it
	}
	if t.Kind == Video && len(tab.pictureSizes) > 1 {
		t.Entries = tab.pictureSizes
	}
	raw, err := tab.index(t.Kind == Audio, &left.raw)
	if err != nil {
		return Track{}, err
	}
	e := editMapper{
		tables:    &tab,
		raw:       raw,
		audio:     t.Kind == Audio,
		remaining: &left.edited,
		scale:     t.Timescale,
	}
	if err := e.apply(movieScale); err != nil {
		return Track{}, err
	}
	t.Samples = e.out
	t.Start = e.start()
	return t, nil
}

// readBoxes reads the boxes below trak. It returns the body of stsd in entries,
// because reading it requires the handler type.
func (t *Track) readBoxes(b []byte, tab *tables, entries *[]byte, depth int) error {
	for kind, body := range boxes(b) {
		switch kind {
		case "mdia", "minf", "stbl", "edts", "dinf":
			if depth == 4 {
				return fmt.Errorf("%w: %s too deep", ErrMalformed, kind)
			}
			if err := t.readBoxes(body, tab, entries, depth+1); err != nil {
				return err
			}
		case "tkhd":
			t.readTrackHeader(body)
		case "mdhd":
			if scale := readScale(body); scale > 0 {
				t.Timescale = scale
			}
		case "hdlr":
			t.readHandler(body)
		case "stsd":
			*entries = body
		default:
			if err := tab.read(kind, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads one box of the sample table (stbl, 8.5.1) or an edit list (elst,
// 8.6.6).
func (t *tables) read(kind string, body []byte) error {
	switch kind {
	case "stts":
		t.readTimeToSample(body)
	case "ctts":
		t.readCompositionOffsets(body)
	case "stsc":
		t.readSampleToChunk(body)
	case "stco", "co64":
		t.readChunkOffsets(body, kind == "co64")
	case "stsz":
		t.readSampleSizes(body)
	case "stz2":
		return t.readCompactSizes(body)
	case "stss":
		t.readSyncSamples(body)
	case "sbgp":
		t.readSampleToGroup(body)
	case "elst":
		t.readEditList(body)
	case "dref":
		t.readDataReferences(body)
	}
	return nil
}

// readTrackHeader reads track_ID and the display size from a tkhd box (8.3.2).
func (t *Track) readTrackHeader(b []byte) {
	f := fieldReader{b}
	times := 4 // bytes of a time
	if f.version() == 1 {
		times = 8
	}
	f.skip(2 * times)
	t.ID = f.u32()
	f.skip(times + 56) // duration, layer, group, volume, matrix, and what is reserved
	t.displayWidth, t.displayHeight = f.u32(), f.u32()
}

// readHandler reads handler_type from an hdlr box (8.4.3). QuickTime has a second
// one for data handlers, which is neither video nor sound.
func (t *Track) readHandler(b []byte) {
	if len(b) < 12 {
		return
	}
	switch string(b[8:12]) {
	case "vide":
		t.Kind = Video
	case "soun":
		t.Kind = Audio
	}
}

// maxEntries bounds the sample entries and data references of a track. It is FFmpeg's limit, too.
const maxEntries = 1024

// readSampleEntries reads an stsd box (8.5.2): the formats of all entries and the
// properties of the first.
func (t *Track) readSampleEntries(b []byte, tab *tables) {
	f := fieldReader{b}
	f.version()
	f.u32() // the count: the boxes say it themselves
	for kind, body := range boxes(f.b) {
		if len(tab.formats) == maxEntries {
			return
		}
		tab.formats = append(tab.formats, kind)
		e := fieldReader{body}
		e.skip(6)
		tab.references = append(tab.references, e.u16())
		if t.Kind == Video {
			e.skip(16)
			tab.pictureSizes = append(
				tab.pictureSizes,
				Size{Width: int(e.u16()), Height: int(e.u16())},
			)
		}
		if len(tab.formats) > 1 {
			continue
		}
		t.Codec = kind
		switch t.Kind {
		case Video:
			t.Width = tab.pictureSizes[0].Width
			t.Height = tab.pictureSizes[0].Height
		case Audio:
			t.readAudioEntry(e)
		case Other:
		}
	}
}

// readAudioEntry reads an audio sample entry (12.2.3). QuickTime has three versions
// of it. The channel count of the decoder configuration takes precedence, because
// FFmpeg writes 2 for mono, too.
func (t *Track) readAudioEntry(e fieldReader) {
	defer func() {
		if n := esdsChannels(e.b); n > 0 {
			t.Channels = n
		}
	}()
	version := e.u16()
	e.skip(6)
	t.Channels = int(e.u16())
	e.skip(6)
	t.SampleRate = int(e.u32() >> 16)
	if version == 2 {
		e.skip(4)
		if rate := math.Float64frombits(e.u64()); rate >= 1 && rate < 1<<24 {
			t.SampleRate = int(rate)
		}
		t.Channels = int(min(e.u32(), math.MaxUint16))
		e.skip(20)
	}
	if version == 1 {
		e.skip(16)
	}
}
