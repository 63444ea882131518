package merge_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// formatSeconds is the length of the files of these tests.
const formatSeconds = 4

// moving is a filter graph of a bright bar that moves over a picture, 50 times a second.
const moving = "color=0x202020:s=320x180:r=50:d=4,format=yuv420p[a];color=white:s=24x180:r=50:d=4[b];" +
	"[a][b]overlay=x='mod(n*5,320)':y=0,"

// filmOf makes a file of the lecturer from a filter graph.
func filmOf(t *testing.T, graph string, options ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	name := nvr.SegmentName{
		Date: three().Format(time.DateOnly), Time: three().Format("15:04"), Room: "504", Source: lecturer,
	}.String()
	args := slices.Concat(
		[]string{"-v", "error", "-f", "lavfi", "-i", graph, "-c:v", "libx264"},
		[]string{"-preset", "ultrafast", "-crf", "14", "-g", "25"},
		options, []string{filepath.Join(dir, name)},
	)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("make a file: %v\n%s", err, out)
	}
	return dir
}

// formatRequest asks for the lecturer alone, in a picture of the size of the file.
func formatRequest() merge.Request {
	req := request(three(), three().Add(formatSeconds*time.Second))
	req.Sources, req.Sound, req.Width = map[nvr.Role]string{nvr.Lecturer: lecturer}, "", 320
	return req
}

// TestInterlaced merges interlaced files. No picture shows two instants, the report says so, and the slices
// make no difference.
func TestInterlaced(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, graph string
		options     []string
	}{
		{"flagged, top field first", moving + "tinterlace=interleave_top:flags=0,setfield=tff", []string{
			"-flags", "+ilme+ildct", "-x264-params", "tff=1:interlaced=1",
		}},
		{"flagged, bottom field first", moving + "tinterlace=interleave_bottom:flags=0,setfield=bff", []string{
			"-flags", "+ilme+ildct", "-x264-params", "bff=1:interlaced=1", "-bf", "2",
		}},
		{"not flagged, top field first", moving + "tinterlace=interleave_top:flags=0,setfield=prog", nil},
		{"not flagged, bottom field first, with noise", "testsrc=s=320x180:r=50:d=4,format=yuv420p," +
			"rotate=n/40:c=gray,noise=alls=8:allf=t,tinterlace=interleave_bottom:flags=0,setfield=prog",
			[]string{"-bf", "2"}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := filmOf(t, tt.graph, tt.options...)
			req := formatRequest()
			f := makeFilm(t, newEngine(t), dir, req, 1)
			checkWarning(t, f.Plan, "interlaced", 0, formatSeconds*time.Second)
			pictures := decode(t, f.Path, 320, 180)
			if len(pictures) != formatSeconds*25 {
				t.Errorf("%d pictures", len(pictures))
			}
			if i < 3 {
				if teeth := combs(pictures, 320); teeth > 2 {
					t.Errorf("%d of 1000 pixels are teeth of combs", teeth)
				}
			}
		})
	}
}

// combs counts the pixels that differ from both rows beside them where these agree, of 1000.
func combs(pictures [][]byte, width int) int {
	teeth, all := 0, 0
	for _, p := range pictures {
		for i := width; i+width < len(p); i++ {
			above, here, below := int(p[i-width]), int(p[i]), int(p[i+width])
			all++
			if max(above-below, below-above) < 24 && max(here-above, above-here) > 60 {
				teeth++
			}
		}
	}
	return 1000 * teeth / all
}

// decode decodes the brightness of a video.
func decode(t *testing.T, path string, width, height int) [][]byte {
	t.Helper()
	out, err := exec.CommandContext(
		t.Context(), "ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-an", "-",
	).Output()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(slices.Chunk(out, width*height))
}

// TestProgressive plans merges of progressive files that resemble interlaced ones. None is taken for one.
func TestProgressive(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"a fast mover": "color=0x202020:s=320x180:r=25:d=4[a];color=white:s=60x60:r=25:d=4[b];" +
			"[a][b]overlay=x='mod(n*41,320)':y='mod(n*17,120)'",
		"fine stripes that move": "color=gray:s=320x180:r=25:d=4,geq=lum='if(mod(Y,2),250,10)':cb=128:cr=128[a];" +
			"color=0x101010:s=640x180:r=25:d=4[b];[b][a]overlay=x='mod(n*9,320)':y=0,crop=320:180:160:0",
		"stripes that scroll": "color=gray:s=320x360:r=25:d=4,geq=lum='if(mod(Y,3),220,30)':cb=128:cr=128," +
			"crop=320:180:0:'mod(n,120)'",
		"slides of stripes": "color=gray:s=320x180:r=25:d=4," +
			"geq=lum='if(mod(floor(N/6),2)*mod(Y,2),250,10)':cb=128:cr=128",
		"a small test picture": "testsrc2=s=160x90:r=10:d=8",
		"a grid that scrolls":  "testsrc=s=320x180:r=25:d=4,drawgrid=w=2:h=2:c=white,scroll=v=0.01:h=0.02",
		"a test picture":       "testsrc2=s=320x180:r=25:d=4",
		"noise":                "color=gray:s=320x180:r=25:d=4,noise=alls=30:allf=t",
	}
	for name, graph := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filmOf(t, graph)
			plan, err := newEngine(t).Plan(t.Context(), formatRequest(), clips(t, dir), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := plan.Segments[0].Picture.Fields; got != "" {
				t.Errorf("it was taken for interlaced, %s", got)
			}
		})
	}
}

// TestShapes plans merges of files that do not say the shape of their pictures.
func TestShapes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		graph string
		want  string // of the shape; 0:0: as the file says
	}{
		{"testsrc2=s=960x1080:r=5:d=4", "16:9"},
		{"testsrc2=s=352x576:r=5:d=4,setsar=0", "4:3"},
		{"testsrc2=s=704x576:r=5:d=4,setsar=0", "4:3"},
		{"testsrc2=s=704x576:r=5:d=4,setsar=1", "0:0"},
		{"testsrc2=s=352x576:r=5:d=4,setsar=32/11", "0:0"},
		{"testsrc2=s=320x180:r=5:d=4,setsar=0", "0:0"},
	}
	for _, tt := range tests {
		t.Run(tt.graph, func(t *testing.T) {
			t.Parallel()
			req := formatRequest()
			f := makeFilm(t, newEngine(t), filmOf(t, tt.graph, "-g", "5"), req, 1)
			if got := f.Plan.Segments[0].Picture.Shape.String(); got != tt.want {
				t.Fatalf("the shape is %s, want %s", got, tt.want)
			}
			if tt.want == "0:0" {
				return
			}
			checkWarning(t, f.Plan, "shape-guessed", 0, formatSeconds*time.Second)
			left, right := edges(decode(t, f.Path, 320, 180)[40], 320)
			if want := map[string]int{"16:9": 0, "4:3": 40}[tt.want]; left != want || right != 320-want {
				t.Errorf("the picture stands from %d to %d, want %d to %d", left, right, want, 320-want)
			}
		})
	}
}

// edges returns where a picture between black bars begins and ends.
func edges(picture []byte, width int) (left, right int) {
	lit := func(x int) bool {
		sum := 0
		for at := x; at < len(picture); at += width {
			sum += int(picture[at])
		}
		return sum > 30*len(picture)/width
	}
	for left < width && !lit(left) {
		left++
	}
	right = width
	for right > left && !lit(right-1) {
		right--
	}
	return left, right
}
