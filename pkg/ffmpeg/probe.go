package ffmpeg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/confine"
)

// Packet is one packet of a stream as returned by the demuxer, with edit lists
// applied.
type Packet struct {
	// PTS is in ticks of the stream.
	PTS int64 `json:"p"`
	// Duration is in ticks, or 0 if unknown.
	Duration int64 `json:"d,omitempty"`
	Key      bool  `json:"k,omitempty"`
	// Offset is the position of its first byte in the file, and Size its length in bytes.
	Offset int64 `json:"o,omitempty"`
	Size   int64 `json:"s,omitempty"`
}

// Stream is a stream of a file whose packets were listed one by one.
type Stream struct {
	Video         bool
	Codec         string
	Width, Height int
	Channels      int
	// Rate is the audio sample rate in Hz.
	Rate      int
	Timescale int64
	// Packets are in decoding order, without those hidden by an edit list.
	Packets []Packet
}

const (
	// maxPackets bounds the packets of a file. Half an hour has 130,000.
	maxPackets = 1 << 19
	// listTime and listRate bound the CPU time of listing: 4 s, and a second for each 64 MB of the file. With
	// the reader of the list it stays below 5 s for a small file.
	listTime = 4 * time.Second
	listRate = 64 << 20
)

// ErrTooManyPackets means that a file lists more packets than its bytes can hold, or than any recording
// has.
var ErrTooManyPackets = errors.New("too many packets")

// ListPackets reads a file of size bytes from start to end and lists the packets of its video
// and audio streams. It serves fragmented files, which have no complete sample tables.
func (t *Tool) ListPackets(ctx context.Context, source Source, size int64) ([]Stream, error) {
	const doing = "list the packets of a file"
	c := command{
		program: t.ffprobe,
		global:  []string{"-loglevel", "level+error"},
		inputs:  []input{served(source)},
		output: []string{
			"-show_entries",
			"stream=index,codec_type,codec_name,width,height,channels,sample_rate,time_base:" +
				"stream_disposition=attached_pic:packet=stream_index,pts,duration,size,pos,flags",
			"-of", "compact",
		},
		limits: confine.Limits{Memory: listMemory, CPU: listTime + time.Duration(size/listRate)*time.Second},
	}
	var list packetList
	err := repeat(doing, func() (int64, error) {
		r, err := t.open(ctx, doing, c, source, nil)
		if err != nil {
			return 0, err
		}
		list = packetList{left: int(min(size, maxPackets))}
		if err := list.read(r.out); err != nil {
			r.proc.discard(r.out)
			return int64(list.count), &Error{Doing: doing, Err: err}
		}
		return int64(list.count), r.proc.wait()
	})
	if err != nil {
		return nil, err
	}
	return list.streams()
}

// packetList is what ffprobe printed.
type packetList struct {
	// left is the number of packets that may still come.
	left, count int
	described   []map[string]string // by stream
	packets     map[string][]Packet // by index of the stream
}

// read parses the compact output of ffprobe line by line, so that its length does not matter.
func (l *packetList) read(r io.Reader) error {
	l.packets = map[string][]Packet{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		kind, text, _ := strings.Cut(lines.Text(), "|")
		switch kind {
		case "packet":
			if l.left--; l.left < 0 {
				return ErrTooManyPackets
			}
			l.count++
			l.addPacket(text)
		case "stream":
			fields := map[string]string{}
			eachField(text, func(name, value string) { fields[name] = value })
			l.described = append(l.described, fields)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read ffprobe's list of packets: %w", err)
	}
	return nil
}

// eachField passes on the fields of a line: name=value, separated by bars.
func eachField(text string, take func(name, value string)) {
	for field := range strings.SplitSeq(text, "|") {
		name, value, _ := strings.Cut(field, "=")
		take(name, value)
	}
}

// addPacket adds a packet. One that is discarded, or has no PTS, is left out.
func (l *packetList) addPacket(text string) {
	var p Packet
	stream := ""
	shown := false
	discarded := false
	eachField(text, func(name, value string) {
		switch name {
		case "stream_index":
			stream = strings.Clone(value)
		case "pts":
			pts, err := strconv.ParseInt(value, 10, 64)
			p.PTS, shown = pts, err == nil
		case "duration":
			p.Duration, _ = strconv.ParseInt(value, 10, 64) // N/A: unknown
		case "pos":
			p.Offset, _ = strconv.ParseInt(value, 10, 64) // N/A: unknown
		case "size":
			p.Size, _ = strconv.ParseInt(value, 10, 64)
		case "flags":
			p.Key = strings.HasPrefix(value, "K")
			discarded = strings.Contains(value, "D")
		}
	})
	if shown && !discarded {
		l.packets[stream] = append(l.packets[stream], p)
	}
}

// streams returns the video streams that are no covers, in order, and the audio streams.
func (l *packetList) streams() ([]Stream, error) {
	var video, audio []Stream
	for _, described := range l.described {
		isVideo := described["codec_type"] == "video" && described["disposition:attached_pic"] != "1"
		isAudio := described["codec_type"] == "audio"
		if !isVideo && !isAudio {
			continue
		}
		stream, err := streamOf(described)
		if err != nil {
			return nil, err
		}
		stream.Packets = l.packets[described["index"]]
		if isVideo {
			video = append(video, stream)
		} else {
			audio = append(audio, stream)
		}
	}
	return append(video, audio...), nil
}

// streamOf returns the properties of a stream. An unknown time base is an error.
func streamOf(fields map[string]string) (Stream, error) {
	one, scale, _ := strings.Cut(fields["time_base"], "/")
	timescale, err := strconv.ParseInt(scale, 10, 64)
	if err != nil || one != "1" || timescale <= 0 {
		return Stream{}, fmt.Errorf("read ffprobe's list of packets: time base %q", fields["time_base"])
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(fields[name]) // absent for the other kind of stream
		return n
	}
	return Stream{
		Video:     fields["codec_type"] == "video",
		Codec:     fields["codec_name"],
		Width:     number("width"),
		Height:    number("height"),
		Channels:  number("channels"),
		Rate:      number("sample_rate"),
		Timescale: timescale,
	}, nil
}
