package simulate

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
)

// The dimensions of the plot, in pixels.
const (
	panelWidth, panelHeight = 430, 150
	marginLeft, marginTop   = 52, 40
	plotWidth, plotHeight   = panelWidth - marginLeft - 18, panelHeight - marginTop - 26
)

// SVG draws, for each scenario, the number of records that are due or in work, per hour: before and now.
func SVG(scenarios []Scenario, before, now map[string]Row) string {
	var b strings.Builder
	rows := (len(scenarios) + 1) / 2
	fmt.Fprintf(
		&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", 2*panelWidth, rows*panelHeight+24,
	)
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n")
	b.WriteString(`<path d="M52 12h24" stroke="#c0392b" stroke-width="1.5" stroke-dasharray="4 3"/><text x="82" y="16">before</text>` + "\n")
	b.WriteString(`<path d="M140 12h24" stroke="#1f5fa8" stroke-width="2"/><text x="170" y="16">now: records that are due or at work, by the hour from Monday 0:00</text>` + "\n")
	for i, s := range scenarios {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%2*panelWidth, 24+i/2*panelHeight)
		panel(&b, s, before[s.Name], now[s.Name])
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func panel(b *strings.Builder, s Scenario, before, now Row) {
	old, fresh := before.waiting(), now.waiting()
	hours := max(len(old), len(fresh), 2) - 1
	most := nice(max(slices.Max(append(old, 0)), slices.Max(append(fresh, 0))))
	x := func(hour int) float64 { return marginLeft + float64(hour)*plotWidth/float64(hours) }
	y := func(n int) float64 {
		return marginTop + plotHeight*(1-float64(n)/float64(most))
	}

	verdict := share(now) + " within 4 h"
	if before != nil {
		verdict += ", before " + share(before)
	}
	fmt.Fprintf(
		b, `<text x="%d" y="14" font-weight="bold">%s</text><text x="%d" y="29" fill="#444">%s</text>`+"\n", marginLeft, html.EscapeString(s.About), marginLeft, verdict,
	)
	for _, n := range []int{0, most / 2, most} {
		fmt.Fprintf(
			b, `<path d="M%d %.1fh%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" fill="#444">%d</text>`+"\n", marginLeft, y(n), plotWidth, marginLeft-5, y(n)+4, n,
		)
	}
	step := 6
	for hours/step > 9 {
		step *= 2
	}
	for hour := 0; hour <= hours; hour += step {
		fmt.Fprintf(
			b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#444">%d h</text>`+"\n", x(hour), panelHeight-10, hour,
		)
	}
	line := func(values []int, style string) {
		if len(values) == 0 {
			return
		}
		points := make([]string, len(values))
		for hour, n := range values {
			points[hour] = fmt.Sprintf("%.1f,%.1f", x(hour), y(n))
		}
		fmt.Fprintf(
			b, `<polyline fill="none" points="%s" %s/>`+"\n", strings.Join(points, " "), style,
		)
	}
	line(old, `stroke="#c0392b" stroke-width="1.5" stroke-dasharray="4 3"`)
	line(fresh, `stroke="#1f5fa8" stroke-width="2"`)
}

// nice rounds up to an even digit followed by zeros.
func nice(n int) int {
	if n <= 2 {
		return 2
	}
	text := strconv.Itoa(n)
	unit := 1
	for range len(text) - 1 {
		unit *= 10
	}
	for _, step := range []int{2, 4, 6, 8, 10} {
		if n <= step*unit {
			return step * unit
		}
	}
	return 20 * unit
}
