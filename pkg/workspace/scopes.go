package workspace

import (
	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/classroom/v1"
	"google.golang.org/api/drive/v3"
)

// StageScopes are what the step stage asks for: it reads segments wherever they lie.
func StageScopes() []string { return []string{drive.DriveReadonlyScope} }

// VerifyScopes are what the comparison of delivered videos asks for: sizes and checksums, and no content.
func VerifyScopes() []string { return []string{drive.DriveMetadataReadonlyScope} }

// UploadScopes are what the step upload asks for. drive.file would not do: the rooms' folders are not
// made by us.
func UploadScopes() []string {
	return []string{drive.DriveScope, calendar.CalendarEventsReadonlyScope}
}

// LinkScopes are what the step link asks for: Drive to see whether the video can be watched, and to
// make the teacher who posts it a writer, who may share it with the course.
func LinkScopes() []string {
	return []string{
		drive.DriveScope,
		calendar.CalendarEventsScope,
		classroom.ClassroomAnnouncementsScope,
		classroom.ClassroomCoursesReadonlyScope,
		classroom.ClassroomProfileEmailsScope,
		classroom.ClassroomRostersReadonlyScope,
	}
}

// CalendarScopes are what the sweep asks for: it reads events and watches calendars.
func CalendarScopes() []string { return []string{calendar.CalendarEventsReadonlyScope} }
