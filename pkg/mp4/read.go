package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// maxTracks bounds the tracks of a file. Recorders write two.
	maxTracks = 64
	// maxSamples bounds the samples of a part. Half an hour has 130,000.
	maxSamples = 2 << 20
)

// limits bound what an index may hold, so that reading it takes at most 200 MB of memory and a few seconds,
// whatever the index says.
type limits struct {
	moov    int64 // bytes
	samples int   // of all tracks, before edit lists are applied, and again after
}

// recorded returns the limits of a recorded file. Half an hour needs 2 MB and 130,000 samples.
func recorded() limits { return limits{moov: 16 << 20, samples: 1 << 19} }

// finished returns the limits of a video that this program has joined. A day has 6 million samples.
func finished() limits { return limits{moov: 128 << 20, samples: 8 << 20} }

// firstBoxes are the box types that an MP4 or QuickTime file may begin with.
const firstBoxes = "ftyp moov mdat free skip wide pnot uuid styp"

// Read reads the index of an MP4 file of size bytes: its box headers and the moov.
// The file may be truncated. Samples beyond its end are marked Lost. Errors wrap
// one of this package's, or an error of r. With [ErrFragmented] the tracks are
// returned without samples.
func Read(r io.ReaderAt, size int64) (*File, error) {
	return read(r, size, recorded())
}

// ReadFinished is [Read] for a video that [Header] begins. Such a video may last a day.
func ReadFinished(r io.ReaderAt, size int64) (*File, error) {
	return read(r, size, finished())
}

// read is [Read] with limits. With [ErrFragmented] it returns the file, too: its tracks are known, and its
// samples are not.
func read(r io.ReaderAt, size int64, most limits) (*File, error) {
	if size <= 0 {
		return nil, ErrEmpty
	}
	moov, err := findMovieBox(r, size, most.moov)
	if err != nil {
		return nil, err
	}
	f := &File{Size: size}
	err = f.parse(moov, most.samples)
	if err != nil && !errors.Is(err, ErrFragmented) {
		return nil, err
	}
	return f, err
}

// findMovieBox scans the top level and returns the body of the first moov, which may have most bytes.
func findMovieBox(r io.ReaderAt, size, most int64) ([]byte, error) {
	for at := int64(0); at < size; {
		box, err := readBoxHeader(r, at, size)
		switch {
		case errors.Is(err, ErrMalformed) && at > 0:
			return nil, fmt.Errorf("%w before the bytes at %d that are no box", ErrNoMoov, at)
		case errors.Is(err, ErrMalformed):
			return nil, fmt.Errorf("%w: %w", ErrNotMP4, err)
		case err != nil:
			return nil, err
		}
		if box.boxType == "moov" {
			return readMoov(r, at, size, box, most)
		}
		if box.size > size-at { // a mdat cut off, normally; it was the last box
			break
		}
		at += box.size
	}
	return nil, ErrNoMoov
}

// readMoov returns the body of the moov box at a byte of the file, which may have most bytes.
func readMoov(r io.ReaderAt, at, size int64, box boxHeader, most int64) ([]byte, error) {
	if box.size > size-at {
		return nil, fmt.Errorf("%w: it begins at byte %d and is cut off", ErrNoMoov, at)
	}
	if box.size > most {
		return nil, fmt.Errorf("%w: a moov of %d bytes", ErrMalformed, box.size)
	}
	body := make([]byte, box.size-box.headerSize)
	if err := readFullAt(r, body, at+box.headerSize); err != nil {
		return nil, fmt.Errorf("read the moov box at byte %d: %w", at, err)
	}
	return body, nil
}

// boxHeader is the header of a box (4.2).
type boxHeader struct {
	boxType string
	// size is the size of the whole box, at least headerSize.
	size int64
	// headerSize is 8, or 16 with largesize.
	headerSize int64
}

// readBoxHeader reads the box header at a byte of the file. An invalid header is an
// error that wraps ErrMalformed.
func readBoxHeader(r io.ReaderAt, at, size int64) (boxHeader, error) {
	var buf [16]byte
	b := buf[:min(16, size-at)]
	if len(b) < 8 {
		return boxHeader{}, fmt.Errorf("%w: %d bytes left at %d", ErrMalformed, len(b), at)
	}
	if err := readFullAt(r, b, at); err != nil {
		return boxHeader{}, fmt.Errorf("read the box header at byte %d: %w", at, err)
	}
	box, ok := parseBoxHeader(b, size-at)
	if !ok || at == 0 && !isListed(box.boxType, firstBoxes) {
		return boxHeader{}, fmt.Errorf("%w: no box at byte %d", ErrMalformed, at)
	}
	return box, nil
}

// parseBoxHeader parses a box header. rest is the size of a box that extends to the
// end of the file.
func parseBoxHeader(b []byte, rest int64) (boxHeader, bool) {
	if len(b) < 8 {
		return boxHeader{}, false
	}
	box := boxHeader{
		boxType:    string(b[4:8]),
		size:       int64(binary.BigEndian.Uint32(b)),
		headerSize: 8,
	}
	switch {
	case box.size == 0:
		box.size = rest
	case box.size == 1 && len(b) < 16:
		return boxHeader{}, false
	case box.size == 1:
		box.size = int64(binary.BigEndian.Uint64(b[8:])) // #nosec G115 -- negative is refused below
		box.headerSize = 16                              // #nosec G115 -- negative is refused below
	}
	for _, c := range b[4:8] {
		if c < ' ' && c != 0 {
			return boxHeader{}, false
		}
	}
	return box, box.size >= box.headerSize
}

// readFullAt fills b from a position inside the file. An early end is
// io.ErrUnexpectedEOF.
func readFullAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	switch {
	case n == len(b):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}
