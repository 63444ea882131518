package presence_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/ocr"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

func newJudge(t testing.TB, cards string) *presence.Judge {
	t.Helper()
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reader, err := ocr.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if reader == nil {
		t.Fatal("tesseract is not installed: apt-get install tesseract-ocr tesseract-ocr-rus")
	}
	set, err := presence.LoadCards(cards)
	if err != nil {
		t.Fatal(err)
	}
	return &presence.Judge{Tool: tool, Cards: set, Reader: reader}
}

// input serves a file and reads its packets.
func input(t testing.TB, path string) presence.Input {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(path))))
	t.Cleanup(server.Close)
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-select_streams", "v:0", "-of", "json",
		"-show_entries", "stream=time_base:packet=pts,size,flags", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var probe struct {
		Packets []struct {
			PTS   int64
			Size  string
			Flags string
		}
		Streams []struct {
			TimeBase string `json:"time_base"`
		}
	}
	if err := json.Unmarshal(out, &probe); err != nil {
		t.Fatal(err)
	}
	in := presence.Input{
		Source: ffmpeg.URL(server.URL + "/" + filepath.Base(path)),
		From:   ffmpeg.FirstPTS,
		Until:  ffmpeg.LastPTS,
	}
	_, scale, _ := strings.Cut(probe.Streams[0].TimeBase, "/")
	in.Timescale, _ = strconv.ParseInt(scale, 10, 64)
	sizes := map[int64]uint32{}
	for _, p := range probe.Packets {
		in.Frames = append(in.Frames, p.PTS)
		if strings.HasPrefix(p.Flags, "K") {
			in.Keys = append(in.Keys, p.PTS)
		}
		n, _ := strconv.ParseUint(p.Size, 10, 32)
		sizes[p.PTS] = uint32(n)
	}
	slices.Sort(in.Frames)
	slices.Sort(in.Keys)
	for _, pts := range in.Frames {
		in.Sizes = append(in.Sizes, sizes[pts])
	}
	in.View = view(t, path)
	return in
}

// view serves key frames of a file.
func view(t testing.TB, path string) presence.KeyView {
	t.Helper()
	object, err := rangeproxy.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := rangeproxy.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = proxy.Close(), object.Close() })
	file, err := mp4.Read(object, object.Size())
	if err != nil {
		t.Fatal(err)
	}
	return presence.ViewOf(proxy, object, &file.Tracks[0])
}

// exhibitSeconds is how long each exhibit is shown: three key frames and what follows.
const exhibitSeconds = 6

// TestGallery shows every exhibit, encoded well and badly, and asks for its verdict. Two clips hold the whole
// gallery, judged window by window; of the others each holds a half.
func TestGallery(t *testing.T) {
	t.Parallel()
	exhibits := gallery(t)
	if testing.Short() { // a third of it
		exhibits = slices.DeleteFunc(
			slices.Clone(exhibits),
			func(e sample) bool { return len(e.name)%3 != 0 },
		)
	}
	for _, clip := range []struct {
		name    string
		half    int // of the exhibits: those whose number is odd or even; -1 for all
		options []string
	}{
		{"good", -1, []string{"-crf", "20"}},
		{"bad", -1, []string{"-qp", "42"}},
		{"letterbox", 0, []string{"-vf", "scale=640:270,pad=640:360:0:45", "-qp", "36"}},
		{"pillarbox", 1, []string{"-vf", "scale=480:360,pad=640:360:80:0", "-qp", "36"}},
		{"small, blurred", 1, []string{"-vf", "scale=320:180,gblur=0.8", "-qp", "30"}},
		{"grown", 0, []string{"-vf", "scale=1280:720,noise=alls=6:allf=t", "-qp", "38"}},
	} {
		if testing.Short() && clip.name != "bad" {
			continue
		}
		t.Run(clip.name, func(t *testing.T) {
			t.Parallel()
			var shown []sample
			for i, e := range exhibits {
				if clip.half < 0 || i%2 == clip.half {
					shown = append(shown, e)
				}
			}
			judgeAll(t, "", shown, clip.options...)
		})
	}
}

// judgeAll shows exhibits one after another in one clip, with options of the encoder, and asks for the verdict
// on each. cards is a folder of cards, or empty.
func judgeAll(t *testing.T, cards string, exhibits []sample, options ...string) {
	t.Helper()
	path := film(t, len(exhibits)*exhibitSeconds*boardRate, func(i int) board {
		e := exhibits[i/(exhibitSeconds*boardRate)]
		return e.draw(float64(i%(exhibitSeconds*boardRate)) / boardRate)
	}, options...)
	judge, all := newJudge(t, cards), input(t, path)
	for i, e := range exhibits {
		in := all
		in.From = int64(i*exhibitSeconds) * in.Timescale
		in.Until = int64((i+1)*exhibitSeconds) * in.Timescale
		got, err := judge.Look(t.Context(), in)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		line := fmt.Sprintf("%-32s want %s, got", e.name, e.want)
		for _, s := range got {
			line += fmt.Sprintf(
				" %v-%v %s (%s)",
				(s.Start - time.Duration(i*exhibitSeconds)*time.Second).Seconds(),
				(s.End - time.Duration(i*exhibitSeconds)*time.Second).Seconds(),
				s.Verdict,
				s.Causes,
			)
		}
		if len(got) != 1 || got[0].Verdict != e.want {
			t.Error(line)
		} else {
			t.Log(line)
		}
	}
}
