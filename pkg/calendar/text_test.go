package calendar_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/calendar"
	"github.com/nvr-miem/merger/pkg/nvr"
)

func TestHold(t *testing.T) {
	t.Parallel()
	for description, want := range map[string]bool{
		"hold":        true,
		"<p>HOLD</p>": true,
		"поток: ALG\n* На&nbsp;проверку.": true,
		"hоld":                            true, // the second letter is Cyrillic
		"":                                false,
		"We hold the lecture in room 504": false,
		"Работы сдать на проверку до среды": false,
		"на\nпроверку": false,
	} {
		if got := calendar.Hold(description); got != want {
			t.Errorf("Hold(%q) = %t, want %t", description, got, want)
		}
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	for description, want := range map[string]nvr.Layout{
		"layout: stage":                                  nvr.LayoutStage,
		"Лекция\n• Вид: сцена.":                          nvr.LayoutStage,
		"<p>LAYOUT:&nbsp;<b>Side</b></p>":                nvr.LayoutSide,
		"вид: рядом":                                     nvr.LayoutSide,
		"lауоut: stаge (of look-alike Cyrillic letters)": "",
		"lауоut: stаge":                                  nvr.LayoutStage,
		"layout: wide\nвид: сцена":                       nvr.LayoutStage,
		"The layout of the stage":                        "",
		"вид: ":                                          "",
		"":                                               "",
	} {
		if got := calendar.Layout(description); got != want {
			t.Errorf("Layout(%q) = %q, want %q", description, got, want)
		}
	}
}

func TestCourseCode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		about, description, code string
		named                    bool
	}{
		{"a row", "Лекция 4\nпоток: CS101\nдо встречи", "CS101", true},
		{"in English", "Course: CS101", "CS101", true},
		{"without regard to case", "ПОТОК:CS101", "CS101", true},
		{"spaces and non-breaking spaces", "Поток\u00a0:\u00a0\u00a0CS101 ", "CS101", true},
		{"as an entity", "поток:&nbsp;CS101&nbsp;", "CS101", true},
		{"HTML rows", "<p>Лекция</p><p><b>Поток:</b> CS101</p>", "CS101", true},
		{"line breaks", "Лекция<br>поток: CS101<br/>ещё", "CS101", true},
		{"a list", "<ul><li>Лекция</li><li>поток: CS101</li></ul>", "CS101", true},
		{"a bullet", "• Поток: CS101;", "CS101", true},
		{"a link's text", `поток: <a href="http://cs.101" target="_blank">CS.101</a>`, "CS.101", true},
		{"numeric entities", "&#1087;&#1086;&#1090;&#1086;&#1082;: CS101", "CS101", true},
		{"a keyword with Latin letters", "пoтoк: CS101", "CS101", true},
		{"a keyword with Cyrillic letters", "соursе: CS101", "CS101", true},
		{"a code with a Cyrillic letter", "course: СS101", "CS101", true},
		{"a code with a Latin letter", "поток: БИB201", "БИВ201", true},
		{"a name with spaces", "поток: Линейная алгебра 2026.", "Линейная алгебра 2026", true},
		{"in quotes", "поток: «БПМИ-211»", "БПМИ-211", true},
		{"an invisible character", "поток: CS\u200b101\u00ad", "CS101", true},
		{"full-width colon", "поток：CS101", "CS101", true},
		{"a link to the course", "поток: https://classroom.google.com/c/NDIxMTIzNDU2Nzg5", "421123456789", true},
		{"a link with an account", "поток: https://classroom.google.com/u/1/c/NDIxMTIzNDU2Nzg5?hl=ru", "421123456789", true},
		{"alone on the first line", "CS101\nЛекция 4", "CS101", false},
		{"alone in HTML", "<div><span>&nbsp;abc4def </span></div>Лекция", "abc4def", false},
		{"a row wins over the first line", "Семинар\nпоток: CS101", "CS101", true},
		{"an empty row counts for nothing", "поток:\ncourse: CS101", "CS101", true},
		{"a sentence is no code", "Обсуждаем итоги\nдва", "", false},
		{"not alone on the first line", "Лекция\nCS101", "Лекция", false},
		{"a keyword inside a row is none", "Наш поток: CS101", "", false},
		{"nothing", "", "", false},
		{"only tags", "<p>&nbsp;</p><br>", "", false},
		{"a plain less-than", "поток: A<B, <C", "A<B, <C", true},
		{"a comment", "<!-- x -->поток: CS101", "CS101", true},
		{"an unclosed tag", "поток: CS101 <a href=\"", "CS101 <a href=", true},
	} {
		code, named := calendar.CourseCode(test.description)
		if code != test.code || named != test.named {
			t.Errorf(
				"%s: CourseCode(%q) = %q, %v, want %q, %v",
				test.about, test.description, code, named, test.code, test.named,
			)
		}
	}
}

