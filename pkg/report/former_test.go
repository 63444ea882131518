package report_test

import (
	"os"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/report"
)

// TestReadsFormerReport reads a report of the former version, whose causes are words without codes.
func TestReadsFormerReport(t *testing.T) {
	file, err := os.Open("testdata/former_report.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	r, err := report.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Gaps) == 0 {
		t.Fatal("the report has no gaps")
	}
	if gap := r.Gaps[0]; gap.Cause == "" || gap.Code != "" {
		t.Errorf("gap %+v, want words without a code", gap)
	}
	var text strings.Builder
	if err := r.HTML(&text, i18n.Default().For("ru"), nil); err != nil {
		t.Fatal(err)
	}
	if want := r.Gaps[0].CauseRu; !strings.Contains(text.String(), want) {
		t.Errorf("the page lacks %q", want)
	}
}
