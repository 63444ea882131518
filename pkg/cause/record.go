package cause

import "time"

// areaRecord is the section of causes why a record waits, failed or was cancelled.
const areaRecord = "record"

// Causes of records, of their events and of their courses.
const (
	// CodeUnknownRoom means that the request names a room that does not exist.
	CodeUnknownRoom Code = "unknown-room"
	// CodeBadTimes means that the date or the times of the request cannot be read.
	CodeBadTimes Code = "bad-times"
	// CodeBadFolder means that the Drive folder of the room is neither an id nor a URL.
	CodeBadFolder Code = "bad-folder"
	// CodeNoCameras means that the room has no sources.
	CodeNoCameras Code = "no-cameras"
	// CodeNoFootage means that nothing was recorded in the requested time.
	CodeNoFootage Code = "no-footage"
	// CodeNoUsableFootage means that files were recorded in the requested time, but none can be used.
	CodeNoUsableFootage Code = "no-usable-footage"
	// CodeFileFault means that a file of the recorder cannot be used; it is an argument of CodeNoUsableFootage.
	CodeFileFault Code = "file-fault"
	// CodeWaitingForFootage means that files of the recorder are still missing and may come.
	CodeWaitingForFootage Code = "waiting-for-footage"
	// CodeWillRetry means that a step failed and is retried automatically.
	CodeWillRetry Code = "will-retry"
	// CodeKeptFailing means that a step failed as often as it is retried.
	CodeKeptFailing Code = "kept-failing"
	// CodeWorkersDied means that the workers of a step died in a row without progress.
	CodeWorkersDied Code = "workers-died"
	// CodeWorkersDiedOn means that the workers of a step died in a row while they read one file of the recorder.
	CodeWorkersDiedOn Code = "workers-died-on"
	// CodeEventWithdrawn means that the event was cancelled, or asked for no recording, while the video was made.
	CodeEventWithdrawn Code = "event-withdrawn"
	// CodeEventNotRecorded means that the event asks for no record: the sweep of the calendar cancelled it. The argument is a calendar.Refusal.
	CodeEventNotRecorded Code = "event-not-recorded"
	// CodeOptedOut means that a calendar event asks for no recording of the room at the time of the record.
	CodeOptedOut Code = "opted-out"
	// CodeOptedOutLate means that a calendar event asks not to record time that a delivered video shows.
	CodeOptedOutLate Code = "opted-out-late"
	// CodeShareOutside means that videos may not be shared with the requester's domain.
	CodeShareOutside Code = "share-outside"
	// CodeEventMoved means that the event was moved after the video was begun.
	CodeEventMoved Code = "event-moved"
	// CodeEventGone means that the calendar event was deleted before the video was attached.
	CodeEventGone Code = "event-gone"
	// CodeVideoGone means that a person removed the video from Drive before it was linked.
	CodeVideoGone Code = "video-gone"
	// CodeDeliveredGone means that a delivered video was deleted from Drive, or is hidden from the service.
	CodeDeliveredGone Code = "delivered-gone"
	// CodeDeliveredTrashed means that a delivered video is in the trash of Drive.
	CodeDeliveredTrashed Code = "delivered-trashed"
	// CodeDeliveredSize means that a delivered video has another size than what was uploaded.
	CodeDeliveredSize Code = "delivered-size"
	// CodeDeliveredContent means that a delivered video has other bytes than what was uploaded.
	CodeDeliveredContent Code = "delivered-content"
	// CodeNotPlayableYet means that Drive still processes the video.
	CodeNotPlayableYet Code = "not-playable-yet"
	// CodeCourseNotFound means that Classroom has no course of the name in the event.
	CodeCourseNotFound Code = "course-not-found"
	// CodeCourseAmbiguous means that several courses of Classroom fit the name in the event.
	CodeCourseAmbiguous Code = "course-ambiguous"
	// CodeCancelledBy means that a person cancelled the request.
	CodeCancelledBy Code = "cancelled-by"
	// CodeTakenBack means that a person took the delivered video back.
	CodeTakenBack Code = "taken-back"
	// CodeFootageExpired means that an adopted request is older than the retention of the footage.
	CodeFootageExpired Code = "footage-expired"
	// CodeMergeMemory means that Cloud Run stopped a task because it used too much memory.
	CodeMergeMemory Code = "merge-memory"
	// CodeMergeTimeout means that Cloud Run stopped a task because it took too long.
	CodeMergeTimeout Code = "merge-timeout"
	// CodeMergeCancelled means that a person cancelled the execution of the job.
	CodeMergeCancelled Code = "merge-cancelled"
	// CodeMergeFailed means that the job failed for another reason.
	CodeMergeFailed Code = "merge-failed"
	// CodeProgramMissing means that FFmpeg or ffprobe is not installed.
	CodeProgramMissing Code = "program-missing"
	// CodeProgramTooOld means that the installed FFmpeg is too old.
	CodeProgramTooOld Code = "program-too-old"
)

