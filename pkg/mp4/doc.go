// Package mp4 reads and writes the sample tables of MP4 files (ISO BMFF), and moves no media byte
// it need not move.
//
// It has three jobs. [Read] takes the tables of a recorder's file, times as FFmpeg's demuxer reports
// them. [ReadPart] takes apart the fragmented stream that an FFmpeg encode writes to a pipe, into
// media bytes and a [Part]. [Header] joins parts: the bytes it returns, followed by the payloads of
// the parts in order, are the finished video.
//
// It knows boxes, ticks and byte offsets. It knows no FFmpeg, network, clock, record or room; where
// the standard leaves room, or FFmpeg departs from it, FFmpeg's reading rules, because FFmpeg
// decodes what these tables describe. Times are integer ticks of a track's timescale, or a [Time],
// which carries its scale; nothing is a float.
//
// Whatever the bytes are, no function here panics, allocates by a count it has not checked, or takes
// time out of proportion to its input.
package mp4

import "errors"

// What keeps a file from being read. Read wraps one of them with the place; an error that wraps none
// is an error of the reader it was given: the file was not seen, which says nothing about what is in it.
var (
	// ErrEmpty: the file has no bytes.
	ErrEmpty = errors.New("empty file")
	// ErrNotMP4: the file does not begin with a box of an MP4 file.
	ErrNotMP4 = errors.New("not an MP4 file")
	// ErrNoMoov: the index (moov) is missing or cut off, as when a recorder loses power.
	ErrNoMoov = errors.New("no moov box")
	// ErrFragmented: a fragmented file, whose samples are not in the moov.
	ErrFragmented = errors.New("fragmented MP4")
	// ErrNoSamples: the index lists no sample.
	ErrNoSamples = errors.New("no samples")
	// ErrMalformed: the boxes contradict each other or themselves.
	ErrMalformed = errors.New("malformed MP4")
)
