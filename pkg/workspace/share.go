package workspace

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
)

// ShareRefused says that a rule forbids the share, so that no retry will do: a state of the record that
// people see, not a failure of the step.
type ShareRefused struct {
	Cause cause.Cause // for people
	Err   error       // the technical cause
}

// Error implements error.
func (s *ShareRefused) Error() string {
	return fmt.Sprintf("%s (%v)", s.Cause, s.Err)
}

// Unwrap gives the technical cause.
func (s *ShareRefused) Unwrap() error { return s.Err }

// Share lets a person see a file, without a mail from Drive, and reads back that it is so. It gives the
// permission's id; who sees the file already, also by inheritance, gets no second one. Calls for one
// file must come one after another: Drive loses concurrent changes of permissions.
func (c *Client) Share(ctx context.Context, fileID, email string) (permission string, err error) {
	permission, _, err = c.grant(ctx, fileID, email, roleReader)
	return permission, err
}

// Roles of Drive that are granted.
const (
	roleReader = "reader"
	roleWriter = "writer"
)

// grant gives a person a role on a file, as [Client.Share] does. It reports whether the role is new. A person
// with a higher role keeps it.
func (c *Client) grant(ctx context.Context, fileID, email, role string) (permission string, created bool, err error) {
	if err := checkID("file", fileID); err != nil {
		return "", false, err
	}
	seat, err := c.as(ctx, c.options.Subjects.Drive)
	if err != nil {
		return "", false, err
	}
	err = c.do(ctx, "drive.permissions.create", "share file "+fileID, func(ctx context.Context) error {
		permission, err = permissionOf(ctx, seat.drive, fileID, email, role)
		if err != nil || permission != "" {
			return err
		}
		if created {
			return &ShareRefused{
				Cause: cause.ShareNotListed(),
				Err:   errors.New("the permission was taken and is not listed"),
			}
		}
		_, err := seat.drive.Permissions.Create(fileID, &drive.Permission{
			Type:         "user",
			Role:         role,
			EmailAddress: email,
		}).
			Context(ctx).SupportsAllDrives(true).SendNotificationEmail(false).Fields("id").Do()
		if refusal := c.refusal(err); refusal != nil {
			return refusal
		}
		if err != nil {
			return err // perhaps it is there all the same: the next try looks first
		}
		created = true
		permission, err = permissionOf(ctx, seat.drive, fileID, email, role)
		if err == nil && permission == "" {
			return errors.New("the new permission is not listed yet")
		}
		return err
	})
	return permission, created, err
}

// permissionOf returns the permission by which a person has at least a role on a file. It is empty if there
// is none of their own.
func permissionOf(ctx context.Context, service *drive.Service, fileID, email, role string) (id string, err error) {
	err = service.Permissions.List(fileID).SupportsAllDrives(true).PageSize(100).
		Fields("nextPageToken", "permissions(id,type,role,emailAddress,deleted)").
		Pages(ctx, func(page *drive.PermissionList) error {
			for _, p := range page.Permissions {
				own := p.Type == "user" && !p.Deleted && strings.EqualFold(p.EmailAddress, email)
				if own && includes(p.Role, role) {
					id = p.Id
				}
			}
			return nil
		})
	return id, err
}

// includes reports whether a role of Drive allows what a granted one does.
func includes(role, granted string) bool {
	if granted == roleReader {
		return true // the lowest
	}
	return role != roleReader && role != "commenter"
}

// refusal is err as a refused share; nil if it is anything else.
func (c *Client) refusal(err error) *ShareRefused {
	var answer *googleapi.Error
	if !errors.As(err, &answer) || answer.Code == 401 {
		return nil
	}
	reason := reasonOf(answer)
	if fault.HTTP(answer.Code, reason) != fault.Permanent {
		return nil
	}
	return &ShareRefused{Cause: c.permanentCause(answer.Code, reason), Err: err}
}
