package httpapi_test

import (
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// TestArray sends arrays in pieces, some of them without a value.
func TestArray(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		pieces [][]int
		want   string
	}{
		{"nothing", [][]int{{}}, "[]\n"},
		{"one piece", [][]int{{1, 2}}, "[1,2]\n"},
		{"two pieces", [][]int{{1}, {2, 3}}, "[1,2,3]\n"},
		{"an empty piece first", [][]int{{}, {}, {1, 2}}, "[1,2]\n"},
		{"an empty piece between", [][]int{{1}, {}, {2}}, "[1,2]\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer := httptest.NewRecorder()
			array := httpapi.NewArray(answer)
			for i, piece := range tt.pieces {
				if i > 0 {
					array.Flush()
				}
				for _, value := range piece {
					array.Add(value)
				}
			}
			array.End()
			if diff := cmp.Diff(tt.want, answer.Body.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
