package report_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/report"
)

// TestThirdLanguage adds a language by one file. Its texts have full-width letters, so that each English word
// of the page and of the summary is seen.
func TestThirdLanguage(t *testing.T) {
	t.Parallel()
	english, err := fs.ReadFile(os.DirFS("../i18n/locale"), "en.json")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(english, &tree); err != nil {
		t.Fatal(err)
	}
	german, err := json.Marshal(widened(tree))
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := i18n.New(os.DirFS("../i18n/locale"), fstest.MapFS{"de.json": {Data: german}})
	if err != nil {
		t.Fatal(err)
	}
	r := typedSample(t)
	var page, summary bytes.Buffer
	if err := r.HTML(&page, catalog.For("de"), nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Text(&summary, catalog.For("de")); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), `<html lang="de">`) {
		t.Error("the page does not name its language")
	}
	// Units of measurement, names of programs, and what the sample itself holds.
	data := []string{
		"LUFS", "dBTP", "SHA", "NVR", "Merger", "FFmpeg", "Europe", "Moscow", "aac", "deb", "home", "anna",
		"video", "calculus", "mp4", "notes", "txt", "moov",
	}
	word := regexp.MustCompile(`\b[A-Za-z][A-Za-z]{2,}\b`)
	for _, text := range append(visible(t, page.String()), summary.String()) {
		for _, found := range word.FindAllString(text, -1) {
			if !slices.Contains(data, found) {
				t.Errorf("%q is not in the third language: %q", text, found)
			}
		}
	}
}

// typedSample is the sample with codes beside all words.
func typedSample(t *testing.T) *report.Report {
	t.Helper()
	r := sample(t)
	texts := i18n.Default()
	r.Record.Title = ""
	for i := range r.Stretches {
		r.Stretches[i].ReasonFields = report.ReasonFieldsOf(texts, cause.SourceMissing("screen", cause.NoFile()))
	}
	for i := range r.Gaps {
		r.Gaps[i].CauseFields = report.CauseFieldsOf(texts, cause.NoFile())
	}
	for i := range r.Ignored {
		r.Ignored[i].CauseFields = report.CauseFieldsOf(texts, cause.OtherRoom())
		r.Ignored[i].File = "notes.txt"
	}
	for i := range r.Segments {
		if len(r.Segments[i].Faults) > 0 {
			fault := cause.FileEmpty()
			r.Segments[i].Faults = []string{texts.For("en").Cause(fault)}
			r.Segments[i].FaultsRu = nil
			r.Segments[i].FaultCodes = []cause.Cause{fault}
		}
	}
	for i := range r.Sources {
		for j := range r.Sources[i].Spans {
			r.Sources[i].Spans[j].CauseFields = report.CauseFieldsOf(texts, cause.NoFile())
		}
	}
	for i := range r.Sound.Stretches {
		r.Sound.Stretches[i].ReasonFields = report.ReasonFieldsOf(texts, cause.SourceRecorded("lecturer"))
	}
	r.Warnings = []report.Warning{report.WarningOf(texts, cause.NoSoundTrack())}
	return r
}

// visible returns the texts of a page, and those that a screen reader reads.
func visible(t *testing.T, page string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for n := range root.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			texts = append(texts, n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "aria-label" || a.Key == "alt" || a.Key == "data-label" {
				texts = append(texts, a.Val)
			}
		}
	}
	return texts
}

// widened returns a tree of texts with full-width letters outside of placeholders.
func widened(value any) any {
	switch value := value.(type) {
	case map[string]any:
		wide := map[string]any{}
		for name, each := range value {
			if wide[name] = widened(each); name == "plural" {
				wide[name] = each
			}
		}
		return wide
	case string:
		inside := 0
		return strings.Map(func(r rune) rune {
			switch {
			case r == '{':
				inside++
			case r == '}':
				inside--
			case inside == 0 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'):
				return r - 'A' + 'Ａ'
			}
			return r
		}, value)
	}
	return value
}
