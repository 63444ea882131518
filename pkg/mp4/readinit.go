package mp4

import (
	"fmt"
	"slices"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// Bytes of a sample entry before the boxes in it.
const (
	// visualEntrySize and audioEntrySize are the bytes of a sample entry before its
	// child boxes (12.1.3, 12.2.3).
	visualEntrySize = 78
	audioEntrySize  = 28
)

// readMoov reads the track properties of a fragmented stream.
func (p *partReader) readMoov(b []byte) error {
	if p.video.id != 0 {
		return fmt.Errorf("%w: a second moov", ErrMalformed)
	}
	for kind, body := range boxes(b) {
		if kind != "trak" {
			continue
		}
		var t Track
		var entries []byte
		if err := t.readBoxes(body, &tables{}, &entries, 0); err != nil {
			return err
		}
		t.readSampleEntries(entries, &tables{})
		if err := p.setTrack(&t, entries); err != nil {
			return err
		}
	}
	if p.video.id == 0 {
		return fmt.Errorf("%w: no picture track", ErrMalformed)
	}
	for kind, body := range boxes(b) {
		if kind == "mvex" {
			return p.readDefaults(body)
		}
	}
	return fmt.Errorf("%w: the stream is not fragmented", ErrMalformed)
}

// setTrack accepts one H.264 and one AAC track. Any other track is an error.
func (p *partReader) setTrack(t *Track, entries []byte) error {
	switch {
	case t.ID == 0 || t.ID == p.video.id || t.ID == p.audio.id:
		return fmt.Errorf("%w: track number %d", ErrMalformed, t.ID)
	case t.Kind == Video &&
		t.Codec == "avc1" &&
		p.video.id == 0 &&
		t.Timescale > 0:
		v := &p.part.Video
		v.Timescale = t.Timescale
		v.Width = t.Width
		v.Height = t.Height
		v.Config = slices.Clone(childOfEntry(entries, visualEntrySize, "avcC"))
		p.video.id = t.ID
		return nil
	case t.Kind == Audio &&
		t.Codec == "mp4a" &&
		p.audio.id == 0:
		a := &p.part.Audio
		a.SampleRate = t.SampleRate
		a.Channels = t.Channels
		p.audio.id = t.ID
		var err error
		a.Config, err = audioConfig(childOfEntry(entries, audioEntrySize, "esds"))
		return err
	}
	return fmt.Errorf("%w: a %s track of %q", ErrMalformed, t.Kind, t.Codec)
}

// childOfEntry returns the body of a child box of the first sample entry, or nil.
func childOfEntry(stsd []byte, head int, kind string) []byte {
	f := fieldReader{stsd}
	f.skip(8)
	for _, entry := range boxes(f.b) {
		e := fieldReader{entry}
		e.skip(head)
		for k, body := range boxes(e.b) {
			if k == kind {
				return body
			}
		}
		break
	}
	return nil
}

// audioConfig returns the AudioSpecificConfig in an esds box. It accepts only valid
// boxes.
func audioConfig(b []byte) ([]byte, error) {
	hdr := mp4.BoxHeader{
		Name:   "esds",
		Size:   uint64(len(b)) + 8,
		Hdrlen: 8,
	}
	box, err := mp4.DecodeEsdsSR(hdr, 0, bits.NewFixedSliceReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: esds: %w", ErrMalformed, err)
	}
	esds, ok := box.(*mp4.EsdsBox)
	if !ok ||
		esds.DecConfigDescriptor == nil ||
		esds.DecConfigDescriptor.DecSpecificInfo == nil {
		return nil, fmt.Errorf("%w: esds without a decoder configuration", ErrMalformed)
	}
	return slices.Clone(esds.DecConfigDescriptor.DecSpecificInfo.DecConfig), nil
}

// readDefaults reads the sample defaults in the trex boxes of an mvex box (8.8.3).
func (p *partReader) readDefaults(b []byte) error {
	for kind, body := range boxes(b) {
		if kind != "trex" {
			continue
		}
		hdr := mp4.BoxHeader{
			Name:   "trex",
			Size:   uint64(len(body)) + 8,
			Hdrlen: 8,
		}
		box, err := mp4.DecodeTrexSR(hdr, 0, bits.NewFixedSliceReader(body))
		if err != nil {
			return fmt.Errorf("%w: trex: %w", ErrMalformed, err)
		}
		trex, ok := box.(*mp4.TrexBox)
		if !ok {
			return fmt.Errorf("%w: trex", ErrMalformed)
		}
		switch trex.TrackID {
		case p.video.id:
			p.video.trex = trex
		case p.audio.id:
			p.audio.trex = trex
		}
	}
	return nil
}
