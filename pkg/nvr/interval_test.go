package nvr_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// minute returns an instant of a day by its minute.
func minute(n int) time.Time {
	return time.Date(2026, 11, 20, 0, n, 0, 0, time.UTC)
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		about    string
		in, want []nvr.Interval
		covers   bool
	}{
		{about: "none"},
		{about: "outside", in: []nvr.Interval{{minute(0), minute(10)}, {minute(20), minute(30)}}},
		{
			about: "inside",
			in:    []nvr.Interval{{minute(12), minute(13)}},
			want:  []nvr.Interval{{minute(12), minute(13)}},
		},
		{
			about:  "two that touch, in the wrong order",
			in:     []nvr.Interval{{minute(15), minute(40)}, {minute(0), minute(15)}},
			want:   []nvr.Interval{{minute(10), minute(20)}},
			covers: true,
		},
		{
			about: "one in the other, and a rest",
			in:    []nvr.Interval{{minute(10), minute(18)}, {minute(12), minute(13)}, {minute(19), minute(20)}},
			want:  []nvr.Interval{{minute(10), minute(18)}, {minute(19), minute(20)}},
		},
		{about: "backwards", in: []nvr.Interval{{minute(15), minute(12)}}},
	} {
		if diff := cmp.Diff(test.want, nvr.Within(test.in, minute(10), minute(20))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.about, diff)
		}
		if got := nvr.Cover(test.in, minute(10), minute(20)); got != test.covers {
			t.Errorf("%s: Cover = %v", test.about, got)
		}
	}
}
