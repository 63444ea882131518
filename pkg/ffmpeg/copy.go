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
	proc, err := t.start(ctx, launch{
		doing: "copy " + c.From,
		cmd:   c.command(t.ffmpeg).prepare(ctx),
		watch: newWatch(nil),
	})
	if err != nil {
		return err
	}
	return proc.wait()
}

// command returns the run of ffmpeg.
func (c Copy) command(program string) command {
	return command{
		program: program,
		global:  append(quiet("warning"), "-y"),
		inputs:  c.inputs(),
		output:  c.output(),
	}
}

// inputs returns what is copied: a file, or bare pictures and maybe sound.
func (c Copy) inputs() []input {
	var options []string
	if c.Seek > 0 {
		options = append(options, "-ss", seconds(c.Seek))
	}
	from := localFile(isoMedia, c.From, options...)
	if c.BareRate != (Rate{}) {
		from = localFile(bareH264, c.From, append(options, "-framerate", c.BareRate.String())...)
	}
	if c.SoundFrom == "" {
		return []input{from}
	}
	return []input{from, localFile(isoMedia, c.SoundFrom)}
}

// output returns the options of the copy.
func (c Copy) output() []string {
	args := []string{"-map", "0"}
	if c.SoundFrom != "" {
		args = []string{"-map", "0:v", "-map", "1:a"}
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
	out, err := command{
		program: t.ffprobe,
		global:  []string{"-loglevel", "level+error", "-select_streams", "V:0"},
		inputs:  []input{localFile(isoMedia, path)},
		output:  []string{"-show_entries", "packet=size,pos,flags", "-of", "csv=p=0"},
	}.prepare(ctx).Output()
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
