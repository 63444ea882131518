package speech

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
)

// wavHeader is how many bytes precede the samples.
const wavHeader = 44

// wavWriter writes a clip as a WAV file.
type wavWriter struct {
	file    *os.File
	out     *bufio.Writer // it keeps its first error for Flush
	samples int64
}

func createWAV(path string) (*wavWriter, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // #nosec G304 -- a name that this package chose
	if err != nil {
		return nil, fmt.Errorf("write a clip: %w", err)
	}
	w := &wavWriter{file: file, out: bufio.NewWriterSize(file, 64<<10)}
	_, _ = w.out.Write(make([]byte, wavHeader))
	return w, nil
}

// add appends a sample from -1 to 1.
func (w *wavWriter) add(sample float32) {
	value := int16(math.Round(float64(max(-1, min(1, sample))) * math.MaxInt16))
	raw := [2]byte{byte(value), byte(value >> 8)} // #nosec G115 -- the two bytes of the value
	_, _ = w.out.Write(raw[:])
	w.samples++
}

// close writes the header and closes the file.
func (w *wavWriter) close() error {
	data := uint32(2 * w.samples) // #nosec G115 -- a clip lasts 20 minutes at most
	header := []byte("RIFF")
	header = binary.LittleEndian.AppendUint32(header, data+wavHeader-8)
	header = append(header, "WAVEfmt "...)
	header = binary.LittleEndian.AppendUint32(header, 16)
	for _, v := range []uint16{1, 1} { // PCM, one channel
		header = binary.LittleEndian.AppendUint16(header, v)
	}
	header = binary.LittleEndian.AppendUint32(header, SampleRate)
	header = binary.LittleEndian.AppendUint32(header, 2*SampleRate)
	for _, v := range []uint16{2, 16} { // bytes a sample, bits
		header = binary.LittleEndian.AppendUint16(header, v)
	}
	header = append(header, "data"...)
	header = binary.LittleEndian.AppendUint32(header, data)
	flushErr := w.out.Flush()
	_, headerErr := w.file.WriteAt(header, 0)
	if err := errors.Join(flushErr, headerErr, w.file.Close()); err != nil {
		return fmt.Errorf("write a clip: %w", err)
	}
	return nil
}
