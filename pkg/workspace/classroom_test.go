package workspace_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/classroom/v1"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/workspace"
)

func (w *env) course(c *classroom.Course) *classroom.Course {
	w.t.Helper()
	if c.OwnerId == "" {
		c.OwnerId = teacher
	}
	c.CourseState = "ACTIVE"
	var made classroom.Course
	w.ask("POST", "/classroom/v1/courses", c, &made)
	return &made
}

func (w *env) announcements(course string) []*classroom.Announcement {
	w.t.Helper()
	var list classroom.ListAnnouncementsResponse
	w.ask(
		"GET",
		"/classroom/v1/courses/"+course+"/announcements?announcementStates=DRAFT&announcementStates=PUBLISHED",
		nil,
		&list,
	)
	return list.Announcements
}

func (w *env) classroomClient() *workspace.Client {
	return w.client(workspace.Subjects{Drive: uploader, Calendar: roomUser})
}

func TestFindCourse(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	algebra := w.course(&classroom.Course{Name: "Алгебра", Section: "БПМИ201"})
	physics := w.course(&classroom.Course{Name: "Physics", DescriptionHeading: "PHYS 7"})
	w.course(&classroom.Course{Name: "Chess", Section: "club"})
	w.course(&classroom.Course{Name: "Go", Section: "club"})
	w.fail(0.3, 1)
	c := w.classroomClient()
	mapping := map[string]string{"М-1": physics.Id, "nowhere": "424242"}
	for code, want := range map[string]string{
		algebra.Id:                              algebra.Id,
		algebra.EnrollmentCode:                  algebra.Id,
		strings.ToUpper(physics.EnrollmentCode): physics.Id,
		"Алгебра":                               algebra.Id,
		" БПМИ201 ":                             algebra.Id,
		"бпми201":                               algebra.Id,
		"phys 7":                                physics.Id,
		"M-1":                                   physics.Id, // Latin letters for a mapping in Cyrillic ones
	} {
		if course, err := c.FindCourse(t.Context(), code, mapping); err != nil || course.ID != want {
			t.Errorf("%q: %+v, %v", code, course, err)
		}
	}
	for code, want := range map[string]error{
		"club":                    workspace.ErrAmbiguous,
		"biology":                 workspace.ErrNotFound,
		"":                        workspace.ErrNotFound,
		"..":                      workspace.ErrNotFound,
		"a/b":                     workspace.ErrNotFound,
		"nowhere":                 workspace.ErrNotFound,
		strings.Repeat("x", 1000): workspace.ErrNotFound,
	} {
		if course, err := c.FindCourse(t.Context(), code, mapping); !errors.Is(err, want) {
			t.Errorf("%q: %+v, %v", code, course, err)
		}
	}
}

func TestCoursesAreListedOnceInMinutes(t *testing.T) {
	t.Parallel()
	lists := 0
	var now time.Time
	var mu sync.Mutex
	c := func() *workspace.Client {
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if r.URL.Path != "/classroom/v1/courses" {
				refuse(w, 404, "notFound")
				return
			}
			if r.URL.Query().Get("pageToken") == "" {
				lists++
				answer(w, `{"courses":[{"id":"1","name":"Алгебра"}],"nextPageToken":"2"}`)
				return
			}
			answer(w, `{"courses":[{"id":"2","name":"Физика"}]}`)
		})
		return client(t, workspace.Options{Endpoint: base, Now: func() time.Time { return now }})
	}()
	now = noon
	for _, step := range []struct {
		after time.Duration
		code  string
		lists int
	}{
		{0, "Алгебра", 1},
		{0, "Физика", 1},
		{0, "Химия", 1},
		{time.Minute, "Физика", 1},
		{0, "Химия", 2},
		{0, "Химия", 2},
		{6 * time.Minute, "Химия", 3},
	} {
		now = now.Add(step.after)
		_, err := c.FindCourse(t.Context(), step.code, nil)
		if (err != nil) != (step.code == "Химия") || lists != step.lists {
			t.Errorf("%+v: %v, listed %d times", step, err, lists)
		}
	}
}

// TestACourseIsRemembered: a post that a used-up quota cut short begins again with what it knew.
func TestACourseIsRemembered(t *testing.T) {
	t.Parallel()
	calls, now := 0, noon
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		switch r.URL.Path {
		case "/classroom/v1/courses":
			answer(w, `{"courses":[{"id":"1","name":"ALG-1"}]}`)
		case "/classroom/v1/courses/7":
			answer(w, `{"id":"7","name":"Physics"}`)
		default:
			refuse(w, 404, "notFound")
		}
	})
	c := client(t, workspace.Options{Endpoint: base, Now: func() time.Time { return now }})
	for _, step := range []struct {
		after time.Duration
		code  string
		id    string
		calls int
	}{
		{0, "ALG-1", "1", 4},
		{16 * time.Minute, "ALG-1", "1", 0},
		{0, "M", "7", 1},
		{0, " M ", "7", 0},
		{5 * time.Minute, "ALG-1", "1", 4},
	} {
		now, calls = now.Add(step.after), 0
		if course, err := c.FindCourse(t.Context(), step.code, map[string]string{"M": "7"}); err != nil || course.ID != step.id || calls != step.calls {
			t.Errorf("%+v: %+v, %v, %d calls", step, course, err, calls)
		}
	}
}

