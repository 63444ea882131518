package pipeline_test

import (
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/pipeline"
)

// A record that is taken over again and again must be held long enough in the end for a slow worker to
// renew in time; a lease that is long already stays as it is.
func TestLease(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		setting time.Duration
		attempt int64
		want    time.Duration
	}{
		{300 * time.Millisecond, 0, 300 * time.Millisecond},
		{300 * time.Millisecond, 1, 300 * time.Millisecond},
		{300 * time.Millisecond, 3, 1200 * time.Millisecond},
		{300 * time.Millisecond, 1 << 40, 15 * time.Second},
		{3 * time.Minute, 1, 3 * time.Minute},
		{3 * time.Minute, 300, 3 * time.Minute},
	} {
		p := &pipeline.Pipeline{Settings: pipeline.Settings{Lease: tt.setting}}
		if got := p.LeaseOf(tt.attempt); got != tt.want {
			t.Errorf("lease %s in attempt %d: %s, want %s", tt.setting, tt.attempt, got, tt.want)
		}
	}
}
