package workspace

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"google.golang.org/api/classroom/v1"
	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/homoglyph"
)

const (
	// courseFresh is how long a course that was found is not looked up again, before Scale. It is longer than
	// the pause after a quota that was used up: a post that was cut short begins again with what it knew.
	courseFresh = 20 * time.Minute

	catalogueFresh = 5 * time.Minute  // how long the list of courses serves, before Scale
	catalogueAgain = 20 * time.Second // how old it must be to be read again for a code that is not in it
)

// Course is a course of Classroom.
type Course struct {
	ID    string
	Name  string
	Owner string // the owner's id
	Link  string
}

// catalogue is the list of active courses, kept for minutes.
type catalogue struct {
	list []*classroom.Course
	at   time.Time
}

// found is a course, and when it was found.
type found struct {
	course Course
	at     time.Time
}

const courseFields = "id,name,section,descriptionHeading,description,enrollmentCode,ownerId,courseState,alternateLink"

// FindCourse finds a course by what people write: in mapping (code to course id or alias), which wins;
// else as id or alias; else as enrolment code; else as the name, section or description of a course.
// [ErrNotFound]; [ErrAmbiguous] if several fit, which a person must sort out. What was found is kept for
// minutes.
func (c *Client) FindCourse(ctx context.Context, code string, mapping map[string]string) (Course, error) {
	code = strings.TrimSpace(code)
	c.mu.Lock()
	known, ok := c.found[code]
	c.mu.Unlock()
	if ok && c.options.Now().Sub(known.at) < c.scaled(courseFresh) {
		return known.course, nil
	}
	course, err := c.findCourse(ctx, code, mapping)
	if err != nil {
		return Course{}, err
	}
	c.mu.Lock()
	c.found[code] = found{course: course, at: c.options.Now()}
	c.mu.Unlock()
	return course, nil
}

func (c *Client) findCourse(ctx context.Context, code string, mapping map[string]string) (Course, error) {
	for from, id := range mapping {
		if fold(from) == fold(code) {
			course, err := c.course(ctx, id)
			if err != nil {
				return Course{}, fmt.Errorf(
					"the mapping of code %q to course %q: %w",
					code, id, err,
				)
			}
			return course, nil
		}
	}
	if code == "" || len(code) > 300 {
		return Course{}, fmt.Errorf("course %q: %w", code, ErrNotFound)
	}
	if !strings.ContainsFunc(code, func(r rune) bool {
		return r > unicode.MaxASCII || unicode.IsSpace(r) || r == '/'
	}) {
		for _, id := range []string{code, "d:" + code, "p:" + code} {
			course, err := c.course(ctx, id)
			if !errors.Is(err, ErrNotFound) {
				return course, err
			}
		}
	}
	return c.search(ctx, code)
}

// course gets one by id or alias.
func (c *Client) course(ctx context.Context, id string) (Course, error) {
	if err := checkID("course", id); err != nil {
		return Course{}, err
	}
	seat, err := c.as(ctx, c.searcher())
	if err != nil {
		return Course{}, err
	}
	var found *classroom.Course
	err = c.do(ctx, "classroom.courses.get", "read course "+id, func(ctx context.Context) (err error) {
		found, err = seat.classroom.Courses.Get(id).Context(ctx).Fields(courseFields).Do()
		var answer *googleapi.Error
		if errors.As(err, &answer) && answer.Code == http.StatusBadRequest {
			return fmt.Errorf("no id that Classroom knows: %w", ErrNotFound)
		}
		return err
	})
	if err != nil {
		return Course{}, err
	}
	return courseOf(found), nil
}

func courseOf(course *classroom.Course) Course {
	return Course{
		ID:    course.Id,
		Name:  course.Name,
		Owner: course.OwnerId,
		Link:  course.AlternateLink,
	}
}

// searcher is who looks up courses.
func (c *Client) searcher() string {
	if c.options.Subjects.Classroom != "" {
		return c.options.Subjects.Classroom
	}
	return c.options.Subjects.Calendar
}

// search looks through all active courses. What was listed some minutes ago will do for a code that is
// in it; for one that is not, courses are listed again.
func (c *Client) search(ctx context.Context, code string) (Course, error) {
	c.mu.Lock()
	known := c.courses
	c.mu.Unlock()
	age := c.options.Now().Sub(known.at)
	if !known.at.IsZero() && age < c.scaled(catalogueFresh) {
		course, err := match(known.list, code)
		if !errors.Is(err, ErrNotFound) || age < c.scaled(catalogueAgain) {
			return course, err
		}
	}
	list, err := c.listCourses(ctx)
	if err != nil {
		return Course{}, err
	}
	c.mu.Lock()
	c.courses = catalogue{list: list, at: c.options.Now()}
	c.mu.Unlock()
	return match(list, code)
}

func (c *Client) listCourses(ctx context.Context) ([]*classroom.Course, error) {
	seat, err := c.as(ctx, c.searcher())
	if err != nil {
		return nil, err
	}
	var list []*classroom.Course
	for token := ""; ; {
		var page *classroom.ListCoursesResponse
		err := c.do(ctx, "classroom.courses.list", "list the courses", func(ctx context.Context) (err error) {
			page, err = seat.classroom.Courses.List().Context(ctx).CourseStates("ACTIVE").PageSize(500).PageToken(token).
				Fields("nextPageToken", "courses("+courseFields+")").Do()
			return err
		})
		if err != nil {
			return nil, err
		}
		list = append(list, page.Courses...)
		if token = page.NextPageToken; token == "" {
			return list, nil
		}
	}
}

// match picks the one course that a code names: the enrolment code before all else, letters as they are
// before letters that only look alike.
func match(list []*classroom.Course, code string) (Course, error) {
	same := func(text string) bool {
		return text != "" && strings.TrimSpace(text) == code
	}
	alike := func(text string) bool {
		return text != "" && fold(text) == fold(code)
	}
	for _, equal := range []func(string) bool{same, alike} {
		for _, fields := range []func(*classroom.Course) []string{
			func(k *classroom.Course) []string { return []string{k.EnrollmentCode} },
			func(k *classroom.Course) []string {
				return []string{k.Name, k.Section, k.DescriptionHeading, k.Description}
			},
		} {
			var hits []*classroom.Course
			for _, course := range list {
				for _, field := range fields(course) {
					if equal(field) {
						hits = append(hits, course)
						break
					}
				}
			}
			switch {
			case len(hits) == 1:
				return courseOf(hits[0]), nil
			case len(hits) > 1:
				return Course{}, fmt.Errorf(
					"%d courses fit %q, such as %q and %q: %w",
					len(hits), code, hits[0].Name, hits[1].Name, ErrAmbiguous,
				)
			}
		}
	}
	return Course{}, fmt.Errorf("course %q: %w", code, ErrNotFound)
}

// fold returns text in the form in which codes are compared: without case, with single spaces, and with
// look-alike letters as one.
func fold(text string) string {
	return homoglyph.Fold(strings.Join(strings.Fields(text), " "))
}
