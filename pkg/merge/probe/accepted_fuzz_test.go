package probe

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/presence"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// noMemory keeps nothing.
type noMemory struct{}

func (noMemory) Load(string, any) bool  { return false }
func (noMemory) Save(string, any) error { return nil }

// clipSeed makes a clip of less than a second whose index comes first.
func clipSeed(t testing.TB, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seed.mp4")
	all := []string{
		"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=32x32:r=25:d=0.8", "-f", "lavfi", "-i", "sine=r=48000:d=0.8",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "5", "-b:a", "16k", "-movflags", "+faststart",
	}
	out, err := exec.CommandContext(t.Context(), "ffmpeg", append(append(all, args...), path)...).CombinedOutput()
	if err != nil {
		t.Fatalf("make a clip: %v\n%s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newAcceptance returns a prober for [checkAccepted].
func newAcceptance(t testing.TB) *Prober {
	t.Helper()
	proxy, err := rangeproxy.Listen(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	return &Prober{Proxy: proxy, Learned: noMemory{}}
}

// checkAccepted reads the tables of a file. If they are accepted, every later reader must accept them: the
// entry points, the views of the judge, of the spots, of the stills and of the sound. It reports whether they
// are.
func checkAccepted(t testing.TB, p *Prober, b []byte) bool {
	t.Helper()
	object := rangeproxy.Share(memoryObject{bytes.NewReader(b)})
	if _, err := mp4.Read(object, object.Size()); err != nil {
		return false // also fragmented files, which FFmpeg lists
	}
	table, err := p.ReadTable(context.Background(), "", object)
	if err != nil {
		if faultOf(err).IsZero() {
			t.Errorf("the table is read, and is then no fault of the file: %v", err)
		}
		return false
	}
	segment := &Segment{}
	if table.Sound != nil {
		track := &SoundTrack{Rate: namedRate(table.Sound), Channels: 1}
		segment.Sound = track
		segment.sounds = []soundChoice{{track: track, runs: table.soundRuns(track)}}
	}
	segment.describe(table, 30*time.Minute, nil)
	if table.Picture != nil {
		checkPictures(t, p, table, object)
	}
	if table.Sound != nil {
		opened := &OpenSegment{Object: object, Table: table, Sound: segment.Sound}
		for _, run := range segment.SoundRuns {
			checkSound(t, opened, run)
		}
	}
	return true
}

// checkPictures makes every view of a picture track.
func checkPictures(t testing.TB, p *Prober, table *Table, object *rangeproxy.Shared) {
	t.Helper()
	if err := p.findKeys(context.Background(), "", object, table); err != nil {
		t.Errorf("entry points: %v", err)
	}
	if !table.Picture.Viewable() {
		return
	}
	if in := table.judgeInput(table.Shots(nil)); len(in.Keys) > 0 {
		served, err := presence.ViewOf(p.Proxy, object, table.Picture)(in.Keys)
		if err != nil {
			t.Errorf("key frames for the judge: %v", err)
		} else if err := served.Close(); err != nil {
			t.Errorf("close the view of the judge: %v", err)
		}
	}
	if starts := table.spots(); len(starts) > 0 {
		view, err := mp4.NewStretchView(object, table.Picture, stretches(starts, spotPictures))
		checkView(t, "spots", view, err)
	}
	w := &stillWatcher{prober: p, table: table, object: object}
	w.listKeys()
	if keys := w.spaced(); len(keys) > 0 {
		view, err := mp4.NewView(object, table.Picture, keys)
		checkView(t, "stills", view, err)
	}
}

// checkSound makes the view of the start of a run of sound.
func checkSound(t testing.TB, opened *OpenSegment, run timeline.Run) {
	t.Helper()
	samples := opened.SoundSamples(run)
	view, _, err := samples.View(0, samples.Rate)
	checkView(t, "sound", view, err)
}

// checkView reads a view through.
func checkView(t testing.TB, name string, view *mp4.View, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if _, err := io.Copy(io.Discard, io.NewSectionReader(view, 0, min(view.Size(), 1<<20))); err != nil {
		t.Errorf("read the view of %s: %v", name, err)
	}
}

// memoryObject is a file in memory.
type memoryObject struct{ *bytes.Reader }

// Size implements [rangeproxy.Object].
func (o memoryObject) Size() int64 { return o.Reader.Size() }

// TestAcceptedByEveryReader changes fields of the index of small clips. The seed replays a run.
func TestAcceptedByEveryReader(t *testing.T) {
	t.Parallel()
	p := newAcceptance(t)
	seeds := [][]byte{
		clipSeed(t),
		clipSeed(t, "-movflags", "+faststart+negative_cts_offsets", "-output_ts_offset", "0.5"),
		clipSeed(t, "-g", "1", "-c:a", "pcm_s16le", "-f", "mov"),
	}
	rounds := 20_000
	if testing.Short() {
		rounds = 2_000
	}
	const seed = 13
	random := rand.New(rand.NewPCG(seed, 0)) // #nosec G404 -- replayable
	accepted := 0
	for round := range rounds {
		b := bytes.Clone(seeds[random.IntN(len(seeds))])
		for range 1 + random.IntN(3) {
			mutate(random, b)
		}
		if random.IntN(4) == 0 { // a file that was cut off
			b = b[:len(b)-random.IntN(len(b)/2)]
		}
		if checkAccepted(t, p, b) {
			accepted++
		}
		if t.Failed() {
			t.Fatalf("seed %d, round %d", seed, round)
		}
	}
	if accepted < rounds/10 {
		t.Errorf("only %d of %d files are accepted", accepted, rounds)
	}
}

// mutate changes a field of the sample tables of a file.
func mutate(random *rand.Rand, b []byte) {
	tables := []string{"stts", "ctts", "stss", "stsz", "stsc", "stco", "elst", "mdhd", "stsd", "tkhd"}
	var found []int
	name := []byte(tables[random.IntN(len(tables))])
	for at := bytes.Index(b, name); at >= 0; {
		found = append(found, at)
		next := bytes.Index(b[at+4:], name)
		if next < 0 {
			break
		}
		at += 4 + next
	}
	if len(found) == 0 {
		return
	}
	at := found[random.IntN(len(found))] + 8 + 4*random.IntN(20)
	if at+4 > len(b) {
		return
	}
	values := [][]byte{
		{0, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, 0, 2}, {0xff, 0xff, 0xff, 0xff}, {0x7f, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0},
		{0, 0, byte(random.Uint32()), byte(random.Uint32())}, {byte(random.Uint32()), 0, 0, 0},
	}
	copy(b[at:], values[random.IntN(len(values))])
}

// FuzzAcceptedByEveryReader is [TestAcceptedByEveryReader] for any bytes.
func FuzzAcceptedByEveryReader(f *testing.F) {
	f.Add(clipSeed(f))
	f.Add(clipSeed(f, "-g", "1", "-c:a", "pcm_s16le", "-f", "mov"))
	p := newAcceptance(f)
	f.Fuzz(func(t *testing.T, b []byte) { checkAccepted(t, p, b) })
}
