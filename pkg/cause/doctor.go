package cause

// areaDoctor is the section of causes that doctor finds.
const areaDoctor = "doctor"

// Causes that doctor finds. A finding that is in order has a cause, too.
const (
	// CodeCheckFailed means a check that failed for a technical reason.
	CodeCheckFailed Code = "check-failed"
	// CodeCheckRefused means a check that failed for good, with the technical detail.
	CodeCheckRefused Code = "check-refused"
	// CodeConfigurationInvalid means a configuration that cannot be used.
	CodeConfigurationInvalid Code = "configuration-invalid"
	// CodeDatabaseUnset means a configuration without a database.
	CodeDatabaseUnset Code = "database-unset"
	// CodeConfigurationValid means a valid configuration.
	CodeConfigurationValid Code = "configuration-valid"
	// CodeServeDown means a serve that is not running, so that its services were not checked.
	CodeServeDown Code = "serve-down"
	// CodeBucketReadable means a bucket that can be read.
	CodeBucketReadable Code = "bucket-readable"
	// CodeBucketReadOnly means a bucket that this account may only read.
	CodeBucketReadOnly Code = "bucket-read-only"
	// CodeBucketWritable means a bucket that can be written.
	CodeBucketWritable Code = "bucket-writable"
	// CodeTopicMissing means a topic that does not exist.
	CodeTopicMissing Code = "topic-missing"
	// CodeTopicForbidden means a topic that this account may not read.
	CodeTopicForbidden Code = "topic-forbidden"
	// CodeTopicPresent means a topic that exists.
	CodeTopicPresent Code = "topic-present"
	// CodeJobPresent means a job that exists.
	CodeJobPresent Code = "job-present"
	// CodeWorkspaceAvailable means an API of the Workspace that answers.
	CodeWorkspaceAvailable Code = "workspace-available"
	// CodeDatabaseMissing means a database file that does not exist.
	CodeDatabaseMissing Code = "database-missing"
	// CodeDatabaseReplaced means a table that an imported dump has replaced.
	CodeDatabaseReplaced Code = "database-replaced"
	// CodeSchemaOld means a schema older than this program.
	CodeSchemaOld Code = "schema-old"
	// CodeSchemaNewer means a schema newer than this program.
	CodeSchemaNewer Code = "schema-newer"
	// CodeSchemaCurrent means a schema that this program needs.
	CodeSchemaCurrent Code = "schema-current"
	// CodeRecordsLocked means records that another program is processing.
	CodeRecordsLocked Code = "records-locked"
	// CodeNoRecordsLocked means a database without records that another program is processing.
	CodeNoRecordsLocked Code = "no-records-locked"
	// CodeNVRSuperuser means that the NVR's database user may do everything in the database.
	CodeNVRSuperuser Code = "nvr-superuser"
	// CodeNVRLimited means that the NVR's database user is no superuser.
	CodeNVRLimited Code = "nvr-limited"
	// CodeProgramFound means an installed program.
	CodeProgramFound Code = "program-found"
	// CodeOCRMissing means a machine without an OCR program.
	CodeOCRMissing Code = "ocr-missing"
	// CodeDiskFree means the free space of a disk.
	CodeDiskFree Code = "disk-free"
	// CodeWebhookInvalid means a webhook whose address is not a URL.
	CodeWebhookInvalid Code = "webhook-invalid"
	// CodeWebhookUnreachable means a webhook that does not answer.
	CodeWebhookUnreachable Code = "webhook-unreachable"
	// CodeWebhookStatus means a webhook that answers with an error.
	CodeWebhookStatus Code = "webhook-status"
	// CodeWebhookAvailable means a webhook that answers.
	CodeWebhookAvailable Code = "webhook-available"
	// CodeNoRooms means a database without rooms.
	CodeNoRooms Code = "no-rooms"
	// CodeRoomsKnown means the number of rooms.
	CodeRoomsKnown Code = "rooms-known"
	// CodeRole means one role of a source.
	CodeRole Code = "role"
	// CodeSource means one source with its address or last octet.
	CodeSource Code = "source"
	// CodeSourcesInvalid means sources whose addresses cannot be read.
	CodeSourcesInvalid Code = "sources-invalid"
	// CodeNoSources means a room without any source.
	CodeNoSources Code = "no-sources"
	// CodeSourcesUnset means a room without some sources.
	CodeSourcesUnset Code = "sources-unset"
	// CodeSourcesComplete means a room with all sources.
	CodeSourcesComplete Code = "sources-complete"
	// CodeFootageMissing means sources that have recorded nothing since yesterday.
	CodeFootageMissing Code = "footage-missing"
	// CodeFootageFound means what the sources have recorded since yesterday.
	CodeFootageFound Code = "footage-found"
	// CodeCalendarUnset means a room without a calendar.
	CodeCalendarUnset Code = "calendar-unset"
	// CodeCalendarAvailable means a calendar that can be read.
	CodeCalendarAvailable Code = "calendar-available"
	// CodeFolderUnset means a room without a folder.
	CodeFolderUnset Code = "folder-unset"
	// CodeFolderNotMadeYet means a folder of the imitation that the first upload creates.
	CodeFolderNotMadeYet Code = "folder-not-made-yet"
	// CodeFolderTrashed means a folder in the trash.
	CodeFolderTrashed Code = "folder-trashed"
	// CodeNotAFolder means a file in place of a folder.
	CodeNotAFolder Code = "not-a-folder"
	// CodeFolderReadOnly means a folder without permission to write.
	CodeFolderReadOnly Code = "folder-read-only"
	// CodeFolderWritable means a folder that can be written.
	CodeFolderWritable Code = "folder-writable"
	// CodeFolderHidden means a folder that the user cannot see.
	CodeFolderHidden Code = "folder-hidden"
	// CodeUploaderWithoutFolder means shared uploads without a folder.
	CodeUploaderWithoutFolder Code = "uploader-without-folder"
	// CodeUploaderReady means a user who may write to all checked folders.
	CodeUploaderReady Code = "uploader-ready"
)

