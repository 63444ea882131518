package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// nbsp keeps a number and its unit on one line.
const nbsp = "\u00a0"

// number writes a measurement with a fixed count of decimals and a true minus sign. An unknown one is a dash.
func (v localizer) number(n Number, decimals int) string {
	if !n.Known() {
		return "—"
	}
	text := v.Fixed(float64(n), decimals)
	if negative, ok := strings.CutPrefix(text, "-"); ok {
		text = negative
		if strings.ContainsAny(text, "123456789") {
			text = "−" + text
		}
	}
	return text
}

// signed is like number, with a plus before what is above zero.
func (v localizer) signed(n Number, decimals int) string {
	text := v.number(n, decimals)
	if n.Known() && n > 0 {
		return "+" + text
	}
	return text
}

// short writes a number with at most the given decimals, without trailing zeros.
func (v localizer) short(f float64, decimals int) string {
	return v.Number(f, decimals)
}

// decimalPoint returns the language's decimal separator.
func (v localizer) decimalPoint() string {
	return strings.Trim(v.Fixed(1.5, 1), "15")
}

// unit returns a number with a unit of the section report.unit.
func (v localizer) unit(unit, number string) string {
	return v.T("report.unit."+unit, "n", number)
}

// bytes writes a size in decimal units.
func (v localizer) bytes(n int64) string {
	units := []string{"b", "kb", "mb", "gb"}
	size, unit := float64(n), 0
	for size >= 999.5 && unit < len(units)-1 {
		size, unit = size/1000, unit+1
	}
	decimals := 0
	if unit == len(units)-1 && size < 100 {
		decimals = 1
	}
	return v.unit(units[unit], v.short(size, decimals))
}

// lasting writes a duration in words: its two largest units, parts of a second below ten seconds.
func (v localizer) lasting(d time.Duration) string {
	if d < 10*time.Second {
		decimals := 1
		if d < 100*time.Millisecond {
			decimals = 2
		}
		return v.nonBreaking(v.T("unit.s", "n", v.short(d.Seconds(), decimals)))
	}
	return v.nonBreaking(v.Length(d.Round(time.Second)))
}

// nonBreaking keeps the words of a text on one line.
func (v localizer) nonBreaking(text string) string {
	return strings.ReplaceAll(text, " ", nbsp)
}

// seconds is lasting for a measured number of seconds. It is a dash if the number is unknown, negative or too
// large for a duration.
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

// clock returns the room's time of day. Seconds are left out if they are zero and were not asked for.
func clock(t Time, seconds bool) string {
	if seconds || t.Second() != 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// hours writes an interval on the room's clock. Either both times have seconds or neither has.
func hours(start, end Time) string {
	seconds := start.Second() != 0 || end.Second() != 0
	return clock(start, seconds) + "–" + clock(end, seconds)
}

// loudness writes a measurement with its true peak, or a dash if nothing was measured.
func (v localizer) loudness(l *Loudness) string {
	if l == nil {
		return "—"
	}
	return fmt.Sprintf(
		"%s%sLUFS, %s %s%sdBTP",
		v.number(l.LUFS, 1), nbsp, v.Label("peak"), v.number(l.TruePeak, 1), nbsp,
	)
}

// capital returns s with an upper-case first letter.
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
