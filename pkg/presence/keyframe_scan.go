package presence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

const (
	// keySpacing is the distance between key frames in the first pass.
	keySpacing = 4 * time.Second
	// allKeysBelow is the number of key frames up to which all are classified.
	// Motion is only recognised from three pictures or more.
	allKeysBelow = 30
)

// scan classifies key frames some seconds apart, then the key frames between them
// that may hide a change. It finally decodes stretches with activity between
// distant key frames.
func (j *Judge) scan(ctx context.Context, in Input) ([]shot, error) {
	frames := &classifier{cards: j.Cards}
	keys := in.keysInRange()
	first := in.spacedKeys(keys)
	shots, err := j.classifyKeys(ctx, in, frames, first)
	if err != nil {
		return nil, err
	}
	if len(shots) == 0 {
		return nil, fmt.Errorf("%w: no key frame could be decoded", errNoFrames)
	}
	if more := in.keysToAdd(shots, keys, first); len(more) > 0 {
		between, err := j.classifyKeys(ctx, in, frames, more)
		if err != nil {
			return nil, err
		}
		shots = append(shots, between...)
		sortShots(shots)
	}
	for _, gap := range in.spansToDecode(shots) {
		next := gap.from
		err := j.decode(ctx, in.request(gap.from, gap.until), func(pts int64, rgb []byte) bool {
			if pts > gap.from && pts >= next {
				in.Seen.add(in.since(pts), false, rgb)
				shots = append(shots, shot{pts: pts, observation: frames.classify(rgb)})
				next = pts + in.Timescale
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	sortShots(shots)
	return shots, nil
}

// sortShots sorts shots by PTS.
func sortShots(shots []shot) {
	slices.SortFunc(shots, func(a, b shot) int {
		return cmp.Compare(a.pts, b.pts)
	})
}

// keysInRange returns the key frames from which the range can be decoded.
func (in Input) keysInRange() []int64 {
	from, _ := slices.BinarySearch(in.Keys, in.keyBefore(in.From))
	until, _ := slices.BinarySearch(in.Keys, in.Until)
	return in.Keys[from:max(until, from+1)]
}

// spacedKeys selects key frames at most keySpacing apart, including the first and
// the last. It returns all of them if there is no view, because skipping then saves
// little, or if the packet sizes are unknown.
func (in Input) spacedKeys(keys []int64) []int64 {
	if in.View == nil ||
		in.Sizes == nil ||
		len(keys) <= allKeysBelow {
		return keys
	}
	out := keys[:1:1]
	for i := 1; i < len(keys); i++ {
		if i+1 == len(keys) || in.since(keys[i+1])-in.since(out[len(out)-1]) > keySpacing {
			out = append(out, keys[i])
		}
	}
	return out
}

// classifyKeys classifies the given key frames. Without a view it classifies all
// key frames of the range.
func (j *Judge) classifyKeys(
	ctx context.Context,
	in Input,
	frames *classifier,
	keys []int64,
) ([]shot, error) {
	if in.View == nil {
		request := in.request(keys[0], in.Until)
		request.KeyOnly = true
		return j.classifyPictures(ctx, in, request, frames, nil)
	}
	served, err := in.View(keys)
	if err != nil {
		return nil, fmt.Errorf("look at key frames: %w", err)
	}
	shots, err := j.classifyPictures(ctx, in, viewRequest(served), frames, keys)
	// What the storage could not give is its fault alone, whatever FFmpeg made of it.
	if readErr := served.Close(); readErr != nil {
		return nil, errors.Join(readErr, context.Cause(ctx))
	}
	return shots, err
}

// classifyPictures classifies all pictures of a request. With a list of key frames, picture n is the one
// of PTS keys[n].
func (j *Judge) classifyPictures(
	ctx context.Context,
	in Input,
	p ffmpeg.Pictures,
	frames *classifier,
	keys []int64,
) ([]shot, error) {
	var list []shot
	err := j.decode(ctx, p, func(pts int64, rgb []byte) bool {
		if keys != nil {
			if pts < 0 || pts >= int64(len(keys)) {
				return true // no picture of the view
			}
			pts = keys[pts]
		}
		in.Seen.add(in.since(pts), true, rgb)
		list = append(list, shot{pts: pts, observation: frames.classify(rgb)})
		return true
	})
	sortShots(list)
	return list, err
}

// keysToAdd returns the unseen key frames between shots that may hide a change.
func (in Input) keysToAdd(shots []shot, keys, seen []int64) []int64 {
	if len(seen) == len(keys) {
		return nil
	}
	var out []int64
	for i := 1; i < len(shots); i++ {
		a := &shots[i-1]
		b := &shots[i]
		from, _ := slices.BinarySearch(keys, a.pts+1)
		until, _ := slices.BinarySearch(keys, b.pts)
		if from < until && in.mayHideStretch(a, b) {
			out = append(out, keys[from:until]...)
		}
	}
	return out
}

// mayHideStretch reports whether a stretch of 3 s may lie between two shots.
func (in Input) mayHideStretch(a, b *shot) bool {
	gap := in.since(b.pts) - in.since(a.pts)
	switch {
	case gap <= shortest:
		return false
	case a.certainty != b.certainty, gap > keySpacing && in.skips(a.pts, b.pts):
		return true
	case a.certainty == maybeOverlay && a.tiles.countDiffering(b.tiles) > maxSpecks:
		return true // what wanders is told by many looks, and a plain ground is cheap to look at
	default:
		return in.mayHideChange(a.pts, b.pts, a.certainty == maybeWords)
	}
}

// skips reports whether a key frame lies between two PTS.
func (in Input) skips(from, until int64) bool {
	i, _ := slices.BinarySearch(in.Keys, from+1)
	return i < len(in.Keys) && in.Keys[i] < until
}

// span is a range of PTS to be decoded.
type span struct{ from, until int64 }

// spansToDecode returns the ranges between shots that may hide a stretch of 3 s.
func (in Input) spansToDecode(shots []shot) []span {
	var out []span
	for i := range shots {
		a := &shots[i]
		until := in.Until
		last := i+1 == len(shots)
		if !last {
			until = shots[i+1].pts
		}
		gap := in.since(until) - in.since(a.pts)
		if gap <= shortest {
			continue
		}
		if in.Sizes != nil && gap <= 60*time.Second {
			if !last &&
				a.certainty == shots[i+1].certainty &&
				!in.mayHideChange(a.pts, until, a.certainty == maybeWords) {
				continue
			}
			until = in.lastActivity(a.pts, until)
		}
		if until > a.pts {
			out = append(out, span{a.pts, until})
		}
	}
	return out
}