// CheckFailed returns the cause of a check that failed for a technical reason.
func CheckFailed(err string) Cause {
	return newCause(CodeCheckFailed, Text("error", err))
}

// CheckRefused returns the cause of a check that failed for good, with the technical detail.
func CheckRefused(reason Cause, detail string) Cause {
	return newCause(CodeCheckRefused, Of("cause", reason), Text("detail", detail))
}

// ConfigurationInvalid returns the cause of a configuration that cannot be used.
func ConfigurationInvalid(err string) Cause {
	return newCause(CodeConfigurationInvalid, Text("error", err))
}

// DatabaseUnset returns the cause of a configuration without a database.
func DatabaseUnset() Cause { return newCause(CodeDatabaseUnset) }

// ConfigurationValid returns the cause of a valid configuration.
func ConfigurationValid(project string, zone string) Cause {
	return newCause(CodeConfigurationValid, Text("project", project), Text("zone", zone))
}

// ServeDown returns the cause of a serve that is not running, so that its services were not checked.
func ServeDown() Cause { return newCause(CodeServeDown) }

// BucketReadable returns the cause of a bucket that can be read.
func BucketReadable(bucket string) Cause {
	return newCause(CodeBucketReadable, Text("bucket", bucket))
}

// BucketReadOnly returns the cause of a bucket that this account may only read.
func BucketReadOnly() Cause { return newCause(CodeBucketReadOnly) }

// BucketWritable returns the cause of a bucket that can be written.
func BucketWritable() Cause { return newCause(CodeBucketWritable) }

// TopicMissing returns the cause of a topic that does not exist.
func TopicMissing() Cause { return newCause(CodeTopicMissing) }

// TopicForbidden returns the cause of a topic that this account may not read.
func TopicForbidden() Cause { return newCause(CodeTopicForbidden) }

// TopicPresent returns the cause of a topic that exists.
func TopicPresent() Cause { return newCause(CodeTopicPresent) }

// JobPresent returns the cause of a job that exists.
func JobPresent(job string) Cause {
	return newCause(CodeJobPresent, Text("job", job))
}

// WorkspaceAvailable returns the cause of an API of the Workspace that answers.
func WorkspaceAvailable() Cause { return newCause(CodeWorkspaceAvailable) }

// DatabaseMissing returns the cause of a database file that does not exist.
func DatabaseMissing(path string) Cause {
	return newCause(CodeDatabaseMissing, Text("path", path))
}

// DatabaseReplaced returns the cause of a table that an imported dump has replaced.
func DatabaseReplaced() Cause { return newCause(CodeDatabaseReplaced) }

// SchemaOld returns the cause of a schema older than this program.
func SchemaOld(current int64, needed int64) Cause {
	return newCause(CodeSchemaOld, Int("current", current), Int("needed", needed))
}

// SchemaNewer returns the cause of a schema newer than this program.
func SchemaNewer(current int64, known int64) Cause {
	return newCause(CodeSchemaNewer, Int("current", current), Int("known", known))
}

// SchemaCurrent returns the cause of a schema that this program needs.
func SchemaCurrent(current int64) Cause {
	return newCause(CodeSchemaCurrent, Int("current", current))
}

