package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// maxRoomFile bounds a file of rooms, in bytes.
const maxRoomFile = 8 << 20

func (c *cli) roomsImportCommand(o *dataFlags) *cobra.Command {
	command := c.command("import", "rooms.import")
	dryRun := command.Flags().Bool("dry-run", false, "")
	c.describeAll(command.Flags(), "rooms.import")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) != 1 {
			return c.usage("rooms-file")
		}
		lines, err := c.readRoomFile(args[0])
		if err != nil {
			return err
		}
		return c.importRooms(ctx, db, lines, *dryRun)
	})
	return command
}

func (c *cli) roomsExportCommand(o *dataFlags) *cobra.Command {
	command := c.command("export", "rooms.export")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		rooms, err := db.Rooms.List(ctx)
		if err != nil {
			return err
		}
		var listed []map[string]string
		for i := range rooms {
			listed = append(listed, roomSettings(rooms[i]))
		}
		return writeRoomTable(c.stdout, listed)
	})
	return command
}

func (c *cli) roomsDeleteCommand(o *dataFlags) *cobra.Command {
	command := c.command("delete", "rooms.delete")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) != 1 {
			return c.usage("room-to-delete")
		}
		room, err := db.Rooms.Get(ctx, args[0])
		if errors.Is(err, store.ErrNotFound) {
			return c.failure("room-unknown", "room", args[0])
		}
		if err != nil {
			return err
		}
		atWork := store.Filter{
			Room:  room.Name,
			Steps: []nvr.Step{nvr.StepStage, nvr.StepMerge, nvr.StepUpload, nvr.StepLink},
		}
		waiting, _, err := db.Records.List(ctx, atWork, 0, 1)
		if err != nil {
			return err
		}
		if len(waiting) > 0 {
			return c.failure("room-in-use", "room", room.Name, "record", waiting[0].ID)
		}
		if err := db.Rooms.Delete(ctx, room.ID); err != nil {
			return err
		}
		return c.print("rooms.deleted", "room", room.Name)
	})
	return command
}

// readRoomFile reads a file of rooms. Errors name the file.
func (c *cli) readRoomFile(name string) ([]roomLine, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxRoomFile {
		return nil, c.failure("rooms-file-large", "file", name)
	}
	text, err := os.ReadFile(name) // #nosec G304 -- the file the user named
	if err != nil {
		return nil, err
	}
	lines, err := readRoomLines(text)
	var unknown *roomColumnError
	switch {
	case errors.As(err, &unknown):
		known := strings.Join(roomColumns(), ", ")
		return nil, c.failure("rooms-column", "file", name, "column", unknown.column, "columns", known)
	case errors.Is(err, errNoRoomColumn):
		return nil, c.failure("rooms-no-column", "file", name, "columns", strings.Join(roomColumns(), ", "))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return lines, nil
}

// importRooms adds and changes rooms as the lines of a file say. If one line is wrong, none is saved.
func (c *cli) importRooms(ctx context.Context, db *store.Store, lines []roomLine, dryRun bool) error {
	rooms, err := db.Rooms.List(ctx)
	if err != nil {
		return err
	}
	byName := map[string]nvr.Room{}
	for _, room := range rooms {
		byName[room.Name] = room
	}
	if err := c.checkRoomLines(lines); err != nil {
		return err
	}
	counts := map[string]int{}
	for _, line := range lines {
		room, exists := byName[line.settings[columnRoom]]
		room.Name = line.settings[columnRoom]
		changes := roomChanges(room, line)
		state := "changed"
		switch {
		case !exists:
			state = "added"
		case len(changes) == 0:
			state = "unchanged"
		}
		counts[state]++
		if state != "unchanged" && !dryRun {
			if err := saveRoomLine(ctx, db, room, line); err != nil {
				return err
			}
		}
		if err := c.print("rooms.import."+state, "line", line.number, "room", room.Name,
			"changes", strings.Join(changes, ", ")); err != nil {
			return err
		}
	}
	result := "rooms.import.done"
	if dryRun {
		result = "rooms.import.dry-run"
	}
	return c.print(result, "added", counts["added"], "changed", counts["changed"], "unchanged", counts["unchanged"])
}

// checkRoomLines returns one error that names each wrong line.
func (c *cli) checkRoomLines(lines []roomLine) error {
	var wrong []string
	first := map[string]int{}
	for _, line := range lines {
		name := line.settings[columnRoom]
		err := c.checkRoomLine(line)
		if earlier, twice := first[name]; twice && err == nil {
			err = c.failure("rooms-twice", "room", name, "line", earlier)
		}
		if err != nil {
			wrong = append(wrong, c.t("error.rooms-line", "line", line.number, "error", err.Error()))
			continue
		}
		first[name] = line.number
	}
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(append([]string{c.t("error.rooms-nothing-saved")}, wrong...), "\n"))
}

