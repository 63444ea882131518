package store_test

import (
	"context"
	"testing"

	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// TestServerKilled: what was written before the database's server was killed is there after it, for a
// store that was open all the while.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	server := storetest.OwnMariaDB(t)
	s := storetest.Open(t, server.DSN, store.Options{})
	ctx := context.Background()
	for range 2 {
		written, _, err := s.Requests.Insert(ctx, lecture(), nil)
		ok(t, err)
		ok(t, server.Restart())
		if read, err := s.Records.Get(ctx, written.ID); err != nil || read.ID != written.ID {
			t.Errorf("%+v, %v", read, err)
		}
	}
}
