package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	selectRooms = `select r.id, coalesce(r.name, ''), coalesce(r.drive, ''), coalesce(r.calendar, ''),
 coalesce(r.main_source, ''), coalesce(r.screen_source, ''), coalesce(r.sound_source, ''),
 coalesce(s.time_zone, ''), coalesce(s.language, ''), coalesce(s.segment_ms, 0),
 coalesce(s.layout, '')
 from rooms r left join room_settings s on s.room_id = r.id`

	selectRoomByName = selectRooms + ` where r.name = ? order by r.id limit 1`

	selectRoomsByName = selectRooms + ` order by r.name, r.id`

	sourceColumns = `id, coalesce(room_id, 0), coalesce(name, ''), coalesce(ip, ''), coalesce(port, ''),
 coalesce(rtsp, ''), coalesce(audio, ''), coalesce(merge, '')`

	selectSources = `select ` + sourceColumns + ` from sources order by id`

	selectSourcesOf = `select ` + sourceColumns + ` from sources where room_id = ? order by id`

	insertRoom = `insert into rooms (name, drive, calendar, main_source, screen_source, sound_source)
 values (?, ?, ?, ?, ?, ?)`

	updateRoom = `update rooms set name = ?, drive = ?, calendar = ?, main_source = ?, screen_source = ?,
 sound_source = ? where id = ?`

	replaceSettings = `replace into room_settings (room_id, time_zone, language, segment_ms, layout)
 values (?, ?, ?, ?, ?)`

	deleteSettings = `delete from room_settings where room_id = ?`

	insertSource = `insert into sources (name, ip, port, rtsp, audio, merge, room_id) values (?, ?, ?, ?, ?, ?, ?)`

	updateSource = `update sources set name = ?, ip = ?, port = ?, rtsp = ?, audio = ?, merge = ?
 where id = ? and room_id = ?`

	deleteSource = `delete from sources where id = ? and room_id = ?`

	deleteSources = `delete from sources where room_id = ?`

	deleteRoom = `delete from rooms where id = ?`
)

// Rooms reads and writes rooms, their sources and their settings.
type Rooms struct{ *database }

// List lists all rooms with their sources, by name.
func (s Rooms) List(ctx context.Context) ([]nvr.Room, error) {
	var rooms []nvr.Room
	reset := func() { rooms = nil }
	scan := func(row scanner) error {
		room, err := s.scanRoom(row)
		rooms = append(rooms, room)
		return err
	}
	if err := s.each(ctx, reset, scan, selectRoomsByName); err != nil {
		return nil, fmt.Errorf("list the rooms: %w", err)
	}
	byID := make(map[int64]*nvr.Room, len(rooms))
	for i := range rooms {
		byID[rooms[i].ID] = &rooms[i]
	}
	if err := s.readSources(ctx, byID, selectSources); err != nil {
		return nil, err
	}
	return rooms, nil
}

// Get reads one room by its name. It returns [ErrNotFound] if there is none.
func (s Rooms) Get(ctx context.Context, name string) (room nvr.Room, err error) {
	scan := func(row scanner) (err error) {
		room, err = s.scanRoom(row)
		return err
	}
	err = s.row(ctx, scan, selectRoomByName, name)
	if err == nil && room.Name != name { // MySQL ignores case and accents when it compares
		err = ErrNotFound
	}
	if err != nil {
		return nvr.Room{}, fmt.Errorf("read room %q: %w", name, err)
	}
	byID := map[int64]*nvr.Room{room.ID: &room}
	return room, s.readSources(ctx, byID, selectSourcesOf, room.ID)
}

// readSources reads sources into their rooms. Sources of other rooms are skipped.
func (s Rooms) readSources(ctx context.Context, rooms map[int64]*nvr.Room, statement string, args ...any) error {
	reset := func() {
		for _, room := range rooms {
			room.Sources = nil
		}
	}
	scan := func(row scanner) error {
		var source nvr.Source
		var roomID int64
		err := row.Scan(&source.ID, &roomID, &source.Name, &source.IP, &source.Port, &source.RTSP,
			&source.Audio, &source.Merge)
		if room := rooms[roomID]; room != nil {
			room.Sources = append(room.Sources, source)
		}
		return err
	}
	if err := s.each(ctx, reset, scan, statement, args...); err != nil {
		return fmt.Errorf("list the sources: %w", err)
	}
	return nil
}

