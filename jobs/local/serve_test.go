package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestServe asks one running serve for all that it promises short of kills: each part finds its own
// rooms and records.
func TestServe(t *testing.T) {
	t.Parallel()
	s := newServed(t, "504")
	s.up()
	for _, room := range []string{"504", "506"} {
		s.room(room)
	}
	t.Run("answers", func(t *testing.T) { s.with(t).answers() })
	t.Run("second", func(t *testing.T) { s.with(t).second() })
	t.Run("without footage", func(t *testing.T) { s.with(t).withoutFootage() })
	t.Run("beside", func(t *testing.T) { s.with(t).beside() })
	t.Run("apis", func(t *testing.T) { s.with(t).apis() })
	t.Run("delivered", func(t *testing.T) { s.with(t).delivered() })
	t.Run("metrics", func(t *testing.T) { s.with(t).measured() })
	t.Run("traces", func(t *testing.T) { s.with(t).traced() })
	t.Run("log", func(t *testing.T) { s.with(t).journal() })
}

// with is the same serve for a part of a test.
func (s *served) with(t *testing.T) *served {
	part := *s
	part.T = t
	return &part
}

// answers: what the functions say to what is no work for them, and the table of faults.
func (s *served) answers() {
	for _, name := range []string{"claim", "calendar"} {
		s.call(http.StatusNoContent, http.MethodPost, "/functions/"+name, "")
	}
	for _, name := range []string{"stage", "upload", "link", "fail"} {
		for _, push := range []string{
			`{`,
			`{}`,
			`[]`,
			`{"message": {"data": "!"}}`,
			`{"message": {"data": "e30="}}`,
			`{"message": {"data": "eyJyZWNvcmQiOiA5OTk5OTksICJhdHRlbXB0IjogMSwgInN0ZXAiOiAi` + "c3RhZ2UifQ==" + `", "messageId": "1"}, "subscription": "x"}`,
		} {
			s.call(http.StatusNoContent, http.MethodPost, "/functions/"+name, push)
		}
	}
	s.call(
		http.StatusCreated,
		http.MethodPost,
		"/workspace/faults",
		`{"api": "classroom", "method": "nothing", "nth": 1, "kind": "500"}`,
	)
	var rules []struct{ Hits *int }
	s.ask(&rules, http.MethodGet, "/workspace/faults", "")
	if len(rules) != 1 || rules[0].Hits == nil {
		s.Errorf("the rules are %v", rules)
	}
	s.call(http.StatusNoContent, http.MethodDelete, "/workspace/faults", "")
	if page := s.call(http.StatusOK, http.MethodGet, "/?room=504&date="+lesson(), ""); !strings.Contains(page, `name="room"`) {
		s.Errorf("the page has no form: %.300s", page)
	}
}

// second: another serve on the same folder does not start.
func (s *served) second() {
	out, err := commandLine(
		s.Context(),
		"serve",
		"--data",
		s.dir,
		"--listen",
		"127.0.0.1:0",
	).CombinedOutput()
	if code := exitCode(s.T, err); code != exitFailed || !bytes.Contains(out, []byte("another")) {
		s.Errorf("exit %d: %s", code, out)
	}
}

// withoutFootage: a record of yesterday without footage fails at once, and what makes no sense, too.
func (s *served) withoutFootage() {
	all := []int64{
		s.record("506", "Nothing", "10:00", "10:01", ""),
		s.record("nowhere", "Unknown", "10:00", "10:01", ""),
		s.record("504", "Backwards", "11:00", "10:00", ""),
	}
	s.call(http.StatusNoContent, http.MethodPost, "/functions/claim", "")
	for _, id := range all {
		r := s.reaches(id, "failed")
		var reason struct{ En, Ru string }
		if err := json.Unmarshal([]byte(r.Reason), &reason); err != nil || reason.En == "" || reason.Ru == "" || r.Done || r.Processing {
			s.Errorf("record %d: %+v, %v", id, r, err)
		}
	}
	// It goes on from the first step that is not done, when there is something to go on with.
	if out := s.local(exitDone, "retry", strconv.FormatInt(all[0], 10)); !strings.Contains(out, "stage") {
		s.Errorf("retry says %q", out)
	}
	s.reaches(all[0], "failed")
	s.local(exitFailed, "retry", "999999")
	s.local(exitUsage, "retry", "x")
	s.local(exitUsage, "retry")
}

