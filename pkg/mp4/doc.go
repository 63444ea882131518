// Package mp4 reads and writes the sample tables of MP4 files (ISO/IEC 14496-12, the ISO base
// media file format). It copies media bytes only where necessary.
//
// It has three tasks. [Read] reads the tables of a recorded file, with times as FFmpeg's
// demuxer reports them. [ReadPart] splits the fragmented stream of an FFmpeg encoder into
// media bytes and a [Part]. [Header] joins parts: the bytes that it returns, followed by the
// payloads of the parts in order, are the finished video.
//
// Comments name boxes by their four-character codes and clauses of the standard by number.
// Where the standard is open, or FFmpeg departs from it, FFmpeg's reading is implemented,
// because FFmpeg decodes what these tables describe. Times are integer ticks of a timescale,
// or a [Time], which includes its timescale. There are no floating-point times.
//
// The package does not depend on FFmpeg, networks, clocks, records or rooms. For any input,
// its functions do not panic, do not allocate by an unchecked count, and take time in
// proportion to the size of the input.
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
	// ErrExternal: the media are in other files or at other addresses (dref), which are not read.
	ErrExternal = errors.New("media outside of the file")
	// ErrMalformed: the boxes contradict each other or themselves.
	ErrMalformed = errors.New("malformed MP4")
)
