package classroom

import (
	"net/http"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// settable returns the fields of a course that a caller sets.
func settable() []string {
	return []string{
		"courseState", "description", "descriptionHeading", "levels", "name", "ownerId", "room", "section", "subject",
	}
}

// find returns a course by its id or an alias. It runs inside a view or an update.
func (c *Classroom) find(id string) (*course, error) {
	if named := c.aliases.Get(id); named != nil {
		id = named.Course
	}
	if found := c.courses.Get(id); found != nil {
		return found, nil
	}
	return nil, notFound()
}

// isAlias reports whether an id is an alias, with the prefix d: or p:.
func isAlias(id string) bool {
	return strings.HasPrefix(id, "d:") || strings.HasPrefix(id, "p:")
}

// createCourse answers courses.create.
func (c *Classroom) createCourse(call *api.Call) (*api.Answer, error) {
	body := api.Only(call.Body, settable()...)
	if api.Text(body, "name") == "" {
		return nil, api.Invalid("course.name", "The name of a course must not be empty.")
	}
	var made api.Object
	err := c.db.Update(func() error {
		owner, err := c.someone(api.Text(body, "ownerId"), call.User)
		if err != nil {
			return err
		}
		id := newNumber()
		if name := api.Text(call.Body, "id"); isAlias(name) {
			if c.aliases.Get(name) != nil {
				return api.Refuse(
					http.StatusConflict, "alreadyExists", "Requested entity already exists",
				)
			}
			c.aliases.Put(name, &alias{Course: id})
		}
		made = api.Merge(api.Object{"courseState": "PROVISIONED"}, body)
		made = api.Merge(made, api.Object{
			"id":               id,
			"ownerId":          owner,
			"enrollmentCode":   newCode(),
			"creationTime":     c.now(),
			"updateTime":       c.now(),
			"guardiansEnabled": false,
			"alternateLink":    c.o.BaseURL + "/classroom/c/" + id,
			"calendarId":       "classroom" + id + "@group.calendar.google.com",
		})
		c.courses.Put(id, &course{Resource: made})
		c.members.Put(
			memberKey(id, teachers, owner), &member{
				Course: id,
				Role:   teachers,
				Person: owner,
			},
		)
		return nil
	})
	return &api.Answer{Body: made}, err
}

// getCourse answers courses.get.
func (c *Classroom) getCourse(call *api.Call) (*api.Answer, error) {
	var found *course
	var err error
	c.db.View(func() { found, err = c.find(call.Path["id"]) })
	if err != nil {
		return nil, err
	}
	return api.OK(found.Resource)
}

// listCourses answers courses.list.
func (c *Classroom) listCourses(call *api.Call) (*api.Answer, error) {
	states := call.Query["courseStates"]
	var found []api.Object
	err := c.db.Update(func() error {
		for id, one := range c.courses.All() {
			if len(states) > 0 && !slices.Contains(states, api.Text(one.Resource, "courseState")) {
				continue
			}
			fits := true
			for role, name := range map[string]string{
				teachers: call.Query.Get("teacherId"),
				students: call.Query.Get("studentId"),
			} {
				if name == "" {
					continue
				}
				who, err := c.someone(name, call.User)
				fits = fits && err == nil && c.members.Get(memberKey(id, role, who)) != nil
			}
			if fits {
				found = append(found, one.Resource)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b api.Object) int {
		if n := strings.Compare(api.Text(b, "creationTime"), api.Text(a, "creationTime")); n != 0 {
			return n
		}
		return strings.Compare(api.Text(a, "id"), api.Text(b, "id"))
	})
	return page(call, "courses", api.Anys(found))
}

// patchCourse answers courses.patch and courses.update.
func (c *Classroom) patchCourse(call *api.Call) (*api.Answer, error) {
	fields := settable()
	if call.Method.HTTPMethod == http.MethodPatch {
		var err error
		if fields, err = maskOf(call, fields); err != nil {
			return nil, err
		}
	}
	var made api.Object
	err := c.db.Update(func() error {
		before, err := c.find(call.Path["id"])
		if err != nil {
			return err
		}
		if err := c.mustTeach(api.Text(before.Resource, "id"), call.User); err != nil {
			return err
		}
		patch := api.Object{}
		for _, name := range fields {
			patch[name] = call.Body[name]
		}
		if patch["courseState"] == nil {
			delete(patch, "courseState")
		}
		delete(patch, "ownerId") // this stand-in changes no owners
		made = api.Merge(before.Resource, patch)
		if api.Text(made, "name") == "" {
			return api.Invalid("course.name", "The name of a course must not be empty.")
		}
		made["updateTime"] = c.now()
		c.courses.Put(api.Text(made, "id"), &course{Resource: made})
		return nil
	})
	return &api.Answer{Body: made}, err
}

// maskOf reads updateMask, which must name at least one field of may and no other.
func maskOf(call *api.Call, may []string) ([]string, error) {
	var fields []string
	for name := range strings.SplitSeq(call.Query.Get("updateMask"), ",") {
		name = camel(strings.TrimSpace(name))
		if name == "" {
			continue
		}
		if !slices.Contains(may, name) {
			return nil, api.Invalid("updateMask", "Invalid field in the update mask: %s", name)
		}
		fields = append(fields, name)
	}
	if len(fields) == 0 {
		return nil, api.Invalid("updateMask", "The update mask is required.")
	}
	return fields, nil
}

// camel converts scheduled_time to scheduledTime.
func camel(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// deleteCourse answers courses.delete: the course is gone with its aliases, members and
// announcements.
func (c *Classroom) deleteCourse(call *api.Call) (*api.Answer, error) {
	err := c.db.Update(func() error {
		found, err := c.find(call.Path["id"])
		if err != nil {
			return err
		}
		id := api.Text(found.Resource, "id")
		if err := c.mustTeach(id, call.User); err != nil {
			return err
		}
		c.courses.Delete(id)
		dropOf(c.aliases.All(), func(a *alias) bool { return a.Course == id }, c.aliases.Delete)
		dropOf(c.members.All(), func(m *member) bool { return m.Course == id }, c.members.Delete)
		dropOf(c.posts.All(), func(p *post) bool { return p.Course == id }, c.posts.Delete)
		return nil
	})
	return &api.Answer{Body: api.Object{}}, err
}

// dropOf deletes the rows for which gone returns true.
func dropOf[T any](all func(func(string, *T) bool), gone func(*T) bool, drop func(string)) {
	var keys []string
	for key, row := range all {
		if gone(row) {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		drop(key)
	}
}

// createAlias answers courses.aliases.create.
func (c *Classroom) createAlias(call *api.Call) (*api.Answer, error) {
	name := api.Text(call.Body, "alias")
	if !isAlias(name) {
		return nil, api.Invalid(
			"courseAlias.alias", "An alias begins with d: or p:, unlike %q.", name,
		)
	}
	err := c.db.Update(func() error {
		found, err := c.find(call.Path["courseId"])
		if err != nil {
			return err
		}
		if c.aliases.Get(name) != nil {
			return api.Refuse(
				http.StatusConflict, "alreadyExists", "Requested entity already exists",
			)
		}
		c.aliases.Put(name, &alias{Course: api.Text(found.Resource, "id")})
		return nil
	})
	return &api.Answer{Body: api.Object{"alias": name}}, err
}

// listAliases answers courses.aliases.list.
func (c *Classroom) listAliases(call *api.Call) (*api.Answer, error) {
	names := []string{}
	var err error
	c.db.View(func() {
		var found *course
		if found, err = c.find(call.Path["courseId"]); err != nil {
			return
		}
		for name, one := range c.aliases.All() {
			if one.Course == api.Text(found.Resource, "id") {
				names = append(names, name)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []any
	for _, name := range names {
		all = append(all, api.Object{"alias": name})
	}
	return page(call, "aliases", all)
}

// deleteAlias answers courses.aliases.delete.
func (c *Classroom) deleteAlias(call *api.Call) (*api.Answer, error) {
	err := c.db.Update(func() error {
		found, err := c.find(call.Path["courseId"])
		if err != nil {
			return err
		}
		one := c.aliases.Get(call.Path["alias"])
		if one == nil || one.Course != api.Text(found.Resource, "id") {
			return notFound()
		}
		c.aliases.Delete(call.Path["alias"])
		return nil
	})
	return &api.Answer{Body: api.Object{}}, err
}
