package sound

import (
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/timeline"
)

// Note is a warning about the choice of sound, for the blocks [First, End) of the record.
type Note struct {
	Source     string // empty: no source in particular
	First, End int64
	Cause      cause.Cause
}

// Notes returns what a person should know about the choice. It is valid after [Chooser.Choose].
func (c *Chooser) Notes() []Note {
	return c.notes
}

const (
	// missingLeast is how long sound is missing until that is worth a word, and silentLeast how long it is
	// silent: a person who says nothing is not heard either.
	missingLeast = int64(3 * time.Second / timeline.Block)
	silentLeast  = int64(30 * time.Second / timeline.Block)
	// humLeast is how long a hum without speech lasts until that is worth a word.
	humLeast = int64(10 * time.Second / timeline.Block)
)

// noteChoice notes where another source stands in and what is missing or hums where none does.
func (c *Chooser) noteChoice(listens []timeline.Listen) {
	heard := make([]blockKind, c.blocks) // missing where no source is
	for _, l := range listens {
		for block := l.First; block < l.End; block++ {
			heard[block] = c.kind(l.Source, block)
		}
		if l.Source > 0 && !c.none(l) {
			wanted := c.Sources[0]
			why := cause.SoundReplaced(wanted, c.Sources[l.Source], c.lacks(0, l))
			c.notes = append(c.notes, Note{Source: wanted, First: l.First, End: l.End, Cause: why})
		}
	}
	for block := range heard {
		if c.isWithheld(int64(block)) {
			heard[block] = kindVoice // left out on purpose
		}
	}
	c.noteRuns(heard, missingLeast, cause.SoundMissing(), kindMissing)
	c.noteRuns(heard, silentLeast, cause.SoundMissing(), kindMissing, kindSilent, kindConstant)
	c.noteRuns(heard, humLeast, cause.Hum(), kindHum)
}

// noteRuns notes each run of the given kinds that lasts for at least so many blocks, or all of the record.
func (c *Chooser) noteRuns(heard []blockKind, least int64, why cause.Cause, kinds ...blockKind) {
	wanted := ""
	if len(c.Sources) > 0 {
		wanted = c.Sources[0]
	}
	for first := int64(0); first < c.blocks; first++ {
		end := first
		for end < c.blocks && slices.Contains(kinds, heard[end]) {
			end++
		}
		if n := end - first; n >= least || n == c.blocks && n > 0 {
			c.notes = append(c.notes, Note{Source: wanted, First: first, End: end, Cause: why})
		}
		first = end
	}
}

// lacks returns what a source has in most of a stretch instead of a voice.
func (c *Chooser) lacks(source int, l timeline.Listen) cause.Cause {
	count := map[blockKind]int{}
	for block := l.First; block < l.End; block++ {
		count[c.kind(source, block)]++
	}
	most, kind := 0, kindSilent
	for k := kindMissing; k < kindVoice; k++ {
		if count[k] > most {
			most, kind = count[k], k
		}
	}
	return kind.cause()
}
