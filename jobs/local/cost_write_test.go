package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeCost writes the table as CSV, as a plot, and into the page that explains it.
func writeCost(b *testing.B, docs string, rows []measurement) {
	b.Helper()
	page := filepath.Join(docs, "cost.md")
	text, err := os.ReadFile(page)
	if err != nil {
		b.Fatal(err)
	}
	const begin, end = "<!-- table: written by make bench -->\n", "<!-- end of the table -->"
	head, rest, found := strings.Cut(string(text), begin)
	_, tail, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		b.Fatalf("%s has no place for the table", page)
	}
	for path, content := range map[string]string{
		page:                            head + begin + costTable(rows) + end + tail,
		filepath.Join(docs, "cost.csv"): costCSV(b, rows),
		filepath.Join(docs, "cost.svg"): costPlot(rows),
	} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil { // #nosec G306 -- documentation
			b.Fatal(err)
		}
	}
}

func costCSV(b *testing.B, rows []measurement) string {
	b.Helper()
	var text strings.Builder
	w := csv.NewWriter(&text)
	lines := [][]string{{"way", "about", "cpu_s", "cpu_s_per_hour", "peak_rss_bytes", "video_bytes", "other_files_bytes", "ssim", "psnr_db"}}
	for _, r := range rows {
		line := []string{
			r.name,
			r.about,
			fmt.Sprintf("%.2f", r.cpu.Seconds()),
			fmt.Sprintf("%.0f", r.cpu.Seconds()*3600/costLength),
			fmt.Sprint(r.rss),
			"",
			"",
			"",
			"",
		}
		if r.out != "" {
			copy(line[5:], []string{
				fmt.Sprint(r.bytes),
				fmt.Sprint(r.written),
				fmt.Sprintf("%.6f", r.ssim),
				fmt.Sprintf("%.2f", r.psnr),
			})
		}
		lines = append(lines, line)
	}
	if err := w.WriteAll(lines); err != nil {
		b.Fatal(err)
	}
	return text.String()
}

func costTable(rows []measurement) string {
	text := "| | CPU-s | of a | of b | peak MB | video kB | other files kB | SSIM | PSNR dB |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
	for _, r := range rows {
		cpu := r.cpu.Seconds()
		text += fmt.Sprintf(
			"| **%s**: %s | %.1f | %.2f | %.2f | %d |",
			r.name, r.about, cpu, cpu/rows[0].cpu.Seconds(), cpu/rows[1].cpu.Seconds(), r.rss>>20,
		)
		if r.out == "" {
			text += " | | | |\n"
			continue
		}
		text += fmt.Sprintf(
			" %d | %d | %.4f | %.2f |\n",
			r.bytes/1000, r.written/1000, r.ssim, r.psnr,
		)
	}
	return text
}

// The plot's measures, in pixels.
const (
	plotWidth, plotRow, plotLeft, plotTop = 860, 34, 270, 50
)

// costPlot draws a bar a row. Its colours can be read on white and on black.
func costPlot(rows []measurement) string {
	var svg strings.Builder
	height := plotTop + plotRow*len(rows) + 16
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="14" fill="#808488" role="img" aria-label="CPU seconds of each way to merge">`+"\n",
		plotWidth, height, plotWidth, height)
	fmt.Fprintf(
		&svg, `<text x="16" y="26" font-size="16">CPU seconds for %d s of two 1080p sources</text>`+"\n", costLength,
	)
	most := 0.0
	for _, r := range rows {
		most = max(most, r.cpu.Seconds())
	}
	for i, r := range rows {
		y := plotTop + i*plotRow
		colour, cpu := "#8a9099", r.cpu.Seconds()
		switch {
		case strings.HasPrefix(r.name, "c"):
			colour = "#2f8f5b"
		case r.out != "":
			colour = "#c0703a"
		}
		width := cpu / most * (plotWidth - plotLeft - 190)
		label := fmt.Sprintf("%.1f", cpu)
		if r.out != "" {
			label += fmt.Sprintf("  ·  %.1f MB  ·  SSIM %.4f", float64(r.bytes)/1e6, r.ssim)
		}
		fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="20" rx="3" fill="%s"/><text x="%.1f" y="%d">%s</text>`+"\n",
			plotLeft-12, y+15, r.name, plotLeft, y, width, colour, plotLeft+width+8, y+15, label)
	}
	svg.WriteString("</svg>\n")
	return svg.String()
}