func (c *cli) checkRoomLine(line roomLine) error {
	if name := line.settings[columnRoom]; !records.IsRoomName(name) {
		return c.failure("room-name", "value", name)
	}
	length, err := segmentLength(line.settings[columnSegment])
	if err != nil {
		return c.failure("room-segment-length", "value", line.settings[columnSegment])
	}
	settings := roomFlags{
		lecturer: line.settings[columnLecturer],
		screen:   line.settings[columnScreen],
		board:    line.settings[columnBoard],
		sound:    line.settings[columnSound],
		zone:     line.settings[columnZone],
		language: line.settings[columnLanguage],
		layout:   line.settings[columnLayout],
		segment:  length,
	}
	return settings.check(c)
}

// segmentLength reads a length such as 30m; 0 if the text is empty.
func segmentLength(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}

// roomSettings returns what a file of rooms says of a room, by column.
func roomSettings(room nvr.Room) map[string]string {
	listed := listRoom(room)
	return map[string]string{
		columnRoom:     listed.Room,
		columnLecturer: listed.Lecturer,
		columnScreen:   listed.Screen,
		columnBoard:    listed.Board,
		columnSound:    listed.Sound,
		columnCalendar: listed.Calendar,
		columnDrive:    listed.Drive,
		columnZone:     listed.Zone,
		columnLanguage: listed.Language,
		columnSegment:  listed.SegmentLength,
		columnLayout:   listed.Layout,
	}
}

// roomChanges returns what a line changes in a room, as "column: before -> after". An empty zone, language or
// segment length changes nothing: the default holds.
func roomChanges(room nvr.Room, line roomLine) []string {
	before := map[string]string{}
	if room.ID != 0 {
		before = roomSettings(room)
	}
	var changes []string
	for _, column := range roomColumns()[1:] {
		after, given := line.settings[column]
		if defaulted := after == "" && isDefaulted(column); !given || defaulted || after == before[column] {
			continue
		}
		changes = append(changes, fmt.Sprintf("%s: %s -> %s", column, orNone(before[column]), orNone(after)))
	}
	return changes
}

// isDefaulted reports whether a default stands in for an empty cell of the column.
func isDefaulted(column string) bool {
	return column == columnZone || column == columnLanguage || column == columnSegment
}

func orNone(value string) string {
	if value == "" {
		return "-"
	}
	return value
}

// saveRoomLine saves a room with what a line says of it. An empty cell clears an address, the calendar, the
// folder or the layout.
func saveRoomLine(ctx context.Context, db *store.Store, room nvr.Room, line roomLine) (err error) {
	for column, field := range map[string]*string{
		columnLecturer: &room.MainSource,
		columnScreen:   &room.ScreenSource,
		columnSound:    &room.SoundSource,
		columnCalendar: &room.Calendar,
		columnDrive:    &room.Drive,
		columnLanguage: &room.Language,
	} {
		if value, given := line.settings[column]; given && (value != "" || !isDefaulted(column)) {
			*field = value
		}
	}
	if layout, given := line.settings[columnLayout]; given {
		room.Layout = nvr.Layout(layout)
	}
	if zone := line.settings[columnZone]; zone != "" {
		if room.Zone, err = time.LoadLocation(zone); err != nil {
			return err
		}
	}
	if length := line.settings[columnSegment]; length != "" {
		if room.SegmentLength, err = segmentLength(length); err != nil {
			return err
		}
	}
	id, err := db.Rooms.Save(ctx, room)
	if err != nil {
		return err
	}
	board, given := line.settings[columnBoard]
	switch {
	case !given || board == room.Board():
		return nil
	case board == "":
		return clearBoard(ctx, db, id, room)
	default:
		return setBoard(ctx, db, id, room, board)
	}
}

// clearBoard takes the mark of the board camera from a room's sources. The sources stay.
func clearBoard(ctx context.Context, db *store.Store, id int64, room nvr.Room) error {
	for _, source := range room.Sources {
		if source.IP != room.Board() {
			continue
		}
		source.Merge = ""
		if _, err := db.Rooms.SaveSource(ctx, id, source); err != nil {
			return err
		}
	}
	return nil
}
