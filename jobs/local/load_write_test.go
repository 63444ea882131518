package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// loadColumn is one thing that was seen at each time.
type loadColumn struct {
	name  string // in the table
	about string // in the plot
	panel int    // of the plot
	of    func(s []loadSample, i int) float64
}

// rateOver is the time over which the plot tells how many records were done.
const rateOver = 12 // samples

func loadColumns() []loadColumn {
	const mb = 1 << 20
	one := func(of func(loadSample) float64) func([]loadSample, int) float64 {
		return func(s []loadSample, i int) float64 { return of(s[i]) }
	}
	return []loadColumn{
		{"records_per_second", "records a second, over a minute", 0, func(s []loadSample, i int) float64 {
			return stretch(s[max(0, i-rateOver) : max(1, i)+1]).perSecond()
		}},
		{"core_seconds_per_record", "seconds of a core a record, all processes", 1, func(s []loadSample, i int) float64 {
			return stretch(s[max(0, i-rateOver) : max(1, i)+1]).each()
		}},
		{"functions_memory_mb", "MB of memory, all functions", 2, one(func(s loadSample) float64 { return float64(s.functions.RSS) / mb })},
		{"serve_memory_mb", "MB of memory, serve with the stand-ins", 2, one(func(s loadSample) float64 { return float64(s.serve.RSS) / mb })},
		{"functions_heap_mb", "MB of live heap, all functions", 3, one(func(s loadSample) float64 { return float64(s.functions.Heap) / mb })},
		{"serve_heap_mb", "MB of live heap, serve with the stand-ins", 3, one(func(s loadSample) float64 { return float64(s.serve.Heap) / mb })},
		{"functions_goroutines", "goroutines, all functions", 4, one(func(s loadSample) float64 { return float64(s.functions.Goroutines) })},
		{"serve_goroutines", "goroutines, serve with the stand-ins", 4, one(func(s loadSample) float64 { return float64(s.serve.Goroutines) })},
	}
}

// rowsShown is how many rows the table in docs/ has at most.
const rowsShown = 200

// write puts what was seen into docs/ as a table and as a plot over the records that were done.
func (l *load) write(docs string) {
	columns := loadColumns()
	text := "seconds,records_done"
	for _, column := range columns {
		text += "," + column.name
	}
	text += "\n"
	for i := 1; i < len(l.samples); i += 1 + len(l.samples)/rowsShown {
		text += fmt.Sprintf("%.0f,%d", l.samples[i].at.Seconds(), l.samples[i].done)
		for _, column := range columns {
			text += fmt.Sprintf(",%.4g", column.of(l.samples, i))
		}
		text += "\n"
	}
	for name, content := range map[string]string{"load-pipeline.csv": text, "load-pipeline.svg": l.plot(columns)} {
		if err := os.WriteFile(filepath.Join(docs, name), []byte(content), 0o644); err != nil { // #nosec G306 -- documentation
			l.Fatal(err)
		}
	}
}

// plot draws a panel below the other, each from zero, over the records that were done.
func (l *load) plot(columns []loadColumn) string {
	const width, left, right, high, panels = 860.0, 56.0, 24.0, 150.0, 5
	height := high*panels + 30
	x := func(done int) float64 { return left + float64(done)/float64(l.records)*(width-left-right) }
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="system-ui, sans-serif" font-size="12" fill="#808488" role="img" aria-label="Throughput, memory and goroutines over the records that were done">`+"\n",
		width, height, width, height)
	for panel := range panels {
		bottom, most := high*float64(panel+1)-12, 0.0
		for _, column := range columns {
			for i := range l.samples {
				if i > 0 && column.panel == panel {
					most = max(most, column.of(l.samples, i))
				}
			}
		}
		top := 1.25 * most
		y := func(value float64) float64 { return bottom - value/top*(high-24) }
		for _, value := range []float64{0, most} {
			fmt.Fprintf(&svg, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#808488" stroke-opacity="0.3"/><text x="%.0f" y="%.1f" text-anchor="end">%.3g</text>`+"\n",
				left, width-right, y(value), y(value), left-6, y(value)+4, value)
		}
		drawn := 0.0
		for _, column := range columns {
			if column.panel != panel {
				continue
			}
			var points strings.Builder
			for i := range l.samples {
				if i > 0 {
					fmt.Fprintf(&points, "%.1f,%.1f ", x(l.samples[i].done), y(column.of(l.samples, i)))
				}
			}
			colour := []string{"#2f8f5b", "#c0703a"}[int(drawn)]
			fmt.Fprintf(&svg, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/><text x="%.0f" y="%.1f" fill="%s">%s</text>`+"\n",
				colour, strings.TrimSpace(points.String()), left+8+360*drawn, bottom-high+34, colour, column.about)
			drawn++
		}
	}
	for _, done := range []int{0, l.records / 4, l.records / 2, l.records * 3 / 4, l.records} {
		fmt.Fprintf(&svg, `<text x="%.0f" y="%.0f" text-anchor="middle">%d</text>`+"\n", x(done), height-22, done)
	}
	fmt.Fprintf(&svg, `<text x="%.0f" y="%.0f" text-anchor="middle">records done</text>`+"\n</svg>\n", (left+width-right)/2, height-6)
	return svg.String()
}
