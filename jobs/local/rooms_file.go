package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The columns of a file of rooms.
const (
	columnRoom     = "room"
	columnLecturer = "lecturer"
	columnScreen   = "screen"
	columnBoard    = "board"
	columnSound    = "sound"
	columnCalendar = "calendar"
	columnDrive    = "drive"
	columnZone     = "zone"
	columnLanguage = "language"
	columnSegment  = "segment_length"
	columnLayout   = "layout"
)

// roomColumns returns the columns of a file of rooms, in the order in which rooms export writes them.
func roomColumns() []string {
	return []string{
		columnRoom, columnLecturer, columnScreen, columnBoard, columnSound, columnCalendar, columnDrive,
		columnZone, columnLanguage, columnSegment, columnLayout,
	}
}

// roomLine is a room in a file. Its settings are by column; a column that the file lacks is absent.
type roomLine struct {
	number   int // of the line in CSV, of the object in JSON; from 1
	settings map[string]string
}

// roomColumnError means that a file of rooms has a column or field that is not known, or has one twice.
type roomColumnError struct{ column string }

// Error implements error.
func (e *roomColumnError) Error() string {
	return fmt.Sprintf("the column %q is not known or stands there twice", e.column)
}

// errNoRoomColumn means that a file of rooms does not name the rooms.
var errNoRoomColumn = errors.New("there is no column room")

// readRoomLines reads a file of rooms: JSON as rooms list --json prints it, or CSV with a header. Spreadsheets
// may put a byte order mark before the header and semicolons between the columns.
func readRoomLines(text []byte) ([]roomLine, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		return readRoomObjects(text)
	}
	return readRoomTable(text)
}

func readRoomObjects(text []byte) ([]roomLine, error) {
	var objects []map[string]string
	if err := json.Unmarshal(text, &objects); err != nil {
		return nil, fmt.Errorf("read the JSON: %w", err)
	}
	var lines []roomLine
	for i, object := range objects {
		for column := range object {
			if !slices.Contains(roomColumns(), column) {
				return nil, &roomColumnError{column}
			}
		}
		lines = append(lines, roomLine{number: i + 1, settings: object})
	}
	return lines, nil
}

func readRoomTable(text []byte) ([]roomLine, error) {
	in := csv.NewReader(bytes.NewReader(text))
	in.TrimLeadingSpace = true
	if head, _, _ := strings.Cut(string(text), "\n"); strings.Contains(head, ";") && !strings.Contains(head, ",") {
		in.Comma = ';'
	}
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errNoRoomColumn
	}
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
		if !slices.Contains(roomColumns(), header[i]) || slices.Contains(header[:i], header[i]) {
			return nil, &roomColumnError{header[i]}
		}
	}
	if !slices.Contains(header, columnRoom) {
		return nil, errNoRoomColumn
	}
	var lines []roomLine
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the table: %w", err)
		}
		line := roomLine{settings: map[string]string{}}
		line.number, _ = in.FieldPos(0)
		for i, column := range header {
			line.settings[column] = strings.TrimSpace(cells[i])
		}
		lines = append(lines, line)
	}
}

// writeRoomTable writes rooms as CSV with a header.
func writeRoomTable(w io.Writer, rooms []map[string]string) error {
	out := csv.NewWriter(w)
	columns := roomColumns()
	rows := [][]string{columns}
	for _, room := range rooms {
		row := make([]string, len(columns))
		for i, column := range columns {
			row[i] = room[column]
		}
		rows = append(rows, row)
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write the table of rooms: %w", err)
	}
	return nil
}
