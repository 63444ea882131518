package merge_test

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/merge"
)

// probed is what ffprobe says of a film.
type probed struct {
	Streams []struct {
		Index    int    `json:"index"`
		Type     string `json:"codec_type"`
		Codec    string `json:"codec_name"`
		Profile  string `json:"profile"`
		Format   string `json:"pix_fmt"`
		Range    string `json:"color_range"`
		Space    string `json:"color_space"`
		Transfer string `json:"color_transfer"`
		Primary  string `json:"color_primaries"`
		Rate     string `json:"r_frame_rate"`
		Average  string `json:"avg_frame_rate"`
		Hz       string `json:"sample_rate"`
		Duration string `json:"duration"`
	} `json:"streams"`
	Packets []struct {
		Stream   int    `json:"stream_index"`
		Time     string `json:"pts_time"`
		PTS      int64  `json:"pts"`
		Duration int64  `json:"duration"`
		Flags    string `json:"flags"`
	} `json:"packets"`
	Chapters []struct {
		Start string            `json:"start_time"`
		End   string            `json:"end_time"`
		Tags  map[string]string `json:"tags"`
	} `json:"chapters"`
	Format struct {
		Duration string            `json:"duration"`
		Tags     map[string]string `json:"tags"`
	} `json:"format"`
}

func probe(t *testing.T, path string) probed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_packets", // #nosec G204 -- the test's own file
		"-show_chapters", "-show_format", path).Output()
	var p probed
	if err == nil {
		err = json.Unmarshal(out, &p)
	}
	if err != nil {
		t.Fatalf("probe %s: %v", path, err)
	}
	return p
}

func seconds(t *testing.T, text string) float64 {
	t.Helper()
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatalf("%q is no time", text)
	}
	return value
}

// TestFile looks at the finished file as a player would.
func TestFile(t *testing.T) {
	t.Parallel()
	const title, room = "Ряды \"Фурье\", 'часть' 1: 100%\n-i \U0001F600 שלום \\", "504 \"б\" 'c', 1:2%"
	s := slow(session(three(), three().Add(40*time.Second)))
	s.Room = room
	s.Sources[1].Scene = recorder.Screen(recorder.Showing{
		From:  three().Add(20 * time.Second),
		Until: three().Add(time.Hour),
		Card:  recorder.Bars,
	})
	req := request(three(), three().Add(37*time.Second))
	req.Room, req.Title, req.Slice = room, title, 9*time.Second
	req.Loudness = merge.Loudness{TargetLUFS: -16}
	f := makeFilm(t, newEngine(t), record(t, s), req, 1)
	p := probe(t, f.Path)

	t.Run("streams", func(t *testing.T) {
		v, a := p.Streams[0], p.Streams[1]
		if v.Codec != "h264" || v.Profile != "High" || v.Format != "yuv420p" || v.Range != "tv" || v.Space != "bt709" || v.Transfer != "bt709" || v.Primary != "bt709" {
			t.Errorf("pictures are %+v", v)
		}
		if v.Rate != "25/1" || v.Average != "25/1" {
			t.Errorf("the rate is %s, on average %s", v.Rate, v.Average)
		}
		if a.Codec != "aac" || a.Profile != "LC" || a.Hz != "48000" {
			t.Errorf("sound is %+v", a)
		}
		for _, d := range []string{v.Duration, a.Duration, p.Format.Duration} {
			if got := seconds(t, d); got < 37 || got > 37.022 {
				t.Errorf("it lasts %v s, want 37", got)
			}
		}
	})
	t.Run("packets", func(t *testing.T) { checkPackets(t, p) })
	t.Run("words", func(t *testing.T) {
		for tag, want := range map[string]string{
			"title": title,
			"date":  "2026-11-20",
			"album": room,
		} {
			if got := p.Format.Tags[tag]; got != want {
				t.Errorf("%s is %q, want %q", tag, got, want)
			}
		}
		if len(p.Chapters) != len(f.Plan.Scenes) || len(p.Chapters) != 2 {
			t.Fatalf("%d chapters, %d scenes", len(p.Chapters), len(f.Plan.Scenes))
		}
		for i, scene := range f.Plan.Scenes {
			if at := float64(scene.First) / 25; seconds(t, p.Chapters[i].Start) != at || !strings.Contains(p.Chapters[i].Tags["title"], f.Plan.Window().Time(scene.First).Format("15:04:05")) {
				t.Errorf("chapter %+v, want it at %v", p.Chapters[i], at)
			}
		}
	})
	t.Run("boxes", func(t *testing.T) {
		if got := strings.Join(boxes(t, f.Path), " "); got != "ftyp moov mdat" {
			t.Errorf("boxes are %s", got)
		}
	})
	t.Run("decoder", func(t *testing.T) {
		out, err := exec.CommandContext(
			t.Context(),
			"ffmpeg",
			"-v",
			"warning",
			"-nostdin",
			"-i",
			f.Path,
			"-f",
			"null",
			"-",
		).CombinedOutput() // #nosec G204 -- the test's own file
		if err != nil || len(out) > 0 {
			t.Errorf("decoding says %v: %s", err, out)
		}
	})
	t.Run("instant decoder refreshes", func(t *testing.T) { checkIDR(t, f.Path) })
}

