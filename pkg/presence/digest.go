package presence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// rulesVersion names the way pictures are judged. It changes whenever the same file may be judged otherwise.
const rulesVersion = "5"

// Digest names all that shapes a verdict besides the file: the rules, the cards, the languages that
// can be read. It is computed once: every segment of every record asks, and the cards are pictures.
func (j *Judge) Digest() string {
	j.digesting.Do(func() {
		languages := ""
		if j.Reader != nil {
			languages = j.Reader.Languages()
		}
		sum := sha256.New()
		_, _ = fmt.Fprintf(sum, "%s\n%s\n", rulesVersion, languages) // a hash never fails
		for _, card := range j.Cards.list {
			_, _ = fmt.Fprintf(sum, "%s %v\n", card.name, card.variants())
		}
		j.digest = hex.EncodeToString(sum.Sum(nil))
	})
	return j.digest
}