// RecordsLocked returns the cause of records that another program is processing.
func RecordsLocked(ids string) Cause {
	return newCause(CodeRecordsLocked, Text("ids", ids))
}

// NoRecordsLocked returns the cause of a database without records that another program is processing.
func NoRecordsLocked() Cause { return newCause(CodeNoRecordsLocked) }

// NVRSuperuser returns the cause of a database user of the NVR that may do everything in the database.
func NVRSuperuser(user string) Cause {
	return newCause(CodeNVRSuperuser, Text("user", user))
}

// NVRLimited returns the cause of a database user of the NVR that is no superuser.
func NVRLimited(user string) Cause {
	return newCause(CodeNVRLimited, Text("user", user))
}

// ProgramFound returns the cause of an installed program.
func ProgramFound(version string) Cause {
	return newCause(CodeProgramFound, Text("version", version))
}

// OCRMissing returns the cause of a machine without an OCR program.
func OCRMissing() Cause { return newCause(CodeOCRMissing) }

// DiskFree returns the cause of the free space of a disk.
func DiskFree(gigabytes string) Cause {
	return newCause(CodeDiskFree, Text("gigabytes", gigabytes))
}

// WebhookInvalid returns the cause of a webhook whose address is not a URL.
func WebhookInvalid() Cause { return newCause(CodeWebhookInvalid) }

// WebhookUnreachable returns the cause of a webhook that does not answer.
func WebhookUnreachable() Cause { return newCause(CodeWebhookUnreachable) }

// WebhookStatus returns the cause of a webhook that answers with an error.
func WebhookStatus(status string) Cause {
	return newCause(CodeWebhookStatus, Text("status", status))
}

// WebhookAvailable returns the cause of a webhook that answers.
func WebhookAvailable() Cause { return newCause(CodeWebhookAvailable) }

// NoRooms returns the cause of a database without rooms.
func NoRooms() Cause { return newCause(CodeNoRooms) }

// RoomsKnown returns the cause of the number of rooms.
func RoomsKnown(count int) Cause {
	return newCause(CodeRoomsKnown, Int("count", count))
}

// Role returns the cause of one role of a source.
func Role(role string) Cause {
	return newCause(CodeRole, Text("role", role))
}

// Source returns the cause of one source with its address or last octet.
func Source(role string, address string) Cause {
	return newCause(CodeSource, Text("role", role), Text("address", address))
}

// SourcesInvalid returns the cause of sources whose addresses cannot be read.
func SourcesInvalid(sources ...Cause) Cause {
	return newCause(CodeSourcesInvalid, List("sources", sources...))
}

// NoSources returns the cause of a room without any source.
func NoSources() Cause { return newCause(CodeNoSources) }

// SourcesUnset returns the cause of a room without some sources.
func SourcesUnset(roles ...Cause) Cause {
	return newCause(CodeSourcesUnset, List("roles", roles...))
}

// SourcesComplete returns the cause of a room with all sources.
func SourcesComplete() Cause { return newCause(CodeSourcesComplete) }

// FootageMissing returns the cause of sources that have recorded nothing since yesterday.
func FootageMissing(sources ...Cause) Cause {
	return newCause(CodeFootageMissing, List("sources", sources...))
}

// FootageFound returns the cause of what the sources have recorded since yesterday.
func FootageFound(segments string) Cause {
	return newCause(CodeFootageFound, Text("segments", segments))
}

// CalendarUnset returns the cause of a room without a calendar.
func CalendarUnset() Cause { return newCause(CodeCalendarUnset) }

// CalendarAvailable returns the cause of a calendar that can be read.
func CalendarAvailable(calendar string) Cause {
	return newCause(CodeCalendarAvailable, Text("calendar", calendar))
}

// FolderUnset returns the cause of a room without a folder.
func FolderUnset(user string) Cause {
	return newCause(CodeFolderUnset, Text("user", user))
}

// FolderNotMadeYet returns the cause of a folder of the imitation that the first upload creates.
func FolderNotMadeYet() Cause { return newCause(CodeFolderNotMadeYet) }

// FolderTrashed returns the cause of a folder in the trash.
func FolderTrashed(name string) Cause {
	return newCause(CodeFolderTrashed, Text("name", name))
}

// NotAFolder returns the cause of a file in place of a folder.
func NotAFolder(name string) Cause {
	return newCause(CodeNotAFolder, Text("name", name))
}

// FolderReadOnly returns the cause of a folder without permission to write.
func FolderReadOnly(name string) Cause {
	return newCause(CodeFolderReadOnly, Text("name", name))
}

// FolderWritable returns the cause of a folder that can be written.
func FolderWritable(name string) Cause {
	return newCause(CodeFolderWritable, Text("name", name))
}

