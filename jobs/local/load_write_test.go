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

// rateOver is the time over which it is told how many records were done, and what they took.
const rateOver = 12 // samples

func loadColumns() []loadColumn {
	const mb = 1e6
	one := func(of func(loadSample) float64) func([]loadSample, int) float64 {
		return func(s []loadSample, i int) float64 { return of(s[i]) }
	}
	return []loadColumn{
		{
			"records_per_second",
			"records a second, over a minute",
			0,
			func(s []loadSample, i int) float64 {
				return stretch(s[i-rateOver : i+1]).perSecond()
			},
		},
		{
			"core_seconds_per_record",
			"seconds of a core a record, all processes",
			1,
			func(s []loadSample, i int) float64 {
				return stretch(s[i-rateOver : i+1]).each()
			},
		},
		{
			"functions_memory_mb",
			"MB of memory, all functions",
			2,
			one(func(s loadSample) float64 { return float64(s.functions.RSS) / mb }),
		},
		{
			"serve_memory_mb",
			"MB of memory, serve with the stand-ins",
			2,
			one(func(s loadSample) float64 { return float64(s.serve.RSS) / mb }),
		},
		{
			"functions_heap_mb",
			"MB of live heap, all functions",
			3,
			one(func(s loadSample) float64 { return float64(s.functions.Heap) / mb }),
		},
		{
			"serve_heap_mb",
			"MB of live heap, serve with the stand-ins",
			3,
			one(func(s loadSample) float64 { return float64(s.serve.Heap) / mb }),
		},
		{
			"functions_goroutines",
			"goroutines, all functions",
			4,
			one(func(s loadSample) float64 { return float64(s.functions.Goroutines) }),
		},
		{
			"serve_goroutines",
			"goroutines, serve with the stand-ins",
			4,
			one(func(s loadSample) float64 { return float64(s.serve.Goroutines) }),
		},
	}
}

// rowsShown is how many rows the table in docs/ has at most.
const rowsShown = 200

// write puts what was seen into docs/ as a table and as a plot over the records that were done.
func (l *load) write(docs string) {
	columns := loadColumns()
	var rows [][]float64 // seconds, records, the columns
	for i := rateOver; i < len(l.samples); i += 1 + len(l.samples)/rowsShown {
		row := []float64{l.samples[i].at.Seconds(), float64(l.samples[i].done)}
		for _, column := range columns {
			row = append(row, column.of(l.samples, i))
		}
		rows = append(rows, row)
	}
	text := "seconds,records_done"
	for _, column := range columns {
		text += "," + column.name
	}
	text += "\n"
	for _, row := range rows {
		text += fmt.Sprintf("%.0f,%.0f", row[0], row[1])
		for _, value := range row[2:] {
			text += fmt.Sprintf(",%.4g", value)
		}
		text += "\n"
	}
	for name, content := range map[string]string{
		"load-pipeline.csv": text,
		"load-pipeline.svg": loadPlot(columns, rows, l.records),
	} {
		if err := os.WriteFile(
			filepath.Join(docs, name),
			[]byte(content),
			0o644,
		); err != nil { // #nosec G306 -- documentation
			l.Fatal(err)
		}
	}
}

// loadPlot draws a panel below the other, each from zero, over the records that were done.
func loadPlot(columns []loadColumn, rows [][]float64, records int) string {
	const width, left, right, high, panels = 860.0, 56.0, 24.0, 150.0, 5
	height := high*panels + 30
	x := func(done float64) float64 { return left + done/float64(records)*(width-left-right) }
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="system-ui, sans-serif" font-size="12" fill="#808488" role="img" aria-label="Throughput, cost, memory and goroutines over the records that were done">`+"\n",
		width, height, width, height)
	for panel := range panels {
		bottom, most := high*float64(panel+1)-12, 0.0
		for i, column := range columns {
			for _, row := range rows {
				if column.panel == panel {
					most = max(most, row[2+i])
				}
			}
		}
		y := func(value float64) float64 { return bottom - value/(1.25*most)*(high-24) }
		for _, value := range []float64{0, most} {
			fmt.Fprintf(&svg, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#808488" stroke-opacity="0.3"/><text x="%.0f" y="%.1f" text-anchor="end">%.3g</text>`+"\n",
				left, width-right, y(value), y(value), left-6, y(value)+4, value)
		}
		drawn := 0
		for i, column := range columns {
			if column.panel != panel {
				continue
			}
			var points strings.Builder
			for _, row := range rows {
				fmt.Fprintf(&points, "%.1f,%.1f ", x(row[1]), y(row[2+i]))
			}
			colour := []string{"#2f8f5b", "#c0703a"}[drawn]
			fmt.Fprintf(&svg, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/><text x="%.0f" y="%.1f" fill="%s">%s</text>`+"\n",
				colour, strings.TrimSpace(points.String()), left+8+360*float64(drawn), bottom-high+34, colour, column.about)
			drawn++
		}
	}
	for _, done := range []int{0, records / 4, records / 2, records * 3 / 4, records} {
		fmt.Fprintf(
			&svg, `<text x="%.0f" y="%.0f" text-anchor="middle">%d</text>`+"\n", x(float64(done)), height-22, done,
		)
	}
	fmt.Fprintf(
		&svg, `<text x="%.0f" y="%.0f" text-anchor="middle">records done</text>`+"\n</svg>\n", (left+width-right)/2, height-6,
	)
	return svg.String()
}
