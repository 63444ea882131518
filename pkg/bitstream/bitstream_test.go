package bitstream_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/bitstream"
	"github.com/nvr-miem/merger/pkg/mp4"
)

// clip is a coded film whose samples are in memory.
type clip struct {
	kind    string
	config  []byte
	samples [][]byte
	keys    []bool
}

// encode makes a clip of 3 s at 25 pictures a second.
func encode(t testing.TB, codec string, args ...string) *clip {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	args = append([]string{
		"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=3", "-c:v", codec, "-pix_fmt", "yuv420p",
	}, append(args, path)...)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("make a clip: %v\n%s", err, out)
	}
	data, err := os.ReadFile(path) // #nosec G304 -- a file of this test
	if err != nil {
		t.Fatal(err)
	}
	file, err := mp4.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	c := &clip{}
	track := &file.Tracks[0]
	c.kind, c.config = track.Configuration(0)
	for _, s := range track.Samples {
		c.samples = append(c.samples, data[s.Offset:s.Offset+int64(s.Size)])
		c.keys = append(c.keys, s.Key)
	}
	return c
}

func (c *clip) reader(t testing.TB) *bitstream.Reader {
	t.Helper()
	r, err := bitstream.New(c.kind, c.config)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func x264(params string) []string {
	return []string{"-preset", "veryfast", "-x264-params", "scenecut=0:" + params}
}

func x265(params string) []string {
	return []string{
		"-preset", "ultrafast", "-tag:v", "hvc1",
		"-x265-params", "log-level=error:pools=none:frame-threads=1:scenecut=0:" + params,
	}
}

// coding is a way to code a film.
type coding struct {
	name  string
	codec string
	args  []string
	entry bitstream.Entry // of the key frames after the first
}

func codings() []coding {
	return []coding{
		{"H.264 IDR", "libx264", x264("keyint=25:bframes=0"), bitstream.Clean},
		{"H.264 with a pyramid", "libx264", x264("keyint=25:bframes=3:b-pyramid=normal:ref=4:slices=3"), bitstream.Clean},
		{"H.264 open", "libx264", x264("keyint=25:bframes=3:open-gop=1"), bitstream.Open},
		{"H.264 intra refresh", "libx264", x264("keyint=25:intra-refresh=1:bframes=0"), bitstream.Gradual},
		{"H.264 interlaced", "libx264", x264("keyint=25:bframes=2:tff=1"), bitstream.Clean},
		{"HEVC IDR", "libx265", x265("keyint=25:min-keyint=25:bframes=0:ref=1:open-gop=0"), bitstream.Clean},
		{"HEVC open with a pyramid", "libx265", x265("keyint=25:min-keyint=25:bframes=4:b-pyramid=1:ref=4:open-gop=1"), bitstream.Open},
		{"HEVC slices", "libx265", x265("keyint=25:min-keyint=25:bframes=2:ref=3:open-gop=0:slices=2:scaling-list=default"), bitstream.Clean},
	}
}

// TestReadHealthy reads what encoders write: each key frame is an entry point, nothing is missing.
func TestReadHealthy(t *testing.T) {
	t.Parallel()
	for _, tt := range codings() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := encode(t, tt.codec, tt.args...)
			r := c.reader(t)
			var chain bitstream.Chain
			for i, sample := range c.samples {
				u := r.Read(sample)
				if !u.Picture || u.Malformed || u.Cut || u.Forbidden {
					t.Fatalf("picture %d is read as %+v", i, u)
				}
				want := bitstream.NoEntry
				if c.keys[i] {
					want = tt.entry
				}
				if i > 0 && u.Entry != want {
					t.Errorf("picture %d: entry %d, want %d", i, u.Entry, want)
				}
				if v := chain.Next(&u); v != (bitstream.Verdict{}) {
					t.Errorf("picture %d: %+v, but nothing is missing", i, v)
				}
			}
		})
	}
}

