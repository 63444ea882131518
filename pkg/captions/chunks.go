package captions

import (
	"slices"
	"strings"
	"time"
)

// Block is what was measured of a tenth of a second of sound.
type Block struct {
	// Voice is set if the sound around the block rises and falls as a voice does.
	Voice bool
	// LevelDB is the power in the band of a voice, in dB.
	LevelDB float64
}

// BlockLength is the length of a [Block].
const BlockLength = 100 * time.Millisecond

const (
	// quietWindow is how many blocks around each tell how loud its speech and its room are.
	quietWindow = 300
	// quietAbove is how far over the room's level a block is heard, dB. Where speech is less than
	// quietRange over the room, no block is called quiet.
	quietAbove, quietRange = 6.0, 15.0
	// silentDB is the level below which nothing is heard, dB.
	silentDB = -70.0
	// shortPause is how many quiet blocks belong to the speech around them.
	shortPause = 5
	// gateOverlap is how much of a longer word lies in speech at least.
	gateOverlap = 150 * time.Millisecond
	// margin is what belongs to speech before its first and after its last loud block.
	margin = 2
)

// Speech returns the stretches in which a voice is heard, in order. Silence, noise and pauses of more than
// half a second lie between them.
func Speech(blocks []Block) []Span {
	loud := loudBlocks(blocks)
	var spans []Span
	for i := 0; i < len(blocks); i++ {
		if !loud[i] {
			continue
		}
		end := i + 1
		for k := end; k < len(blocks) && k-end <= shortPause; k++ {
			if loud[k] {
				end = k + 1
			}
		}
		start := BlockLength * time.Duration(max(0, i-margin))
		until := BlockLength * time.Duration(min(len(blocks), end+margin))
		if n := len(spans); n > 0 && start <= spans[n-1].End {
			spans[n-1].End = until
		} else {
			spans = append(spans, Span{start, until})
		}
		i = end - 1
	}
	return spans
}

// loudBlocks reports for each block whether a voice is heard in it.
func loudBlocks(blocks []Block) []bool {
	const step = 10 // a second
	loud := make([]bool, len(blocks))
	for at := 0; at < len(blocks); at += step {
		first, end := max(0, at-quietWindow/2), min(len(blocks), at+quietWindow/2)
		var levels []float64
		for _, b := range blocks[first:end] {
			levels = append(levels, max(silentDB, b.LevelDB))
		}
		slices.Sort(levels)
		room, speech := levels[len(levels)/10], levels[len(levels)*97/100]
		limit := room + quietAbove
		if speech-room < quietRange {
			limit = room
		}
		for i := at; i < min(len(blocks), at+step); i++ {
			loud[i] = blocks[i].Voice && blocks[i].LevelDB >= max(limit, silentDB)
		}
	}
	return loud
}

// Gate returns the words that were spoken where a voice is heard. A word that reaches over the end of its
// stretch ends with it.
func Gate(words []Word, speech []Span) []Word {
	var kept []Word
	for _, w := range words {
		length := max(w.End-w.Start, time.Millisecond)
		best, at := time.Duration(0), Span{}
		for _, s := range speech {
			if o := min(w.Start+length, s.End) - max(w.Start, s.Start); o > best {
				best, at = o, s
			}
		}
		if best >= min(length/2, gateOverlap) && best > 0 {
			w.Start, w.End = max(w.Start, at.Start), min(w.End, at.End)
			kept = append(kept, w)
		}
	}
	return kept
}

// Chunk is a stretch of sound that is recognised at once. Where speech had to be cut, two chunks overlap.
type Chunk struct{ Span }

// cutOverlap is how much of the sound two chunks share if there is no pause to cut in.
const cutOverlap = 10 * time.Second

// Chunks cuts the sound into chunks of at most limit: at the longest pause of the second half of each, and
// only where there is none at the quietest block, with an overlap. Silence around the speech is left out.
// The limit is a minute at least.
func Chunks(blocks []Block, speech []Span, limit time.Duration) []Chunk {
	limit = max(limit, time.Minute)
	var chunks []Chunk
	for len(speech) > 0 {
		start := speech[0].Start
		n := 0 // spans that fit
		for n < len(speech) && speech[n].End-start <= limit {
			n++
		}
		switch {
		case n == len(speech):
			return append(chunks, Chunk{Span{start, speech[n-1].End}})
		case n == 0:
			cut := quietest(blocks, start+limit/2, start+limit-cutOverlap/2)
			chunks = append(chunks, Chunk{Span{start, cut + cutOverlap/2}})
			speech = slices.Clone(speech)
			speech[0].Start = cut - cutOverlap/2
		default:
			n = longestPause(speech, n, start+limit/2)
			chunks = append(chunks, Chunk{Span{start, speech[n-1].End}})
			speech = speech[n:]
		}
	}
	return chunks
}

// longestPause returns the index of the span, at most n, that the longest pause precedes, of those that begin
// after a time. It is n if there is none.
func longestPause(speech []Span, n int, after time.Duration) int {
	best := n
	for i := 1; i <= n; i++ {
		gap := func(k int) time.Duration { return speech[k].Start - speech[k-1].End }
		if speech[i].Start >= after && gap(i) > gap(best) {
			best = i
		}
	}
	return best
}

// quietest returns the middle of the quietest block in [from, until).
func quietest(blocks []Block, from, until time.Duration) time.Duration {
	best := int(from / BlockLength)
	for i := best; i < int(until/BlockLength) && i < len(blocks); i++ {
		if blocks[i].LevelDB < blocks[best].LevelDB {
			best = i
		}
	}
	return BlockLength*time.Duration(best) + BlockLength/2
}

// Recognised are the words of a chunk, with times of the record.
type Recognised struct {
	Chunk Chunk
	Words []Word
}

// sameWord is how far the times of a word that two chunks heard may differ.
const sameWord = 500 * time.Millisecond

// Join puts the words of chunks together, in order. Where two chunks overlap, the words change from the
// first to the second at a word that both heard, the one nearest to the middle, so that none is doubled and
// none is lost. Without such a word they change in the middle.
func Join(chunks []Recognised) []Word {
	var words []Word
	for i, c := range chunks {
		next := c.Words
		if i > 0 && c.Chunk.Start < chunks[i-1].Chunk.End {
			keep, from := seam(words, next, (c.Chunk.Start+chunks[i-1].Chunk.End)/2)
			words, next = words[:keep], next[from:]
		}
		words = append(words, next...)
	}
	return words
}

// seam returns how many of the words before are kept, and from which on those behind are.
func seam(before, behind []Word, middle time.Duration) (keep, from int) {
	distance := time.Duration(1) << 62
	for i := len(before) - 1; i >= 0 && before[i].End > middle-cutOverlap; i-- {
		for k := 0; k < len(behind) && behind[k].Start < middle+cutOverlap; k++ {
			if !strings.EqualFold(bare(before[i].Text), bare(behind[k].Text)) ||
				(before[i].Start-behind[k].Start).Abs() > sameWord {
				continue
			}
			if d := (before[i].Start - middle).Abs(); d < distance {
				distance, keep, from = d, i, k
			}
		}
	}
	if distance < 1<<62 {
		return keep, from
	}
	center := func(w Word) time.Duration { return (w.Start + w.End) / 2 }
	keep = len(before)
	for keep > 0 && center(before[keep-1]) >= middle {
		keep--
	}
	for from < len(behind) && center(behind[from]) < middle {
		from++
	}
	return keep, from
}