// beside: the commands that work beside a running serve.
func (s *served) beside() {
	s.local(exitDone, "rooms", "set", "507", "--lecturer", "172.18.191.24", "--calendar", "c507")
	for _, room := range []string{"504", "507"} {
		if out := s.local(exitDone, "rooms"); !strings.Contains(out, room) {
			s.Errorf("the rooms are %s", out)
		}
	}
	if out := s.local(exitDone, "records"); !strings.Contains(out, "Backwards") {
		s.Errorf("the records are %s", out)
	}
	key := s.key("one@localhost")
	listed := s.local(exitDone, "keys", "list")
	if !strings.Contains(listed, "one@localhost") || strings.Contains(listed, key) {
		s.Errorf("the keys are %s", listed)
	}
	s.call(http.StatusOK, http.MethodGet, "/rooms", "", "key", key)
	s.local(exitDone, "keys", "revoke", strings.Fields(listed[strings.Index(listed, "\n")+1:])[0])
	s.call(http.StatusUnauthorized, http.MethodGet, "/rooms", "", "key", key)
	s.sql(func(db *sql.DB) error {
		_, err := db.ExecContext(
			s.Context(),
			"create table if not exists users (id integer primary key, email varchar(200), role varchar(50), api_key varchar(100))",
		)
		if err == nil {
			_, err = db.ExecContext(
				s.Context(),
				"insert into users (email, role, api_key) values ('old@localhost', 'admin', '0123456789abcdef0123456789abcdef')",
			)
		}
		return err
	})
	s.local(exitDone, "keys", "import")
	s.local(exitDone, "keys", "import")
	s.call(http.StatusOK, http.MethodGet, "/rooms", "", "key", "0123456789abcdef0123456789abcdef")
}

// key makes an API key: the last line of what is printed.
func (s *served) key(email string, more ...string) string {
	lines := strings.Split(
		strings.TrimSpace(s.local(exitDone, append(
			[]string{"keys", "add", "--email", email},
			more...,
		)...)),
		"\n",
	)
	return lines[len(lines)-1]
}

// apis: the NVR's API and /api/v1 on the one port.
func (s *served) apis() {
	key := s.key("api@localhost")
	s.call(http.StatusUnauthorized, http.MethodGet, "/rooms", "")
	s.call(http.StatusUnauthorized, http.MethodGet, "/api/v1/rooms", "", "key", "wrong")
	var rooms []map[string]any
	s.ask(&rooms, http.MethodGet, "/rooms", "", "key", key)
	if len(rooms) < 3 {
		s.Errorf("the rooms are %v", rooms)
	}
	body := `{"event_name": "By the API", "date": "` + lesson() + `", "start_time": "10:00", "end_time": "10:01"}`
	if text := s.call(http.StatusCreated, http.MethodPost, "/montage-event/506", body, "key", key); !strings.Contains(text, "Merge event 'By the API' added to queue") {
		s.Errorf("montage-event says %s", text)
	}
	s.call(http.StatusBadRequest, http.MethodPost, "/montage-event/none", body, "key", key)
	var records []map[string]any
	s.ask(&records, http.MethodGet, "/records/api@localhost", "", "key", key)
	if len(records) != 1 || records[0]["event_name"] != "By the API" {
		s.Fatalf("the records are %v", records)
	}
	id := int64(records[0]["id"].(float64))
	s.call(http.StatusNoContent, http.MethodPost, "/functions/claim", "")
	s.reaches(id, "failed") // the room has no footage
	var record struct {
		State   string
		Percent float64
		Reason  struct{ En, Ru string }
	}
	s.ask(&record, http.MethodGet, "/api/v1/records/"+strconv.FormatInt(id, 10), "", "key", key)
	if record.State != "failed" || record.Reason.En == "" || record.Reason.Ru == "" {
		s.Errorf("the record is %+v", record)
	}
	s.call(http.StatusOK, http.MethodGet, "/api/v1/openapi.yaml", "", "key", key)
	s.call(http.StatusNotFound, http.MethodGet, "/api/v1/records/999999", "", "key", key)
}

