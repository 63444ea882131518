package mp4

import (
	"fmt"
	"io"
)

// Check returns an error unless a finished video of size bytes is complete. Its
// moov must precede its only mdat, the mdat must end with the file, and every
// sample must lie inside it. Check reads no media.
func Check(r io.ReaderAt, size int64) error {
	f, err := ReadFinished(r, size)
	if err != nil {
		return err
	}
	start, err := findMedia(r, size)
	if err != nil {
		return err
	}
	for i := range f.Tracks {
		t := &f.Tracks[i]
		for n, s := range t.Samples {
			if s.Lost || s.Offset < start {
				return fmt.Errorf(
					"%w: sample %d of track %d lies outside the mdat",
					ErrMalformed,
					n,
					t.ID,
				)
			}
		}
	}
	return nil
}

// findMedia returns the offset of the media of a finished video. Its last box must
// be the only mdat, and the moov must precede it.
func findMedia(r io.ReaderAt, size int64) (int64, error) {
	indexed := false
	for at := int64(0); at < size; {
		box, err := readBoxHeader(r, at, size)
		if err != nil {
			return 0, err
		}
		switch {
		case box.boxType == "mdat" && !indexed:
			return 0, fmt.Errorf("%w: the media stand before the index", ErrMalformed)
		case box.boxType == "mdat" && box.size != size-at:
			return 0, fmt.Errorf(
				"%w: the mdat ends %d bytes before the file does",
				ErrMalformed,
				size-at-box.size,
			)
		case box.boxType == "mdat":
			return at + box.headerSize, nil
		case box.size > size-at:
			return 0, fmt.Errorf("%w: the %s box is cut off", ErrMalformed, box.boxType)
		}
		indexed = indexed || box.boxType == "moov"
		at += box.size
	}
	return 0, fmt.Errorf("%w: no mdat", ErrMalformed)
}
