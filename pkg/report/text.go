package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// listed is how many layouts, gaps and warnings the summary names; the rest it counts.
const listed = 10

// Text writes the summary for people: some fifteen lines, in columns, with nothing in them that would
// steer a terminal.
func (r *Report) Text(w io.Writer, lang Language) error {
	v, err := newLocalizer(lang)
	if err != nil {
		return err
	}
	s := &summary{localizer: v}
	s.line(v.Video, r.Output.Path)
	s.line(v.Record, s.what(r))
	s.line(v.Length, fmt.Sprintf("%s, %s %s, %d×%d, %d %s, %s", length(r.length()), v.count(r.Output.Frames), v.Frames,
		r.Output.Width, r.Output.Height, r.Output.FPS, v.FPS, v.bytes(r.Output.Bytes)))
	s.table(v.Picture, s.layouts(r))
	s.table(v.Lacking, s.gaps(r))
	s.line(v.Sound, s.sound(r))
	s.line(v.Files, s.files(r))
	s.line(v.Cost, s.cost(r))
	for _, warning := range v.warnings(r) {
		s.line(v.Warning, warning)
	}
	if _, err := w.Write(s.out.Bytes()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}

// summary gathers lines with a label in the first column.
type summary struct {
	localizer
	out bytes.Buffer
}

// labelWidth is that of the longest label, "Длительность", and two spaces.
const labelWidth = 14

func (s *summary) line(label, text string) {
	s.out.WriteString(pad(label, labelWidth))
	s.out.WriteString(strings.ReplaceAll(strings.TrimRight(tame(text), " "), nbsp, " "))
	s.out.WriteByte('\n')
}

// table writes rows in columns under one label. Text of unknown width belongs in the last column.
func (s *summary) table(label string, rows [][]string) {
	rest := 0
	if len(rows) > listed {
		rows, rest = rows[:listed], len(rows)-listed
	}
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row[:len(row)-1] {
			line.WriteString(pad(cell, widths[i]+2))
		}
		s.line(label, line.String()+row[len(row)-1])
		label = ""
	}
	if rest > 0 {
		s.line("", "… "+fmt.Sprintf(s.More, rest))
	}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

func (s *summary) what(r *Report) string {
	text := fmt.Sprintf(
		"%s, %s, %s",
		r.Record.Room, s.date(r.Record.Start), hours(r.Record.Start, r.Record.End),
	)
	if r.Record.Title != "" {
		text += ", " + r.Record.Title
	}
	return text
}

func (s *summary) layouts(r *Report) [][]string {
	rows := make([][]string, 0, len(r.Stretches))
	for _, p := range r.Stretches {
		rows = append(rows, []string{
			clock(p.Start, true),
			s.layout(p.Layout),
			s.pick(p.Reason, p.ReasonRu),
		})
	}
	return rows
}

func (s *summary) gaps(r *Report) [][]string {
	if len(r.Gaps) == 0 {
		return [][]string{{s.NothingMissing}}
	}
	rows := make([][]string, 0, len(r.Gaps)+1)
	for _, g := range r.Gaps {
		rows = append(rows, []string{
			clock(g.Start, true) + "–" + clock(g.End, true),
			s.source(g.Role, tame(g.Source)),
			s.lasting(g.End.Sub(g.Start.Time)),
			s.pick(g.Cause, g.CauseRu),
		})
	}
	return rows
}

func (s *summary) sound(r *Report) string {
	var from []string
	heard := r.heard()
	for _, h := range heard {
		name := s.Silence
		if h.Source != "" {
			name = s.source(h.Role, h.Source)
		}
		if len(heard) > 1 {
			name += " " + s.lasting(h.Total)
		}
		from = append(from, name)
	}
	return strings.Join(from, ", ") + "; " + s.levelsLine(r.Sound)
}

func (s *summary) levelsLine(sound Sound) string {
	switch {
	case sound.Measured != nil && sound.Result != nil:
		return s.number(sound.Measured.LUFS, 1) + " → " + s.loudness(sound.Result)
	case sound.Result != nil:
		return s.loudness(sound.Result)
	case sound.Measured != nil:
		return s.loudness(sound.Measured)
	}
	return s.Off
}

func (s *summary) files(r *Report) string {
	used, faulty := r.files()
	parts := []string{s.plural(used, s.UsedFiles)}
	if faulty > 0 {
		parts = append(parts, s.plural(faulty, s.WithFaults))
	}
	if n := len(r.Ignored); n > 0 {
		parts = append(parts, s.plural(n, s.IgnoredFiles))
	}
	return strings.Join(parts, ", ")
}

func (s *summary) cost(r *Report) string {
	return fmt.Sprintf("%s %s: %s %s; %s %s; %s %s", s.CPU, s.seconds(r.Cost.CPU), s.number(r.ratio(r.Cost.CPU), 2), s.CPURatio,
		strings.ToLower(s.Wall), s.seconds(r.Cost.Wall), strings.ToLower(s.Memory), s.bytes(r.Cost.PeakRSS))
}
