package workspace

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/fault"
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

// finalReason is the sentence for an error that no retry cures.
func (c *Client) finalReason(status int, reason string) fault.Reason {
	if status == http.StatusUnauthorized {
		return delegationReason(strings.Join(c.subjects(), ", "), c.options.Scopes)
	}
	if known, ok := finalReasons()[reason]; ok {
		return known
	}
	return fault.Reason{
		En: fmt.Sprintf("Google refuses the request (%d %s). An administrator must look at the cause.", status, reason),
		Ru: fmt.Sprintf("Google отклоняет запрос (%d %s). Причину должен посмотреть администратор.", status, reason),
	}
}

func (c *Client) subjects() []string {
	var list []string
	for _, subject := range []string{c.options.Subjects.Drive, c.options.Subjects.Calendar, c.options.Subjects.Classroom} {
		if subject != "" {
			list = append(list, subject)
		}
	}
	return list
}

// finalReasons: see Drive's "Resolve errors" and the error pages of Calendar and Classroom.
func finalReasons() map[string]fault.Reason {
	forbidden := fault.Reason{
		En: "Google does not allow our account to do this: it has no rights to the file, calendar or course. Its owner must give them.",
		Ru: "Google не разрешает нашей учётной записи это действие: у неё нет прав на файл, календарь или курс. Права должен выдать владелец.",
	}
	scopes := fault.Reason{
		En: "The rights delegated to the service account do not suffice. A Workspace administrator must allow the scopes that the deployment lists.",
		Ru: "Делегированных сервисному аккаунту прав недостаточно. Администратор Workspace должен разрешить области доступа из списка развёртывания.",
	}
	disabled := fault.Reason{
		En: "The API is switched off for this project or this domain. An administrator must enable it.",
		Ru: "API отключён для этого проекта или домена. Администратор должен его включить.",
	}
	return map[string]fault.Reason{
		"storageQuotaExceeded": {
			En: "The Drive where the video should go is full. Free some space, or use a shared drive as the room's folder.",
			Ru: "Диск, на который загружается видео, переполнен. Освободите место или выберите для аудитории папку на общем диске.",
		},
		"teamDriveFileLimitExceeded": {
			En: "The shared drive holds as many files as Google allows. Use another one for the room.",
			Ru: "На общем диске достигнут предел числа файлов. Выберите для аудитории другой диск.",
		},
		"insufficientFilePermissions": {
			En: "Our account may not write to the room's folder on Drive. Share the folder with it as an editor.",
			Ru: "У нашей учётной записи нет права записи в папку аудитории на Диске. Откройте ей доступ редактора.",
		},
		"domainPolicy": {
			En: "A rule of the Workspace domain forbids it. An administrator may change the rule.",
			Ru: "Это запрещено правилом домена Workspace. Изменить правило может администратор.",
		},
		"teamDriveDomainUsersOnlyRestriction": {
			En: "The shared drive is open only to people of its own domain.",
			Ru: "Общий диск доступен только пользователям своего домена.",
		},
		"teamDriveMembersOnlyRestriction": {
			En: "The shared drive is open only to its members.",
			Ru: "Общий диск доступен только его участникам.",
		},
		"cannotShareTeamDriveWithNonGoogleAccounts": noAccount(),
		"invalidSharingRequest":                     noAccount(),
		"publishOutNotPermitted": {
			En: "A rule of the Workspace domain forbids sharing with people outside of it.",
			Ru: "Правило домена Workspace запрещает открывать доступ пользователям вне домена.",
		},
		"notACalendarUser": {
			En: "The person we act for has no Google Calendar.",
			Ru: "У пользователя, от имени которого мы действуем, нет Google Календаря.",
		},
		"forbiddenForNonOrganizer": {
			En: "Only the organiser may change this event.",
			Ru: "Изменить это мероприятие может только организатор.",
		},
		"AttachmentNotVisible": {
			En: "The teacher who posts to the course cannot see the video.",
			Ru: "Преподаватель, от имени которого делается объявление, не видит видео.",
		},
		"ClassroomDisabled": {
			En: "Google Classroom is switched off for the person we act for.",
			Ru: "Google Класс отключён для пользователя, от имени которого мы действуем.",
		},
		"insufficientPermissions":          scopes,
		"ACCESS_TOKEN_SCOPE_INSUFFICIENT":  scopes,
		"forbidden":                        forbidden,
		"requiredAccessLevel":              forbidden,
		"PERMISSION_DENIED":                forbidden,
		"appNotAuthorizedToFile":           forbidden,
		"accessNotConfigured":              disabled,
		"SERVICE_DISABLED":                 disabled,
		"ClassroomApiDisabled":             disabled,
		"insufficientParentPermissions":    forbidden,
		"cannotModifyInheritedPermission":  forbidden,
		"sharingNotSupported":              forbidden,
		"teamDrivesFolderSharingForbidden": forbidden,
	}
}

func noAccount() fault.Reason {
	return fault.Reason{
		En: "The address has no Google account, so the video cannot be shared with it.",
		Ru: "К этому адресу не привязан аккаунт Google, поэтому открыть ему доступ к видео нельзя.",
	}
}

func quotaReason(reason string) fault.Reason {
	return fault.Reason{
		En: fmt.Sprintf("A daily limit of Google is used up (%s); it goes on by itself.", reason),
		Ru: fmt.Sprintf("Исчерпан суточный лимит Google (%s); работа продолжится сама.", reason),
	}
}

func busyReason() fault.Reason {
	return fault.Reason{
		En: "Google asks us to wait; it goes on by itself.",
		Ru: "Google просит подождать; работа продолжится сама.",
	}
}
