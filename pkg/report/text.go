package report

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/i18n"
)

// listed is how many rows of a table the summary shows. It counts the rest.
const listed = 10

// Text writes the summary for people: some fifteen lines, in columns, with nothing in them that would
// steer a terminal.
func (r *Report) Text(w io.Writer, texts *i18n.Localizer) error {
	v := localizer{texts}
	s := &summary{localizer: v, labelWidth: v.labelWidth()}
	s.line(v.Label("video"), r.Output.Path)
	s.line(v.Label("record"), s.what(r))
	s.line(v.Label("length"), s.picture(r))
	s.table(v.Label("picture"), s.layouts(r))
	s.table(v.Label("lacking"), s.gaps(r))
	s.table(v.Label("slides"), s.slides(r))
	s.line(v.Label("sound"), s.sound(r))
	s.line(v.Label("files"), s.files(r))
	s.line(v.Label("cost"), s.cost(r))
	var warnings [][]string
	for _, warning := range v.warnings(r) {
		warnings = append(warnings, []string{warning})
	}
	s.table(v.Label("warning"), warnings)
	if _, err := w.Write(s.out.Bytes()); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}

// summary gathers lines with a label in the first column.
type summary struct {
	localizer
	labelWidth int
	out        bytes.Buffer
}

// labelWidth returns the width of the first column: that of its longest label, and two spaces.
func (v localizer) labelWidth() int {
	const least = 14
	width := least
	for _, key := range []string{
		"video", "record", "length", "picture", "lacking", "slides", "sound", "files", "cost", "warning",
	} {
		width = max(width, utf8.RuneCountInString(v.Label(key))+2)
	}
	return width
}

// line writes one line of the summary. It replaces control characters and non-breaking spaces in text.
func (s *summary) line(label, text string) {
	s.out.WriteString(pad(label, s.labelWidth))
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
		s.line("", "… "+s.T("report.more", "n", rest))
	}
}

// pad fills s with spaces up to a width in characters. A longer s stays as it is.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// what returns the room, date, hours and title of the record.
func (s *summary) what(r *Report) string {
	text := fmt.Sprintf(
		"%s, %s, %s",
		r.Record.Room, s.Date(r.Record.Start.Time), hours(r.Record.Start, r.Record.End),
	)
	if r.Record.Title != "" {
		text += ", " + r.Record.Title
	}
	return text
}

// slides lists the titles of slides.
func (s *summary) slides(r *Report) [][]string {
	var rows [][]string
	for _, slide := range r.Slides {
		rows = append(rows, []string{clock(slide.Start, true), s.slideTitle(slide)})
	}
	return rows
}

// layouts returns a row for each stretch: its start, its layout, and the reason.
func (s *summary) layouts(r *Report) [][]string {
	rows := make([][]string, 0, len(r.Stretches))
	for _, p := range r.Stretches {
		rows = append(rows, []string{
			clock(p.Start, true),
			s.layout(p),
			p.Text(s.Localizer),
		})
	}
	return rows
}

// gaps returns a row for each gap, or one row that says that nothing is missing.
func (s *summary) gaps(r *Report) [][]string {
	if len(r.Gaps) == 0 {
		return [][]string{{s.Label("nothing-missing")}}
	}
	rows := make([][]string, 0, len(r.Gaps)+1)
	for _, g := range r.Gaps {
		rows = append(rows, []string{
			clock(g.Start, true) + "–" + clock(g.End, true),
			s.source(g.Role, tame(g.Source)),
			s.lasting(g.End.Sub(g.Start.Time)),
			g.Text(s.Localizer),
		})
	}
	return rows
}

// sound returns the sources that are heard and the loudness. The times of the sources are left out if there
// is only one.
func (s *summary) sound(r *Report) string {
	var from []string
	heard := r.heard()
	for _, h := range heard {
		name := s.Label("silence")
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

// levelsLine returns the loudness before and after, or the one that is known, in LUFS. If neither was
// measured, it says that loudness is off.
func (s *summary) levelsLine(sound Sound) string {
	switch {
	case sound.Measured != nil && sound.Result != nil:
		return s.number(sound.Measured.LUFS, 1) + " → " + s.loudness(sound.Result)
	case sound.Result != nil:
		return s.loudness(sound.Result)
	case sound.Measured != nil:
		return s.loudness(sound.Measured)
	}
	return s.Label("off")
}

// files returns how many segments are used, how many have faults, and how many files were ignored.
func (s *summary) files(r *Report) string {
	used, faulty := r.files()
	parts := []string{s.T("report.files.used", "n", used)}
	if faulty > 0 {
		parts = append(parts, s.T("report.files.faulty", "n", faulty))
	}
	if n := len(r.Ignored); n > 0 {
		parts = append(parts, s.T("report.files.ignored", "n", n))
	}
	return strings.Join(parts, ", ")
}

// cost returns the CPU time, in total and for each second of the record, the elapsed time, and the peak of
// memory.
func (s *summary) cost(r *Report) string {
	return s.T(
		"report.cost",
		"cpu", s.seconds(r.Cost.CPU),
		"ratio", s.number(r.ratio(r.Cost.CPU), 2),
		"wall", s.seconds(r.Cost.Wall),
		"memory", s.bytes(r.Cost.PeakRSS),
	)
}

// picture returns the length, frames, size in pixels, frame rate and bytes of the video.
func (s *summary) picture(r *Report) string {
	return strings.Join([]string{
		length(r.length()),
		s.T("report.frames", "n", r.Output.Frames),
		fmt.Sprintf("%d×%d", r.Output.Width, r.Output.Height),
		s.unit("fps", strconv.Itoa(r.Output.FPS)),
		s.bytes(r.Output.Bytes),
	}, ", ")
}
