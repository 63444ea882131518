package drive

import (
	"net/http"
	"net/mail"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// allPermissions returns the owner's permission and those that were given.
func (f *file) allPermissions() []api.Object {
	var all []api.Object
	if f.Owner != "" {
		all = append(
			all, permission(api.Object{
				"type":         "user",
				"role":         "owner",
				"emailAddress": f.Owner,
			}),
		)
	}
	return append(all, f.Permissions...)
}

// permission completes a permission that a caller sent.
func permission(p api.Object) api.Object {
	var id string
	switch api.Text(p, "type") {
	case "anyone":
		id = "anyoneWithLink"
	case "domain":
		id = permissionOf(api.Text(p, "domain")) + "k"
	default:
		address := api.Text(p, "emailAddress")
		id = permissionOf(address)
		name, _, _ := strings.Cut(address, "@")
		p = api.Merge(p, api.Object{
			"displayName":  name,
			"deleted":      false,
			"pendingOwner": false,
		})
	}
	return api.Merge(p, api.Object{"kind": "drive#permission", "id": id})
}

// share answers permissions.create. A second permission for the same user changes the role.
func (d *Drive) share(c *api.Call) (*api.Answer, error) {
	p, err := d.readPermission(c)
	if err != nil {
		return nil, err
	}
	var made api.Object
	err = d.db.Update(func() error {
		f, err := d.find(c.Path["fileId"], c.User, writer)
		if err != nil {
			return err
		}
		if api.Text(p, "emailAddress") != "" && sameAddress(api.Text(p, "emailAddress"), f.Owner) {
			made = f.allPermissions()[0] // the owner's stays what it is
			return nil
		}
		made = p
		d.putPermission(f, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return api.OK(made)
}

// putPermission adds or replaces a permission of a file.
func (d *Drive) putPermission(f *file, p api.Object) {
	next := *f
	next.Version++
	next.Permissions = slices.Clone(f.Permissions)
	at := slices.IndexFunc(
		next.Permissions, func(other api.Object) bool {
			return other["id"] == p["id"]
		},
	)
	if at < 0 {
		next.Permissions = append(next.Permissions, p)
	} else {
		next.Permissions[at] = p
	}
	d.files.Put(f.id(), &next)
}

// readPermission reads and checks the permission in a call's body.
func (d *Drive) readPermission(c *api.Call) (api.Object, error) {
	kind, role := api.Text(c.Body, "type"), api.Text(c.Body, "role")
	if !slices.Contains([]string{"user", "group", "domain", "anyone"}, kind) {
		return nil, api.Invalid(
			"permission.type", "The specified permission type %q is invalid.", kind,
		)
	}
	if err := checkRole(c, role); err != nil {
		return nil, err
	}
	p := api.Only(
		c.Body,
		"type",
		"role",
		"emailAddress",
		"domain",
		"allowFileDiscovery",
		"expirationTime",
		"view",
	)
	switch kind {
	case "user", "group":
		address := api.Text(p, "emailAddress")
		parsed, err := mail.ParseAddress(address)
		if err != nil || parsed.Address != strings.TrimSpace(address) {
			return nil, api.Refuse(
				http.StatusBadRequest,
				"invalidSharingRequest",
				"Bad Request. User message: \"The address %q is not valid.\"",
				address,
			)
		}
		p["emailAddress"] = parsed.Address
	case "domain":
		if api.Text(p, "domain") == "" {
			return nil, api.Invalid("permission.domain", "The domain is missing.")
		}
	}
	return permission(p), nil
}

// checkRole refuses roles that Drive does not have, and a change of the owner.
func checkRole(c *api.Call, role string) error {
	if !slices.Contains(
		[]string{"owner", "organizer", "fileOrganizer", "writer", "commenter", "reader"}, role,
	) {
		return api.Invalid("permission.role", "The specified role %q is invalid.", role)
	}
	if role == "owner" && !c.Flag("transferOwnership") {
		return api.Refuse(
			http.StatusForbidden,
			"forbidden",
			"The transferOwnership parameter must be enabled when the permission role is 'owner'.",
		)
	}
	if role == "owner" || role == "organizer" {
		return api.Refuse(
			http.StatusForbidden, "insufficientFilePermissions", "This stand-in changes no owners.",
		)
	}
	return nil
}

// listPermissions answers permissions.list.
func (d *Drive) listPermissions(c *api.Call) (*api.Answer, error) {
	var all []api.Object
	var err error
	d.db.View(func() {
		var f *file
		if f, err = d.find(c.Path["fileId"], c.User, writer); err == nil {
			all = f.allPermissions()
		}
	})
	if err != nil {
		return nil, err
	}
	from, to, next, err := api.Page(c, len(all), c.Int("pageSize", max(len(all), 1)))
	if err != nil {
		return nil, err
	}
	body := api.Object{"kind": "drive#permissionList", "permissions": api.Anys(all[from:to])}
	if next != "" {
		body["nextPageToken"] = next
	}
	return api.OK(body)
}

// onePermission calls do with the permission that a call names, inside an update.
func (d *Drive) onePermission(c *api.Call, atLeast role, do func(*file, api.Object) error) error {
	return d.db.Update(func() error {
		f, err := d.find(c.Path["fileId"], c.User, atLeast)
		if err != nil {
			return err
		}
		for _, p := range f.allPermissions() {
			if p["id"] == c.Path["permissionId"] {
				return do(f, p)
			}
		}
		e := api.Refuse(
			http.StatusNotFound, "notFound", "Permission not found: %s.", c.Path["permissionId"],
		)
		e.Location = "permissionId"
		return e
	})
}

// getPermission answers permissions.get.
func (d *Drive) getPermission(c *api.Call) (*api.Answer, error) {
	var found api.Object
	err := d.onePermission(c, reader, func(_ *file, p api.Object) error { found = p; return nil })
	return &api.Answer{Body: found}, err
}

// updatePermission answers permissions.update.
func (d *Drive) updatePermission(c *api.Call) (*api.Answer, error) {
	if err := checkRole(c, api.Text(c.Body, "role")); err != nil {
		return nil, err
	}
	var made api.Object
	err := d.onePermission(c, writer, func(f *file, p api.Object) error {
		if api.Text(p, "role") == "owner" {
			return api.Refuse(
				http.StatusForbidden,
				"insufficientFilePermissions",
				"The owner of a file cannot be removed.",
			)
		}
		made = api.Merge(p, api.Only(c.Body, "role", "expirationTime"))
		d.putPermission(f, made)
		return nil
	})
	return &api.Answer{Body: made}, err
}

// unshare answers permissions.delete.
func (d *Drive) unshare(c *api.Call) (*api.Answer, error) {
	err := d.onePermission(c, reader, func(f *file, p api.Object) error {
		// A user may remove his own permission. Removing others needs the role writer.
		if d.role(f, c.User, false) < writer && !sameAddress(api.Text(p, "emailAddress"), c.User) ||
			api.Text(p, "role") == "owner" {
			return api.Refuse(
				http.StatusForbidden,
				"insufficientFilePermissions",
				"The user does not have sufficient permissions for this file.",
			)
		}
		next := *f
		next.Version++
		next.Permissions = slices.DeleteFunc(
			slices.Clone(f.Permissions),
			func(other api.Object) bool {
				return other["id"] == p["id"]
			},
		)
		d.files.Put(f.id(), &next)
		return nil
	})
	return &api.Answer{}, err
}