// FolderHidden returns the cause of a folder that the user cannot see.
func FolderHidden(folder string) Cause {
	return newCause(CodeFolderHidden, Text("folder", folder))
}

// UploaderWithoutFolder returns the cause of shared uploads without a folder.
func UploaderWithoutFolder(user string) Cause {
	return newCause(CodeUploaderWithoutFolder, Text("user", user))
}

// UploaderReady returns the cause of a user who may write to all checked folders.
func UploaderReady(folders int) Cause {
	return newCause(CodeUploaderReady, Int("folders", folders))
}

func doctorSpecs() []Spec {
	return []Spec{
		spec(areaDoctor, CodeCheckFailed, Param{"error", KindText}),
		spec(areaDoctor, CodeCheckRefused, Param{"cause", KindCause}, Param{"detail", KindText}),
		spec(areaDoctor, CodeConfigurationInvalid, Param{"error", KindText}),
		spec(areaDoctor, CodeDatabaseUnset),
		spec(areaDoctor, CodeConfigurationValid, Param{"project", KindText}, Param{"zone", KindText}),
		spec(areaDoctor, CodeServeDown),
		spec(areaDoctor, CodeBucketReadable, Param{"bucket", KindText}),
		spec(areaDoctor, CodeBucketReadOnly),
		spec(areaDoctor, CodeBucketWritable),
		spec(areaDoctor, CodeTopicMissing),
		spec(areaDoctor, CodeTopicForbidden),
		spec(areaDoctor, CodeTopicPresent),
		spec(areaDoctor, CodeJobPresent, Param{"job", KindText}),
		spec(areaDoctor, CodeWorkspaceAvailable),
		spec(areaDoctor, CodeDatabaseMissing, Param{"path", KindText}),
		spec(areaDoctor, CodeDatabaseReplaced),
		spec(areaDoctor, CodeSchemaOld, Param{"current", KindInt}, Param{"needed", KindInt}),
		spec(areaDoctor, CodeSchemaNewer, Param{"current", KindInt}, Param{"known", KindInt}),
		spec(areaDoctor, CodeSchemaCurrent, Param{"current", KindInt}),
		spec(areaDoctor, CodeRecordsLocked, Param{"ids", KindText}),
		spec(areaDoctor, CodeNoRecordsLocked),
		spec(areaDoctor, CodeNVRSuperuser, Param{"user", KindText}),
		spec(areaDoctor, CodeNVRLimited, Param{"user", KindText}),
		spec(areaDoctor, CodeProgramFound, Param{"version", KindText}),
		spec(areaDoctor, CodeOCRMissing),
		spec(areaDoctor, CodeDiskFree, Param{"gigabytes", KindText}),
		spec(areaDoctor, CodeWebhookInvalid),
		spec(areaDoctor, CodeWebhookUnreachable),
		spec(areaDoctor, CodeWebhookStatus, Param{"status", KindText}),
		spec(areaDoctor, CodeWebhookAvailable),
		spec(areaDoctor, CodeNoRooms),
		spec(areaDoctor, CodeRoomsKnown, Param{"count", KindInt}),
		spec(areaDoctor, CodeRole, Param{"role", KindText}),
		spec(areaDoctor, CodeSource, Param{"role", KindText}, Param{"address", KindText}),
		spec(areaDoctor, CodeSourcesInvalid, Param{"sources", KindList}),
		spec(areaDoctor, CodeNoSources),
		spec(areaDoctor, CodeSourcesUnset, Param{"roles", KindList}),
		spec(areaDoctor, CodeSourcesComplete),
		spec(areaDoctor, CodeFootageMissing, Param{"sources", KindList}),
		spec(areaDoctor, CodeFootageFound, Param{"segments", KindText}),
		spec(areaDoctor, CodeCalendarUnset),
		spec(areaDoctor, CodeCalendarAvailable, Param{"calendar", KindText}),
		spec(areaDoctor, CodeFolderUnset, Param{"user", KindText}),
		spec(areaDoctor, CodeFolderNotMadeYet),
		spec(areaDoctor, CodeFolderTrashed, Param{"name", KindText}),
		spec(areaDoctor, CodeNotAFolder, Param{"name", KindText}),
		spec(areaDoctor, CodeFolderReadOnly, Param{"name", KindText}),
		spec(areaDoctor, CodeFolderWritable, Param{"name", KindText}),
		spec(areaDoctor, CodeFolderHidden, Param{"folder", KindText}),
		spec(areaDoctor, CodeUploaderWithoutFolder, Param{"user", KindText}),
		spec(areaDoctor, CodeUploaderReady, Param{"folders", KindInt}),
	}
}
