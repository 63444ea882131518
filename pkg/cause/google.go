package cause

// areaGoogle is the section of causes that Google Workspace, Cloud Storage, Cloud Run and Pub/Sub give.
const areaGoogle = "google"

// Causes that Google gives.
const (
	// CodeDelegationMissing means that domain-wide delegation does not let the service account act for a person.
	CodeDelegationMissing Code = "delegation-missing"
	// CodeGoogleRefused means that Google refuses a request for a reason without a text of its own.
	CodeGoogleRefused Code = "google-refused"
	// CodeGoogleNoRights means that the account has no rights to a file, calendar or course.
	CodeGoogleNoRights Code = "google-no-rights"
	// CodeGoogleScopesMissing means that the delegated scopes do not suffice.
	CodeGoogleScopesMissing Code = "google-scopes-missing"
	// CodeGoogleAPIDisabled means that an API is disabled for the project or the domain.
	CodeGoogleAPIDisabled Code = "google-api-disabled"
	// CodeDriveFull means that the storage of the Drive is full.
	CodeDriveFull Code = "drive-full"
	// CodeDriveFileLimit means that a shared drive holds as many files as Google allows.
	CodeDriveFileLimit Code = "drive-file-limit"
	// CodeFolderNotWritable means that the account may not write to the folder of the room.
	CodeFolderNotWritable Code = "folder-not-writable"
	// CodeDomainPolicy means that a rule of the Workspace domain forbids the action.
	CodeDomainPolicy Code = "domain-policy"
	// CodeSharedDriveDomainOnly means that a shared drive is open to its domain only.
	CodeSharedDriveDomainOnly Code = "shared-drive-domain-only"
	// CodeSharedDriveMembersOnly means that a shared drive is open to its members only.
	CodeSharedDriveMembersOnly Code = "shared-drive-members-only"
	// CodeNoGoogleAccount means that the address has no Google account.
	CodeNoGoogleAccount Code = "no-google-account"
	// CodeSharingOutsideForbidden means that a rule of the domain forbids sharing with people outside of it.
	CodeSharingOutsideForbidden Code = "sharing-outside-forbidden"
	// CodeShareNotListed means that Drive accepted a permission and does not list it.
	CodeShareNotListed Code = "share-not-listed"
	// CodeNoGoogleCalendar means that the configured person has no Google Calendar.
	CodeNoGoogleCalendar Code = "no-google-calendar"
	// CodeNotOrganiser means that only the organiser may change the event.
	CodeNotOrganiser Code = "not-organiser"
	// CodeVideoNotVisible means that the teacher who posts to the course cannot see the video.
	CodeVideoNotVisible Code = "video-not-visible"
	// CodeClassroomDisabled means that Classroom is disabled for the configured person.
	CodeClassroomDisabled Code = "classroom-disabled"
	// CodeGoogleQuota means that a daily quota of Google is used up.
	CodeGoogleQuota Code = "google-quota"
	// CodeGoogleBusy means that Google limits the rate of requests.
	CodeGoogleBusy Code = "google-busy"
	// CodeCloudRefused means that Pub/Sub or Cloud Run refuses to start the next step.
	CodeCloudRefused Code = "cloud-refused"
	// CodeStorageQuota means that the quota of Cloud Storage is used up.
	CodeStorageQuota Code = "storage-quota"
	// CodeStorageRefused means that Cloud Storage refuses a request.
	CodeStorageRefused Code = "storage-refused"
)

// DelegationMissing returns the cause of [CodeDelegationMissing].
func DelegationMissing(subject, scopes string) Cause {
	return newCause(CodeDelegationMissing, Text("subject", subject), Text("scopes", scopes))
}

// GoogleRefused returns the cause of [CodeGoogleRefused].
func GoogleRefused(status int, reason string) Cause {
	return newCause(CodeGoogleRefused, Int("status", status), Text("reason", reason))
}

// GoogleNoRights returns the cause of [CodeGoogleNoRights].
func GoogleNoRights() Cause {
	return newCause(CodeGoogleNoRights)
}

// GoogleScopesMissing returns the cause of [CodeGoogleScopesMissing].
func GoogleScopesMissing() Cause {
	return newCause(CodeGoogleScopesMissing)
}

// GoogleAPIDisabled returns the cause of [CodeGoogleAPIDisabled].
func GoogleAPIDisabled() Cause {
	return newCause(CodeGoogleAPIDisabled)
}

// DriveFull returns the cause of [CodeDriveFull].
func DriveFull() Cause {
	return newCause(CodeDriveFull)
}

