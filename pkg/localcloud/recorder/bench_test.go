package recorder_test

import (
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
)

// BenchmarkRecord makes what a typical test of the engine needs: a minute of three small sources.
func BenchmarkRecord(b *testing.B) {
	for b.Loop() {
		s := one(time.Minute, nil)
		for i, octet := range []string{"21", "30"} {
			more := s.Sources[0]
			more.Octet, more.Scene = octet, []recorder.Scene{recorder.Screen(), recorder.Board}[i]
			s.Sources = append(s.Sources, more)
		}
		record(b, s)
	}
}
