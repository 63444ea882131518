package store_test

import (
	"context"
	"testing"

	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// The server of these tests runs without rights; the statement itself is read by package grammar.
func TestGrantRefusesWhatIsNoName(t *testing.T) {
	t.Parallel()
	s := must(store.Open(
		context.Background(),
		storetest.MariaDB(t),
		store.Options{Now: storetest.NewClock().Now},
	))(t)
	defer func() { ok(t, s.Close()) }()
	for _, name := range []string{"", "a'@'%' identified by 'x", "Root", "a b"} {
		if s.Schema.Grant(context.Background(), []string{name}) == nil {
			t.Errorf("%q was taken", name)
		}
	}
}