// DriveFileLimit returns the cause of [CodeDriveFileLimit].
func DriveFileLimit() Cause {
	return newCause(CodeDriveFileLimit)
}

// FolderNotWritable returns the cause of [CodeFolderNotWritable].
func FolderNotWritable() Cause {
	return newCause(CodeFolderNotWritable)
}

// DomainPolicy returns the cause of [CodeDomainPolicy].
func DomainPolicy() Cause {
	return newCause(CodeDomainPolicy)
}

// SharedDriveDomainOnly returns the cause of [CodeSharedDriveDomainOnly].
func SharedDriveDomainOnly() Cause {
	return newCause(CodeSharedDriveDomainOnly)
}

// SharedDriveMembersOnly returns the cause of [CodeSharedDriveMembersOnly].
func SharedDriveMembersOnly() Cause {
	return newCause(CodeSharedDriveMembersOnly)
}

// NoGoogleAccount returns the cause of [CodeNoGoogleAccount].
func NoGoogleAccount() Cause {
	return newCause(CodeNoGoogleAccount)
}

// SharingOutsideForbidden returns the cause of [CodeSharingOutsideForbidden].
func SharingOutsideForbidden() Cause {
	return newCause(CodeSharingOutsideForbidden)
}

// ShareNotListed returns the cause of [CodeShareNotListed].
func ShareNotListed() Cause {
	return newCause(CodeShareNotListed)
}

// NoGoogleCalendar returns the cause of [CodeNoGoogleCalendar].
func NoGoogleCalendar() Cause {
	return newCause(CodeNoGoogleCalendar)
}

// NotOrganiser returns the cause of [CodeNotOrganiser].
func NotOrganiser() Cause {
	return newCause(CodeNotOrganiser)
}

// VideoNotVisible returns the cause of [CodeVideoNotVisible].
func VideoNotVisible() Cause {
	return newCause(CodeVideoNotVisible)
}

// ClassroomDisabled returns the cause of [CodeClassroomDisabled].
func ClassroomDisabled() Cause {
	return newCause(CodeClassroomDisabled)
}

// GoogleQuota returns the cause of [CodeGoogleQuota].
func GoogleQuota(reason string) Cause {
	return newCause(CodeGoogleQuota, Text("reason", reason))
}

// GoogleBusy returns the cause of [CodeGoogleBusy].
func GoogleBusy() Cause {
	return newCause(CodeGoogleBusy)
}

// CloudRefused returns the cause of [CodeCloudRefused].
func CloudRefused() Cause {
	return newCause(CodeCloudRefused)
}

// StorageQuota returns the cause of [CodeStorageQuota].
func StorageQuota() Cause {
	return newCause(CodeStorageQuota)
}

// StorageRefused returns the cause of [CodeStorageRefused].
func StorageRefused() Cause {
	return newCause(CodeStorageRefused)
}

func googleSpecs() []Spec {
	return []Spec{
		spec(areaGoogle, CodeDelegationMissing, Param{"subject", KindText}, Param{"scopes", KindText}),
		spec(areaGoogle, CodeGoogleRefused, Param{"status", KindInt}, Param{"reason", KindText}),
		spec(areaGoogle, CodeGoogleNoRights),
		spec(areaGoogle, CodeGoogleScopesMissing),
		spec(areaGoogle, CodeGoogleAPIDisabled),
		spec(areaGoogle, CodeDriveFull),
		spec(areaGoogle, CodeDriveFileLimit),
		spec(areaGoogle, CodeFolderNotWritable),
		spec(areaGoogle, CodeDomainPolicy),
		spec(areaGoogle, CodeSharedDriveDomainOnly),
		spec(areaGoogle, CodeSharedDriveMembersOnly),
		spec(areaGoogle, CodeNoGoogleAccount),
		spec(areaGoogle, CodeSharingOutsideForbidden),
		spec(areaGoogle, CodeShareNotListed),
		spec(areaGoogle, CodeNoGoogleCalendar),
		spec(areaGoogle, CodeNotOrganiser),
		spec(areaGoogle, CodeVideoNotVisible),
		spec(areaGoogle, CodeClassroomDisabled),
		spec(areaGoogle, CodeGoogleQuota, Param{"reason", KindText}),
		spec(areaGoogle, CodeGoogleBusy),
		spec(areaGoogle, CodeCloudRefused),
		spec(areaGoogle, CodeStorageQuota),
		spec(areaGoogle, CodeStorageRefused),
	}
}
