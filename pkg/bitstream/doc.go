// Package bitstream reads the headers of coded pictures: H.264 (ITU-T H.264, ISO/IEC 14496-10) and HEVC
// (ITU-T H.265, ISO/IEC 23008-2), as an MP4 file holds them (ISO/IEC 14496-15).
//
// It answers what a sample table cannot: whether a sample holds a picture at all, whether decoding can
// start at it, and whether a picture that it refers to is missing. It decodes no picture.
//
// Comments name syntax elements by the names of the standards. For any input, its functions do not
// panic, do not allocate by an unchecked count, and take time in proportion to the size of the input.
package bitstream

import "errors"

// ErrUnknown means that a decoder configuration is of another codec, or that it is malformed.
var ErrUnknown = errors.New("no H.264 or HEVC decoder configuration")