// TestChainFindsALostPicture leaves a picture out: if others refer to it, the next one tells.
func TestChainFindsALostPicture(t *testing.T) {
	t.Parallel()
	for _, tt := range codings() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := encode(t, tt.codec, tt.args...)
			for _, lost := range []int{30, 31, 32, 33, 40} {
				r := c.reader(t)
				var chain bitstream.Chain
				referred := false
				found := -1
				for i, sample := range c.samples {
					u := r.Read(sample)
					if i == lost {
						referred = u.Reference
						continue
					}
					if v := chain.Next(&u); v.Reference && found < 0 {
						found = i
					}
				}
				if referred && (found < lost || found > lost+4) || !referred && found >= 0 {
					t.Errorf("picture %d (referred to: %v) left out: found at %d", lost, referred, found)
				}
			}
		})
	}
}

// nal returns a NAL unit as a sample holds it.
func nal(body ...byte) []byte { return append([]byte{0, 0, 0, byte(len(body))}, body...) }

// TestReadSamplesWithoutAPicture reads samples that hold none.
func TestReadSamplesWithoutAPicture(t *testing.T) {
	t.Parallel()
	for codec, samples := range map[string]map[string][]byte{
		"libx264": {
			"zero bytes":           nil,
			"an SEI":               nal(append([]byte{6, 5, 17}, "HIKVISION-PRIVATE\x80"...)...),
			"filler":               nal(12, 255, 255, 255, 0x80),
			"an AUD":               nal(9, 0xf0),
			"units of zero length": {0, 0, 0, 0, 0, 0, 0, 0},
		},
		"libx265": {
			"zero bytes": nil,
			"an SEI":     nal(append([]byte{39 << 1, 1, 5, 17}, "HIKVISION-PRIVATE\x80"...)...),
			"filler":     nal(38<<1, 1, 255, 255, 0x80),
			"an AUD":     nal(35<<1, 1, 0x50),
		},
	} {
		r := encode(t, codec, "-preset", "ultrafast").reader(t)
		for name, sample := range samples {
			if u := r.Read(sample); u.Picture || u.Entry != bitstream.NoEntry {
				t.Errorf("%s, %s: read as %+v", codec, name, u)
			}
		}
	}
}

// TestSpoiledPictures spoils a picture in ways that its headers tell.
func TestSpoiledPictures(t *testing.T) {
	t.Parallel()
	for _, tt := range codings() {
		if !strings.Contains(strings.Join(tt.args, " "), "slices=") {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := encode(t, tt.codec, tt.args...)
			const spoiled = 40
			last := bytes.LastIndex(c.samples[spoiled], lengthOfLast(c.samples[spoiled]))
			for name, sample := range map[string][]byte{
				"without its last slice": c.samples[spoiled][:last],
				"cut":                    c.samples[spoiled][:len(c.samples[spoiled])*2/3],
				"zeroed":                 append(slices.Clone(c.samples[spoiled][:last-40]), append(make([]byte, 40), c.samples[spoiled][last:]...)...),
			} {
				r := c.reader(t)
				var chain bitstream.Chain
				var u bitstream.Unit
				var v bitstream.Verdict
				for i := range spoiled + 1 {
					s := c.samples[i]
					if i == spoiled {
						s = sample
					}
					u = r.Read(s)
					v = chain.Next(&u)
				}
				if tt.codec == "libx264" && name == "without its last slice" {
					continue // the decoder says so
				}
				if !v.Spoiled && !v.Slices {
					t.Errorf("%s: %+v, %+v", name, u, v)
				}
			}
		})
	}
}

// lengthOfLast returns the length field of the last NAL unit of a sample.
func lengthOfLast(sample []byte) []byte {
	field := sample[:4]
	for len(sample) > 4 {
		field = sample[:4]
		n := int(field[0])<<24 | int(field[1])<<16 | int(field[2])<<8 | int(field[3])
		sample = sample[4+n:]
	}
	return field
}

// FuzzRead: whatever the bytes are, a reader and a chain end soon and do not panic.
func FuzzRead(f *testing.F) {
	for _, tt := range codings() {
		c := encode(f, tt.codec, tt.args...)
		f.Add(c.kind, c.config, c.samples[0], c.samples[1])
	}
	f.Fuzz(func(t *testing.T, kind string, config, first, second []byte) {
		r, err := bitstream.New(kind, config)
		if err != nil {
			return
		}
		var chain bitstream.Chain
		for _, sample := range [][]byte{first, second, first} {
			u := r.Read(sample)
			if len(u.Slices) > len(sample) {
				t.Errorf("%d slices in %d bytes", len(u.Slices), len(sample))
			}
			chain.Next(&u)
		}
	})
}
