package mp4_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/mp4"
)

const (
	frameSamples = 48000 / 25
	leadIn       = 16 // packets of sound before a part, to warm the encoder up
	leadOut      = 4  // and behind it
)

// encoded is a part and its payload.
type encoded struct {
	part    *mp4.Part
	payload []byte
}

// encode renders frames [from, until) of the test picture and sound as a part.
func encode(t *testing.T, from, until int, size string, more ...string) encoded {
	t.Helper()
	early := min(from*frameSamples/mp4.PacketSamples, leadIn)
	window := mp4.PartWindow{
		First: early + 1,
		Count: (until*frameSamples+mp4.PacketSamples-1)/mp4.PacketSamples - from*frameSamples/mp4.PacketSamples,
	}
	if from == 0 {
		window = mp4.PartWindow{First: 0, Count: window.Count + 1}
	}
	sampleFrom := from*frameSamples - early*mp4.PacketSamples
	args := append(
		[]string{"-v", "error"},
		lavfi("testsrc2=s="+size+":r=25", "sine=f=440:r=48000:samples_per_frame=1024")...,
	)
	args = append(args,
		"-vf", fmt.Sprintf(
			"trim=start_frame=%d:end_frame=%d,setpts=PTS-STARTPTS,format=yuv420p",
			from,
			until,
		),
		"-af", fmt.Sprintf(
			"atrim=start_sample=%d:end_sample=%d,asetpts=PTS-STARTPTS",
			sampleFrom,
			until*frameSamples+leadOut*mp4.PacketSamples,
		),
		"-c:v", "libx264", "-preset", "superfast", "-bf", "2", "-g", "50", "-flags", "+cgop", "-threads", "1",
		"-c:a", "aac", "-b:a", "128k", "-ac", "2")
	args = append(args, more...)
	args = append(
		args,
		"-f",
		"mp4",
		"-movflags",
		"+frag_keyframe+empty_moov+default_base_moof",
		"-frag_duration",
		"500000",
		"-",
	)
	stream := tableRun(t, "ffmpeg", args...)
	var payload bytes.Buffer
	part, err := mp4.ReadPart(bytes.NewReader(stream), &payload, window)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(part.Video.Sizes); got != until-from {
		t.Fatalf("frames %d to %d: a part of %d", from, until, got)
	}
	if int64(payload.Len()) != part.Bytes {
		t.Fatalf("%d bytes of payload, the part says %d", payload.Len(), part.Bytes)
	}
	return encoded{part, payload.Bytes()}
}

// encodeAll renders a video cut at the given frames.
func encodeAll(t *testing.T, size string, cuts ...int) []encoded {
	t.Helper()
	var all []encoded
	for i := 1; i < len(cuts); i++ {
		all = append(all, encode(t, cuts[i-1], cuts[i], size))
	}
	return all
}

