package pipeline

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestAllowance wants a delivery to end when its time is up, but never before it has got on.
func TestAllowance(t *testing.T) {
	t.Parallel()
	const soft, hard = 8 * time.Minute, 570 * time.Second
	for name, test := range map[string]struct {
		gains []time.Duration
		want  time.Duration
	}{
		"gained early":         {[]time.Duration{time.Minute}, soft},
		"gained late":          {[]time.Duration{9 * time.Minute}, 9 * time.Minute},
		"gained twice":         {[]time.Duration{time.Minute, 2 * time.Minute}, soft},
		"gained nothing":       {nil, hard},
		"gained after the end": {[]time.Duration{hard + time.Second}, hard},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, a, stop := allow(context.Background(), soft, hard)
				defer stop()
				start := time.Now()
				for _, at := range test.gains {
					time.AfterFunc(at, a.progress)
				}
				<-ctx.Done()
				if took := time.Since(start); took != test.want || !errors.Is(context.Cause(ctx), errBudget) {
					t.Errorf("ended after %v by %v, want %v", took, context.Cause(ctx), test.want)
				}
			})
		})
	}
}