func TestARefusedLookupIsReported(t *testing.T) {
	t.Parallel()
	c, _ := dial(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		answer(
			w,
			`{"error":{"code":403,"message":"@ClassroomApiDisabled The API is off","status":"PERMISSION_DENIED"}}`,
		)
	})
	_, err := c.FindCourse(t.Context(), "x1", nil)
	var permanent *fault.PermanentError
	if !errors.As(err, &permanent) || !permanent.Cause.Is(cause.CodeGoogleAPIDisabled) {
		t.Errorf("got %v", err)
	}
}

func TestAnnounceUnderFaultsIsOneAnnouncement(t *testing.T) {
	t.Parallel()
	for seed := range int64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := begin(t, google.Options{})
			id := w.put("lecture.mp4", "room", noise(100))
			made := w.course(&classroom.Course{Name: "Алгебра"})
			w.fail(0.3, seed)
			c := w.classroomClient()
			file, err := c.Stat(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			course, err := c.FindCourse(t.Context(), made.Id, nil)
			if err != nil {
				t.Fatal(err)
			}
			// The first worker dies before it stores the id, the second after, the third comes for nothing.
			stored, died := "", errors.New("killed")
			if _, err := c.Announce(t.Context(), course, "Видео", file, stored, func(string) error {
				return died
			}); !errors.Is(err, died) {
				t.Fatal(err)
			}
			if list := w.announcements(made.Id); len(list) != 1 || list[0].State != "DRAFT" {
				t.Fatalf("%+v", list)
			}
			for range 3 {
				got, err := c.Announce(t.Context(), course, "Видео", file, stored, func(id string) error {
					stored = id
					return nil
				})
				if err != nil || got != stored {
					t.Fatal(got, stored, err)
				}
			}
			// One that lost its own id finds it again.
			if got, err := c.Announce(t.Context(), course, "Видео", file, "", func(string) error {
				return nil
			}); err != nil || got != stored {
				t.Errorf("%s, %v", got, err)
			}
			list := w.announcements(made.Id)
			if len(list) != 1 || list[0].State != "PUBLISHED" || list[0].Text != "Видео" || list[0].Id != stored ||
				list[0].Materials[0].DriveFile.DriveFile.Id != id {
				t.Errorf("%d announcements: %+v", len(list), list)
			}
		})
	}
}

func TestAnnounceAtOnce(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	id := w.put("lecture.mp4", "room", noise(100))
	made := w.course(&classroom.Course{Name: "Алгебра"})
	var mu sync.Mutex
	winner := ""
	var workers sync.WaitGroup
	for range 4 {
		c := w.classroomClient()
		workers.Go(func() {
			file, err := c.Stat(t.Context(), id)
			if err != nil {
				t.Error(err)
				return
			}
			_, err = c.Announce(t.Context(), workspace.Course{
				ID:    made.Id,
				Owner: made.OwnerId,
			}, "Видео", file, "", func(id string) error {
				mu.Lock()
				defer mu.Unlock()
				if winner == "" {
					winner = id
				}
				if winner != id { // what a fenced store says to who lost the record meanwhile
					return fault.ErrStale
				}
				return nil
			})
			if err != nil && !errors.Is(err, fault.ErrStale) {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	published := 0
	for _, a := range w.announcements(made.Id) {
		if a.State == "PUBLISHED" {
			published++
		}
	}
	if published != 1 {
		t.Errorf("%d published", published)
	}
}

func TestARemovedAnnouncementStaysRemoved(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	id := w.put("lecture.mp4", "room", noise(100))
	made := w.course(&classroom.Course{Name: "Алгебра"})
	c := w.classroomClient()
	course := workspace.Course{ID: made.Id, Owner: made.OwnerId}
	file, err := c.Stat(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := c.Announce(t.Context(), course, "Видео", file, "", func(string) error {
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.ask("DELETE", "/classroom/v1/courses/"+made.Id+"/announcements/"+stored, nil, nil)
	if got, err := c.Announce(t.Context(), course, "Видео", file, stored, nil); err != nil || got != stored {
		t.Errorf("%s, %v", got, err)
	}
	if list := w.announcements(made.Id); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestTheTeacherSeesWhatHePosts(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	id := w.put("lecture.mp4", "room", noise(100))
	made := w.course(&classroom.Course{Name: "Алгебра"})
	c := w.classroomClient()
	file, err := c.Stat(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Announce(t.Context(), workspace.Course{
		ID:    made.Id,
		Owner: made.OwnerId,
	}, "Видео", file, "", func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, p := range w.permissions(id) {
		seen = seen || p.EmailAddress == teacher
	}
	if !seen {
		t.Error("the video is not shared with the teacher")
	}
}
