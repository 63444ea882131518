// Package classroom is a stand-in of Google Classroom (API v1). Its state is a folder.
//
// It knows courses, their aliases, teachers and students, and announcements with files and links.
// A person is created when it is first named. The package knows no files: [Options] has functions
// for that. Start with [New]. announcement.go has the rules of announcements.
//
// The reference of the API: https://developers.google.com/workspace/classroom/reference/rest
package classroom

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
	"github.com/nvr-miem/merger/pkg/localcloud/state"
)

// Options configure a [Classroom].
type Options struct {
	Dir     string
	BaseURL string           // what the outside sees before /classroom/v1/: of links
	Now     func() time.Time // the clock
	Log     *slog.Logger

	// whether a person may see a file of Drive
	Visible func(fileID, user string) bool
	// whether a person may share a file of Drive
	CanShare func(fileID, user string) bool
	Link     func(fileID string) (name, mimeType, link string, found bool) // what is known of a file
}

// Classroom is the stand-in. Close it.
type Classroom struct {
	o       Options
	service *api.Service

	db      *state.DB
	courses *state.Table[course]
	aliases *state.Table[alias]
	people  *state.Table[person]
	members *state.Table[member]
	posts   *state.Table[post]
}

// course is the row of a course.
type course struct {
	Resource api.Object `json:"resource"`
}

// alias is the row of another name of a course, with its prefix d: or p:.
type alias struct {
	Course string `json:"course"`
}

// person is the row of a user who was named once.
type person struct {
	Address string `json:"address"`
}

// member is the row of a teacher or student of a course.
type member struct {
	Course string `json:"course"`
	Role   string `json:"role"` // teachers or students
	Person string `json:"person"`
}

// post is the row of an announcement.
type post struct {
	Course   string     `json:"course"`
	Resource api.Object `json:"resource"`
	Order    int64      `json:"order"` // of its last change: instants may be equal
}

const (
	pageSize = 30 // of a listing that does not say
	// The lists of members of a course, as they stand in paths: courses/{id}/teachers.
	teachers = "teachers"
	students = "students"
)

// New opens the state under Options.Dir, or creates it.
func New(o Options) (*Classroom, error) {
	c := &Classroom{o: o}
	c.db = state.New(o.Dir)
	c.courses = state.NewTable[course](c.db, "courses")
	c.aliases = state.NewTable[alias](c.db, "aliases")
	c.people = state.NewTable[person](c.db, "people")
	c.members = state.NewTable[member](c.db, "members")
	c.posts = state.NewTable[post](c.db, "posts")
	if err := c.db.Open(); err != nil {
		return nil, fmt.Errorf("open the classroom: %w", err)
	}
	var err error
	c.service, err = api.NewService("classroom", map[string]api.Handler{
		"courses.create":               c.createCourse,
		"courses.get":                  c.getCourse,
		"courses.list":                 c.listCourses,
		"courses.patch":                c.patchCourse,
		"courses.update":               c.patchCourse,
		"courses.delete":               c.deleteCourse,
		"courses.aliases.create":       c.createAlias,
		"courses.aliases.list":         c.listAliases,
		"courses.aliases.delete":       c.deleteAlias,
		"courses.announcements.create": c.createPost,
		"courses.announcements.get":    c.getPost,
		"courses.announcements.list":   c.listPosts,
		"courses.announcements.patch":  c.patchPost,
		"courses.announcements.delete": c.deletePost,
		"courses.teachers.create":      c.join,
		"courses.teachers.get":         c.getMember,
		"courses.teachers.list":        c.listMembers,
		"courses.teachers.delete":      c.leave,
		"courses.students.create":      c.join,
		"courses.students.get":         c.getMember,
		"courses.students.list":        c.listMembers,
		"courses.students.delete":      c.leave,
		"userProfiles.get":             c.getProfile,
	}, nil, o.Log)
	if err != nil {
		return nil, errors.Join(err, c.db.Close())
	}
	return c, nil
}

// Service returns the handler of /v1/….
func (c *Classroom) Service() *api.Service {
	return c.service
}

// Close closes the state.
func (c *Classroom) Close() error {
	return c.db.Close()
}

// now returns the current instant as Classroom writes it: UTC, with milliseconds.
func (c *Classroom) now() string {
	return c.o.Now().UTC().Format("2006-01-02T15:04:05.000Z")
}

// notFound is the refusal of a call for something that does not exist.
func notFound() error {
	return api.Refuse(http.StatusNotFound, "notFound", "Requested entity was not found.")
}

// denied is the refusal of a call that the caller may not make.
func denied() error {
	return api.Refuse(http.StatusForbidden, "forbidden", "The caller does not have permission")
}

// precondition is a refusal with status 400 and the reason failedPrecondition. Classroom begins
// its messages with a code, like @AttachmentNotVisible.
func precondition(format string, args ...any) error {
	return api.Refuse(http.StatusBadRequest, "failedPrecondition", format, args...)
}

// newNumber returns an id like Classroom's: decimal digits.
func newNumber() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return strconv.FormatUint(
		binary.BigEndian.Uint64(random[:])%900_000_000_000+100_000_000_000, 10,
	)
}

// newCode returns an enrollment code.
func newCode() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var random [7]byte
	_, _ = rand.Read(random[:]) // never fails
	for i, b := range random {
		random[i] = letters[int(b)%len(letters)]
	}
	return string(random[:])
}

// personID returns the id of an address. It is always the same.
func personID(address string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(address)))
	return "1" + fmt.Sprintf("%020d", binary.BigEndian.Uint64(sum[:]))
}

// someone returns the id of the user that a call names: me, an address or an id. A person is
// created at the first mention. It runs inside an update.
func (c *Classroom) someone(name, caller string) (string, error) {
	if name == "me" || name == "" {
		name = caller
	}
	if name == "" {
		name = "teacher@localhost" // the call names no user
	}
	if strings.Contains(name, "@") {
		id := personID(name)
		if c.people.Get(id) == nil {
			c.people.Put(id, &person{Address: name})
		}
		return id, nil
	}
	if c.people.Get(name) == nil {
		return "", notFound()
	}
	return name, nil
}

// profile returns a user's profile.
func (c *Classroom) profile(id string) api.Object {
	known := c.people.Get(id)
	if known == nil {
		return api.Object{"id": id}
	}
	name, _, _ := strings.Cut(known.Address, "@")
	given, family, _ := strings.Cut(name, ".")
	full := strings.TrimSpace(given + " " + family)
	return api.Object{
		"id":           id,
		"emailAddress": known.Address,
		"name": api.Object{
			"fullName":   full,
			"givenName":  given,
			"familyName": family,
		},
	}
}

// getProfile answers userProfiles.get.
func (c *Classroom) getProfile(call *api.Call) (*api.Answer, error) {
	var body api.Object
	err := c.db.Update(func() error {
		id, err := c.someone(call.Path["userId"], call.User)
		if err == nil {
			body = c.profile(id)
		}
		return err
	})
	return &api.Answer{Body: body}, err
}

// page answers with one page of a listing.
func page(call *api.Call, name string, all []any) (*api.Answer, error) {
	size := call.Int("pageSize", 0)
	if size < 0 {
		return nil, api.Invalid("pageSize", "Invalid value %d", size)
	}
	if size == 0 {
		size = pageSize
	}
	from, to, next, err := api.Page(call, len(all), size)
	if err != nil {
		return nil, err
	}
	body := api.Object{}
	if to > from {
		body[name] = all[from:to]
	}
	if next != "" {
		body["nextPageToken"] = next
	}
	return api.OK(body)
}
