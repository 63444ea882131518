package report_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/report"
)

func thumb(t *testing.T, at time.Time) report.Thumb {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, 32, 9)), nil); err != nil {
		t.Fatal(err)
	}
	return report.Thumb{At: at, JPEG: out.Bytes()}
}

func page(t *testing.T, r *report.Report, lang string, thumbs ...report.Thumb) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.HTML(&out, i18n.Default().For(lang), thumbs); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func summary(t *testing.T, r *report.Report, lang string) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Text(&out, i18n.Default().For(lang)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPageSaysItAll(t *testing.T) {
	t.Parallel()
	for lang, wants := range map[string][]string{
		"en": {`<html lang="en">`, "1:20:00", "120,000", "Lecturer (24)", "the recorder restarted: nothing was written", "30:01.2",
			"15:41:10–15:42:18", "1 min 8 s", "−16.0 LUFS", "0.29", "truncated: no index (moov)", "98.6%", "of room 506", "FFmpeg 5.1 is"},
		"ru": {`<html lang="ru">`, "120 000", "Лектор (24)", "регистратор перезапустился: ничего не записано", "30:01,2",
			"20 ноября 2026", "1 мин 8 с", "−16,0 LUFS", "обрезан: нет индекса (moov)", "98,6 %", "аудитория 506", "not a segment name"},
	} {
		r := sample(t)
		text := page(
			t,
			r,
			lang,
			thumb(t, r.Record.Start.Add(20*time.Minute)),
			thumb(t, r.Record.Start.Time),
		)
		text = strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(html.UnescapeString(text))
		for _, want := range append(wants, title) {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page does not say %q", lang, want)
			}
		}
		if first, second := strings.Index(text, ">15:10:00</time>"), strings.Index(text, ">15:30:00</time>"); first < 0 || second < first {
			t.Errorf("%s: thumbnails at %d and %d", lang, first, second)
		}
	}
}

// TestPageIsSelfContained walks the parsed page: nothing in it runs, loads or comes from a value as markup.
func TestPageIsSelfContained(t *testing.T) {
	t.Parallel()
	resource := regexp.MustCompile(`(?i)https?:|//|url\(|@import`)
	for _, lang := range []string{"en", "ru"} {
		r := sample(t)
		r.Stretches[0].Reason = `"><img src=https://example.org/x onerror=alert(1)>`
		r.Stretches[0].ReasonRu = r.Stretches[0].Reason
		r.Segments[0].File = `</title></svg><style>@import "https://example.org"</style>`
		r.Output.Path = "https://example.org/\u202egnp.mp4"
		text := page(t, r, lang, thumb(t, r.Record.Start.Time))
		if strings.Contains(text, "<script") {
			t.Errorf("%s: a script", lang)
		}
		root, err := html.Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		styles, images := 0, 0
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			switch n.Data {
			case "script", "link", "iframe", "object", "base", "form", "a":
				t.Errorf("%s: an element %s", lang, n.Data)
			case "style":
				styles++
				if css := strings.NewReplacer("url(#", "").Replace(n.FirstChild.Data); resource.MatchString(css) {
					t.Errorf("%s: the style loads something", lang)
				}
			case "img":
				images++
			}
			for _, a := range n.Attr {
				loads := a.Key == "src" || a.Key == "href" || a.Key == "srcset" || a.Key == "style"
				if strings.HasPrefix(a.Key, "on") || loads && !strings.HasPrefix(a.Val, "data:image/jpeg;base64,") {
					t.Errorf("%s: %s has %s=%q", lang, n.Data, a.Key, a.Val)
				}
			}
		}
		if styles != 1 || images != 1 {
			t.Errorf("%s: %d styles and %d images", lang, styles, images)
		}
	}
}

