package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Columns of help where the output is not a terminal, and the most on a wide one.
const widestHelp = 100

// Columns between two columns of a table, and the fewest that a shortened column keeps.
const (
	tableGap     = 2
	shortestCell = 12
)

// terminalWidth returns the columns of the terminal that a writer is; 0 if it is none.
func terminalWidth(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 0
	}
	descriptor := int(file.Fd())
	if !term.IsTerminal(descriptor) {
		return 0
	}
	width, _, err := term.GetSize(descriptor)
	if err != nil {
		return 0
	}
	return width
}

// helpWidth returns the columns of help on a writer.
func helpWidth(w io.Writer) int {
	width := terminalWidth(w)
	if width == 0 {
		return widestHelp
	}
	return min(width, widestHelp)
}

// colors reports whether output may be coloured: on a terminal, unless NO_COLOR is set.
func (c *cli) colors() bool {
	return terminalWidth(c.stdout) > 0 && c.getenv("NO_COLOR") == ""
}

// table is a list with a header, for people.
type table struct {
	header []string
	rows   [][]string
	color  func(cell string) string // escape sequence for a cell of the first column; nil for no colours
}

// newTable returns a table whose header has the texts of a section of the catalogue.
func (c *cli) newTable(section string, columns ...string) *table {
	t := &table{}
	for _, column := range columns {
		t.header = append(t.header, c.t(section+".column."+column))
	}
	return t
}

// add adds a row of as many cells as the header has.
func (t *table) add(cells ...string) {
	t.rows = append(t.rows, cells)
}

// write writes the table. On a terminal the widest columns are shortened until a row fits on a line.
func (t *table) write(w io.Writer) error {
	widths := t.widths(terminalWidth(w))
	var out strings.Builder
	for _, row := range append([][]string{t.header}, t.rows...) {
		line := ""
		for i, cell := range row {
			padded := fmt.Sprintf("%-*s", widths[i]+tableGap, shorten(cell, widths[i]))
			if i == 0 && t.color != nil {
				padded = t.color(cell) + padded + plain
			}
			line += padded
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// widths returns the columns of each cell. Without a terminal (0 columns) all cells are whole.
func (t *table) widths(columns int) []int {
	widths := make([]int, len(t.header))
	total := tableGap * (len(widths) - 1)
	for i := range widths {
		widths[i] = utf8.RuneCountInString(t.header[i])
		for _, row := range t.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		total += widths[i]
	}
	for columns > 0 && total > columns {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= shortestCell {
			break // the terminal is too narrow for this table
		}
		widths[widest]--
		total--
	}
	return widths
}

// shorten returns a text of at most width characters.
func shorten(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return strings.TrimRight(string(runes[:width-1]), " ") + "…"
}

// printJSON writes a value for programs.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// Escape sequences of a terminal.
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	green  = "\x1b[32m"
	plain  = "\x1b[0m"
)

// stateColor returns the colour of a state of the doctor.
func stateColor(state string) string {
	switch state {
	case "fail":
		return red
	case "warn":
		return yellow
	case "ok":
		return green
	}
	return ""
}
