package mp4

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Lists with a number for every sample are a string in JSON: varints, deflated, in base64. That is two
// bytes a sample; as decimal numbers the tables of a ten-minute part would weigh twice as much.

// Sizes are the sizes of samples in bytes.
type Sizes []uint32

// Offsets are composition offsets in ticks.
type Offsets []int32

// Chunks is a list of chunks.
type Chunks []Chunk

// MarshalJSON implements [json.Marshaler].
func (s Sizes) MarshalJSON() ([]byte, error) {
	return pack(len(s), func(i int) int64 { return int64(s[i]) })
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Sizes) UnmarshalJSON(b []byte) error {
	*s = nil
	return unpack(b, 0, math.MaxUint32, func(v int64) {
		*s = append(*s, uint32(v))
	}) // #nosec G115 -- bounded by unpack
}

// MarshalJSON implements [json.Marshaler].
func (o Offsets) MarshalJSON() ([]byte, error) {
	return pack(len(o), func(i int) int64 { return int64(o[i]) })
}

// UnmarshalJSON implements [json.Unmarshaler].
func (o *Offsets) UnmarshalJSON(b []byte) error {
	*o = nil
	return unpack(b, math.MinInt32, math.MaxInt32, func(v int64) {
		*o = append(*o, int32(v))
	}) // #nosec G115 -- bounded by unpack
}

// MarshalJSON implements [json.Marshaler]. A chunk is written as its kind, its
// distance from the previous chunk in bytes, and its number of samples.
func (c Chunks) MarshalJSON() ([]byte, error) {
	return pack(3*len(c), func(i int) int64 {
		chunk := c[i/3]
		before := int64(0)
		if i >= 3 {
			before = c[i/3-1].Offset
		}
		return [3]int64{int64(chunk.Kind), chunk.Offset - before, int64(chunk.Count)}[i%3]
	})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *Chunks) UnmarshalJSON(b []byte) error {
	*c = nil
	var values []int64
	if err := unpack(b, 0, 1<<40, func(v int64) { values = append(values, v) }); err != nil {
		return err
	}
	if len(values)%3 != 0 {
		return fmt.Errorf("%w: chunks of %d numbers", ErrMalformed, len(values))
	}
	offset := int64(0)
	for i := 0; i < len(values); i += 3 {
		if values[i] > int64(Audio) || values[i+2] > maxSamples {
			return fmt.Errorf(
				"%w: chunk of kind %d with %d samples",
				ErrMalformed,
				values[i],
				values[i+2],
			)
		}
		offset += values[i+1]
		*c = append(*c, Chunk{
			Kind:   Kind(values[i]),
			Offset: offset,
			Count:  int(values[i+2]),
		}) // #nosec G115 -- checked above
	}
	return nil
}

// pack encodes n numbers as a JSON string.
func pack(n int, at func(int) int64) ([]byte, error) {
	var raw, deflated bytes.Buffer
	for i := range n {
		raw.Write(binary.AppendVarint(nil, at(i)))
	}
	w, err := flate.NewWriter(&deflated, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw.Bytes()); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(deflated.Bytes()))
}

// unpack passes on the numbers of a JSON string written by pack. It returns an
// error for a number outside [low, high] and for an implausibly long list.
func unpack(b []byte, low, high int64, add func(int64)) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("packed list: %w", err)
	}
	deflated, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("packed list: %w", err)
	}
	in := bufio.NewReader(flate.NewReader(bytes.NewReader(deflated)))
	for range 3*maxSamples + 1 {
		v, err := binary.ReadVarint(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("packed list: %w", err)
		}
		if v < low || v > high {
			return fmt.Errorf("%w: %d in a packed list of %d to %d", ErrMalformed, v, low, high)
		}
		add(v)
	}
	return fmt.Errorf("%w: a packed list is too long", ErrMalformed)
}
