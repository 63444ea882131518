package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/timeline"
)

const (
	// stillSpacing is the distance of the key frames that are looked at for still and plain pictures.
	stillSpacing = 10 * time.Second
	// shortestFrozen and shortestPlain are the shortest stretches that are named.
	shortestFrozen = 20 * time.Second
	shortestPlain  = 10 * time.Second
	// stillWidth and stillHeight are the size at which key frames are looked at.
	stillWidth, stillHeight = 160, 90
)

// stills are the stretches of a file whose picture stands still, or is of one colour. They are stored.
type stills struct {
	Frozen []timeline.Run `json:"frozen,omitempty"`
	Plain  []timeline.Run `json:"plain,omitempty"`
}

// findStills names the stretches in which a camera is frozen or shows a single colour. They change nothing
// but the warnings. Some key frames are decoded, once for a generation.
func (p *Prober) findStills(ctx context.Context, seg *Segment, t *Table, object rangeproxy.Object) error {
	if seg.Picture == nil || len(seg.PictureRuns) == 0 || !t.Picture.Viewable() || seg.Source == p.Slides {
		return nil
	}
	key := "stills-" + Fingerprint([]any{seg.Generation, t.Stream, p.Tool.Version()})
	found, err := Learn(p.Learned, key, func() (stills, error) {
		w := &stillWatcher{prober: p, table: t, object: object}
		return w.find(ctx)
	})
	if err != nil {
		return fmt.Errorf("look for still pictures in %s: %w", seg.Path, err)
	}
	for _, run := range found.Frozen {
		seg.Warn(run, cause.PictureFrozen())
	}
	for _, run := range found.Plain {
		seg.Warn(run, cause.PictureBlack())
	}
	return nil
}

// stillWatcher looks for still pictures in a file.
type stillWatcher struct {
	prober *Prober
	table  *Table
	object rangeproxy.Object
	keys   []int // all key frames that can be looked at: indices of samples, ascending in PTS
	// part is the part of a key frame's size by which another may differ if it shows the same: 1/part.
	part int
}

// keyLook is a key frame as it looks, reduced.
type keyLook struct {
	sample int
	at     time.Duration // since the file's zero
	luma   []byte
	plain  bool
}

// find finds the stretches.
func (w *stillWatcher) find(ctx context.Context) (stills, error) {
	w.listKeys()
	looks, err := w.look(ctx, w.spaced())
	if err != nil || len(looks) == 0 {
		return stills{}, err
	}
	more, err := w.look(ctx, w.betweenPlain(looks))
	if err != nil {
		return stills{}, err
	}
	found := stills{Frozen: w.frozen(looks)}
	looks = append(looks, more...)
	slices.SortFunc(looks, func(a, b keyLook) int { return a.sample - b.sample })
	found.Plain = w.plain(looks)
	return found, nil
}

// listKeys lists the key frames that can be decoded.
func (w *stillWatcher) listKeys() {
	samples := w.table.Picture.Samples
	for i := range samples {
		s := &samples[i]
		if !s.Key || s.Hidden || s.Lost || s.Size == 0 {
			continue
		}
		if n := len(w.keys); n == 0 || s.PTS > samples[w.keys[n-1]].PTS {
			w.keys = append(w.keys, i)
		}
	}
	w.part = 10
	if 2*len(w.keys) > len(samples) { // with key frames alone, nothing else tells of a change
		w.part = 200
	}
}

// at returns the time of a sample, by its number in decoding order, since the file's zero.
func (w *stillWatcher) at(sample int) time.Duration {
	return w.table.At(w.table.Picture, w.table.Picture.Samples[sample].PTS)
}

// spaced lists key frames stillSpacing apart, the first and the last among them.
func (w *stillWatcher) spaced() []int {
	var list []int
	for n, i := range w.keys {
		if n == 0 || n+1 == len(w.keys) || w.at(w.keys[n+1])-w.at(list[len(list)-1]) > stillSpacing {
			list = append(list, i)
		}
	}
	return list
}

// betweenPlain lists the key frames between a plain picture and one that is not, so that the change is known
// to one of them.
func (w *stillWatcher) betweenPlain(looks []keyLook) []int {
	var list []int
	for n := 1; n < len(looks); n++ {
		if looks[n-1].plain == looks[n].plain {
			continue
		}
		for _, i := range w.keys {
			if i > looks[n-1].sample && i < looks[n].sample {
				list = append(list, i)
			}
		}
	}
	return list
}

// look decodes key frames. What cannot be decoded is left out: rendering finds out what is lost.
func (w *stillWatcher) look(ctx context.Context, keys []int) ([]keyLook, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	view, err := mp4.NewView(w.object, w.table.Picture, keys)
	if err != nil {
		return nil, err
	}
	served := w.prober.Proxy.Serve(rangeproxy.Share(view))
	looks, err := w.decode(ctx, served, keys)
	if readErr := served.Close(); readErr != nil {
		return nil, errors.Join(readErr, context.Cause(ctx))
	}
	if ffmpeg.IsUndecodable(err) && context.Cause(ctx) == nil {
		return looks, nil
	}
	return looks, err
}