// TestStripsAreToldInWords: who does not see the strips reads or hears what they show.
func TestStripsAreToldInWords(t *testing.T) {
	t.Parallel()
	text := page(t, sample(t), "en")
	for _, want := range []string{
		`aria-label="screen (21): recorded 100%; card, no presentation 15:10:00–15:17:04; card, no presentation 16:02:40–16:30:00"`,
		`aria-label="board (30): recorded 55%; missing 15:30–16:00; missing 16:24–16:30"`,
		`x="38.9583%" width="1.4167%"`, // 15:41:10, 68 s of 80 min
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
}

func TestPageRefusesWhatIsNoPicture(t *testing.T) {
	t.Parallel()
	r := sample(t)
	var out bytes.Buffer
	if r.HTML(&out, i18n.Default().For("en"), []report.Thumb{{
		At:   r.Record.Start.Time,
		JPEG: []byte("<svg onload=alert(1)>"),
	}}) == nil || out.Len() > 0 {
		t.Errorf("no error for a thumbnail that is no JPEG, %d bytes written", out.Len())
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	for lang, wants := range map[string][]string{
		"en": {"\nMissing       15:41:10–15:42:18  lecturer (24)  1 min 8 s  the recorder restarted: nothing was written\n",
			"\n              15:17:04  lecturer + screen  a presentation is on the screen\n",
			"−23.4 → −16.0 LUFS, true peak −1.6 dBTP\n", "0.29 of the record’s length", "8 files used, 3 with faults, 2 files ignored"},
		"ru": {"\nНет записи    15:41:10–15:42:18  лектор (24)  1 мин 8 с  регистратор перезапустился: ничего не записано\n",
			"8 файлов в работе", "2 посторонних файла", "0,29 от длительности"},
	} {
		text := summary(t, sample(t), lang)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the summary does not say %q:\n%s", lang, want, text)
			}
		}
		if lines := strings.Count(text, "\n"); lines < 12 || lines > 18 {
			t.Errorf("%s: %d lines", lang, lines)
		}
	}
}

func TestSummaryDoesNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	r := sample(t)
	r.Record.Title = "a\x1b[2Jb\nc\rd\u202ee\u2028f 👩‍🏫"
	r.Output.Path = "/tmp/x\x9b31m.mp4"
	r.Gaps[0].Cause = "one\ntwo"
	text := summary(t, r, "en")
	if strings.ContainsAny(text, "\x1b\r\u202e\u2028\u009b") || strings.Contains(text, "\ntwo") {
		t.Errorf("%q", text)
	}
	if !strings.Contains(text, "👩‍🏫") {
		t.Error("an emoji is lost")
	}
}

// TestOddReports are shown without a crash: nothing missing, nothing known, many short stretches.
func TestOddReports(t *testing.T) {
	t.Parallel()
	whole := sample(t)
	whole.Gaps, whole.Warnings, whole.Ignored = nil, nil, nil
	if text := page(t, whole, "en"); !strings.Contains(text, "Nothing is missing") || strings.Contains(text, "Please note") {
		t.Error("the page of a whole record does not say so")
	}
	if text := summary(t, whole, "ru"); !strings.Contains(text, "Ничего не пропало") {
		t.Error(text)
	}
	page(t, &report.Report{}, "ru")
	summary(t, &report.Report{}, "en")

	many := sample(t)
	stretch := many.Stretches[0]
	many.Stretches = nil
	for at := many.Record.Start.Time; at.Before(many.Record.End.Time); at = at.Add(20 * time.Second) {
		stretch.Start, stretch.End = report.At(at), report.At(at.Add(20*time.Second))
		many.Stretches = append(many.Stretches, stretch)
	}
	if err := many.Validate(); err != nil {
		t.Error(err)
	}
	if text := summary(t, many, "en"); !strings.Contains(text, "… 230 more") {
		t.Error(text)
	}
	page(t, many, "en")
}

// TestAxisIsTheRoomsClock: ticks at round times of the room, also where the record starts between them.
func TestAxisIsTheRoomsClock(t *testing.T) {
	t.Parallel()
	r := sample(t)
	r.Record.Start = report.At(r.Record.Start.Add(3 * time.Minute)) // 15:13 to 16:30
	text := page(t, r, "en")
	if !strings.Contains(text, `x="9.0909%" y="13" text-anchor="middle">15:20</text>`) {
		t.Error("no tick 7 of 77 minutes in that says 15:20")
	}
}
