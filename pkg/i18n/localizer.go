package i18n

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	xlang "golang.org/x/text/language"
	xmessage "golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/nvr-miem/merger/pkg/cause"
)

// Localizer makes texts of one language. It is safe for concurrent use.
type Localizer struct {
	tag      xlang.Tag
	messages map[string]message
	causes   map[cause.Code]string // key by code
	fallback *Localizer            // English
}

func newLocalizer(tag xlang.Tag) *Localizer {
	return &Localizer{
		tag:      tag,
		messages: map[string]message{},
		causes:   map[cause.Code]string{},
	}
}

// addTree adds the texts of an object whose name is prefix.
func (l *Localizer) addTree(prefix string, tree map[string]any) error {
	for name, value := range tree {
		key := prefix + name
		if object, ok := value.(map[string]any); ok && object["plural"] == nil {
			if err := l.addTree(key+".", object); err != nil {
				return err
			}
			continue
		}
		m, err := parseMessage(value)
		if err != nil {
			return fmt.Errorf("text %q: %w", key, err)
		}
		l.messages[key] = m
		if strings.HasPrefix(key, causePrefix) {
			l.causes[cause.Code(key[strings.LastIndexByte(key, '.')+1:])] = key
		}
	}
	return nil
}

// causePrefix begins the keys of the causes' texts.
const causePrefix = "cause."

// Language returns the tag of the language, such as "ru".
func (l *Localizer) Language() string {
	return l.tag.String()
}

// Has reports whether the language itself has a text for the key.
func (l *Localizer) Has(key string) bool {
	_, ok := l.messages[key]
	return ok
}

// Keys returns the keys of all texts of the language, sorted.
func (l *Localizer) Keys() []string {
	return slices.Sorted(maps.Keys(l.messages))
}

// Args returns the names of the arguments of a text, sorted.
func (l *Localizer) Args(key string) []string {
	return l.messages[key].names()
}

// T returns the text of a key. Arguments are pairs of a name and a value. A value is a string, a number, a
// [time.Duration], a [time.Time], a [cause.Cause] or a list of causes. An unknown key or argument shows in
// double brackets, so that a test finds it. Formats of placeholders:
//
//	{x}           the value; numbers with the language's decimal separator
//	{x|plain}     a number without grouping
//	{x|date}      15 January 2025; from a time, RFC 3339 or YYYY-MM-DD
//	{x|clock}     15:04; from a time or RFC 3339
//	{x|datetime}  date and clock
//	{x|length}    1 h 20 min; from a duration or seconds
//	{x|role}      any other word: the text of key "role.<value>"
func (l *Localizer) T(key string, args ...any) string {
	values := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		values[fmt.Sprint(args[i])] = args[i+1]
	}
	return l.text(key, values)
}

func (l *Localizer) text(key string, values map[string]any) string {
	m, ok := l.messages[key]
	if !ok && l.fallback != nil && l.fallback != l {
		return l.fallback.text(key, values)
	}
	if !ok {
		return "⟦" + key + "⟧"
	}
	pieces := m.pieces
	if m.count != "" {
		pieces = l.form(m, values[m.count])
	}
	var b strings.Builder
	for _, p := range pieces {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		value, ok := values[p.name]
		if !ok {
			b.WriteString("⟦" + p.name + "⟧")
			continue
		}
		b.WriteString(l.format(value, p.format))
	}
	return b.String()
}

// form returns the pieces of the plural form of a count.
func (l *Localizer) form(m message, count any) []piece {
	n, err := strconv.ParseFloat(fmt.Sprint(count), 64)
	form := plural.Other
	if err == nil && n == float64(int64(n)) {
		form = plural.Cardinal.MatchPlural(l.tag, int(n), 0, 0, 0, 0)
	}
	if pieces, ok := m.forms[form]; ok {
		return pieces
	}
	return m.forms[plural.Other]
}

// HasCause reports whether the language, or English, has a sentence for the cause's code.
func (l *Localizer) HasCause(c cause.Cause) bool {
	if _, ok := l.causes[c.Code()]; ok {
		return true
	}
	return l.fallback != nil && l.fallback != l && l.fallback.HasCause(c)
}

// Cause returns the sentence of a cause. It is empty for no cause. A code that the catalogue lacks, such as one
// of a newer version, shows as the code and its arguments.
func (l *Localizer) Cause(c cause.Cause) string {
	if c.IsZero() {
		return ""
	}
	if c.Is(cause.CodeText) {
		return l.stored(c.Args())
	}
	key, ok := l.causes[c.Code()]
	if !ok && l.fallback != nil && l.fallback != l {
		return l.fallback.Cause(c)
	}
	if !ok {
		return c.String()
	}
	return l.text(key, c.Args())
}

