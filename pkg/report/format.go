package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// nbsp keeps a number and its unit on one line.
const nbsp = "\u00a0"

// number writes a measurement with a fixed count of decimals; a dash for what is unknown.
func (v localizer) number(n Number, decimals int) string {
	if !n.Known() {
		return "—"
	}
	text := strconv.FormatFloat(float64(n), 'f', decimals, 64)
	if negative, ok := strings.CutPrefix(text, "-"); ok {
		text = negative
		if strings.Trim(text, "0.") != "" {
			text = "−" + text
		}
	}
	return strings.Replace(text, ".", v.Decimal, 1)
}

// signed is number with a plus before what is above zero.
func (v localizer) signed(n Number, decimals int) string {
	text := v.number(n, decimals)
	if n.Known() && n > 0 {
		return "+" + text
	}
	return text
}

// short is number without trailing zeros.
func (v localizer) short(f float64, decimals int) string {
	return strings.Replace(decimal(f, decimals), ".", v.Decimal, 1)
}

// count writes a whole number in groups of three.
func (v localizer) count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + v.Group + text[i:]
	}
	return text
}

// plural is a number and its noun.
func (v localizer) plural(n int, noun forms) string {
	form := noun[2]
	switch {
	case v.lang != Russian:
		if n == 1 {
			form = noun[0]
		}
	case n%10 == 1 && n%100 != 11:
		form = noun[0]
	case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		form = noun[1]
	}
	return v.count(int64(n)) + " " + form
}

// bytes writes a size in decimal units.
func (v localizer) bytes(n int64) string {
	size, unit := float64(n), 0
	for size >= 999.5 && unit < len(v.Bytes)-1 {
		size, unit = size/1000, unit+1
	}
	decimals := 0
	if unit == len(v.Bytes)-1 && size < 100 {
		decimals = 1
	}
	return v.short(size, decimals) + nbsp + v.Bytes[unit]
}

// lasting writes a duration in words: its two largest units, parts of a second below ten seconds.
func (v localizer) lasting(d time.Duration) string {
	if d < 10*time.Second {
		decimals := 1
		if d < 100*time.Millisecond {
			decimals = 2
		}
		return v.short(d.Seconds(), decimals) + nbsp + v.S
	}
	d = d.Round(time.Second)
	if d >= time.Hour {
		d = d.Round(time.Minute)
		return v.units(int64(d/time.Hour), v.H, int64(d%time.Hour/time.Minute), v.Min)
	}
	return v.units(int64(d/time.Minute), v.Min, int64(d%time.Minute/time.Second), v.S)
}

func (v localizer) units(large int64, largeUnit string, small int64, smallUnit string) string {
	var parts []string
	if large > 0 {
		parts = append(parts, fmt.Sprintf("%d%s%s", large, nbsp, largeUnit))
	}
	if small > 0 {
		parts = append(parts, fmt.Sprintf("%d%s%s", small, nbsp, smallUnit))
	}
	return strings.Join(parts, nbsp)
}

// seconds is lasting for a measured number of seconds.
func (v localizer) seconds(n Number) string {
	const most = 1e9 // about 30 years; a longer one would overflow a duration
	if !n.Known() || n < 0 || n > most {
		return "—"
	}
	return v.lasting(time.Duration(float64(n) * float64(time.Second)))
}

// length writes a duration as on a player: h:mm:ss.
func length(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// clock is the room's time of day; seconds only where asked for or not zero.
func clock(t Time, seconds bool) string {
	if seconds || t.Second() != 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// hours is an interval on the room's clock.
func hours(start, end Time) string {
	seconds := start.Second() != 0 || end.Second() != 0
	return clock(start, seconds) + "–" + clock(end, seconds)
}

// date is the day in words.
func (v localizer) date(t Time) string {
	return fmt.Sprintf("%d %s %d", t.Day(), v.Months[t.Month()-1], t.Year())
}

// loudness is a measurement in words.
func (v localizer) loudness(l *Loudness) string {
	if l == nil {
		return "—"
	}
	return fmt.Sprintf(
		"%s%sLUFS, %s %s%sdBTP",
		v.number(l.LUFS, 1), nbsp, v.Peak, v.number(l.TruePeak, 1), nbsp,
	)
}

// capital begins a line with a large letter.
func capital(s string) string {
	if s == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// tame takes out of untrusted text what would steer a terminal or turn the line around: control and
// format characters, line and paragraph breaks. A character of which only the look changes stays.
func tame(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\u200d' || r == '\u200c': // joiners: part of emoji and of some scripts
			return r
		case unicode.In(
			r,
			unicode.Cc,
			unicode.Cf,
			unicode.Zl,
			unicode.Zp,
		), r == unicode.ReplacementChar:
			return '\ufffd'
		}
		return r
	}, s)
}
