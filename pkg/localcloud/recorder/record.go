package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

// File is a written segment.
type File struct {
	Path    string
	Source  Source
	Segment Segment
}

// Record writes the session's files below dir, several at a time. It calls done, unless nil, for
// each complete file, from several goroutines.
func (s Session) Record(ctx context.Context, tool *ffmpeg.Tool, dir string, done func(File)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, runtime.GOMAXPROCS(0)))
	for _, source := range s.Sources {
		for _, segment := range source.Segments {
			if segment.Missing {
				continue
			}
			group.Go(func() error {
				path, err := s.record(ctx, tool, dir, source, segment)
				if err == nil && done != nil {
					done(File{
						Path:    path,
						Source:  source,
						Segment: segment,
					})
				}
				return err
			})
		}
	}
	return group.Wait()
}

// Path returns the path of a segment below dir.
func (s Session) Path(dir string, source Source, segment Segment) string {
	return filepath.Join(dir, segment.Folder, segment.name(s.Room, source.Octet).String())
}

// record writes one segment. An interruption leaves a file that is no segment by its name.
func (s Session) record(
	ctx context.Context, tool *ffmpeg.Tool, dir string, source Source, segment Segment,
) (string, error) {
	path := s.Path(dir, source, segment)
	if strings.ContainsRune(s.Room+segment.Room, '/') {
		return "", fmt.Errorf("record room %q: its name cannot be in a file name", s.Room)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", fmt.Errorf("make the folder of %s: %w", path, err)
	}
	part := path + ".part" // what an interruption leaves is never taken for a segment
	err := s.newTake(source, segment).write(ctx, tool, part)
	for _, damage := range segment.Damage {
		if err != nil {
			break
		}
		if err = damage(ctx, tool, part); err != nil {
			err = fmt.Errorf("damage %s: %w", path, err)
		}
	}
	if err != nil {
		return "", errors.Join(err, removeIfThere(part))
	}
	if err := os.Rename(part, path); err != nil {
		return "", fmt.Errorf("finish %s: %w", path, err)
	}
	return path, nil
}

// removeIfThere removes a file that may not exist.
func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}

// take is the recording of one segment, with all defaults resolved.
type take struct {
	seed     uint64
	source   Source
	segment  Segment
	pictures Pictures
	sound    Sound
}

// newTake resolves the defaults of a segment.
func (s Session) newTake(source Source, segment Segment) take {
	t := take{
		seed:     s.Seed,
		source:   source,
		segment:  segment,
		pictures: source.Pictures,
		sound:    source.Sound,
	}
	if segment.Pictures != nil {
		t.pictures = *segment.Pictures
	}
	if segment.Sound != nil {
		t.sound = *segment.Sound
	}
	t.pictures, t.sound = t.pictures.withDefaults(), t.sound.withDefaults()
	return t
}

// write records the file. A second pass copies it for faults that cannot be recorded directly.
func (t take) write(ctx context.Context, tool *ffmpeg.Tool, path string) error {
	if t.segment.Resize != nil {
		return t.writeResized(ctx, tool, path)
	}
	g := t.segment
	if g.Lead == 0 && g.DropFirst == 0 && g.Jump == nil {
		return tool.Record(ctx, t.recording(path), t.shoot(0, t.length(), t.pictures), t.listen())
	}
	raw := path + ".raw"
	defer func() { _ = os.Remove(raw) }() // it may not even have been made
	if err := tool.Record(
		ctx, t.recording(raw), t.shoot(0, t.length(), t.pictures), t.listen(),
	); err != nil {
		return err
	}
	c := ffmpeg.Copy{
		From:      raw,
		To:        path,
		Seek:      g.Lead,
		DropFirst: g.DropFirst,
		MoovFirst: g.MoovFirst,
	}
	if g.Jump != nil {
		c.JumpAt = g.Jump.At
		c.JumpBy = g.Jump.By
		c.JumpPictures = g.Jump.Picture
		c.JumpSound = g.Jump.Sound
	}
	return tool.Copy(ctx, c)
}