// decode decodes key frames at the size of a still. It returns those before an error, too.
func (w *stillWatcher) decode(ctx context.Context, source ffmpeg.Source, keys []int) ([]keyLook, error) {
	stream, err := w.prober.Tool.OpenPictures(ctx, ffmpeg.Pictures{
		Source:  source,
		From:    ffmpeg.FirstPTS,
		Until:   ffmpeg.LastPTS,
		KeyOnly: true,
		Width:   stillWidth,
		Height:  stillHeight,
		Format:  ffmpeg.YUV420P,
	})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var looks []keyLook
	buf := make([]byte, ffmpeg.YUV420P.Bytes(stillWidth, stillHeight))
	for {
		n, err := stream.Next(buf)
		if errors.Is(err, io.EOF) {
			return looks, nil
		}
		if err != nil {
			return looks, err
		}
		if n < 0 || n >= int64(len(keys)) {
			continue // no picture of the view
		}
		sample := keys[n]
		looks = append(looks, keyLook{
			sample: sample,
			at:     w.at(sample),
			luma:   slices.Clone(buf[:stillWidth*stillHeight]),
			plain:  isPlain(buf),
		})
	}
}

// isPlain reports whether a picture is black, or of one other colour that is neither grey nor white: a blank
// wall is none.
func isPlain(yuv []byte) bool {
	const luma, chroma = stillWidth * stillHeight, stillWidth * stillHeight / 4
	y, flatY := plane(yuv[:luma], 14)
	u, flatU := plane(yuv[luma:luma+chroma], 12)
	v, flatV := plane(yuv[luma+chroma:], 12)
	coloured := max(u-128, 128-u) >= 20 || max(v-128, 128-v) >= 20
	return flatY && flatU && flatV && (y <= 36 || coloured)
}

// plane returns the median of a plane, and reports whether 98 of 100 values are at most off away from it.
func plane(values []byte, off int) (median int, flat bool) {
	var count [256]int
	for _, value := range values {
		count[value]++
	}
	for sum := 0; ; median++ {
		if sum += count[median]; 2*sum >= len(values) {
			break
		}
	}
	near := 0
	for value := max(0, median-off); value <= min(255, median+off); value++ {
		near += count[value]
	}
	return median, 100*near >= 98*len(values)
}

// plain returns the stretches of plain key frames.
func (w *stillWatcher) plain(looks []keyLook) []timeline.Run {
	var runs []timeline.Run
	for n, look := range looks {
		if !look.plain {
			continue
		}
		until := w.table.pictureEnd()
		if n+1 < len(looks) {
			until = looks[n+1].at
		}
		if last := len(runs) - 1; last >= 0 && runs[last].Until == look.at {
			runs[last].Until = until
			continue
		}
		runs = append(runs, timeline.Run{From: look.at, Until: until})
	}
	return longRuns(runs, shortestPlain)
}

// frozen returns the stretches in which key frames are alike and nothing is coded between them.
func (w *stillWatcher) frozen(looks []keyLook) []timeline.Run {
	var runs []timeline.Run
	for n := 1; n < len(looks); n++ {
		a, b := &looks[n-1], &looks[n]
		if a.plain || !alike(a.luma, b.luma) || !w.allStill(a.sample, b.sample) {
			continue
		}
		from, until := w.stillFrom(a.sample), w.stillUntil(b.sample)
		if last := len(runs) - 1; last >= 0 && from <= runs[last].Until {
			runs[last].Until = until
			continue
		}
		runs = append(runs, timeline.Run{From: from, Until: until})
	}
	return longRuns(runs, shortestFrozen)
}

// longRuns leaves out the runs shorter than shortest.
func longRuns(runs []timeline.Run, shortest time.Duration) []timeline.Run {
	return slices.DeleteFunc(runs, func(r timeline.Run) bool { return r.Until-r.From < shortest })
}

// alike reports whether two pictures differ by no more than coding the same picture twice does.
func alike(a, b []byte) bool {
	sum := 0
	for i := range a {
		off := max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
		if off > 8 {
			return false
		}
		sum += off
	}
	return sum <= len(a)/2
}

// isStill reports whether a sample codes no change against the picture before. A key frame counts if it is as
// large as the key frame like, about.
func (w *stillWatcher) isStill(sample, like int) bool {
	samples, track := w.table.Picture.Samples, w.table.Picture
	size := int(samples[sample].Size)
	if samples[sample].Key {
		other := int(samples[like].Size)
		return w.part*max(size-other, other-size) <= other
	}
	blocks := (track.Width + 15) / 16 * ((track.Height + 15) / 16)
	return size <= 100+blocks/50
}

// allStill reports whether the samples between two key frames code no change. Of pictures behind a change of
// scene, a few are let pass: the encoder refines what it shows.
func (w *stillWatcher) allStill(a, b int) bool {
	loud := 0
	for i := a + 1; i < b; i++ {
		if !w.isStill(i, a) {
			loud++
		}
	}
	return 50*loud <= b-a
}

// stillFrom returns where the picture of a key frame begins to stand.
func (w *stillWatcher) stillFrom(key int) time.Duration {
	i := key
	for i > 0 && w.isStill(i-1, key) {
		i--
	}
	return w.at(i)
}

// stillUntil returns where the picture of a key frame changes.
func (w *stillWatcher) stillUntil(key int) time.Duration {
	i := key + 1
	for ; i < len(w.table.Picture.Samples); i++ {
		if !w.isStill(i, key) {
			return w.at(i)
		}
	}
	return w.table.pictureEnd()
}
