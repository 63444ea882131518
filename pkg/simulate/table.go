package simulate

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// columns returns the columns of the CSV. Each row is one scenario.
func columns() []string {
	return []string{
		"scenario", "rooms", "records", "delivered", "failed", "within_4h", "p50_h", "p99_h", "max_h", "peak_backlog", "peak_tasks", "peak_vcpu",
		"drive_calls_min_user", "upload_gb_day_user", "calendar_calls_min", "classroom_calls_min", "hours_of_video", "euro_an_hour", "waiting_by_hour",
	}
}

// WriteCSV writes one row per scenario, in their order. The last column holds the data of the plot.
func WriteCSV(to io.Writer, scenarios []Scenario, rows map[string]Row) error {
	lines := [][]string{columns()}
	for _, s := range scenarios {
		row, ok := rows[s.Name]
		if !ok {
			continue
		}
		var line []string
		for _, name := range columns() {
			line = append(line, row[name])
		}
		lines = append(lines, line)
	}
	if err := csv.NewWriter(to).WriteAll(lines); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// Row returns the result as a row of the CSV.
func (r *Result) Row() Row {
	hours := func(d time.Duration) string {
		return strconv.FormatFloat(d.Hours(), 'f', 2, 64)
	}
	row := Row{}
	for i, text := range []string{
		r.Scenario.Name,
		strconv.Itoa(r.Scenario.Rooms),
		strconv.Itoa(r.Asked),
		strconv.Itoa(r.Delivered),
		strconv.Itoa(r.Failed),
		strconv.FormatFloat(r.Within, 'f', 4, 64),
		hours(r.P50),
		hours(r.P99),
		hours(r.Max),
		strconv.Itoa(r.Peak.Backlog),
		strconv.Itoa(r.Peak.Tasks),
		strconv.Itoa(r.Peak.Tasks * r.VCPU),
		strconv.Itoa(r.DriveUser),
		strconv.FormatFloat(float64(r.UploadPeak)/1e9, 'f', 0, 64),
		strconv.Itoa(r.Calendar),
		strconv.Itoa(r.Classroom),
		strconv.FormatFloat(r.Hours, 'f', 0, 64),
		strconv.FormatFloat(r.Euro/r.Hours, 'f', 3, 64),
		join(r.waiting()),
	} {
		row[columns()[i]] = text
	}
	return row
}

// waiting returns the number of records due or in work at each full hour.
func (r *Result) waiting() []int {
	var all []int
	for _, p := range r.Series {
		if p.At%time.Hour == 0 {
			all = append(all, p.Backlog+p.Held)
		}
	}
	return all
}

func join(numbers []int) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, " ")
}

// Row is one scenario as [WriteCSV] wrote it.
type Row map[string]string

// ReadCSV reads the output of [WriteCSV]. The rows are by scenario.
func ReadCSV(from io.Reader) (map[string]Row, error) {
	lines, err := csv.NewReader(from).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the table: %w", err)
	}
	rows := map[string]Row{}
	for i, line := range lines {
		if i == 0 {
			continue
		}
		row := Row{}
		for at, name := range lines[0] {
			row[name] = line[at]
		}
		rows[row["scenario"]] = row
	}
	return rows, nil
}

// number returns a value of a row, 0 if there is none.
func (r Row) number(name string) float64 {
	n, _ := strconv.ParseFloat(r[name], 64) // ours
	return n
}

func (r Row) waiting() []int {
	var all []int
	for text := range strings.FieldsSeq(r["waiting_by_hour"]) {
		n, _ := strconv.Atoi(text) // ours
		all = append(all, n)
	}
	return all
}

// Markdown returns the table of docs/simulation.md, with the former result beside each scenario.
func Markdown(scenarios []Scenario, before, now map[string]Row) string {
	var b strings.Builder
	b.WriteString("| scenario | records | within 4 h | before | p50 h | before | p99 h | before | failed | before | backlog | tasks, vCPU |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, s := range scenarios {
		n, was := now[s.Name], before[s.Name]
		fmt.Fprintf(&b, "| **%s**: %s | %s | **%s** | %s | %s | %s | %s | %s | %s | %s | %s | %s, %s |\n", s.Name, s.About, n["records"],
			share(n), share(was), n["p50_h"], was["p50_h"], n["p99_h"], was["p99_h"], n["failed"], was["failed"], n["peak_backlog"], n["peak_tasks"], n["peak_vcpu"])
	}
	b.WriteString("\n| scenario | Drive, calls a minute of a user | uploaded GB a day and user | Calendar, calls a minute | Classroom | € an hour of video |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|\n")
	limits := Google()
	fmt.Fprintf(
		&b, "| *Google's limit* | %d | 750 | %d a user | %d a client | |\n",
		limits.DriveUser, limits.CalendarUser, limits.ClassroomClient,
	)
	for _, s := range scenarios {
		n := now[s.Name]
		fmt.Fprintf(
			&b, "| %s | %s | %s | %s | %s | %s |\n",
			s.Name, n["drive_calls_min_user"], n["upload_gb_day_user"], n["calendar_calls_min"], n["classroom_calls_min"], n["euro_an_hour"],
		)
	}
	return b.String()
}

func share(r Row) string {
	if r["within_4h"] == "" {
		return "not run"
	}
	return strconv.FormatFloat(100*r.number("within_4h"), 'f', 1, 64) + " %"
}
