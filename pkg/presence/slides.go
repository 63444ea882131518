package presence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/ocr"
	slidesof "github.com/nvr-miem/merger/pkg/slides"
)

// SlideRules identifies the rules by which slides are found and read. It must change whenever the same file
// may get other slides.
const SlideRules = "2"

const (
	// slideStep is the time between looks where a change is searched for.
	slideStep = 300 * time.Millisecond
	// keySlack is the distance of key frames below which more of them tell nothing.
	keySlack = 1900 * time.Millisecond
	// oneChange is how long the packets of one change may be larger than usual.
	oneChange = 1200 * time.Millisecond
	// searchShare is the share of a file that may be decoded to search for changes, as a divisor, and
	// searchLeast what may be decoded of a short one.
	searchShare = 10
	searchLeast = time.Minute
	// mostRead is how many slides are read of half an hour: the ones that stand longest.
	mostRead = 45
)

// Slide is a slide of a file. Times are since PTS 0 of the picture stream.
type Slide struct {
	Start, End time.Duration
	// Still is the time of a picture that shows the slide complete.
	Still time.Duration
	// Title and Text are what is written on it. They are empty if it was not read.
	Title, Text string
}

// Seen collects small copies of the pictures that a judge looks at: see [Judge.Slides].
type Seen struct {
	looks []slidesof.Look
}

// add takes in a picture, unless a key frame shortly before it is known.
func (s *Seen) add(at time.Duration, key bool, rgb []byte) {
	if s == nil {
		return
	}
	var last *slidesof.Look
	if n := len(s.looks); n > 0 {
		last = &s.looks[n-1]
		if key && last.Key && at > last.At && at-last.At < keySlack {
			return
		}
	}
	p := slidesof.FromRGB(rgb)
	if last != nil && last.Picture.Same(p) {
		p = last.Picture // so that what stands for an hour is held once
	}
	s.looks = append(s.looks, slidesof.Look{At: at, Picture: p, Key: key})
}

// sorted returns what was seen, in order of time.
func (s *Seen) sorted() []slidesof.Look {
	looks := slices.Clone(s.looks)
	slices.SortStableFunc(looks, func(a, b slidesof.Look) int { return cmp.Compare(a.At, b.At) })
	return slices.CompactFunc(looks, func(a, b slidesof.Look) bool { return a.At == b.At })
}

// Slides returns the slides of a file that [Judge.Look] has looked at with in.Seen, and reads them if the
// judge has a reader. If reading fails, the slides are returned with the error.
func (j *Judge) Slides(ctx context.Context, in Input) ([]Slide, error) {
	in, err := in.bounded()
	if err != nil {
		return nil, err
	}
	looks := in.Seen.sorted()
	if looks, err = j.searchChanges(ctx, in, looks); err != nil {
		return nil, fmt.Errorf("search for slides: %w", err)
	}
	found := slidesof.Find(looks, in.since(in.Until))
	list := make([]Slide, len(found))
	for i, s := range found {
		list[i] = Slide{Start: s.From, End: s.Until, Still: s.Still}
		if !s.Begun {
			list[i].Start = in.since(in.From)
		}
	}
	if j.Reader == nil {
		return list, nil
	}
	if err := j.readSlides(ctx, in, list); err != nil {
		return list, fmt.Errorf("read slides: %w", err)
	}
	return list, nil
}

// ptsAt returns the PTS of the frame at a time that [Input.since] gave.
func (in Input) ptsAt(at time.Duration) int64 {
	i, _ := slices.BinarySearchFunc(in.Frames, at, func(pts int64, at time.Duration) int {
		return cmp.Compare(in.since(pts), at)
	})
	return in.Frames[min(i, len(in.Frames)-1)]
}