func TestOptOut(t *testing.T) {
	t.Parallel()
	for description, want := range map[string]bool{
		"без записи":                     true,
		"Прошу БЕЗ ЗАПИСИ, спасибо":      true,
		"<b>Без</b>&nbsp;записи":         true,
		"без\u00a0записи":                true,
		"Please, No Recording!":          true,
		"no\nrecording":                  true,
		"nо rеcоrding":                   true, // Cyrillic о and е
		"бeз зaпиcи":                     true, // Latin e, a, c
		"casino recording":               false,
		"Хлебез записи":                  false,
		"запись обязательна":             false,
		"":                               false,
		"casino recording; no recording": false,
		"без записи / no recording":      true,
		"🚫 Без записи!":                  true,
		"Лекция 4\n• без записи\nCS101":  true,
		"No recording, please":           true,
		"Лекция без записи":              true,
		"Вход свободный, без записи":     false,
		"В прошлый раз остались без записи": false,
		"There is no recording of week 3":   false,
		"не без записи":                     false,
		"no recording\u00a0studio needed":   false,
		"приходите без записи":              false,
		"без\u00adза записи":                false,
		"<p>Лекция</p><p>без записи</p>":    true,
		"&#x431;&#x435;&#x437; записи":      true,
		"<span>б</span><i>ез</i> записи.":   true,
	} {
		if got := calendar.HasOptOutWords(description); got != want {
			t.Errorf("OptOut(%q) = %v, want %v", description, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	got := calendar.Lines("<p>one &amp; two</p>\r\n<ul><li>3 < 4</li></ul><foo>five</foo><br><br> \u200b ")
	if want := []string{"one & two", "3 < 4", "<foo>five</foo>"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzDescription(f *testing.F) {
	for _, seed := range []string{
		"поток: CS101",
		"<p>course:&nbsp;<a href='x>y'>CS</a></p>",
		"<<<a",
		strings.Repeat("<a ", 100),
		"no recording",
		"https://classroom.google.com/c/AA==",
		"поток: https://classroom.google.com/c/NDIx",
		"&#xD800;&#0;\xff<br",
		"<!-- --",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		calendar.HasOptOutWords(text)
		code, _ := calendar.CourseCode(text)
		if !utf8.ValidString(code) || utf8.RuneCountInString(code) > 200 || strings.ContainsAny(code, "\n\r\x00") {
			t.Errorf("CourseCode(%q) = %q", text, code)
		}
		if l := calendar.Layout(text); l != "" && !l.Known() {
			t.Errorf("Layout(%q) = %q", text, l)
		}
		for _, line := range calendar.Lines(text) {
			if line == "" || strings.ContainsAny(line, "\n\r") {
				t.Errorf("Lines(%q) has a row %q", text, line)
			}
		}
	})
}

func BenchmarkManyTags(b *testing.B) {
	text := strings.Repeat(`<a title="`, 25000)
	for b.Loop() {
		calendar.CourseCode(text)
	}
}