// writeResized records two streams of different sizes and joins them with the sound.
func (t take) writeResized(ctx context.Context, tool *ffmpeg.Tool, path string) error {
	resize := t.segment.Resize
	if t.pictures.Codec != ffmpeg.H264 || t.pictures.BFrames != 0 || t.segment.NoPicture {
		return fmt.Errorf("record %s: a change of size needs H.264 pictures without B-frames", path)
	}
	first, second, sound := path+".1", path+".2", path+".sound"
	defer func() { // some may not have been made
		for _, file := range []string{first, second, sound} {
			_ = os.Remove(file)
		}
	}()
	after := t.pictures
	after.Width = resize.Width
	after.Height = resize.Height
	bare := ffmpeg.Recording{
		File:     first,
		Bare:     true,
		Pictures: t.coding(t.pictures),
	}
	if err := tool.Record(ctx, bare, t.shoot(0, resize.At, t.pictures), nil); err != nil {
		return err
	}
	bare.File = second
	bare.Pictures = t.coding(after)
	if err := tool.Record(ctx, bare, t.shoot(resize.At, t.length(), after), nil); err != nil {
		return err
	}
	if err := appendFile(first, second); err != nil {
		return err
	}
	c := ffmpeg.Copy{
		From:      first,
		BareRate:  t.pictures.Rate,
		To:        path,
		MoovFirst: t.segment.MoovFirst,
	}
	if whole := t.recording(sound); whole.Sound != nil {
		whole.Pictures = nil
		if err := tool.Record(ctx, whole, nil, t.listen()); err != nil {
			return err
		}
		c.SoundFrom = sound
	}
	return tool.Copy(ctx, c)
}

// appendFile appends one file to another.
func appendFile(to, from string) error {
	in, err := os.Open(from) // #nosec G304 -- a file this package has made
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	defer func() { _ = in.Close() }() // only read
	// #nosec G304 -- a file this package has made
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("append %s to %s: %w", from, to, err)
	}
	return nil
}

// begins returns the real time at the start of the file, including what its edit list hides.
func (t take) begins() time.Time {
	return t.segment.Named.Add(t.segment.Late - t.segment.Lead)
}

// length returns the recorded time, including what the edit list hides.
func (t take) length() time.Duration {
	return t.segment.Length + t.segment.Lead
}

// recording returns the recording for FFmpeg.
func (t take) recording(path string) ffmpeg.Recording {
	r := ffmpeg.Recording{
		File:       path,
		FirstPTS:   t.segment.FirstPTS,
		NoEditList: t.segment.NoEditList,
		MoovFirst:  t.segment.MoovFirst,
	}
	if !t.segment.NoPicture {
		r.Pictures = t.coding(t.pictures)
	}
	if !t.segment.NoSound && !t.sound.None {
		r.Sound = &ffmpeg.RecordedSound{SampleRate: t.sound.SampleRate, Late: t.segment.SoundLate}
	}
	return r
}

// coding returns the coding of pictures for FFmpeg.
func (t take) coding(p Pictures) *ffmpeg.RecordedPictures {
	return &ffmpeg.RecordedPictures{
		Codec:      p.Codec,
		Width:      p.Width,
		Height:     p.Height,
		Rate:       p.Rate,
		GOP:        p.GOP,
		BFrames:    p.BFrames,
		CRF:        p.CRF,
		Timescale:  p.Timescale,
		Late:       t.segment.PictureLate,
		Drop:       t.segment.Drop,
		DropPeriod: t.segment.DropPeriod,
	}
}

// shoot returns a function that writes the raw pictures of [from, until) of the file.
func (t take) shoot(from, until time.Duration, pictures Pictures) func(io.Writer) error {
	return func(to io.Writer) error {
		cam := newCamera(t.source, pictures, t.seed)
		cam.heard = int64(t.sound.SampleRate)
		cam.true = t.sound.trueRate(t.source.DriftPPM)
		cam.origin = t.begins().Add(t.segment.PictureLate)
		until -= t.segment.PictureLate
		p := NewPicture(pictures.Width, pictures.Height)
		for n := pictures.Rate.Count(from); n < pictures.Rate.Count(until); n++ {
			cam.paint(p, pictures.Rate.At(n))
			if _, err := to.Write(p.Bytes); err != nil {
				return fmt.Errorf("write a picture: %w", err)
			}
		}
		return nil
	}
}

// listen returns a function that writes the samples of the file.
func (t take) listen() func(io.Writer) error {
	return func(to io.Writer) error {
		late := t.segment.SoundLate
		return newMicrophone(t.source, t.sound, t.seed).write(
			to, t.begins().Add(late), t.length()-late,
		)
	}
}