// searchChanges adds looks between those that may have another slide between them.
func (j *Judge) searchChanges(ctx context.Context, in Input, looks []slidesof.Look) ([]slidesof.Look, error) {
	budget := max(in.since(in.Until)-in.since(in.From), searchShare*searchLeast) / searchShare
	var out []slidesof.Look
	for i, step := range slidesof.Steps(looks, in.since(in.Until)) {
		a, b := looks[i], looks[i+1]
		out = append(out, a)
		from, until := in.ptsAt(a.At), in.ptsAt(b.At)
		switch {
		case b.At-a.At <= 2*slideStep:
			continue
		case step.Changed:
			moving := in.Sizes != nil && !step.Settled && in.movesBetween(from, until)
			if moving {
				continue // a film
			}
			if at, sure := in.changeByPackets(from, until); sure || budget <= 0 {
				out = append(out, in.cutAt(a, b, at)...)
				continue
			}
		case b.At-a.At <= keySpacing || in.Sizes == nil || !in.mayHideChange(from, until, true):
			continue
		}
		if budget <= 0 {
			continue
		}
		budget -= b.At - a.At
		more, err := j.looksBetween(ctx, in, from, until)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	if n := len(looks); n > 0 {
		out = append(out, looks[n-1])
	}
	return out, nil
}

// movesBetween reports whether the picture moves all the time between two PTS.
func (in Input) movesBetween(from, until int64) bool {
	p := in.packets(from, until)
	return p.isMoving()
}

// cutAt returns the two looks that say that a stands until a PTS and b from there on.
func (in Input) cutAt(a, b slidesof.Look, at int64) []slidesof.Look {
	var out []slidesof.Look
	i, _ := slices.BinarySearch(in.Frames, at)
	if i > 0 && in.since(in.Frames[i-1]) > a.At {
		out = append(out, slidesof.Look{At: in.since(in.Frames[i-1]), Picture: a.Picture})
	}
	if since := in.since(at); since < b.At {
		out = append(out, slidesof.Look{At: since, Picture: b.Picture})
	}
	return out
}

// looksBetween decodes what lies between two PTS.
func (j *Judge) looksBetween(ctx context.Context, in Input, from, until int64) ([]slidesof.Look, error) {
	seen := &Seen{}
	next := from + in.ticks(slideStep)
	err := j.decode(ctx, in.request(from, until), func(pts int64, rgb []byte) bool {
		if pts >= next {
			seen.add(in.since(pts), false, rgb)
			next = pts + in.ticks(slideStep)
		}
		return true
	})
	return seen.sorted(), err
}

// changeByPackets returns the PTS between two different pictures at which the second one begins, as the sizes
// of the packets say it. It is not sure if there was more than one change.
func (in Input) changeByPackets(from, until int64) (at int64, sure bool) {
	if in.Sizes == nil {
		return until, false
	}
	p := in.packets(from, until)
	largest := -1
	for i, size := range p.sizes {
		if in.cutsIn(p.frames[i]) {
			return p.frames[i], false
		}
		if !p.key[i] && size > 4*p.usual+clearJump && (largest < 0 || size > p.sizes[largest]) {
			largest = i
		}
	}
	switch cut := in.cutsIn(until); {
	case largest < 0:
		return until, cut
	case cut:
		return p.frames[largest], false
	}
	at = p.frames[largest]
	for i, size := range p.sizes {
		apart := in.since(max(at, p.frames[i])) - in.since(min(at, p.frames[i]))
		if !p.key[i] && apart > oneChange && size > p.sizes[largest]/4 {
			return at, false
		}
	}
	return at, true
}

// cutsIn reports whether a PTS is of a key frame that came earlier than the others do: the encoder saw a
// change.
func (in Input) cutsIn(pts int64) bool {
	i, found := slices.BinarySearch(in.Keys, pts)
	if !found || i == 0 {
		return false
	}
	usual := (in.Keys[len(in.Keys)-1] - in.Keys[0]) / int64(len(in.Keys)-1)
	if i+1 < len(in.Keys) {
		usual = max(usual, in.Keys[i+1]-in.Keys[i])
	}
	return 10*(in.Keys[i]-in.Keys[i-1]) < 9*usual
}

// readSlides reads the title and the text of slides, the ones that stand longest first.
func (j *Judge) readSlides(ctx context.Context, in Input, list []Slide) error {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(list[b].End-list[b].Start, list[a].End-list[a].Start)
	})
	most := mostRead * (1 + int((in.since(in.Until)-in.since(in.From))/(30*time.Minute)))
	order = order[:min(len(order), most)]
	slices.Sort(order)

	var keys []int64
	byKey := map[int64][]int{}
	var errs []error
	for _, i := range order {
		pts := in.ptsAt(list[i].Still)
		if in.View != nil && in.isKey(pts) {
			if byKey[pts] == nil {
				keys = append(keys, pts)
			}
			byKey[pts] = append(byKey[pts], i)
			continue
		}
		request := in.request(pts, pts+1)
		request.Width, request.Height, request.Format = ocrWidth, ocrHeight, ffmpeg.Gray
		errs = append(errs, j.readPictures(ctx, request, func(_ int64, title, text string) {
			list[i].Title, list[i].Text = title, text
		}))
	}
	if len(keys) == 0 {
		return errors.Join(errs...)
	}
	served, err := in.View(keys)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	request := viewRequest(served)
	request.Width, request.Height, request.Format = ocrWidth, ocrHeight, ffmpeg.Gray
	errs = append(errs, j.readPictures(ctx, request, func(n int64, title, text string) {
		if n < 0 || n >= int64(len(keys)) {
			return // no picture of the view
		}
		for _, i := range byKey[keys[n]] {
			list[i].Title, list[i].Text = title, text
		}
	}), served.Close())
	return errors.Join(errs...)
}

// readPictures reads what is written in pictures.
func (j *Judge) readPictures(
	ctx context.Context, p ffmpeg.Pictures, take func(pts int64, title, text string),
) error {
	var readErr error
	err := j.decode(ctx, p, func(pts int64, gray []byte) bool {
		var words []ocr.Word
		if words, readErr = j.Reader.Read(ctx, darkOnLight(gray)); readErr != nil {
			return false
		}
		title, text := slidesof.Read(words, ocrHeight)
		take(pts, title, text)
		return true
	})
	return errors.Join(err, readErr)
}

// darkOnLight returns a picture for reading. What is mostly dark is inverted.
func darkOnLight(gray []byte) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, ocrWidth, ocrHeight))
	sum := 0
	for _, v := range gray {
		sum += int(v)
	}
	copy(out.Pix, gray)
	if sum < 110*len(gray) {
		for i := range out.Pix {
			out.Pix[i] = 255 - out.Pix[i]
		}
	}
	return out
}
