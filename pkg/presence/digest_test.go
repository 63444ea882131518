package presence_test

import (
	"testing"

	"github.com/nvr-miem/merger/pkg/presence"
)

// TestTheDigestIsMadeOnce: every segment of every record asks for it, and the cards are megabytes.
func TestTheDigestIsMadeOnce(t *testing.T) {
	cards, err := presence.LoadCards("")
	if err != nil {
		t.Fatal(err)
	}
	judge := &presence.Judge{Cards: cards}
	first := judge.Digest()
	if again := testing.AllocsPerRun(1, func() {
		if judge.Digest() != first {
			t.Error("it changes")
		}
	}); again > 0 {
		t.Errorf("it is made again: %v allocations", again)
	}
}
