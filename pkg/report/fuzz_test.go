package report_test

import (
	"bytes"
	"testing"

	"github.com/nvr-miem/merger/pkg/report"
)

// FuzzRead feeds the strict reader with anything: what it takes, it can write and take again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"record":{},"stretches":[]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := report.Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := r.Write(&out); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := report.Read(&out); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
