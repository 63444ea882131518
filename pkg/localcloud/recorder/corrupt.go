package recorder

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

// Damage corrupts a finished file. The same damage of the same file gives the same bytes.
type Damage func(ctx context.Context, tool *ffmpeg.Tool, path string) error

// Empty truncates the file to zero bytes.
func Empty() Damage {
	return Truncate(0)
}

// Truncate keeps the first bytes of the file.
func Truncate(bytes int64) Damage {
	return func(_ context.Context, _ *ffmpeg.Tool, path string) error {
		return os.Truncate(path, bytes)
	}
}

// TruncatePart keeps the first thousandths of the file.
func TruncatePart(thousandths int64) Damage {
	return func(_ context.Context, _ *ffmpeg.Tool, path string) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Truncate(path, info.Size()*thousandths/1000)
	}
}

// LoseMoov removes the moov box, as a killed recorder leaves a file. The moov must be the last
// box.
func LoseMoov() Damage {
	return func(_ context.Context, _ *ffmpeg.Tool, path string) error {
		moov, err := findBox(path, "moov")
		if err != nil {
			return err
		}
		mdat, err := findBox(path, "mdat")
		if err != nil {
			return err
		}
		if mdat.offset > moov.offset {
			return errors.New("the moov is first: nothing would be left of the media")
		}
		return os.Truncate(path, moov.offset)
	}
}

// CutMoov ends the file in the middle of its moov box.
func CutMoov() Damage {
	return func(_ context.Context, _ *ffmpeg.Tool, path string) error {
		moov, err := findBox(path, "moov")
		if err != nil {
			return err
		}
		return os.Truncate(path, moov.offset+moov.bytes/2)
	}
}

// TruncateAtPicture ends the file exactly before picture n (in file order), with the whole moov
// in place. Only the counts show that pictures are missing. The moov must be the first box.
func TruncateAtPicture(n int) Damage {
	return func(ctx context.Context, tool *ffmpeg.Tool, path string) error {
		packets, err := tool.PicturePackets(ctx, path)
		if err != nil {
			return err
		}
		if n < 0 || n >= len(packets) {
			return fmt.Errorf("there is no picture %d of %d", n, len(packets))
		}
		return os.Truncate(path, packets[n].Offset)
	}
}

// GarbagePictures overwrites the data of the pictures [from, until), in file order, with random
// bytes. Pictures that refer to them break as well, up to the next key frame.
func GarbagePictures(from, until int, seed uint64) Damage {
	return func(ctx context.Context, tool *ffmpeg.Tool, path string) error {
		packets, err := tool.PicturePackets(ctx, path)
		if err != nil {
			return err
		}
		if from < 0 || from >= until || until > len(packets) {
			return fmt.Errorf("there are no pictures %d to %d of %d", from, until, len(packets))
		}
		for _, p := range packets[from:until] {
			if err := overwrite(path, p.Offset, p.Bytes, seed); err != nil {
				return err
			}
		}
		return nil
	}
}

// Garbage overwrites a range of the media data with random bytes. Both ends are thousandths of
// the mdat box.
func Garbage(from, until int64, seed uint64) Damage {
	return func(_ context.Context, _ *ffmpeg.Tool, path string) error {
		mdat, err := findBox(path, "mdat")
		if err != nil {
			return err
		}
		start := mdat.bytes * from / 1000
		end := mdat.bytes * until / 1000
		return overwrite(path, mdat.offset+max(16, start), end-max(16, start), seed)
	}
}

// Overwrite overwrites a range of the file, in bytes, with random bytes.
func Overwrite(offset, bytes int64, seed uint64) Damage {
	return func(_ context.Context, _ *ffmpeg.Tool, path string) error {
		return overwrite(path, offset, bytes, seed)
	}
}

// overwrite overwrites a range of a file with random bytes of a seed.
func overwrite(path string, offset, bytes int64, seed uint64) error {
	if bytes <= 0 {
		return fmt.Errorf("overwrite %d bytes", bytes)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0) // #nosec G304 -- a file this package has made
	if err != nil {
		return err
	}
	// #nosec G115 -- any bits do
	garbage := rand.NewChaCha8([32]byte(binary.BigEndian.AppendUint64(
		make([]byte, 24), hash(seed, uint64(offset)),
	)))
	_, err = io.CopyN(io.NewOffsetWriter(file, offset), garbage, bytes)
	return errors.Join(err, file.Close())
}

// box is a top-level box of an MP4 file.
type box struct{ offset, bytes int64 }

// findBox returns the first top-level box of a kind.
func findBox(path, kind string) (box, error) {
	file, err := os.Open(path) // #nosec G304 -- a file this package has made
	if err != nil {
		return box{}, err
	}
	defer func() { _ = file.Close() }() // only read
	for at := int64(0); ; {
		var head [16]byte
		n, err := file.ReadAt(head[:], at)
		if n < 8 {
			return box{}, fmt.Errorf("no box %s in %s: %w", kind, path, err)
		}
		size := int64(binary.BigEndian.Uint32(head[:4]))
		if size == 1 && n == 16 {
			size = int64(binary.BigEndian.Uint64(head[8:])) // #nosec G115 -- no file is that large
		}
		if size < 8 {
			return box{}, fmt.Errorf("a box of %d bytes at %d in %s", size, at, path)
		}
		if string(head[4:8]) == kind {
			return box{at, size}, nil
		}
		at += size
	}
}