// delivered: a row of an event becomes a video, exact to the frame, where people look for it.
func (s *served) delivered() {
	var course, event struct{ ID, EnrollmentCode string }
	s.ask(
		&course,
		http.MethodPost,
		"/workspace/classroom/v1/courses",
		`{"name": "Algebra", "ownerId": "me", "courseState": "ACTIVE"}`,
		"X-Workspace-User",
		"teacher@localhost",
	)
	calendar := "/workspace/calendar/v3/calendars/room-504@localhost/events"
	s.ask(&event, http.MethodPost, calendar, `{"summary": "Algebra", "description": "course: `+course.EnrollmentCode+`",
		"start": {"dateTime": "`+lesson()+`T10:00:00+03:00"}, "end": {"dateTime": "`+lesson()+`T10:01:00+03:00"}}`, "X-Workspace-User", "teacher@localhost")
	s.call(http.StatusNoContent, http.MethodPost, "/functions/calendar", "")
	s.call(http.StatusNoContent, http.MethodPost, "/functions/claim", "")
	var id int64
	s.until("the event is a record", func() bool {
		for _, r := range s.rows() {
			if r.EventID == event.ID {
				id = r.ID
			}
		}
		return id != 0
	})
	r := s.reaches(id, "done")
	if !r.Done || r.Processing || r.Link == "" || r.Share != "shared" || r.Course != "Algebra" {
		s.Errorf("the row is %+v", r)
	}
	if n := s.frames(r.FileID); n != 60*25 {
		s.Errorf("the video has %d frames", n)
	}
	if n := s.attachments(calendar+"/"+event.ID, r.FileID); n != 1 {
		s.Errorf("the event has %d attachments", n)
	}
	if n, drafts := s.announcements(course.ID, r.FileID); n != 1 || drafts != 0 {
		s.Errorf("the course has %d announcements and %d drafts", n, drafts)
	}
	if n := s.readers(r.FileID, "teacher@localhost"); n != 1 {
		s.Errorf("the requester may read it %d times", n)
	}
	picture := s.call(
		http.StatusOK,
		http.MethodGet,
		fmt.Sprintf("/recordings/%d/thumbnail", id),
		"",
	)
	if shown, err := jpeg.DecodeConfig(strings.NewReader(picture)); err != nil || shown.Width != 480 || shown.Height != 134 {
		s.Errorf("the thumbnail is %+v, %v", shown, err)
	}
	var file struct {
		Name          string
		AppProperties map[string]string
	}
	s.ask(
		&file,
		http.MethodGet,
		"/workspace/drive/v3/files/"+r.FileID+"?fields=name,appProperties",
		"",
	)
	if file.Name != lesson()+" 10:00-10:01 504 Algebra.mp4" || file.AppProperties["nvrRecord"] != strconv.FormatInt(id, 10) {
		s.Errorf("the file is %+v", file)
	}
	for _, name := range s.objects() {
		if rest, ok := strings.CutPrefix(name, strconv.FormatInt(id, 10)+"/"); ok && !keptWhenDone(rest) {
			s.Errorf("left in the work bucket: %s", name)
		}
	}
}

// attachments, announcements and readers count what there is of a file.
func (s *served) attachments(event, file string) (n int) {
	var e struct{ Attachments []struct{ FileID string } }
	s.ask(&e, http.MethodGet, event, "")
	for _, a := range e.Attachments {
		if a.FileID == file {
			n++
		}
	}
	return n
}

func (s *served) announcements(course, file string) (published, drafts int) {
	for page := ""; ; {
		var list struct {
			Announcements []struct {
				State     string
				Materials []struct {
					DriveFile struct{ DriveFile struct{ ID string } }
				}
			}
			NextPageToken string
		}
		s.ask(
			&list,
			http.MethodGet,
			"/workspace/classroom/v1/courses/"+course+"/announcements?announcementStates=DRAFT&announcementStates=PUBLISHED&pageToken="+page,
			"",
		)
		for _, a := range list.Announcements {
			for _, m := range a.Materials {
				switch {
				case m.DriveFile.DriveFile.ID != file:
				case a.State == "PUBLISHED":
					published++
				default:
					drafts++
				}
			}
		}
		if page = list.NextPageToken; page == "" {
			return published, drafts
		}
	}
}

func (s *served) readers(file, email string) (n int) {
	var list struct {
		Permissions []struct{ EmailAddress, Role string }
	}
	s.ask(
		&list,
		http.MethodGet,
		"/workspace/drive/v3/files/"+file+"/permissions?fields=permissions(emailAddress,role)",
		"",
	)
	for _, p := range list.Permissions {
		// Who posts the video in Classroom has to be its writer.
		if p.EmailAddress == email && (p.Role == "reader" || p.Role == "writer") {
			n++
		}
	}
	return n
}

// journal: the log is JSON line by line, has every step of a record that is done, and no secret.
func (s *served) journal() {
	var id int64
	for _, r := range s.rows() {
		if r.Step == "done" {
			id = r.ID
		}
	}
	messages := map[string]bool{}
	text := s.log()
	for line := range bytes.Lines(text) {
		var entry struct {
			Record           int64
			Message, Promise string
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			s.Errorf("a line of the log: %v: %s", err, line)
		}
		if entry.Record == id {
			messages[entry.Message] = true
			if entry.Message == "delivered" && entry.Promise != "kept" { // yesterday's lecture, asked for just now
				s.Errorf("the promise of record %d is %q", id, entry.Promise)
			}
		}
	}
	for _, want := range []string{"taken", "entered", "planned", "the job is started", "part rendered", "joined", "uploaded", "delivered"} {
		if !messages[want] {
			s.Errorf("the log of record %d has no %q: %v", id, want, messages)
		}
	}
	secret, err := os.ReadFile(filepath.Join(s.dir, "webhook-secret"))
	if err != nil {
		s.Fatal(err)
	}
	for _, never := range []string{
		string(secret),
		"0123456789abcdef0123456789abcdef",
		"upload_id=",
	} {
		if bytes.Contains(text, []byte(never)) {
			s.Errorf("the log holds the secret %q", never)
		}
	}
}
