package google_test

import (
	"strings"
	"testing"

	gcalendar "google.golang.org/api/calendar/v3"
	gclassroom "google.golang.org/api/classroom/v1"
	gdrive "google.golang.org/api/drive/v3"
	"google.golang.org/api/googleapi"
)

func TestPages(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	const evil = `<script>alert("x")</script>`
	film, err := w.drive("").Files.Create(&gdrive.File{
		Name:    evil + ".mp4",
		Parents: []string{"ROOM/504"},
	}).Media(
		strings.NewReader("film"), googleapi.ContentType("video/mp4"),
	).Fields("id,webViewLink").Do()
	if err != nil {
		t.Fatal(err)
	}
	evilPage, err := w.drive("").Files.Create(&gdrive.File{
		Name:    "x.html",
		Parents: []string{"ROOM/504"},
	}).Media(
		strings.NewReader(evil), googleapi.ContentType("text/html"),
	).Fields("webViewLink").Do()
	if err != nil {
		t.Fatal(err)
	}
	e := lecture(evil)
	e.Description, e.Attachments = evil, []*gcalendar.EventAttachment{
		{FileUrl: film.WebViewLink, Title: "Video"},
		{FileUrl: "javascript://x/%0aalert(1)"},
	}
	made, err := w.calendar("").Events.Insert("room/504", e).SupportsAttachments(true).Do()
	if err != nil {
		t.Fatal(err)
	}
	course, err := w.classroom("").Courses.Create(&gclassroom.Course{
		Name:    evil,
		OwnerId: "a@example.org",
	}).Do()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.classroom("").Courses.Announcements.Create(
		course.Id,
		&gclassroom.Announcement{
			Text:      evil,
			Materials: []*gclassroom.Material{{Link: &gclassroom.Link{Url: film.WebViewLink}}},
		},
	).Do(); err != nil {
		t.Fatal(err)
	}
	for path, wants := range map[string][]string{
		"/": {
			"/workspace/drive/folders/ROOM%2F504",
			"/workspace/calendar/room%2F504",
			"/workspace/classroom/c/" + course.Id,
		},
		"/drive/folders/ROOM%2F504":        {"/workspace/file/d/" + film.Id + "/view", "<video"},
		"/calendar/room%2F504":             {"15:10–16:30", film.WebViewLink},
		made.HtmlLink[len(w.base):]:        {"15:10–16:30"},
		course.AlternateLink[len(w.base):]: {film.WebViewLink, "draft"},
	} {
		a := w.want(200, "GET", path, "")
		for _, want := range wants {
			if !strings.Contains(a.text, want) {
				t.Errorf("%s lacks %s:\n%s", path, want, a.text)
			}
		}
		if strings.Contains(a.text, "<script") || strings.Contains(a.text, `"javascript:`) ||
			!strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s runs what it is given:\n%s", path, a.text)
		}
	}
	if a := w.want(
		200, "GET", "/", "", "Accept-Language", "ru-RU,ru;q=0.9",
	); !strings.Contains(a.text, "Диск") {
		t.Errorf("in Russian:\n%s", a.text)
	}
	if a := w.want(
		200, "GET", evilPage.WebViewLink, "",
	); !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") ||
		!strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("an uploaded page: %v", a.header)
	}
	for _, path := range []string{
		"/drive/folders/none", "/classroom/c/none", "/calendar/event?eid=none", "/file/d/none/view", "/elsewhere",
	} {
		w.want(404, "GET", path, "")
	}
}
