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

// Packet is one packet of a stream as returned by the demuxer, with edit lists
// applied.
type Packet struct {
	// PTS is in ticks of the stream.
	PTS int64 `json:"p"`
	// Duration is in ticks, or 0 if unknown.
	Duration int64 `json:"d,omitempty"`
	Key      bool  `json:"k,omitempty"`
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

// ListPackets reads a file from start to end and lists the packets of its first
// video and first audio stream. It serves fragmented files, which have no complete
// sample tables.
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

// probedStream is a stream as described by ffprobe.
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

// parsePackets parses the output of ffprobe.
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
		i := slices.IndexFunc(answer.Streams, func(s probedStream) bool {
			return s.Type == kind &&
				s.Disposition.Cover == 0
		})
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
		if !wanted ||
			p.PTS == nil ||
			strings.Contains(p.Flags, "D") {
			continue
		}
		s := &streams[place]
		s.Packets = append(s.Packets, Packet{
			PTS:      *p.PTS,
			Duration: p.Duration,
			Key:      strings.HasPrefix(p.Flags, "K"),
		})
	}
	return streams, nil
}

// stream returns the properties of the stream. An unknown time base is an error.
func (p probedStream) stream() (Stream, error) {
	one, scale, _ := strings.Cut(p.TimeBase, "/")
	timescale, err := strconv.ParseInt(scale, 10, 64)
	if err != nil || one != "1" || timescale <= 0 {
		return Stream{}, fmt.Errorf("read ffprobe's list of packets: time base %q", p.TimeBase)
	}
	rate, _ := strconv.Atoi(p.Rate) // absent for pictures
	return Stream{
		Video:     p.Type == "video",
		Codec:     p.Codec,
		Width:     p.Width,
		Height:    p.Height,
		Channels:  p.Channels,
		Rate:      rate,
		Timescale: timescale,
	}, nil
}
