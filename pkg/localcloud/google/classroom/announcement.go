package classroom

import (
	"cmp"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

const (
	// Limits of an announcement:
	// https://developers.google.com/workspace/classroom/reference/rest/v1/courses.announcements
	maxText      = 30_000 // characters
	maxMaterials = 20

	// The states of an announcement. Students see only a published one.
	draft     = "DRAFT"
	published = "PUBLISHED"
	deleted   = "DELETED"
)

// postKey returns the key of an announcement's row.
func postKey(course, id string) string {
	return course + "\n" + id
}

// createPost answers announcements.create. Without the state PUBLISHED it creates a draft.
func (c *Classroom) createPost(call *api.Call) (*api.Answer, error) {
	body := api.Only(
		call.Body,
		"assigneeMode",
		"individualStudentsOptions",
		"materials",
		"scheduledTime",
		"state",
		"text",
	)
	state := api.Text(body, "state")
	if state == "" || state == "ANNOUNCEMENT_STATE_UNSPECIFIED" {
		state = draft
	}
	body["state"] = state
	switch {
	case state == deleted:
		return nil, api.Invalid("announcement.state", "An announcement cannot be created deleted.")
	case api.Text(body, "text") == "" && len(api.List(body, "materials")) == 0:
		return nil, api.Invalid("announcement.text", "An announcement needs a text or a material.")
	case len(api.List(body, "materials")) > maxMaterials:
		return nil, api.Invalid(
			"announcement.materials", "An announcement has at most %d materials.", maxMaterials,
		)
	}
	if err := c.checkPost(body); err != nil {
		return nil, err
	}
	materials, err := c.materials(api.Objects(body, "materials"), call.User)
	if err != nil {
		return nil, err
	}
	if len(materials) > 0 {
		body["materials"] = materials
	}
	var made api.Object
	err = c.db.Update(func() error {
		found, err := c.postable(call)
		if err != nil {
			return err
		}
		course := api.Text(found.Resource, "id")
		creator, err := c.someone(call.User, api.Text(found.Resource, "ownerId"))
		if err != nil {
			return err
		}
		id := newNumber()
		made = api.Merge(api.Object{"assigneeMode": "ALL_STUDENTS"}, body)
		made = api.Merge(
			made,
			api.Object{
				"id":            id,
				"courseId":      course,
				"creatorUserId": creator,
				"creationTime":  c.now(),
			},
		)
		made = c.putPost(course, made)
		return nil
	})
	return &api.Answer{Body: made}, err
}

// postable returns the course of a call if the caller may post to it.
func (c *Classroom) postable(call *api.Call) (*course, error) {
	found, err := c.find(call.Path["courseId"])
	if err != nil {
		return nil, err
	}
	if err := c.mustTeach(api.Text(found.Resource, "id"), call.User); err != nil {
		return nil, err
	}
	if api.Text(found.Resource, "courseState") == "ARCHIVED" {
		return nil, precondition("The course is archived and cannot be modified.")
	}
	return found, nil
}

// putPost stores an announcement as changed now.
func (c *Classroom) putPost(course string, o api.Object) api.Object {
	var last int64
	for _, p := range c.posts.All() {
		last = max(last, p.Order)
	}
	o["updateTime"] = c.now()
	delete(o, "alternateLink")
	if api.Text(o, "state") == published {
		o["alternateLink"] = c.o.BaseURL + "/classroom/c/" + course + "#" + api.Text(o, "id")
	}
	c.posts.Put(
		postKey(course, api.Text(o, "id")), &post{
			Course:   course,
			Resource: o,
			Order:    last + 1,
		},
	)
	return o
}

// checkPost checks the fields that create and patch have in common.
func (c *Classroom) checkPost(o api.Object) error {
	if text := api.Text(o, "text"); utf8.RuneCountInString(text) > maxText ||
		!utf8.ValidString(text) {
		return api.Invalid("announcement.text", "The text has more than %d characters.", maxText)
	}
	if text := api.Text(o, "scheduledTime"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || !at.After(c.o.Now()) || api.Text(o, "state") != draft {
			return api.Invalid(
				"announcement.scheduledTime", "A scheduled time lies in the future, of a draft.",
			)
		}
	}
	return nil
}

// materials completes materials, and refuses files that the author cannot see or share.
func (c *Classroom) materials(list []api.Object, user string) ([]any, error) {
	var done []any
	for _, m := range list {
		file, link := api.Child(m, "driveFile"), api.Child(m, "link")
		id := api.Text(api.Child(file, "driveFile"), "id")
		switch {
		case len(m) != 1:
			return nil, api.Invalid(
				"announcement.materials", "A material is one of driveFile, link or youtubeVideo.",
			)
		case file != nil && id == "":
			return nil, api.Invalid(
				"announcement.materials.driveFile", "The id of a file is missing.",
			)
		case link != nil:
			u, err := url.Parse(api.Text(link, "url"))
			if err != nil || !u.IsAbs() || u.Host == "" {
				return nil, api.Invalid(
					"announcement.materials.link.url", "Invalid URL %q", api.Text(link, "url"),
				)
			}
			id = api.FileID(api.Text(link, "url"))
			if _, _, _, known := c.o.Link(id); known {
				// Classroom turns links to Drive into files.
				file = api.Object{"driveFile": api.Object{"id": id}}
			} else {
				m = api.Object{"link": api.Merge(link, api.Object{"title": u.Host})}
			}
		}
		if file != nil {
			var err error
			if m, err = c.fileMaterial(file, id, user); err != nil {
				return nil, err
			}
		}
		done = append(done, m)
	}
	return done, nil
}

// fileMaterial completes a material that is a file of Drive.
func (c *Classroom) fileMaterial(file api.Object, id, user string) (api.Object, error) {
	if user != "" && !c.o.Visible(id, user) {
		return nil, precondition(
			"@AttachmentNotVisible The attachment %s is not visible to the caller.", id,
		)
	}
	if user != "" && !c.o.CanShare(id, user) {
		return nil, denied() // Classroom shares the file with the students as the author
	}
	shown := api.Object{"id": id}
	if name, _, at, known := c.o.Link(id); known {
		shown["title"] = name
		shown["alternateLink"] = at
	}
	mode := api.Text(file, "shareMode")
	if mode == "" || mode == "UNKNOWN_SHARE_MODE" {
		mode = "VIEW"
	}
	return api.Object{"driveFile": api.Object{"driveFile": shown, "shareMode": mode}}, nil
}

// findPost returns an announcement that the caller may see. It runs inside a view or an update.
func (c *Classroom) findPost(call *api.Call) (*post, error) {
	found, err := c.find(call.Path["courseId"])
	if err != nil {
		return nil, err
	}
	p := c.posts.Get(postKey(api.Text(found.Resource, "id"), call.Path["id"]))
	if p == nil || api.Text(p.Resource, "state") != published && !c.teaches(p.Course, call.User) {
		return nil, notFound()
	}
	return p, nil
}

// getPost answers announcements.get.
func (c *Classroom) getPost(call *api.Call) (*api.Answer, error) {
	var p *post
	var err error
	c.db.View(func() { p, err = c.findPost(call) })
	if err != nil {
		return nil, err
	}
	return api.OK(p.Resource)
}

// listPosts answers announcements.list.
func (c *Classroom) listPosts(call *api.Call) (*api.Answer, error) {
	states := call.Query["announcementStates"]
	if len(states) == 0 {
		states = []string{published}
	}
	forward := false
	switch call.Query.Get("orderBy") {
	case "", "updateTime desc":
	case "updateTime", "updateTime asc":
		forward = true
	default:
		return nil, api.Invalid("orderBy", "Invalid order %q", call.Query.Get("orderBy"))
	}
	var found []*post
	var err error
	c.db.View(func() {
		var in *course
		if in, err = c.find(call.Path["courseId"]); err != nil {
			return
		}
		id := api.Text(in.Resource, "id")
		for _, p := range c.posts.All() {
			state := api.Text(p.Resource, "state")
			if p.Course == id && slices.Contains(states, state) &&
				(state == published || c.teaches(id, call.User)) {
				found = append(found, p)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b *post) int {
		if forward {
			return cmp.Compare(a.Order, b.Order)
		}
		return cmp.Compare(b.Order, a.Order)
	})
	var all []any
	for _, p := range found {
		all = append(all, p.Resource)
	}
	return page(call, "announcements", all)
}

// patchPost answers announcements.patch. Text, state and time may change, materials may not.
func (c *Classroom) patchPost(call *api.Call) (*api.Answer, error) {
	fields, err := maskOf(call, []string{"text", "state", "scheduledTime"})
	if err != nil {
		return nil, err
	}
	var made api.Object
	err = c.db.Update(func() error {
		if _, err := c.postable(call); err != nil {
			return err
		}
		p, err := c.findPost(call)
		if err != nil {
			return err
		}
		before := api.Text(p.Resource, "state")
		if before == deleted {
			return precondition("The announcement is deleted.")
		}
		patch := api.Object{}
		for _, name := range fields {
			patch[name] = call.Body[name]
		}
		made = api.Merge(p.Resource, patch)
		if state := api.Text(made, "state"); state != before &&
			(before != draft || state != published) {
			return api.Invalid(
				"announcement.state", "An announcement cannot go from %s to %q.", before, state,
			)
		}
		if slices.Contains(fields, "scheduledTime") {
			if err := c.checkPost(made); err != nil {
				return err
			}
		}
		if err := c.checkPost(api.Only(made, "text")); err != nil {
			return err
		}
		if api.Text(made, "state") == published {
			delete(made, "scheduledTime")
		}
		made = c.putPost(p.Course, made)
		return nil
	})
	return &api.Answer{Body: made}, err
}

// deletePost answers announcements.delete. Teachers still see a deleted announcement.
func (c *Classroom) deletePost(call *api.Call) (*api.Answer, error) {
	err := c.db.Update(func() error {
		if _, err := c.postable(call); err != nil {
			return err
		}
		p, err := c.findPost(call)
		if err != nil {
			return err
		}
		if api.Text(p.Resource, "state") == deleted {
			return notFound()
		}
		c.putPost(p.Course, api.Merge(p.Resource, api.Object{"state": deleted}))
		return nil
	})
	return &api.Answer{Body: api.Object{}}, err
}