// UnknownRoom returns the cause of [CodeUnknownRoom].
func UnknownRoom(room string) Cause {
	return newCause(CodeUnknownRoom, Text("room", room))
}

// BadTimes returns the cause of [CodeBadTimes].
func BadTimes(date, start, end string) Cause {
	return newCause(CodeBadTimes, Text("date", date), Text("start", start), Text("end", end))
}

// BadFolder returns the cause of [CodeBadFolder].
func BadFolder(room string) Cause {
	return newCause(CodeBadFolder, Text("room", room))
}

// NoCameras returns the cause of [CodeNoCameras].
func NoCameras(room string) Cause {
	return newCause(CodeNoCameras, Text("room", room))
}

// NoFootage returns the cause of [CodeNoFootage].
func NoFootage(room, date, start, end string) Cause {
	return newCause(CodeNoFootage,
		Text("room", room),
		Text("date", date),
		Text("start", start),
		Text("end", end),
	)
}

// NoUsableFootage returns the cause of [CodeNoUsableFootage].
func NoUsableFootage(room, date, start, end string, files ...Cause) Cause {
	return newCause(CodeNoUsableFootage,
		Text("room", room),
		Text("date", date),
		Text("start", start),
		Text("end", end),
		List("files", files...),
	)
}

// FileFault returns the cause of [CodeFileFault].
func FileFault(file string, cause Cause) Cause {
	return newCause(CodeFileFault, Text("file", file), Of("cause", cause))
}

// WaitingForFootage returns the cause of [CodeWaitingForFootage].
func WaitingForFootage(files int, until time.Time) Cause {
	return newCause(CodeWaitingForFootage, Int("files", files), Instant("until", until))
}

// WillRetry returns the cause of [CodeWillRetry].
func WillRetry(step string) Cause {
	return newCause(CodeWillRetry, Text("step", step))
}

// KeptFailing returns the cause of [CodeKeptFailing].
func KeptFailing(step string) Cause {
	return newCause(CodeKeptFailing, Text("step", step))
}

// WorkersDied returns the cause of [CodeWorkersDied].
func WorkersDied(step string) Cause {
	return newCause(CodeWorkersDied, Text("step", step))
}

// WorkersDiedOn returns the cause of [CodeWorkersDiedOn].
func WorkersDiedOn(step, file string) Cause {
	return newCause(CodeWorkersDiedOn, Text("step", step), Text("file", file))
}

// EventWithdrawn returns the cause of [CodeEventWithdrawn].
func EventWithdrawn() Cause {
	return newCause(CodeEventWithdrawn)
}

// EventNotRecorded returns the cause of [CodeEventNotRecorded].
func EventNotRecorded(refusal string) Cause {
	return newCause(CodeEventNotRecorded, Text("refusal", refusal))
}

// OptedOut returns the cause of [CodeOptedOut].
func OptedOut(room string) Cause {
	return newCause(CodeOptedOut, Text("room", room))
}

// OptedOutLate returns the cause of [CodeOptedOutLate]. The times are the room's.
func OptedOutLate(start, end string) Cause {
	return newCause(CodeOptedOutLate, Text("start", start), Text("end", end))
}

// ShareOutside returns the cause of [CodeShareOutside].
func ShareOutside(domain string) Cause {
	return newCause(CodeShareOutside, Text("domain", domain))
}

// EventMoved returns the cause of [CodeEventMoved].
func EventMoved(date, start, end string) Cause {
	return newCause(CodeEventMoved, Text("date", date), Text("start", start), Text("end", end))
}

// EventGone returns the cause of [CodeEventGone].
func EventGone() Cause {
	return newCause(CodeEventGone)
}

// VideoGone returns the cause of [CodeVideoGone].
func VideoGone() Cause {
	return newCause(CodeVideoGone)
}

// NotPlayableYet returns the cause of [CodeNotPlayableYet].
func NotPlayableYet() Cause {
	return newCause(CodeNotPlayableYet)
}

// CourseNotFound returns the cause of [CodeCourseNotFound].
func CourseNotFound(course string) Cause {
	return newCause(CodeCourseNotFound, Text("course", course))
}

// CourseAmbiguous returns the cause of [CodeCourseAmbiguous].
func CourseAmbiguous(course string) Cause {
	return newCause(CodeCourseAmbiguous, Text("course", course))
}

// TakenBack returns the cause of [CodeTakenBack].
func TakenBack() Cause {
	return newCause(CodeTakenBack)
}

// CancelledBy returns the cause of [CodeCancelledBy].
func CancelledBy(email string) Cause {
	return newCause(CodeCancelledBy, Text("email", email))
}

// FootageExpired returns the cause of [CodeFootageExpired].
func FootageExpired() Cause {
	return newCause(CodeFootageExpired)
}