// scanRoom fills the settings that the room leaves open from the defaults. A time zone that this machine
// does not know is an error, because a wrong zone would cut every recording at the wrong time.
func (s Rooms) scanRoom(row scanner) (room nvr.Room, err error) {
	var zone string
	var segmentMs int64
	err = row.Scan(&room.ID, &room.Name, &room.Drive, &room.Calendar, &room.MainSource, &room.ScreenSource,
		&room.SoundSource, &zone, &room.Language, &segmentMs, &room.Layout)
	if err != nil {
		return room, err
	}
	if room.Layout != "" && !room.Layout.Known() {
		return room, fmt.Errorf("room %q: no such layout: %q", room.Name, room.Layout)
	}
	room.Zone = s.defaults.Zone
	if zone != "" {
		if room.Zone, err = time.LoadLocation(zone); err != nil {
			return room, fmt.Errorf("room %q: %w", room.Name, err)
		}
	}
	segment := time.Duration(segmentMs) * time.Millisecond
	room.Language = cmp.Or(room.Language, s.defaults.Language)
	room.SegmentLength = cmp.Or(segment, s.defaults.SegmentLength)
	return room, nil
}

// Save writes a room and returns its id. A room with ID 0 is new. Settings that equal the defaults are
// stored as open, so that they follow the defaults. [Rooms.SaveSource] writes the sources.
func (s Rooms) Save(ctx context.Context, room nvr.Room) (id int64, err error) {
	err = s.change(ctx, func(tx *sql.Tx) (err error) {
		if id, err = saveRoom(ctx, tx, &room); err != nil {
			return err
		}
		return s.saveSettings(ctx, tx, id, &room)
	})
	if err != nil {
		return 0, fmt.Errorf("save room %q: %w", room.Name, err)
	}
	return id, nil
}

// saveRoom writes the columns of the table rooms and returns the id of the row.
func saveRoom(ctx context.Context, tx *sql.Tx, room *nvr.Room) (id int64, err error) {
	columns := []any{
		room.Name, null(room.Drive), null(room.Calendar),
		null(room.MainSource), null(room.ScreenSource), null(room.SoundSource),
	}
	if room.ID != 0 {
		result, err := tx.ExecContext(ctx, updateRoom, append(columns, room.ID)...)
		return room.ID, requireRow(result, err)
	}
	result, err := tx.ExecContext(ctx, insertRoom, columns...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (s Rooms) saveSettings(ctx context.Context, tx *sql.Tx, id int64, room *nvr.Room) error {
	zone, language, segment := "", room.Language, room.SegmentLength
	if room.Zone != nil && room.Zone.String() != s.defaults.Zone.String() {
		zone = room.Zone.String()
	}
	if language == s.defaults.Language {
		language = ""
	}
	if segment == s.defaults.SegmentLength {
		segment = 0
	}
	if zone == "" && language == "" && segment == 0 && room.Layout == "" {
		_, err := tx.ExecContext(ctx, deleteSettings, id)
		return err
	}
	_, err := tx.ExecContext(ctx, replaceSettings, id, zone, language, segment.Milliseconds(), string(room.Layout))
	return err
}

// SaveSource writes a source of a room and returns its id. A source with ID 0 is new.
func (s Rooms) SaveSource(ctx context.Context, room int64, source nvr.Source) (int64, error) {
	columns := []any{
		source.Name,
		source.IP,
		null(source.Port),
		null(source.RTSP),
		null(source.Audio),
		null(source.Merge),
	}
	statement, keys := updateSource, []any{source.ID, room}
	if source.ID == 0 {
		statement, keys = insertSource, []any{room}
	}
	result, err := s.send(ctx, statement, append(columns, keys...)...)
	if err := requireRow(result, err); err != nil {
		return 0, fmt.Errorf("save source %q: %w", source.IP, err)
	}
	if source.ID != 0 {
		return source.ID, nil
	}
	return result.LastInsertId()
}

// DeleteSource deletes a source of a room.
func (s Rooms) DeleteSource(ctx context.Context, room, id int64) error {
	if _, err := s.exec(ctx, deleteSource, id, room); err != nil {
		return fmt.Errorf("delete source %d: %w", id, err)
	}
	return nil
}

// Delete deletes a room with its sources and settings. The records of the room stay.
func (s Rooms) Delete(ctx context.Context, id int64) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		return execAll(ctx, tx, id, deleteSources, deleteSettings, deleteRoom)
	})
	if err != nil {
		return fmt.Errorf("delete room %d: %w", id, err)
	}
	return nil
}

// requireRow returns err, or [ErrNotFound] if result is of no row.
func requireRow(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	rows, err := result.RowsAffected()
	if err == nil && rows == 0 {
		err = ErrNotFound
	}
	return err
}
