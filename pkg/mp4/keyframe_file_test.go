package mp4_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	mp4ff "github.com/Eyevinn/mp4ff/mp4"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// viewed writes a view of a file's key samples (every step-th) and returns it with the PTS it was
// made of.
func viewed(t *testing.T, path string, step int) (view string, pts []int64, track *mp4.Track) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := mp4.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	track = &file.Tracks[0]
	var keys []int
	for i, s := range track.Samples {
		if s.Key && !s.Hidden && !s.Lost {
			keys = append(keys, i)
		}
	}
	var samples []int
	for i := 0; i < len(keys); i += step {
		samples, pts = append(samples, keys[i]), append(pts, track.Samples[keys[i]].PTS)
	}
	v, err := mp4.NewView(bytes.NewReader(data), track, samples)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(io.NewSectionReader(v, 0, v.Size()))
	if err != nil || int64(len(all)) != v.Size() {
		t.Fatalf("read %d bytes of %d, %v", len(all), v.Size(), err)
	}
	view = filepath.Join(t.TempDir(), "view.mp4")
	if err := os.WriteFile(view, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return view, pts, track
}

// TestViewDecodes has FFmpeg decode the key frames of a view: they are those of the whole file.
func TestViewDecodes(t *testing.T) {
	t.Parallel()
	source := []string{"-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=3", "-f", "lavfi", "-i", "sine=d=3", "-c:a", "aac", "-preset", "ultrafast", "-g", "20"}
	for name, options := range map[string][]string{
		"moov in front":  {"-c:v", "libx264", "-movflags", "+faststart"},
		"B-frames":       {"-c:v", "libx264", "-bf", "3", "-b_strategy", "0"},
		"open GOP":       {"-c:v", "libx264", "-bf", "2", "-x264-params", "open-gop=1"},
		"hevc":           {"-c:v", "libx265", "-x265-params", "log-level=none:bframes=2"},
		"late start":     {"-c:v", "libx264", "-output_ts_offset", "2.5"},
		"variable rate":  {"-c:v", "libx264", "-vf", "select='not(mod(n,3))+lt(n,40)'", "-fps_mode", "vfr"},
		"in-band header": {"-c:v", "libx264", "-tag:v", "avc3", "-bsf:v", "dump_extra"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := clip(t, t.TempDir(), slices.Concat(source, options, []string{"clip.mp4"})...)
			view, pts, _ := viewed(t, path, 2)
			for i := range pts[1:] {
				pts[i+1] -= pts[0]
			}
			for n := range pts {
				pts[n] = int64(n)
			}
			if got := decodedPTS(t, view, "v:0"); !slices.Equal(got, pts) {
				t.Errorf("the view decodes to PTS %v, want %v", got, pts)
			}
			want, got := keyPictures(t, path), keyPictures(t, view)
			for i := range got {
				if 2*i >= len(want) || got[i] != want[2*i] {
					t.Errorf("picture %d of %d is not that of the file", i, len(got))
				}
			}
		})
	}
}

// keyPictures are the digests of the key frames as decoded.
func keyPictures(t *testing.T, path string) []string {
	t.Helper()
	out := tableRun(
		t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-vf",
		"select=key", "-fps_mode", "passthrough", "-f", "framemd5", "-",
	)
	var sums []string
	for line := range bytes.Lines(out) {
		if f := bytes.Split(bytes.TrimSpace(line), []byte(",")); len(f) == 6 && line[0] != '#' {
			sums = append(sums, string(bytes.TrimSpace(f[5])))
		}
	}
	return sums
}

