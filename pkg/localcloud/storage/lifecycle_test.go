package storage_test

import (
	"slices"
	"testing"
	"time"

	gcs "cloud.google.com/go/storage"
)

// TestDeleteExpired: objects whose custom time has come are deleted, in a folder as well as in a bucket of
// our own, and a custom time moves forward only.
func TestDeleteExpired(t *testing.T) {
	t.Parallel()
	for _, bucket := range []string{"work", "segments"} {
		c := start(t)
		for name, at := range map[string]time.Time{
			"d/past":   time.Now().Add(-time.Minute),
			"d/future": time.Now().Add(time.Hour),
			"d/none":   {},
		} {
			c.put(t, bucket, name, []byte(name))
			if at.IsZero() {
				continue
			}
			object := c.object(bucket, name)
			if _, err := object.Update(t.Context(), gcs.ObjectAttrsToUpdate{CustomTime: at}); err != nil {
				t.Fatal(err)
			}
			earlier := gcs.ObjectAttrsToUpdate{CustomTime: at.Add(-time.Hour)}
			if _, err := object.Update(t.Context(), earlier); status(t, err) != 400 {
				t.Errorf("%s: moved back: %v, want 400", name, err)
			}
		}
		c.restart(t)
		deleted, err := c.server.DeleteExpired(bucket)
		if err != nil || deleted != 1 {
			t.Errorf("%s: deleted %d, %v, want 1", bucket, deleted, err)
		}
		if got := c.names(t, bucket, nil, 0); !slices.Equal(got, []string{"d/future", "d/none"}) {
			t.Errorf("%s: left are %v", bucket, got)
		}
	}
}
