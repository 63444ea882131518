package timeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/timeline"
)

func TestWithhold(t *testing.T) {
	t.Parallel()
	span := func(first, end int64, file int) timeline.Span {
		return timeline.Span{First: first, End: end, File: file}
	}
	for _, test := range []struct {
		about      string
		first, end int64
		want       []timeline.Span
	}{
		{"inside a span", 2, 4, []timeline.Span{span(0, 2, 0), span(2, 4, -1), span(4, 10, 0), span(10, 20, 1)}},
		{"over a joint", 8, 12, []timeline.Span{span(0, 8, 0), span(8, 12, -1), span(12, 20, 1)}},
		{"from the start", 0, 10, []timeline.Span{span(0, 10, -1), span(10, 20, 1)}},
		{"all", 0, 20, []timeline.Span{span(0, 20, -1)}},
	} {
		got := timeline.Withhold([]timeline.Span{span(0, 10, 0), span(10, 20, 1)}, test.first, test.end, cause.Withheld())
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(timeline.Span{}, "Cause")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.about, diff)
		}
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	listens := []timeline.Listen{{First: 0, End: 10, Source: 1}, {First: 10, End: 20, Source: 2}}
	got := timeline.Without(listens, []timeline.Listen{{First: 2, End: 3}, {First: 8, End: 12}, {First: 15, End: 30}})
	want := []timeline.Listen{
		{First: 0, End: 2, Source: 1},
		{First: 3, End: 8, Source: 1},
		{First: 12, End: 15, Source: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Without (-want +got):\n%s", diff)
	}
}
