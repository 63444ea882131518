package presence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// rulesVersion identifies the rules of classification. It must change whenever the
// same file may get another verdict.
const rulesVersion = "6"

// Digest returns a hash of everything besides the file that shapes a verdict: the
// rules, the cards and the languages that can be read. It is computed once per
// Judge, because every segment asks for it.
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
