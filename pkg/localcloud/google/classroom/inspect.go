package classroom

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

// Entry is a course as a page shows it.
type Entry struct {
	ID, Name, Section, Code, State, Owner string
	Posts                                 []Post // newest first
}

// Post is an announcement as a page shows it.
type Post struct {
	ID, Text, State, Author string
	ChangedAt               time.Time
	Materials               []Material
}

// Material is a link of an announcement.
type Material struct{ Title, Link string }

// Courses returns the courses.
func (c *Classroom) Courses() []Entry {
	var entries []Entry
	c.db.View(func() {
		for _, one := range c.courses.All() {
			entries = append(entries, c.entry(one))
		}
	})
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(
			strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)),
			strings.Compare(a.ID, b.ID),
		)
	})
	return entries
}

// Course returns a course with its announcements. It reports whether the course exists.
func (c *Classroom) Course(id string) (found Entry, ok bool) {
	c.db.View(func() {
		if one := c.courses.Get(id); one != nil {
			found, ok = c.entry(one), true
		}
	})
	return found, ok
}

// entry returns a course as a page shows it.
func (c *Classroom) entry(one *course) Entry {
	o := one.Resource
	e := Entry{
		ID:      api.Text(o, "id"),
		Name:    api.Text(o, "name"),
		Section: api.Text(o, "section"),
		Code:    api.Text(o, "enrollmentCode"),
		State:   api.Text(o, "courseState"),
		Owner:   api.Text(c.profile(api.Text(o, "ownerId")), "emailAddress"),
	}
	var posts []*post
	for _, p := range c.posts.All() {
		if p.Course == e.ID {
			posts = append(posts, p)
		}
	}
	slices.SortFunc(posts, func(a, b *post) int {
		return cmp.Compare(b.Order, a.Order)
	})
	for _, p := range posts {
		e.Posts = append(e.Posts, c.post(p.Resource))
	}
	return e
}

// post returns an announcement as a page shows it.
func (c *Classroom) post(o api.Object) Post {
	changed, _ := time.Parse(time.RFC3339, api.Text(o, "updateTime"))
	p := Post{
		ID:        api.Text(o, "id"),
		Text:      api.Text(o, "text"),
		State:     api.Text(o, "state"),
		ChangedAt: changed,
		Author:    api.Text(c.profile(api.Text(o, "creatorUserId")), "emailAddress"),
	}
	for _, m := range api.Objects(o, "materials") {
		file, link := api.Child(api.Child(m, "driveFile"), "driveFile"), api.Child(m, "link")
		one := Material{Title: api.Text(file, "title"), Link: api.Text(file, "alternateLink")}
		if link != nil {
			one = Material{Title: api.Text(link, "title"), Link: api.Text(link, "url")}
		}
		p.Materials = append(p.Materials, one)
	}
	return p
}
