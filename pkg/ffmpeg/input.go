package ffmpeg

import (
	"strconv"
	"strings"
	"time"
)

// Source is an MP4 file on loopback. [rangeproxy.Served] is one.
//
// [rangeproxy.Served]: https://pkg.go.dev/github.com/nvr-miem/merger/pkg/rangeproxy#Served
type Source interface {
	// Location returns the loopback URL of the file.
	Location() string
	// Progress returns how many bytes of the file have been served, and reports whether a read of its
	// storage is pending.
	Progress() (bytes int64, waiting bool)
	// ReadAhead returns how many bytes the kernel should buffer, at most.
	ReadAhead() int
}

// URL is a [Source] of which only the address is known.
type URL string

// Location implements [Source].
func (u URL) Location() string { return string(u) }

// ReadAhead implements [Source].
func (u URL) ReadAhead() int { return readAhead }

// Progress implements [Source].
func (URL) Progress() (bytes int64, waiting bool) { return 0, false }

// container is the format of an input, by the name of FFmpeg's demuxer. FFmpeg never guesses it: a file
// that is MP4 for this program must not be a playlist for FFmpeg, which would open the addresses in it.
type container string

// The containers in use.
const (
	isoMedia  container = "mov" // MP4 and QuickTime
	bareH264  container = "h264"
	rawVideo  container = "rawvideo"
	float32LE container = "f32le"
	int16LE   container = "s16le"
)

// decoders returns the decoders that may read a container, by FFmpeg's names. Those of MP4 are what
// recorders write, and what they add as previews.
func (c container) decoders() []string {
	switch c {
	case isoMedia:
		return []string{
			"h264", "hevc", "mpeg4", "mjpeg",
			"aac", "mp3float", "opus", "ac3", "eac3", "alac", "flac", "pcm_alaw", "pcm_mulaw",
			"pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be",
			"pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be",
		}
	case bareH264:
		return []string{"h264"}
	case rawVideo:
		return []string{"rawvideo"}
	case float32LE:
		return []string{"pcm_f32le"}
	case int16LE:
		return []string{"pcm_s16le"}
	}
	return nil
}

const (
	// readTimeout ends a read of a source that gives no byte. The watchdog notices it earlier and knows
	// why; the timeout holds if this process does not.
	readTimeout = 90 * time.Second
	// maxPixels is the largest picture that is decoded: 16 reference pictures of it fit into
	// decodeMemory. A camera of 4K has half as many pixels.
	maxPixels = 4096 * 4096
	// readAhead bounds how much the kernel buffers of a source. By default it buffers megabytes that are
	// never used after the last picture.
	readAhead = 128 << 10
)

// input is one input of FFmpeg: what is read, and as what.
type input struct {
	container container
	location  string
	ahead     int // bytes of it that the kernel buffers; of HTTP only
	// options are those of FFmpeg that belong to this input, for example where to seek.
	options []string
}

// served returns the input of a source.
func served(s Source, options ...string) input {
	return input{container: isoMedia, location: s.Location(), ahead: s.ReadAhead(), options: options}
}

// localFile returns the input of a file of this machine that this program has written.
func localFile(c container, path string, options ...string) input {
	return input{container: c, location: "file:" + path, options: options}
}

// pipe returns the input of a pipe that this process fills.
func pipe(c container, descriptor int, options ...string) input {
	return input{container: c, location: "pipe:" + strconv.Itoa(descriptor), options: options}
}

// args returns the arguments of ffmpeg or ffprobe for the input. It is the only place that writes -i.
func (in input) args() []string {
	args := append([]string{}, in.options...)
	args = append(
		args,
		"-f", string(in.container),
		"-format_whitelist", string(in.container),
		"-codec_whitelist", strings.Join(in.container.decoders(), ","),
	)
	protocol, _, _ := strings.Cut(in.location, ":")
	switch protocol {
	case "http":
		args = append(
			args,
			"-protocol_whitelist", "http,tcp",
			"-rw_timeout", strconv.FormatInt(readTimeout.Microseconds(), 10),
			"-recv_buffer_size", strconv.Itoa(in.ahead),
		)
	default:
		args = append(args, "-protocol_whitelist", protocol)
	}
	if in.container == isoMedia {
		// With its chapters read, a track of their pictures would not count as a picture stream.
		args = append(args, "-enable_drefs", "0", "-ignore_chapters", "1")
	}
	if in.container != float32LE && in.container != int16LE {
		args = append(args, "-max_pixels", strconv.Itoa(maxPixels))
	}
	return append(args, "-i", in.location)
}
