package mp4

import (
	"fmt"
	"slices"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

// Bytes of a sample entry before the boxes in it.
const (
	visualEntrySize = 78
	audioEntrySize  = 28
)

// readMoov reads what the samples of a fragmented stream have in common.
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

// setTrack takes a track over: one of H.264, one of AAC, and no other.
func (p *partReader) setTrack(t *Track, entries []byte) error {
	switch {
	case t.ID == 0 || t.ID == p.video.id || t.ID == p.audio.id:
		return fmt.Errorf("%w: track number %d", ErrMalformed, t.ID)
	case t.Kind == Video && t.Codec == "avc1" && p.video.id == 0 && t.Timescale > 0:
		v := &p.part.Video
		v.Timescale, v.Width, v.Height = t.Timescale, t.Width, t.Height
		v.Config = slices.Clone(childOfEntry(entries, visualEntrySize, "avcC"))
		p.video.id = t.ID
		return nil
	case t.Kind == Audio && t.Codec == "mp4a" && p.audio.id == 0:
		a := &p.part.Audio
		a.SampleRate, a.Channels = t.SampleRate, t.Channels
		p.audio.id = t.ID
		var err error
		a.Config, err = audioConfig(childOfEntry(entries, audioEntrySize, "esds"))
		return err
	}
	return fmt.Errorf("%w: a %s track of %q", ErrMalformed, t.Kind, t.Codec)
}

// childOfEntry is the body of the first box of a kind in the first entry of a stsd; nil if there is none.
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

// audioConfig takes the AudioSpecificConfig out of an esds.
func audioConfig(b []byte) ([]byte, error) {
	hdr := mp4.BoxHeader{Name: "esds", Size: uint64(len(b)) + 8, Hdrlen: 8}
	box, err := mp4.DecodeEsdsSR(hdr, 0, bits.NewFixedSliceReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: esds: %w", ErrMalformed, err)
	}
	esds, ok := box.(*mp4.EsdsBox)
	if !ok || esds.DecConfigDescriptor == nil || esds.DecConfigDescriptor.DecSpecificInfo == nil {
		return nil, fmt.Errorf("%w: esds without a decoder configuration", ErrMalformed)
	}
	return slices.Clone(esds.DecConfigDescriptor.DecSpecificInfo.DecConfig), nil
}

// readDefaults reads the trex boxes of a mvex.
func (p *partReader) readDefaults(b []byte) error {
	for kind, body := range boxes(b) {
		if kind != "trex" {
			continue
		}
		hdr := mp4.BoxHeader{Name: "trex", Size: uint64(len(body)) + 8, Hdrlen: 8}
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
