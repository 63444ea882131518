package classroom

import (
	"net/http"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// memberKey returns the key of a member's row.
func memberKey(course, role, who string) string {
	return course + "\n" + role + "\n" + who
}

// roleOf returns the role that a method is about, like teachers for courses.teachers.get.
func roleOf(call *api.Call) string {
	if strings.HasPrefix(call.Method.ID, "courses."+teachers+".") {
		return teachers
	}
	return students
}

// teaches reports whether a caller teaches a course. A call without a user may do everything.
func (c *Classroom) teaches(course, user string) bool {
	return user == "" || c.members.Get(memberKey(course, teachers, personID(user))) != nil
}

// mustTeach refuses a caller who does not teach a course.
func (c *Classroom) mustTeach(course, user string) error {
	if !c.teaches(course, user) {
		return denied()
	}
	return nil
}

// showMember returns a member as the API shows it.
func (c *Classroom) showMember(m *member) api.Object {
	return api.Object{
		"courseId": m.Course,
		"userId":   m.Person,
		"profile":  c.profile(m.Person),
	}
}

// join answers courses.teachers.create and courses.students.create.
func (c *Classroom) join(call *api.Call) (*api.Answer, error) {
	var made api.Object
	err := c.db.Update(func() error {
		found, err := c.find(call.Path["courseId"])
		if err != nil {
			return err
		}
		who, err := c.someone(api.Text(call.Body, "userId"), call.User)
		if err != nil {
			return err
		}
		m := &member{
			Course: api.Text(found.Resource, "id"),
			Role:   roleOf(call),
			Person: who,
		}
		key := memberKey(m.Course, m.Role, who)
		if c.members.Get(key) != nil {
			return api.Refuse(
				http.StatusConflict, "alreadyExists", "Requested entity already exists",
			)
		}
		c.members.Put(key, m)
		made = c.showMember(m)
		return nil
	})
	return &api.Answer{Body: made}, err
}

// oneMember calls do with the member that a call names, inside an update.
func (c *Classroom) oneMember(call *api.Call, do func(key string, m *member) error) error {
	return c.db.Update(func() error {
		found, err := c.find(call.Path["courseId"])
		if err != nil {
			return err
		}
		who, err := c.someone(call.Path["userId"], call.User)
		if err != nil {
			return err
		}
		key := memberKey(api.Text(found.Resource, "id"), roleOf(call), who)
		m := c.members.Get(key)
		if m == nil {
			return notFound()
		}
		return do(key, m)
	})
}

// getMember answers courses.teachers.get and courses.students.get.
func (c *Classroom) getMember(call *api.Call) (*api.Answer, error) {
	var body api.Object
	err := c.oneMember(call, func(_ string, m *member) error {
		body = c.showMember(m)
		return nil
	})
	return &api.Answer{Body: body}, err
}

// leave answers courses.teachers.delete and courses.students.delete.
func (c *Classroom) leave(call *api.Call) (*api.Answer, error) {
	err := c.oneMember(call, func(key string, m *member) error {
		if found := c.courses.Get(m.Course); m.Role == teachers &&
			api.Text(found.Resource, "ownerId") == m.Person {
			return precondition("@CannotRemoveCourseOwner The owner of a course cannot be removed.")
		}
		c.members.Delete(key)
		return nil
	})
	return &api.Answer{Body: api.Object{}}, err
}

// listMembers answers courses.teachers.list and courses.students.list.
func (c *Classroom) listMembers(call *api.Call) (*api.Answer, error) {
	var keys []string
	var all []any
	var err error
	c.db.View(func() {
		var found *course
		if found, err = c.find(call.Path["courseId"]); err != nil {
			return
		}
		for key, m := range c.members.All() {
			if m.Course == api.Text(found.Resource, "id") && m.Role == roleOf(call) {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			all = append(all, c.showMember(c.members.Get(key)))
		}
	})
	if err != nil {
		return nil, err
	}
	return page(call, roleOf(call), all)
}