// MergeMemory returns the cause of [CodeMergeMemory].
func MergeMemory() Cause {
	return newCause(CodeMergeMemory)
}

// MergeTimeout returns the cause of [CodeMergeTimeout].
func MergeTimeout() Cause {
	return newCause(CodeMergeTimeout)
}

// MergeCancelled returns the cause of [CodeMergeCancelled].
func MergeCancelled() Cause {
	return newCause(CodeMergeCancelled)
}

// MergeFailed returns the cause of [CodeMergeFailed].
func MergeFailed() Cause {
	return newCause(CodeMergeFailed)
}

// ProgramMissing returns the cause of [CodeProgramMissing].
func ProgramMissing(program string) Cause {
	return newCause(CodeProgramMissing, Text("program", program))
}

// ProgramTooOld returns the cause of [CodeProgramTooOld].
func ProgramTooOld(version, oldest string) Cause {
	return newCause(CodeProgramTooOld, Text("version", version), Text("oldest", oldest))
}

// DeliveredGone reports that a delivered video was deleted from Drive, or is hidden from the service.
func DeliveredGone() Cause { return newCause(CodeDeliveredGone) }

// DeliveredTrashed reports that a delivered video is in the trash of Drive.
func DeliveredTrashed() Cause { return newCause(CodeDeliveredTrashed) }

// DeliveredSize reports the bytes that a delivered video has, and those that were uploaded.
func DeliveredSize(has, want int64) Cause {
	return newCause(CodeDeliveredSize, Int("has", has), Int("want", want))
}

// DeliveredContent reports that a delivered video has other bytes than what was uploaded.
func DeliveredContent() Cause { return newCause(CodeDeliveredContent) }

func recordSpecs() []Spec {
	return []Spec{
		spec(areaRecord, CodeDeliveredGone),
		spec(areaRecord, CodeDeliveredTrashed),
		spec(areaRecord, CodeDeliveredSize, Param{"has", KindInt}, Param{"want", KindInt}),
		spec(areaRecord, CodeDeliveredContent),
		spec(areaRecord, CodeUnknownRoom, Param{"room", KindText}),
		spec(areaRecord, CodeBadTimes,
			Param{"date", KindText},
			Param{"start", KindText},
			Param{"end", KindText},
		),
		spec(areaRecord, CodeBadFolder, Param{"room", KindText}),
		spec(areaRecord, CodeNoCameras, Param{"room", KindText}),
		spec(areaRecord, CodeNoFootage,
			Param{"room", KindText},
			Param{"date", KindText},
			Param{"start", KindText},
			Param{"end", KindText},
		),
		spec(areaRecord, CodeNoUsableFootage,
			Param{"room", KindText},
			Param{"date", KindText},
			Param{"start", KindText},
			Param{"end", KindText},
			Param{"files", KindList},
		),
		spec(areaRecord, CodeWorkersDied, Param{"step", KindText}),
		spec(areaRecord, CodeWorkersDiedOn, Param{"step", KindText}, Param{"file", KindText}),
		spec(areaRecord, CodeFileFault, Param{"file", KindText}, Param{"cause", KindCause}),
		spec(areaRecord, CodeWaitingForFootage, Param{"files", KindInt}, Param{"until", KindInstant}),
		spec(areaRecord, CodeWillRetry, Param{"step", KindText}),
		spec(areaRecord, CodeKeptFailing, Param{"step", KindText}),
		spec(areaRecord, CodeEventWithdrawn),
		spec(areaRecord, CodeEventNotRecorded, Param{"refusal", KindText}),
		spec(areaRecord, CodeOptedOut, Param{"room", KindText}),
		spec(areaRecord, CodeOptedOutLate, Param{"start", KindText}, Param{"end", KindText}),
		spec(areaRecord, CodeShareOutside, Param{"domain", KindText}),
		spec(areaRecord, CodeEventMoved,
			Param{"date", KindText},
			Param{"start", KindText},
			Param{"end", KindText},
		),
		spec(areaRecord, CodeEventGone),
		spec(areaRecord, CodeVideoGone),
		spec(areaRecord, CodeNotPlayableYet),
		spec(areaRecord, CodeCourseNotFound, Param{"course", KindText}),
		spec(areaRecord, CodeCourseAmbiguous, Param{"course", KindText}),
		spec(areaRecord, CodeCancelledBy, Param{"email", KindText}),
		spec(areaRecord, CodeTakenBack),
		spec(areaRecord, CodeFootageExpired),
		spec(areaRecord, CodeMergeMemory),
		spec(areaRecord, CodeMergeTimeout),
		spec(areaRecord, CodeMergeCancelled),
		spec(areaRecord, CodeMergeFailed),
		spec(areaRecord, CodeProgramMissing, Param{"program", KindText}),
		spec(areaRecord, CodeProgramTooOld, Param{"version", KindText}, Param{"oldest", KindText}),
	}
}
