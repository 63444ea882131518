package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

func roomsHelp() fault.Reason {
	return fault.Reason{
		En: `Lists the rooms, or adds and changes one.

  local rooms --data DIR
  local rooms set NAME --data DIR --lecturer 172.18.191.24 --screen 172.18.191.21 --board 172.18.191.30 --sound 172.18.191.24

What is not given stays as it is. The board is the room's source whose "merge" ends in "right".

`,
		Ru: `Показывает аудитории, добавляет или меняет одну из них.

  local rooms --data ПАПКА
  local rooms set ИМЯ --data ПАПКА --lecturer 172.18.191.24 --screen 172.18.191.21 --board 172.18.191.30 --sound 172.18.191.24

Что не указано, остаётся как было. Доска — источник аудитории, у которого поле merge кончается на right.

`,
	}
}

func roomsHelpRussian() map[string]string {
	return map[string]string{
		"lecturer":       "`адрес` камеры лектора",
		"screen":         "`адрес` кодера, который пишет проектор",
		"board":          "`адрес` камеры доски",
		"sound":          "`адрес` источника, чей звук нужен",
		"calendar":       "`идентификатор` календаря аудитории",
		"drive":          "`папка` на Диске: её идентификатор или адрес",
		"time-zone":      "часовой `пояс` аудитории по IANA",
		"language":       "`язык` надписей в её календаре и курсах: ru или en",
		"segment-length": "номинальная `длина` её файлов",
	}
}

// roomOptions are what can be set of a room; empty leaves it as it is.
type roomOptions struct {
	lecturer, screen, board, sound string
	calendar, drive                string
	zone, language                 string
	segment                        time.Duration
}

func roomsCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o dataOptions
	var r roomOptions
	flags := o.flags("rooms")
	flags.StringVar(&r.lecturer, "lecturer", "", "`ADDRESS` of the camera on the lecturer")
	flags.StringVar(&r.screen, "screen", "", "`ADDRESS` of the encoder of the projector")
	flags.StringVar(&r.board, "board", "", "`ADDRESS` of the camera on the board")
	flags.StringVar(&r.sound, "sound", "", "`ADDRESS` of the source whose sound is wanted")
	flags.StringVar(&r.calendar, "calendar", "", "`ID` of the room's calendar")
	flags.StringVar(&r.drive, "drive", "", "`FOLDER` on Drive: its id or its address")
	flags.StringVar(&r.zone, "time-zone", "", "IANA `ZONE` of the room")
	flags.StringVar(&r.language, "language", "", "`LANGUAGE` of what is written in its calendar and courses: ru or en")
	flags.DurationVar(&r.segment, "segment-length", 0, "nominal `LENGTH` of its segments")
	return runAction(ctx, "rooms", roomsHelp(), roomsHelpRussian(), flags, &o, args, stdout, stderr, func(ctx context.Context, db *store.Store, args []string, out io.Writer) error {
		switch {
		case len(args) == 0:
			return listRooms(ctx, db, out)
		case len(args) == 2 && args[0] == "set":
			return setRoom(ctx, db, args[1], r, out)
		}
		return fmt.Errorf("%w: want nothing, or: set NAME", errUsage)
	})
}

func listRooms(ctx context.Context, db *store.Store, out io.Writer) error {
	rooms, err := db.Rooms.List(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "room\tlecturer\tscreen\tboard\tsound\tzone\tsegments\tcalendar\tdrive")
	for _, r := range rooms {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.MainSource, r.ScreenSource, r.Board(), r.SoundSource, r.Zone, r.SegmentLength, r.Calendar, r.Drive)
	}
	return table.Flush()
}

func setRoom(ctx context.Context, db *store.Store, name string, o roomOptions, out io.Writer) error {
	room, err := db.Rooms.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		room, err = nvr.Room{Name: name}, nil
	}
	if err != nil {
		return err
	}
	for column, given := range map[*string]string{
		&room.MainSource: o.lecturer, &room.ScreenSource: o.screen, &room.SoundSource: o.sound,
		&room.Calendar: o.calendar, &room.Drive: o.drive, &room.Language: o.language,
	} {
		if given != "" {
			*column = given
		}
	}
	if o.segment < 0 || o.segment%time.Minute != 0 {
		return fmt.Errorf("%w: --segment-length %s: want whole minutes, like 30m", errUsage, o.segment)
	}
	if o.segment != 0 {
		room.SegmentLength = o.segment
	}
	if o.language != "" && o.language != "ru" && o.language != "en" {
		return fmt.Errorf("%w: --language %q: want ru or en", errUsage, o.language)
	}
	if o.zone != "" {
		if room.Zone, err = time.LoadLocation(o.zone); err != nil {
			return fmt.Errorf("%w: --time-zone %q: want a name like Europe/Moscow", errUsage, o.zone)
		}
	}
	for _, address := range []string{o.lecturer, o.screen, o.board, o.sound} {
		if address != "" && nvr.Octet(address) == "" {
			return fmt.Errorf("%w: %q is not an address like 172.18.191.24", errUsage, address)
		}
	}
	id, err := db.Rooms.Save(ctx, room)
	if err == nil && o.board != "" {
		err = setBoard(ctx, db, id, room, o.board)
	}
	if err == nil {
		_, err = fmt.Fprintf(out, "room %s is saved\n", name)
	}
	return err
}

// setBoard makes an address the room's board.
func setBoard(ctx context.Context, db *store.Store, id int64, room nvr.Room, address string) error {
	source := nvr.Source{Name: room.Name + " board", IP: address, Merge: "right"}
	for _, s := range room.Sources {
		if s.IP == room.Board() {
			source = s
			source.IP = address
		}
	}
	_, err := db.Rooms.SaveSource(ctx, id, source)
	return err
}
