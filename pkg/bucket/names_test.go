package bucket_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/nvr-miem/merger/pkg/bucket"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for want, make := range map[string]func() (string, error){
		"504/2026-11-20/2026-11-20_15:00_504_24.mp4": func() (string, error) {
			return bucket.SegmentName("504", "2026-11-20", "2026-11-20_15:00_504_24.mp4")
		},
		"Зал 1/2026-11-20/": func() (string, error) {
			return bucket.SegmentsPrefix("Зал 1", "2026-11-20")
		},
		"7/plans/abc.json": func() (string, error) { return bucket.PlanName(7, "abc") },
		"7/damage/R.json":  func() (string, error) { return bucket.DamageName(7, "R") },
		"7/media/R":        func() (string, error) { return bucket.MediaName(7, "R") },
		"7/parts/abc.json": func() (string, error) { return bucket.PartName(7, "abc") },
		"7/merges/abc.mp4": func() (string, error) { return bucket.MergeName(7, "abc") },
		"7/reports/a.html": func() (string, error) { return bucket.ReportName(7, "a", "html") },
		"learned/k.json":   func() (string, error) { return bucket.LearnedName("k") },
	} {
		if got, err := make(); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	for _, bad := range []string{
		"",
		".",
		"..",
		"a/b",
		"/",
		"a\nb",
		"a\x00",
		"\x7f",
		"\u2028",
		".copies",
		"\xff",
		strings.Repeat("я", 200),
	} {
		if got, err := bucket.SegmentName(bad, "2026-11-20", "x.mp4"); err == nil {
			t.Errorf("room %q became %q", bad, got)
		}
		if got, err := bucket.SegmentsPrefix(bad, "2026-11-20"); err == nil {
			t.Errorf("room %q became %q", bad, got)
		}
	}
}

func FuzzSegmentName(f *testing.F) {
	f.Add("504", "2026-11-20", "x.mp4")
	f.Add("..", "../..", "a/../b")
	f.Fuzz(func(t *testing.T, room, date, file string) {
		name, err := bucket.SegmentName(room, date, file)
		if err != nil {
			return
		}
		if parts := strings.Split(name, "/"); len(parts) != 3 || parts[0] != room || parts[1] != date || parts[2] != file {
			t.Errorf("%q of %q, %q, %q", name, room, date, file)
		}
		if strings.ContainsFunc(name, unicode.IsControl) || len(name) > 1024 || strings.HasPrefix(name, ".copies/") {
			t.Errorf("%q", name)
		}
	})
}
