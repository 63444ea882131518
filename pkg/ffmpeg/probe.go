package ffmpeg

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// Packet is one packet of a stream as the demuxer gives it, edit lists honoured.
type Packet struct {
	PTS      int64 `json:"p"`           // ticks of the stream
	Duration int64 `json:"d,omitempty"` // ticks; 0 if unknown
	Key      bool  `json:"k,omitempty"`
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

// ListPackets reads a file from end to end, once, and lists the packets of its first picture stream
// and its first sound stream. It serves the files whose tables cannot be read without that: fragmented
// ones.
func (t *Tool) ListPackets(ctx context.Context, url string) ([]Stream, error) {
	cmd := exec.CommandContext(ctx, t.ffprobe, "-v", "error", "-protocol_whitelist", "http,tcp", // #nosec G204 -- typed values only
		"-show_entries", "stream=index,codec_type,codec_name,width,height,channels,sample_rate,time_base:stream_disposition=attached_pic:packet=stream_index,pts,duration,flags",
		"-of", "json=compact=1", url)
	out, err := cmd.Output()
	if cause := context.Cause(ctx); cause != nil {
		return nil, fmt.Errorf("list the packets of a file: %w", cause)
	}
	if err != nil {
		return nil, &Error{Doing: "list the packets of a file", Err: err}
	}
	return parsePackets(out)
}

// probedStream is what ffprobe says of a stream.
type probedStream struct {
	Index       int    `json:"index"`
	Type        string `json:"codec_type"`
	Codec       string `json:"codec_name"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	Channels    int    `json:"channels"`
	Rate        string `json:"sample_rate"`
	TimeBase    string `json:"time_base"`
	Disposition struct {
		Cover int `json:"attached_pic"`
	} `json:"disposition"`
}

// parsePackets reads ffprobe's answer.
func parsePackets(out []byte) ([]Stream, error) {
	var answer struct {
		Streams []probedStream `json:"streams"`
		Packets []struct {
			Stream   int    `json:"stream_index"`
			PTS      *int64 `json:"pts"`
			Duration int64  `json:"duration"`
			Flags    string `json:"flags"`
		} `json:"packets"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("read ffprobe's list of packets: %w", err)
	}
	var streams []Stream
	places := map[int]int{} // in streams, by index in the file
	for _, kind := range []string{"video", "audio"} {
		i := slices.IndexFunc(answer.Streams, func(s probedStream) bool { return s.Type == kind && s.Disposition.Cover == 0 })
		if i < 0 {
			continue
		}
		stream, err := answer.Streams[i].stream()
		if err != nil {
			return nil, err
		}
		places[answer.Streams[i].Index] = len(streams)
		streams = append(streams, stream)
	}
	for _, p := range answer.Packets {
		place, wanted := places[p.Stream]
		if !wanted || p.PTS == nil || strings.Contains(p.Flags, "D") {
			continue
		}
		s := &streams[place]
		s.Packets = append(s.Packets, Packet{PTS: *p.PTS, Duration: p.Duration, Key: strings.HasPrefix(p.Flags, "K")})
	}
	return streams, nil
}

func (p probedStream) stream() (Stream, error) {
	one, scale, _ := strings.Cut(p.TimeBase, "/")
	timescale, err := strconv.ParseInt(scale, 10, 64)
	if err != nil || one != "1" || timescale <= 0 {
		return Stream{}, fmt.Errorf("read ffprobe's list of packets: time base %q", p.TimeBase)
	}
	rate, _ := strconv.Atoi(p.Rate) // absent for pictures
	return Stream{
		Video: p.Type == "video", Codec: p.Codec, Width: p.Width, Height: p.Height,
		Channels: p.Channels, Rate: rate, Timescale: timescale,
	}, nil
}