// join writes the finished video.
func join(t *testing.T, all []encoded, meta mp4.Meta) string {
	t.Helper()
	var parts []*mp4.Part
	for _, e := range all {
		parts = append(parts, e.part)
	}
	video, err := mp4.Header(parts, meta)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		video = append(video, e.payload...)
	}
	path := filepath.Join(t.TempDir(), "joined.mp4")
	if err := os.WriteFile(path, video, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func at25(frames int) mp4.Meta {
	return mp4.Meta{Frames: int64(frames), Rate: mp4.Rate{Num: 25, Den: 1}}
}

// pictureSums are the checksums of the decoded pictures.
func pictureSums(t *testing.T, path string) []string {
	t.Helper()
	var sums []string
	for _, line := range strings.Split(
		string(tableRun(
			t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-f", "framemd5",
			"-fps_mode", "passthrough", "-",
		)),
		"\n",
	) {
		if columns := strings.Split(line, ","); len(columns) == 6 && line[0] != '#' {
			sums = append(sums, strings.TrimSpace(columns[1])+" "+strings.TrimSpace(columns[5]))
		}
	}
	return sums
}

// pcm is the decoded sound, one channel.
func pcm(t *testing.T, path string) []float64 {
	t.Helper()
	raw := tableRun(
		t,
		"ffmpeg",
		"-v",
		"error",
		"-i",
		path,
		"-map",
		"0:a",
		"-ac",
		"1",
		"-f",
		"f32le",
		"-",
	)
	out := make([]float64, len(raw)/4)
	for i := range out {
		out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
	}
	return out
}

func TestJoinedVideo(t *testing.T) {
	t.Parallel()
	const frames = 213 // not a multiple of the grid
	meta := at25(frames)
	meta.Title, meta.Date, meta.Room = "A \"title\"\nof 'two' lines 🎓 שלום -i %d", "2026-11-20", "504"
	meta.Chapters = []mp4.Chapter{{0, "Lecturer and screen"}, {40, "Доска: 100 %"}, {137, ""}}
	parts := encodeAll(t, "320x180", 0, 80, 136, 200, frames)
	path := join(t, parts, meta)
	whole := join(t, encodeAll(t, "320x180", 0, frames), meta)

	t.Run("decodes without a word", func(t *testing.T) {
		out, err := exec.CommandContext(
			t.Context(), "ffmpeg", "-v", "warning", "-i", path, "-f", "null", "-",
		).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("agrees with FFmpeg", func(t *testing.T) { agree(t, path) })
	t.Run("pictures", func(t *testing.T) { checkPictures(t, path, parts, frames) })
	t.Run("sound", func(t *testing.T) {
		checkSound(t, pcm(t, path), pcm(t, whole), frames, 80, 136, 200)
	})
	t.Run("words", func(t *testing.T) { checkWords(t, path, meta) })
	t.Run("seeking", func(t *testing.T) {
		checkSeeking(t, path, 0, 1, 79, 80, 81, 137, 200, frames-1)
	})
	t.Run("check", func(t *testing.T) { checkFinished(t, path) })
}

// checkPictures compares the pictures of the whole with those of each part by itself.
func checkPictures(t *testing.T, path string, parts []encoded, frames int) {
	t.Helper()
	got := pictureSums(t, path)
	if len(got) != frames {
		t.Errorf("got %d pictures, want %d", len(got), frames)
	}
	var want []string
	for _, p := range parts {
		alone := p
		alone.part = clonePart(t, p.part)
		alone.part.Audio = mp4.PartAudio{}
		alone.payload = nil
		var chunks mp4.Chunks
		for i, c := range p.part.Chunks {
			end := p.part.Bytes
			if i+1 < len(p.part.Chunks) {
				end = p.part.Chunks[i+1].Offset
			}
			if c.Kind == mp4.Video {
				chunks = append(chunks, mp4.Chunk{
					Kind:   mp4.Video,
					Offset: int64(len(alone.payload)),
					Count:  c.Count,
				})
				alone.payload = append(alone.payload, p.payload[c.Offset:end]...)
			}
		}
		alone.part.Chunks, alone.part.Bytes = chunks, int64(len(alone.payload))
		for _, sum := range pictureSums(t, join(t, []encoded{alone}, at25(len(p.part.Video.Sizes)))) {
			_, hash, _ := strings.Cut(sum, " ")
			want = append(want, fmt.Sprintf("%d %s", len(want), hash))
		}
	}
	// framemd5 counts in the codec's frames: 0, 1, 2, …
	compare(t, "pictures", ticksToFrames(got), want)
}

func ticksToFrames(sums []string) []string {
	out := make([]string, len(sums))
	for i, sum := range sums {
		var dts int
		var hash string
		if _, err := fmt.Sscan(sum, &dts, &hash); err == nil {
			out[i] = fmt.Sprintf("%d %s", i, hash)
			if dts != i && dts != i*512 {
				out[i] = sum + " is out of time"
			}
		}
	}
	return out
}

func clonePart(t *testing.T, p *mp4.Part) *mp4.Part {
	t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	clone := &mp4.Part{}
	if err := json.Unmarshal(b, clone); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(clone, p) {
		t.Errorf("a part changed on its way through JSON: %s", b)
	}
	return clone
}

// checkSound compares the joined sound with that of one encode: at the joints it must be no further
// from the sine than one encode is anywhere.
func checkSound(t *testing.T, joined, one []float64, frames int, joints ...int) {
	t.Helper()
	want := frames * frameSamples
	if len(joined) < want || len(joined) >= want+mp4.PacketSamples || len(one) < want {
		t.Fatalf("%d samples joined, %d in one, want %d", len(joined), len(one), want)
	}
	usual := worst(one, 2*mp4.PacketSamples, want-2*mp4.PacketSamples)
	for _, frame := range joints {
		at := frame * frameSamples
		if got := worst(
			joined,
			at-2*mp4.PacketSamples,
			min(at+2*mp4.PacketSamples, want-2*mp4.PacketSamples),
		); got > 1.2*usual {
			t.Errorf("at frame %d the sound is %.5f off, usual is %.5f", frame, got, usual)
		}
	}
	if got := worst(joined, 2*mp4.PacketSamples, want-2*mp4.PacketSamples); got > 1.2*usual {
		t.Errorf("the sound is %.5f off somewhere, usual is %.5f", got, usual)
	}
}

// worst is the greatest distance from the sine in [from, until).
func worst(sound []float64, from, until int) float64 {
	got := 0.0
	for i := from; i < until; i++ {
		got = max(got, math.Abs(sound[i]-math.Sin(2*math.Pi*440*float64(i)/48000)/8))
	}
	return got
}

// checkWords compares tags and chapters.
func checkWords(t *testing.T, path string, meta mp4.Meta) {
	t.Helper()
	var got struct {
		Format struct {
			Tags map[string]string `json:"tags"`
		} `json:"format"`
		Chapters []struct {
			Start string            `json:"start_time"`
			Tags  map[string]string `json:"tags"`
		} `json:"chapters"`
	}
	out := tableRun(
		t,
		"ffprobe",
		"-v",
		"error",
		"-of",
		"json",
		"-show_format",
		"-show_chapters",
		path,
	)
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	tags := got.Format.Tags
	if tags["title"] != meta.Title || tags["date"] != meta.Date || tags["album"] != meta.Room {
		t.Errorf("tags %q, want %q %q %q", tags, meta.Title, meta.Date, meta.Room)
	}
	if len(got.Chapters) != len(meta.Chapters) {
		t.Fatalf("%d chapters, want %d: %v", len(got.Chapters), len(meta.Chapters), got.Chapters)
	}
	for i, c := range meta.Chapters {
		start := fmt.Sprintf("%d.%02d0000", c.StartFrame/25, c.StartFrame%25*4)
		if got.Chapters[i].Start != start || got.Chapters[i].Tags["title"] != c.Title {
			t.Errorf("chapter %d: %v, want %s %q", i, got.Chapters[i], start, c.Title)
		}
	}
}

// checkSeeking seeks to several frames and compares what is seen there.
func checkSeeking(t *testing.T, path string, at ...int) {
	t.Helper()
	all := pictureSums(t, path)
	for _, frame := range at {
		seek := fmt.Sprintf("%d.%02d", frame/25, frame%25*4)
		out := string(tableRun(
			t, "ffmpeg", "-v", "error", "-ss", seek, "-i", path, "-map", "0:v",
			"-frames:v", "1", "-f", "framemd5", "-",
		))
		_, want, _ := strings.Cut(all[frame], " ")
		if !strings.Contains(out, want) {
			t.Errorf("seeking to frame %d shows another picture", frame)
		}
	}
}

// checkFinished checks the whole file, and that a byte more, a byte less or a moved sample is seen.
func checkFinished(t *testing.T, path string) {
	t.Helper()
	video, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := mp4.Check(bytes.NewReader(video), int64(len(video))); err != nil {
		t.Errorf("Check = %v", err)
	}
	for _, wrong := range [][]byte{video[:len(video)-1], append(slices.Clip(video), 0)} {
		if err := mp4.Check(bytes.NewReader(wrong), int64(len(wrong))); !errors.Is(err, mp4.ErrMalformed) {
			t.Errorf(
				"Check of %d bytes for %d = %v, want ErrMalformed",
				len(wrong), len(video), err,
			)
		}
	}
	moved := slices.Clone(video)
	moved[bytes.Index(moved, []byte("stco"))+12] = 0xff
	if err := mp4.Check(bytes.NewReader(moved), int64(len(moved))); !errors.Is(err, mp4.ErrMalformed) {
		t.Errorf("Check with a moved chunk = %v, want ErrMalformed", err)
	}
}
