package workspace

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/cause"
)

// reasonOf is Google's own word for why a call failed: the @code of Classroom, the reason of Drive and
// Calendar, else the reason or status of the newer error form.
func reasonOf(answer *googleapi.Error) string {
	if code := classroomCode.FindStringSubmatch(answer.Message); code != nil {
		return code[1]
	}
	for _, item := range answer.Errors {
		if item.Reason != "" {
			return item.Reason
		}
	}
	var body struct {
		Error struct {
			Status  string
			Details []struct{ Reason string }
		}
	}
	if json.Unmarshal([]byte(answer.Body), &body) != nil {
		return ""
	}
	for _, detail := range body.Error.Details {
		if detail.Reason != "" {
			return detail.Reason
		}
	}
	return body.Error.Status
}

// A Classroom message may begin with "@AttachmentNotVisible …".
var classroomCode = regexp.MustCompile(`^@([A-Za-z]+)`)

// permanentCause returns the cause of an error that no retry helps. reason is Google's own word.
func (c *Client) permanentCause(status int, reason string) cause.Cause {
	if status == http.StatusUnauthorized {
		return cause.DelegationMissing(
			strings.Join(c.subjects(), ", "),
			strings.Join(c.options.Scopes, ", "),
		)
	}
	if known, ok := permanentCauses()[reason]; ok {
		return known
	}
	return cause.GoogleRefused(status, reason)
}

func (c *Client) subjects() []string {
	var list []string
	for _, subject := range []string{
		c.options.Subjects.Drive,
		c.options.Subjects.Calendar,
		c.options.Subjects.Classroom,
	} {
		if subject != "" {
			list = append(list, subject)
		}
	}
	return list
}

// permanentCauses returns the causes by Google's own word. Sources: Drive's "Resolve errors" and the error
// pages of Calendar and Classroom.
func permanentCauses() map[string]cause.Cause {
	return map[string]cause.Cause{
		"storageQuotaExceeded":        cause.DriveFull(),
		"teamDriveFileLimitExceeded":  cause.DriveFileLimit(),
		"insufficientFilePermissions": cause.FolderNotWritable(),

		"domainPolicy":                              cause.DomainPolicy(),
		"teamDriveDomainUsersOnlyRestriction":       cause.SharedDriveDomainOnly(),
		"teamDriveMembersOnlyRestriction":           cause.SharedDriveMembersOnly(),
		"cannotShareTeamDriveWithNonGoogleAccounts": cause.NoGoogleAccount(),
		"invalidSharingRequest":                     cause.NoGoogleAccount(),
		"publishOutNotPermitted":                    cause.SharingOutsideForbidden(),

		"notACalendarUser":         cause.NoGoogleCalendar(),
		"forbiddenForNonOrganizer": cause.NotOrganiser(),
		"AttachmentNotVisible":     cause.VideoNotVisible(),
		"ClassroomDisabled":        cause.ClassroomDisabled(),

		"insufficientPermissions":         cause.GoogleScopesMissing(),
		"ACCESS_TOKEN_SCOPE_INSUFFICIENT": cause.GoogleScopesMissing(),

		"accessNotConfigured":  cause.GoogleAPIDisabled(),
		"SERVICE_DISABLED":     cause.GoogleAPIDisabled(),
		"ClassroomApiDisabled": cause.GoogleAPIDisabled(),

		"forbidden":                        cause.GoogleNoRights(),
		"requiredAccessLevel":              cause.GoogleNoRights(),
		"PERMISSION_DENIED":                cause.GoogleNoRights(),
		"appNotAuthorizedToFile":           cause.GoogleNoRights(),
		"insufficientParentPermissions":    cause.GoogleNoRights(),
		"cannotModifyInheritedPermission":  cause.GoogleNoRights(),
		"sharingNotSupported":              cause.GoogleNoRights(),
		"teamDrivesFolderSharingForbidden": cause.GoogleNoRights(),
	}
}
