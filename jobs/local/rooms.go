package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// roomFlags are the settings of a room. Empty ones stay as they are.
type roomFlags struct {
	lecturer, screen, board, sound string // addresses
	calendar, drive                string
	zone, language, layout         string
	segment                        time.Duration
}

// listedRoom is a room in the JSON of local rooms list.
type listedRoom struct {
	Room          string `json:"room"`
	Lecturer      string `json:"lecturer"`
	Screen        string `json:"screen"`
	Board         string `json:"board"`
	Sound         string `json:"sound"`
	Calendar      string `json:"calendar"`
	Drive         string `json:"drive"`
	Zone          string `json:"zone"`
	Language      string `json:"language"`
	SegmentLength string `json:"segment_length"` // such as 30m
	Layout        string `json:"layout"`         // empty: as configured
}

// roomsCommand lists the rooms, or changes one. Without a subcommand it lists them.
func (c *cli) roomsCommand() *cobra.Command {
	rooms := c.command("rooms", "rooms")
	o := &dataFlags{}
	o.register(c, rooms.PersistentFlags())
	asJSON := rooms.Flags().Bool("json", false, "")
	c.describeAll(rooms.Flags(), "rooms")
	c.onStore(rooms, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) > 0 {
			return c.unknownCommand(rooms, args[0])
		}
		return c.listRooms(ctx, db, *asJSON)
	})
	rooms.AddCommand(
		c.roomsListCommand(o), c.roomsSetCommand(o), c.roomsDeleteCommand(o),
		c.roomsImportCommand(o), c.roomsExportCommand(o),
	)
	return rooms
}

func (c *cli) roomsListCommand(o *dataFlags) *cobra.Command {
	command := c.command("list", "rooms.list")
	asJSON := command.Flags().Bool("json", false, "")
	c.describeAll(command.Flags(), "rooms.list")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		return c.listRooms(ctx, db, *asJSON)
	})
	return command
}

func (c *cli) roomsSetCommand(o *dataFlags) *cobra.Command {
	command := c.command("set", "rooms.set")
	r := &roomFlags{}
	flags := command.Flags()
	flags.StringVar(&r.lecturer, "lecturer", "", "")
	flags.StringVar(&r.screen, "screen", "", "")
	flags.StringVar(&r.board, "board", "", "")
	flags.StringVar(&r.sound, "sound", "", "")
	flags.StringVar(&r.calendar, "calendar", "", "")
	flags.StringVar(&r.drive, "drive", "", "")
	flags.StringVar(&r.zone, "time-zone", "", "")
	flags.StringVar(&r.language, "language", "", "")
	flags.DurationVar(&r.segment, "segment-length", 0, "")
	flags.StringVar(&r.layout, "layout", "", "")
	c.describeAll(flags, "rooms.set")
	c.onStore(command, o, func(ctx context.Context, db *store.Store, args []string) error {
		if len(args) != 1 {
			return c.usage("room-missing")
		}
		if err := r.check(c); err != nil {
			return err
		}
		if !records.IsRoomName(args[0]) {
			return c.usage("room-name", "value", args[0])
		}
		return c.setRoom(ctx, db, args[0], *r)
	})
	return command
}

func (c *cli) listRooms(ctx context.Context, db *store.Store, asJSON bool) error {
	rooms, err := db.Rooms.List(ctx)
	if err != nil {
		return err
	}
	listed := []listedRoom{} // printed as [], not as null
	for _, r := range rooms {
		listed = append(listed, listRoom(r))
	}
	if asJSON {
		return printJSON(c.stdout, listed)
	}
	t := c.newTable(
		"rooms",
		"room",
		"lecturer",
		"screen",
		"board",
		"sound",
		"zone",
		"segments",
		"calendar",
		"drive",
	)
	for _, r := range listed {
		t.add(
			r.Room,
			r.Lecturer,
			r.Screen,
			r.Board,
			r.Sound,
			r.Zone,
			r.SegmentLength,
			r.Calendar,
			r.Drive,
		)
	}
	return t.write(c.stdout)
}

func listRoom(r nvr.Room) listedRoom {
	return listedRoom{
		Room:          r.Name,
		Lecturer:      r.MainSource,
		Screen:        r.ScreenSource,
		Board:         r.Board(),
		Sound:         r.SoundSource,
		Calendar:      r.Calendar,
		Drive:         r.Drive,
		Zone:          r.Zone.String(),
		Language:      r.Language,
		SegmentLength: strings.TrimSuffix(r.SegmentLength.String(), "0s"),
		Layout:        string(r.Layout),
	}
}

// check returns a usage error if a setting is not valid.
func (r *roomFlags) check(c *cli) error {
	if r.segment < 0 || r.segment%time.Minute != 0 {
		return c.usage("room-segment-length", "value", r.segment.String())
	}
	if r.language != "" && !c.catalog.Has(r.language) {
		return c.languageError(r.language)
	}
	if r.layout != "" && !nvr.Layout(r.layout).Known() {
		return c.usage("layout", "value", r.layout)
	}
	if _, err := time.LoadLocation(r.zone); err != nil {
		return c.usage("time-zone", "value", r.zone)
	}
	for _, address := range []string{r.lecturer, r.screen, r.board, r.sound} {
		if address != "" && nvr.Octet(address) == "" {
			return c.usage("address", "value", address)
		}
	}
	return nil
}

// setRoom changes a room, or adds it.
func (c *cli) setRoom(ctx context.Context, db *store.Store, name string, r roomFlags) error {
	room, err := db.Rooms.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		room, err = nvr.Room{Name: name}, nil
	}
	if err != nil {
		return err
	}
	if err := saveRoomLine(ctx, db, room, r.line()); err != nil {
		return err
	}
	return c.print("rooms.saved", "room", name)
}

// line returns the settings that were given as a line of a file of rooms.
func (r *roomFlags) line() roomLine {
	line := roomLine{settings: map[string]string{}}
	for column, given := range map[string]string{
		columnLecturer: r.lecturer,
		columnScreen:   r.screen,
		columnBoard:    r.board,
		columnSound:    r.sound,
		columnCalendar: r.calendar,
		columnDrive:    r.drive,
		columnZone:     r.zone,
		columnLanguage: r.language,
		columnLayout:   r.layout,
	} {
		if given != "" {
			line.settings[column] = given
		}
	}
	if r.segment != 0 {
		line.settings[columnSegment] = r.segment.String()
	}
	return line
}

// setBoard makes an address the board camera of a room. The NVR marks it by a "merge" that ends in "right".
func setBoard(ctx context.Context, db *store.Store, id int64, room nvr.Room, address string) error {
	board := nvr.Source{
		Name:  room.Name + " board",
		IP:    address,
		Merge: "right",
	}
	for _, source := range room.Sources {
		if source.IP == room.Board() {
			board = source
			board.IP = address
		}
	}
	_, err := db.Rooms.SaveSource(ctx, id, board)
	return err
}

// languageError returns a usage error that names the languages there are.
func (c *cli) languageError(tag string) error {
	return c.usage("language", "value", tag, "languages", strings.Join(c.catalog.Languages(), ", "))
}
