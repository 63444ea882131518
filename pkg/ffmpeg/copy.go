package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Copy describes a copy of the packets of a recording into another MP4 file.
// Nothing is decoded.
type Copy struct {
	// From is the path of an MP4 file or of a bare H.264 stream.
	From string
	// BareRate is the frame rate of a bare stream. Zero means that From is a file
	// with timestamps.
	BareRate Rate
	// SoundFrom is an MP4 file whose sound joins a bare stream. If empty, there is
	// no sound.
	SoundFrom string
	// To is the path of the copy, which is overwritten if it exists.
	To string

	// Seek drops everything before it. Copying starts at the previous key frame,
	// and an edit list hides the rest.
	Seek time.Duration
	// DropFirst is the number of picture packets to drop at the start. The others
	// keep their times.
	DropFirst int
	// JumpAt and JumpBy shift all packets from JumpAt on by JumpBy in the selected
	// tracks. The pictures must have no B-frames. Two packets of a track may be at
	// most 2^31 ticks apart.
	JumpAt, JumpBy          time.Duration
	JumpPictures, JumpSound bool

	MoovFirst bool
	// Fragmented writes no index. Each group of pictures describes itself.
	Fragmented bool
}

// Copy runs the copy.
func (t *Tool) Copy(ctx context.Context, c Copy) error {
	cmd := exec.CommandContext(ctx, t.ffmpeg, c.args()...) // #nosec G204 -- typed values only
	proc, err := start(ctx, "copy "+c.From, cmd, nil)
	if err != nil {
		return err
	}
	return proc.wait()
}

// args returns the arguments of ffmpeg.
func (c Copy) args() []string {
	args := []string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+warning", "-y"}
	if c.Seek > 0 {
		args = append(args, "-ss", seconds(c.Seek))
	}
	if c.BareRate != (Rate{}) {
		args = append(args, "-f", "h264", "-framerate", c.BareRate.String())
	}
	args = append(args, "-i", "file:"+c.From)
	if c.SoundFrom != "" {
		args = append(args, "-i", "file:"+c.SoundFrom, "-map", "0:v", "-map", "1:a")
	} else {
		args = append(args, "-map", "0")
	}
	args = append(args, "-c", "copy", "-map_metadata", "-1", "-fflags", "+bitexact")
	if c.DropFirst > 0 {
		args = append(
			args,
			"-copyinkf",
			"-bsf:v",
			fmt.Sprintf("noise=amount=0:drop='lt(n,%d)'", c.DropFirst),
		)
	}
	if c.JumpBy != 0 {
		jump := func(ts string) string {
			return fmt.Sprintf(
				"%s='if(gte(PTS*TB,%s),%s+%s/TB,%s)'",
				ts,
				seconds(c.JumpAt),
				strings.ToUpper(ts),
				seconds(c.JumpBy),
				strings.ToUpper(ts),
			)
		}
		filter := "setts=" + jump("pts") + ":" + jump("dts")
		if c.JumpPictures {
			args = append(args, "-bsf:v", filter, "-video_track_timescale", "12800")
		}
		if c.JumpSound {
			args = append(args, "-bsf:a", filter)
		}
	}
	if c.MoovFirst {
		args = append(args, "-movflags", "+faststart")
	}
	if c.Fragmented {
		args = append(args, "-movflags", "+frag_keyframe+delay_moov+default_base_moof")
	}
	return append(args, "-movie_timescale", editScale, "-f", "mp4", "file:"+c.To)
}

// PacketPlace is the position of a packet in a file, in bytes.
type PacketPlace struct {
	Offset, Bytes int64
	Key           bool
}

// PicturePackets lists the packets of the first video track of a file in file
// order.
func (t *Tool) PicturePackets(ctx context.Context, path string) ([]PacketPlace, error) {
	cmd := exec.CommandContext(ctx, t.ffprobe, "-v", "error", "-select_streams", "V:0", // #nosec G204 -- typed values only
		"-show_entries", "packet=size,pos,flags", "-of", "csv=p=0", "-i", "file:"+path)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, &Error{
				Doing: "list the packets of " + path,
				Lines: []string{strings.TrimSpace(string(exit.Stderr))},
				Err:   err,
			}
		}
		return nil, fmt.Errorf("list the packets of %s: %w", path, err)
	}
	var all []PacketPlace
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) < 3 {
			continue
		}
		size, sizeErr := strconv.ParseInt(fields[0], 10, 64)
		pos, posErr := strconv.ParseInt(fields[1], 10, 64)
		if err := errors.Join(sizeErr, posErr); err != nil {
			return nil, fmt.Errorf("list the packets of %s: %w", path, err)
		}
		all = append(all, PacketPlace{
			Offset: pos,
			Bytes:  size,
			Key:    strings.HasPrefix(fields[2], "K"),
		})
	}
	return all, nil
}
