package mp4

import (
	"fmt"
	"math"
	"slices"
)

// parse reads the body of a moov.
func (f *File) parse(moov []byte) error {
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
		return ErrFragmented
	}
	// A sample whose size is listed takes 4 bytes, and is looked at before edit lists and after.
	left, found := sampleBudget(maxSamples+len(moov)), false
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

// readScale reads the timescale of a mvhd or mdhd; 0 if it is none.
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

// readTrack reads the body of a trak. left is how many samples it may have.
func readTrack(b []byte, movieScale int64, left *sampleBudget) (Track, error) {
	t := Track{Timescale: movieScale}
	var tab tables
	var entries []byte
	if err := t.readBoxes(b, &tab, &entries, 0); err != nil {
		return Track{}, err
	}
	t.readSampleEntries(entries, &tab)
	if t.Kind == Video {
		t.description = slices.Clone(entries) // the moov need not stay in memory for it
	}
	if t.Kind == Video && len(tab.pictureSizes) > 1 {
		t.Entries = tab.pictureSizes
	}
	raw, err := tab.index(t.Kind == Audio, left)
	if err != nil {
		return Track{}, err
	}
	e := editMapper{tables: &tab, raw: raw, audio: t.Kind == Audio, remaining: left, scale: t.Timescale}
	if err := e.apply(movieScale); err != nil {
		return Track{}, err
	}
	t.Samples, t.Start = e.out, e.start()
	return t, nil
}

// readBoxes reads the boxes below a trak. What it cannot know before the others are read, the sample
// entries, it leaves in entries.
func (t *Track) readBoxes(b []byte, tab *tables, entries *[]byte, depth int) error {
	for kind, body := range boxes(b) {
		switch kind {
		case "mdia", "minf", "stbl", "edts":
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
	}
	return nil
}

func (t *Track) readTrackHeader(b []byte) {
	f := fieldReader{b}
	if f.version() == 1 {
		f.skip(16)
	} else {
		f.skip(8)
	}
	t.ID = f.u32()
}

// readHandler reads a hdlr. A second one, of a QuickTime data handler, is of neither kind.
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

// readSampleEntries reads a stsd: the formats of all entries and the shape of the first.
func (t *Track) readSampleEntries(b []byte, tab *tables) {
	f := fieldReader{b}
	f.version()
	f.u32() // the count: the boxes say it themselves
	for kind, body := range boxes(f.b) {
		if len(tab.formats) == 1024 { // FFmpeg's limit too
			return
		}
		tab.formats = append(tab.formats, kind)
		e := fieldReader{body}
		e.skip(8)
		if t.Kind == Video {
			e.skip(16)
			tab.pictureSizes = append(tab.pictureSizes, Size{Width: int(e.u16()), Height: int(e.u16())})
		}
		if len(tab.formats) > 1 {
			continue
		}
		t.Codec = kind
		switch t.Kind {
		case Video:
			t.Width, t.Height = tab.pictureSizes[0].Width, tab.pictureSizes[0].Height
		case Audio:
			t.readAudioEntry(e)
		case Other:
		}
	}
}

// readAudioEntry reads the shape of an audio sample entry, which QuickTime has in three versions. Where the
// decoder's configuration tells the channels it is believed: FFmpeg writes 2 for mono, too.
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
