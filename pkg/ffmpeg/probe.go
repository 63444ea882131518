package ffmpeg

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Packet is one packet of a stream as the demuxer gives it, edit lists honoured.
type Packet struct {
	PTS      int64 // ticks of the stream
	Duration int64 // ticks; 0 if unknown
	Key      bool
}

// Stream is a stream of a file whose packets were listed one by one.
type Stream struct {
	Video         bool
	Codec         string
	Width, Height int
	Channels      int
	Rate          int // of sound, samples a second
	Timescale     int64
	Packets       []Packet // in decoding order, those hidden by an edit list left out
}

// ListPackets reads a file from end to end and lists the packets of its first picture stream and its
// first sound stream. It serves the files whose tables cannot be read without that: fragmented ones.
func (t *Tool) ListPackets(ctx context.Context, url string) ([]Stream, error) {
	var streams []Stream
	for _, which := range []string{"V:0", "a:0"} {
		cmd := exec.CommandContext(ctx, t.ffprobe, "-v", "error", "-protocol_whitelist", "http,tcp", "-select_streams", which, // #nosec G204 -- typed values only
			"-show_entries", "stream=codec_type,codec_name,width,height,channels,sample_rate,time_base:packet=pts,duration,flags",
			"-of", "json=compact=1", url)
		out, err := cmd.Output()
		if cause := context.Cause(ctx); cause != nil {
			return nil, fmt.Errorf("list the packets of a file: %w", cause)
		}
		if err != nil {
			return nil, &Error{Doing: "list the packets of a file", Err: err}
		}
		stream, err := parsePackets(out)
		if err != nil {
			return nil, err
		}
		if stream != nil {
			streams = append(streams, *stream)
		}
	}
	return streams, nil
}

// parsePackets reads ffprobe's answer for one stream; nil if there is no such stream.
func parsePackets(out []byte) (*Stream, error) {
	var answer struct {
		Streams []struct {
			Type     string `json:"codec_type"`
			Codec    string `json:"codec_name"`
			Width    int    `json:"width"`
			Height   int    `json:"height"`
			Channels int    `json:"channels"`
			Rate     string `json:"sample_rate"`
			TimeBase string `json:"time_base"`
		} `json:"streams"`
		Packets []struct {
			PTS      *int64 `json:"pts"`
			Duration int64  `json:"duration"`
			Flags    string `json:"flags"`
		} `json:"packets"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("read ffprobe's list of packets: %w", err)
	}
	if len(answer.Streams) == 0 {
		return nil, nil //nolint:nilnil // no such stream is a plain answer
	}
	head := answer.Streams[0]
	one, scale, _ := strings.Cut(head.TimeBase, "/")
	timescale, err := strconv.ParseInt(scale, 10, 64)
	if err != nil || one != "1" || timescale <= 0 {
		return nil, fmt.Errorf("read ffprobe's list of packets: time base %q", head.TimeBase)
	}
	rate, _ := strconv.Atoi(head.Rate) // absent for pictures
	stream := &Stream{
		Video: head.Type == "video", Codec: head.Codec, Width: head.Width, Height: head.Height,
		Channels: head.Channels, Rate: rate, Timescale: timescale,
	}
	for _, p := range answer.Packets {
		if p.PTS == nil || strings.Contains(p.Flags, "D") {
			continue
		}
		stream.Packets = append(stream.Packets, Packet{PTS: *p.PTS, Duration: p.Duration, Key: strings.HasPrefix(p.Flags, "K")})
	}
	return stream, nil
}