// stored returns a text that a row of the former version holds in the language, else in English.
func (l *Localizer) stored(args map[string]any) string {
	if text, ok := args[l.Language()].(string); ok && text != "" {
		return text
	}
	text, _ := args[base].(string)
	return text
}

// Causes returns the sentences of several causes, separated by semicolons.
func (l *Localizer) Causes(causes []cause.Cause) string {
	texts := make([]string, len(causes))
	for i, c := range causes {
		texts[i] = l.Cause(c)
	}
	return strings.Join(texts, "; ")
}

// format returns a value as the placeholder's format asks.
func (l *Localizer) format(value any, format string) string {
	switch format {
	case "":
		return l.plain(value)
	case "plain":
		return fmt.Sprint(value)
	case "date", "clock", "datetime":
		return l.instant(value, format)
	case "length":
		return l.Length(duration(value))
	}
	key := format + "." + fmt.Sprint(value)
	if !l.Has(key) && (l.fallback == nil || !l.fallback.Has(key)) {
		return fmt.Sprint(value)
	}
	return l.T(key)
}

// plain returns a value without a format.
func (l *Localizer) plain(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case cause.Cause:
		return l.Cause(value)
	case []cause.Cause:
		return l.Causes(value)
	case time.Duration:
		return l.Length(value)
	case time.Time:
		return l.Date(value) + " " + l.Clock(value)
	case json.Number:
		x, err := value.Float64()
		if err != nil {
			return value.String()
		}
		return l.Number(x, 3)
	case int:
		return l.Number(float64(value), 0)
	case int64:
		return l.Number(float64(value), 0)
	case float64:
		return l.Number(value, 3)
	}
	return fmt.Sprint(value)
}

// instant returns a date or a time of day. A text that is neither is shown as it is.
func (l *Localizer) instant(value any, format string) string {
	t, ok := value.(time.Time)
	if !ok {
		text := fmt.Sprint(value)
		var err error
		if t, err = time.Parse(time.RFC3339, text); err != nil {
			if t, err = time.Parse(time.DateOnly, text); err != nil {
				return text
			}
		}
	}
	switch format {
	case "date":
		return l.Date(t)
	case "clock":
		return l.Clock(t)
	}
	return l.Date(t) + " " + l.Clock(t)
}

// duration returns a value of seconds as a duration.
func duration(value any) time.Duration {
	if d, ok := value.(time.Duration); ok {
		return d
	}
	seconds, err := time.ParseDuration(fmt.Sprint(value) + "s")
	if err != nil {
		return 0
	}
	return seconds
}

// Number returns a number with the language's separators and at most the given decimals.
func (l *Localizer) Number(x float64, decimals int) string {
	return xmessage.NewPrinter(l.tag).Sprint(number.Decimal(x, number.MaxFractionDigits(decimals)))
}

// Fixed returns a number with the language's separators and exactly the given decimals.
func (l *Localizer) Fixed(x float64, decimals int) string {
	fixed := number.Decimal(x, number.MinFractionDigits(decimals), number.MaxFractionDigits(decimals))
	return xmessage.NewPrinter(l.tag).Sprint(fixed)
}

// Date returns a day, such as 15 January 2025.
func (l *Localizer) Date(t time.Time) string {
	month := l.T("date.month." + strconv.Itoa(int(t.Month())))
	return l.T(
		"date.long",
		"day", strconv.Itoa(t.Day()),
		"month", month,
		"year", strconv.Itoa(t.Year()),
	)
}

// Clock returns the time of day as HH:MM, in the time's location.
func (l *Localizer) Clock(t time.Time) string {
	return t.Format("15:04")
}

// Length returns a duration in words: hours and minutes from an hour on, minutes and seconds from a minute on,
// else seconds with at most one decimal.
func (l *Localizer) Length(d time.Duration) string {
	unit := func(n time.Duration, key string) string {
		return l.T("unit."+key, "n", int64(n))
	}
	join := func(big, small string, rest time.Duration) string {
		if rest == 0 {
			return big
		}
		return big + " " + small
	}
	switch {
	case d >= time.Hour:
		d = d.Round(time.Minute)
		rest := d % time.Hour / time.Minute
		return join(unit(d/time.Hour, "h"), unit(rest, "min"), rest)
	case d >= time.Minute:
		d = d.Round(time.Second)
		rest := d % time.Minute / time.Second
		return join(unit(d/time.Minute, "min"), unit(rest, "s"), rest)
	}
	return l.T("unit.s", "n", d.Seconds())
}
