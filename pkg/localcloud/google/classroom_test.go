package google_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	gclassroom "google.golang.org/api/classroom/v1"
	gdrive "google.golang.org/api/drive/v3"
	"google.golang.org/api/option"

	"github.com/nvr-miem/merger/pkg/localcloud/faults"
)

func (w *env) classroom(user string) *gclassroom.Service {
	w.t.Helper()
	s, err := gclassroom.NewService(
		w.t.Context(),
		option.WithEndpoint(w.base+"/classroom/"),
		option.WithHTTPClient(&http.Client{Transport: asUser(user)}),
	)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestClassroomCourses(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s := w.classroom("")
	course, err := s.Courses.Create(&gclassroom.Course{
		Id:          "d:ALG",
		Name:        "Algebra",
		Section:     "BIV204",
		OwnerId:     "petrov@example.org",
		CourseState: "ACTIVE",
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	if course.EnrollmentCode == "" || course.CourseState != "ACTIVE" || course.Id == "d:ALG" ||
		course.OwnerId == "" ||
		course.AlternateLink == "" {
		t.Errorf("made: %+v", course)
	}
	if other, err := s.Courses.Create(&gclassroom.Course{
		Name:    "Later",
		OwnerId: "me",
	}).Do(); err != nil ||
		other.CourseState != "PROVISIONED" {
		t.Errorf("without a state: %+v, %v", other, err)
	}
	_, err = s.Courses.Create(&gclassroom.Course{Id: "d:ALG", Name: "Again"}).Do()
	refused(t, err, 409, "alreadyExists")
	_, err = s.Courses.Create(&gclassroom.Course{Section: "x"}).Do()
	refused(t, err, 400, "invalid")
	if _, err := s.Courses.Aliases.Create(
		course.Id, &gclassroom.CourseAlias{Alias: "p:мой/код"},
	).Do(); err != nil {
		t.Fatal(err)
	}
	w.restart()
	s = w.classroom("admin@example.org")
	for _, id := range []string{course.Id, "d:ALG", "p:мой/код"} {
		if got, err := s.Courses.Get(id).Do(); err != nil || got.Id != course.Id ||
			got.EnrollmentCode != course.EnrollmentCode {
			t.Errorf("%s: %+v, %v", id, got, err)
		}
	}
	_, err = s.Courses.Get("p:none").Do()
	refused(t, err, 404, "notFound")
	profile, err := s.UserProfiles.Get(course.OwnerId).Do()
	if err != nil || profile.EmailAddress != "petrov@example.org" {
		t.Errorf("the owner: %+v, %v", profile, err)
	}
	if me, err := s.UserProfiles.Get("me").Do(); err != nil || me.EmailAddress != "admin@example.org" {
		t.Errorf("me: %+v, %v", me, err)
	}
	list, err := s.Courses.List().CourseStates("ACTIVE").Do()
	if err != nil || len(list.Courses) != 1 || list.Courses[0].Name != "Algebra" {
		t.Errorf("active: %+v, %v", list, err)
	}
	s = w.classroom("petrov@example.org")
	if patched, err := s.Courses.Patch(
		course.Id, &gclassroom.Course{CourseState: "ARCHIVED", Name: "ignored"},
	).UpdateMask("courseState").Do(); err != nil || patched.CourseState != "ARCHIVED" ||
		patched.Name != "Algebra" {
		t.Errorf("archived: %+v, %v", patched, err)
	}
	_, err = s.Courses.Patch(course.Id, &gclassroom.Course{}).UpdateMask("enrollmentCode").Do()
	refused(t, err, 400, "invalid")
	_, err = s.Courses.Announcements.Create(course.Id, &gclassroom.Announcement{Text: "x"}).Do()
	refused(t, err, 400, "failedPrecondition")
}

func TestClassroomAnnouncements(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	course, err := w.classroom("").Courses.Create(&gclassroom.Course{
		Name:        "Algebra",
		OwnerId:     "petrov@example.org",
		CourseState: "ACTIVE",
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	files := w.drive("upload@example.org")
	file, err := files.Files.Create(&gdrive.File{Name: "video.mp4"}).Media(strings.NewReader("v")).Fields("id,webViewLink").Do()
	if err != nil {
		t.Fatal(err)
	}
	s := w.classroom("petrov@example.org")
	withFile := &gclassroom.Announcement{
		Text: "The lecture",
		Materials: []*gclassroom.Material{
			{
				DriveFile: &gclassroom.SharedDriveFile{
					DriveFile: &gclassroom.DriveFile{Id: file.Id},
					ShareMode: "VIEW",
				},
			},
		},
	}
	_, err = s.Courses.Announcements.Create(course.Id, withFile).Do()
	refused(t, err, 400, "failedPrecondition")
	if err == nil || !strings.Contains(err.Error(), "@AttachmentNotVisible") {
		t.Errorf("a file that the poster cannot see: %v", err)
	}
	for _, role := range []string{"reader", "writer"} {
		if _, err := files.Permissions.Create(
			file.Id, &gdrive.Permission{
				Type:         "user",
				Role:         role,
				EmailAddress: "petrov@example.org",
			},
		).Do(); err != nil {
			t.Fatal(err)
		}
		if role == "reader" { // Classroom shares the file as the poster
			_, err = s.Courses.Announcements.Create(course.Id, withFile).Do()
			refused(t, err, 403, "forbidden")
		}
	}
	post, err := s.Courses.Announcements.Create(course.Id, withFile).Do()
	if err != nil {
		t.Fatal(err)
	}
	if post.State != "DRAFT" || post.Materials[0].DriveFile.DriveFile.Title != "video.mp4" ||
		post.Materials[0].DriveFile.DriveFile.AlternateLink != file.WebViewLink ||
		post.CreatorUserId != course.OwnerId ||
		post.AlternateLink != "" {
		t.Errorf("a draft: %+v", post)
	}
	count := func(who string, states ...string) int {
		t.Helper()
		list, err := w.classroom(who).Courses.Announcements.List(course.Id).AnnouncementStates(states...).Do()
		if err != nil {
			t.Fatal(err)
		}
		return len(list.Announcements)
	}
	if count("petrov@example.org") != 0 || count("petrov@example.org", "DRAFT", "PUBLISHED") != 1 ||
		count("student@example.org", "DRAFT") != 0 ||
		count("", "DRAFT") != 1 {
		t.Error("who sees a draft")
	}
	_, err = w.classroom("student@example.org").Courses.Announcements.Create(
		course.Id, &gclassroom.Announcement{Text: "x"},
	).Do()
	refused(t, err, 403, "forbidden")
	w.restart()
	s = w.classroom("petrov@example.org")
	for range 2 {
		post, err = s.Courses.Announcements.Patch(
			course.Id, post.Id, &gclassroom.Announcement{State: "PUBLISHED"},
		).UpdateMask("state").Do()
		if err != nil || post.State != "PUBLISHED" || post.AlternateLink == "" ||
			post.Text != "The lecture" {
			t.Errorf("published: %+v, %v", post, err)
		}
	}
	_, err = s.Courses.Announcements.Patch(
		course.Id, post.Id, &gclassroom.Announcement{},
	).UpdateMask("materials").Do()
	refused(t, err, 400, "invalid")
	_, err = s.Courses.Announcements.Patch(
		course.Id, post.Id, &gclassroom.Announcement{State: "DRAFT"},
	).UpdateMask("state").Do()
	refused(t, err, 400, "invalid")
	linked, err := s.Courses.Announcements.Create(
		course.Id,
		&gclassroom.Announcement{
			State: "PUBLISHED",
			Materials: []*gclassroom.Material{
				{Link: &gclassroom.Link{Url: file.WebViewLink}},
				{Link: &gclassroom.Link{Url: "https://example.org/a"}},
			},
		},
	).Do()
	if err != nil || linked.Materials[0].DriveFile == nil ||
		linked.Materials[0].DriveFile.DriveFile.Id != file.Id ||
		linked.Materials[1].Link == nil {
		t.Errorf("a link to Drive: %+v, %v", linked, err)
	}
	if _, err := s.Courses.Announcements.Delete(course.Id, linked.Id).Do(); err != nil {
		t.Fatal(err)
	}
	if gone, err := s.Courses.Announcements.Get(course.Id, linked.Id).Do(); err != nil ||
		gone.State != "DELETED" {
		t.Errorf("deleted: %+v, %v", gone, err)
	}
	for i := range 3 {
		if _, err := s.Courses.Announcements.Create(
			course.Id, &gclassroom.Announcement{Text: fmt.Sprint(i), State: "PUBLISHED"},
		).Do(); err != nil {
			t.Fatal(err)
		}
	}
	var texts []string
	err = s.Courses.Announcements.List(course.Id).PageSize(3).OrderBy("updateTime desc").Pages(t.Context(), func(l *gclassroom.ListAnnouncementsResponse) error {
		for _, a := range l.Announcements {
			texts = append(texts, a.Text)
		}
		return nil
	})
	if err != nil || strings.Join(texts, " ") != "2 1 0 The lecture" {
		t.Errorf("newest first: %q, %v", texts, err)
	}
	for _, body := range []*gclassroom.Announcement{
		{}, {
			Text: strings.Repeat("я", 30_001),
		}, {Text: "x", State: "GONE"}, {
			Text:          "x",
			ScheduledTime: w.clock.Now().Add(-time.Hour).Format(time.RFC3339),
		},
		{
			Text:      "x",
			Materials: []*gclassroom.Material{{}},
		}, {Text: "x", Materials: []*gclassroom.Material{{Link: &gclassroom.Link{Url: "nowhere"}}}},
	} {
		_, err := s.Courses.Announcements.Create(course.Id, body).Do()
		refused(t, err, 400, "invalid")
	}
}

func TestClassroomPeople(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	s := w.classroom("")
	course, err := s.Courses.Create(&gclassroom.Course{Name: "A", OwnerId: "a@example.org"}).Do()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Courses.Teachers.Create(
		course.Id, &gclassroom.Teacher{UserId: "b@example.org"},
	).Do(); err != nil {
		t.Fatal(err)
	}
	_, err = s.Courses.Teachers.Create(course.Id, &gclassroom.Teacher{UserId: "b@example.org"}).Do()
	refused(t, err, 409, "alreadyExists")
	list, err := s.Courses.Teachers.List(course.Id).Do()
	if err != nil || len(list.Teachers) != 2 {
		t.Errorf("teachers: %+v, %v", list, err)
	}
	if got, err := s.Courses.Teachers.Get(
		course.Id, "b@example.org",
	).Do(); err != nil || got.Profile.EmailAddress != "b@example.org" {
		t.Errorf("one: %+v, %v", got, err)
	}
	_, err = s.Courses.Teachers.Delete(course.Id, "a@example.org").Do()
	refused(t, err, 400, "failedPrecondition")
	if _, err := s.Courses.Delete(course.Id).Do(); err != nil {
		t.Fatal(err)
	}
	_, err = s.Courses.Teachers.List(course.Id).Do()
	refused(t, err, 404, "notFound")
}

func TestFaultsKnowTheMethods(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	for _, tt := range []struct{ api, name, method, path string }{
		{"classroom", "courses.announcements.create", "POST", "/classroom/v1/courses/1/announcements"},
		{"calendar", "events.list", "GET", "/calendar/v3/calendars/a%2Fb/events"},
		{"calendar", "events.instances", "GET", "/calendar/v3/calendars/a/events/b/instances"},
		{"drive", "files.generateIds", "GET", "/drive/v3/files/generateIds"},
		{"drive", "files.update", "PUT", "/upload/drive/v3/files/x?upload_id=y"},
		{"drive", "permissions.create", "POST", "/drive/v3/files/x/permissions"},
	} {
		w.faults.Clear()
		if err := w.faults.Add(faults.Rule{
			API:    tt.api,
			Method: tt.name,
			Rate:   1,
			Kind:   faults.TooMany,
		}); err != nil {
			t.Fatal(err)
		}
		w.want(429, tt.method, tt.path, "{}")
		if a := w.call(tt.method, tt.path, "{}", "X-Workspace-Faults", "off"); a.status == 429 {
			t.Errorf("%s: a spared call was struck", tt.name)
		}
	}
}