// checkPackets wants a constant rate, key frames 2 s apart at most, and the tracks side by side.
func checkPackets(t *testing.T, p probed) {
	t.Helper()
	c := complaints{t: t}
	var last [2]float64
	key, pictures := int64(0), int64(0)
	tick := p.Packets[0].Duration
	seen := map[int64]bool{}
	for _, packet := range p.Packets {
		if packet.Stream > 1 {
			continue // the chapters' track
		}
		last[packet.Stream] = seconds(t, packet.Time)
		if apart := last[0] - last[1]; apart > 1.5 || apart < -1.5 {
			c.add("at %v s of pictures the sound is at %v s", last[0], last[1])
		}
		if packet.Stream == 1 {
			continue
		}
		if packet.Duration != tick || packet.PTS%tick != 0 || seen[packet.PTS] {
			c.add("picture at %d lasts %d, want %d", packet.PTS, packet.Duration, tick)
		}
		seen[packet.PTS] = true
		pictures++
		if strings.HasPrefix(packet.Flags, "K") {
			if packet.PTS-key > 50*tick {
				c.add("key frames at %d and %d: more than 2 s apart", key/tick, packet.PTS/tick)
			}
			key = packet.PTS
		}
	}
	if pictures != 37*25 {
		t.Errorf("%d pictures, want %d", pictures, 37*25)
	}
	for k := range pictures {
		if !seen[k*tick] {
			c.add("no picture at %d", k)
		}
	}
}

// boxes lists the top-level boxes of an MP4 file.
func boxes(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path) // #nosec G304 -- the test's own file
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for len(data) >= 8 {
		size := int64(binary.BigEndian.Uint32(data))
		all = append(all, string(data[4:8]))
		if size == 1 {
			size = int64(binary.BigEndian.Uint64(data[8:])) // #nosec G115 -- small
		}
		if size < 8 || size > int64(len(data)) {
			t.Fatalf("a box of %d bytes, %d are left", size, len(data))
		}
		data = data[size:]
	}
	return all
}

// checkIDR wants every packet that is marked as a key frame to hold an IDR picture, and every IDR
// picture to be marked: so each group of pictures is closed.
func checkIDR(t *testing.T, path string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0:v", "-c", "copy", // #nosec G204 -- the test's own file
		"-bsf:v", "h264_mp4toannexb,filter_units=pass_types=5", "-f", "framecrc", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	idr := 0
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			idr++
		}
	}
	keys := 0
	for _, packet := range probe(t, path).Packets {
		if packet.Stream == 0 && strings.HasPrefix(packet.Flags, "K") {
			keys++
		}
	}
	if idr != keys || keys < 37/2 {
		t.Errorf("%d IDR pictures, %d key frames", idr, keys)
	}
}