// TestViewOfSeveralSizes: each sample keeps its own sample entry.
func TestViewOfSeveralSizes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=1", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10"}
	small := clip(t, dir, append(args, "a.mp4")...)
	args[3] = "testsrc2=s=320x180:r=25:d=1"
	large := clip(t, dir, append(args, "b.mp4")...)
	list := filepath.Join(dir, "list.txt")
	writeFile(t, list, "file "+small+"\nfile "+large+"\n")
	// FFmpeg writes the first clip's sample entry alone: that of the second is added, from its own samples on.
	joined := clip(
		t, dir, "-f", "concat", "-safe", "0", "-auto_convert", "0", "-i", list,
		"-c", "copy", "joined.mp4",
	)
	front, moov := split(t, joined)
	_, other := split(t, large)
	stbl := moov.Traks[0].Mdia.Minf.Stbl
	stbl.Stsd.AddChild(other.Traks[0].Mdia.Minf.Stbl.Stsd.AvcX)
	stbl.Stsc.Entries, stbl.Stco.ChunkOffset = []mp4ff.StscEntry{{
		FirstChunk:      1,
		SamplesPerChunk: 1,
	}}, nil
	for _, s := range open(t, joined).Tracks[0].Samples {
		stbl.Stco.ChunkOffset = append(stbl.Stco.ChunkOffset, uint32(s.Offset))
	}
	spread(stbl, 26)
	both := written(t, "both", front, moov)
	view, pts, track := viewed(t, both, 1)
	if len(track.Entries) != 2 {
		t.Fatalf("%d sample entries, want 2", len(track.Entries))
	}
	back := open(t, view).Tracks[0]
	if len(back.Entries) != 2 || back.Samples[0].Entry != 0 || back.Samples[len(back.Samples)-1].Entry != 1 {
		t.Errorf(
			"sample entries %v, the first of %d, the last of %d",
			back.Entries,
			back.Samples[0].Entry,
			back.Samples[len(back.Samples)-1].Entry,
		)
	}
	if want, got := keyPictures(t, both), keyPictures(t, view); len(got) != len(pts) || !slices.Equal(got, want) {
		t.Errorf("the view decodes to %d pictures, the file to %d", len(got), len(want))
	}
}

// TestViewReadsAnywhere reads a view in random pieces, and of a file that ends too early.
func TestViewReadsAnywhere(t *testing.T) {
	t.Parallel()
	path := clip(
		t, t.TempDir(), "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=2", "-c:v",
		"libx264", "-g", "5", "-movflags", "+faststart", "clip.mp4",
	)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	track := &open(t, path).Tracks[0]
	v, err := mp4.NewView(bytes.NewReader(data), track, []int{0, 10, 20, 45})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]byte, v.Size())
	if n, err := v.ReadAt(all, 0); n != len(all) || err != nil {
		t.Fatalf("read %d of %d bytes: %v", n, len(all), err)
	}
	if s := track.Samples[45]; !bytes.HasSuffix(all, data[s.Offset:s.Offset+int64(s.Size)]) {
		t.Error("the view does not end with its last sample")
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		from := r.Int64N(v.Size())
		piece := make([]byte, r.Int64N(2000))
		n, err := v.ReadAt(piece, from)
		if want := min(int64(len(piece)), v.Size()-from); int64(n) != want || (n < len(piece)) != errors.Is(err, io.EOF) || !bytes.Equal(piece[:n], all[from:from+want]) {
			t.Fatalf("ReadAt(%d bytes, %d) = %d, %v", len(piece), from, n, err)
		}
	}
	short, err := mp4.NewView(bytes.NewReader(data[:len(data)/2]), track, []int{0, 45})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := short.ReadAt(all, 0); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("reading a view of a file that is too short = %v, want an error", err)
	}
	lost, err := mp4.Read(bytes.NewReader(data), int64(len(data)/2))
	if err != nil {
		t.Fatal(err)
	}
	for _, samples := range [][]int{nil, {-1}, {50}, {10, 0}, {10, 10}} {
		if _, err := mp4.NewView(bytes.NewReader(data), track, samples); err == nil {
			t.Errorf("a view of samples %v was made", samples)
		}
	}
	if _, err := mp4.NewView(bytes.NewReader(data), &lost.Tracks[0], []int{0, 45}); err == nil {
		t.Error("a view of a sample beyond the end of the file was made")
	}
}
