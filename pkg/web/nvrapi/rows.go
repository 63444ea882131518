package nvrapi

import (
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// roomRow has the columns of the recorder's table rooms.
type roomRow struct {
	ID           int64   `json:"id"`
	Name         string  `json:"name"`
	Drive        *string `json:"drive"`
	Calendar     *string `json:"calendar"`
	MainSource   *string `json:"main_source"`
	ScreenSource *string `json:"screen_source"`
	SoundSource  *string `json:"sound_source"`
}

// newRoomRow returns a room as this API answers it. Empty columns are null.
func newRoomRow(room *nvr.Room) roomRow {
	return roomRow{
		ID:           room.ID,
		Name:         room.Name,
		Drive:        httpapi.Nullable(room.Drive),
		Calendar:     httpapi.Nullable(room.Calendar),
		MainSource:   httpapi.Nullable(room.MainSource),
		ScreenSource: httpapi.Nullable(room.ScreenSource),
		SoundSource:  httpapi.Nullable(room.SoundSource),
	}
}

// recordRow has the columns of the recorder's table records.
type recordRow struct {
	ID         int64   `json:"id"`
	EventName  *string `json:"event_name"`
	RoomName   string  `json:"room_name"`
	Date       string  `json:"date"`
	StartTime  string  `json:"start_time"`
	EndTime    string  `json:"end_time"`
	UserEmail  string  `json:"user_email"`
	EventID    *string `json:"event_id"`
	Done       bool    `json:"done"`
	Processing bool    `json:"processing"`
}

// newRecordRow returns a record as this API answers it. Empty columns are null.
func newRecordRow(r *nvr.Record) recordRow {
	return recordRow{
		ID:         r.ID,
		EventName:  httpapi.Nullable(r.Title),
		RoomName:   r.Room,
		Date:       r.Date,
		StartTime:  r.StartTime,
		EndTime:    r.EndTime,
		UserEmail:  r.UserEmail,
		EventID:    httpapi.Nullable(r.EventID),
		Done:       r.Done,
		Processing: r.Processing,
	}
}
