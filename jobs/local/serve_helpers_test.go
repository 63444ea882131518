package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // others look into DIR/nvr.db, too

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/localcloud/faults"
	"github.com/nvr-miem/merger/pkg/localcloud/recorder"
	"github.com/nvr-miem/merger/pkg/mp4"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// asCommand in the environment makes the test binary the command, also where serve starts itself.
const asCommand = "NVR_TEST_IS_THE_COMMAND"

// sharedFolder in the environment names what [inFolder] made.
const sharedFolder = "NVR_TEST_SHARED"

// commandLine is the command as a process of its own.
func commandLine(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// system under test: a folder, and the serve that runs on it.
type served struct {
	*testing.T
	dir   string
	flags []string
	env   []string // of serve and its children, beside that of the tests
	cmd   *exec.Cmd
	// waited is closed when cmd has ended and was waited for.
	waited <-chan struct{}
	base   string
	out    string // file with what serve prints

	database *storetest.Server // nil: DIR/nvr.db
}

// lesson is the day of the footage, which is over whatever the time: one day for all tests of a process, also
// where midnight passes meanwhile.
var lesson = sync.OnceValue(func() string { //nolint:gochecknoglobals // asked once
	return time.Now().In(moscow()).AddDate(0, 0, -1).Format(time.DateOnly)
})

func moscow() *time.Location {
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		panic(err)
	}
	return zone
}

// Footage of a minute from 10:00 and one from 10:01, recorded once for all tests.
var twoMinutes = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // recorded once
	dir := filepath.Join(os.Getenv(sharedFolder), "minutes")
	tool, err := ffmpeg.Find(context.Background())
	if err != nil {
		return "", err
	}
	start, err := nvr.Wall(lesson(), "10:00", moscow())
	if err != nil {
		return "", err
	}
	source := func(octet string, role nvr.Role, scene recorder.Scene) recorder.Source {
		return recorder.Source{
			Octet:    octet,
			Role:     role,
			Label:    string(role),
			Scene:    scene,
			Sound:    recorder.Sound{MarkEvery: 1, Pilot: true},
			Pictures: recorder.Pictures{Width: 160, Height: 90, Rate: ffmpeg.Rate{Num: 25, Den: 1}},
			Segments: recorder.Slots(start, start.Add(2*time.Minute), time.Minute),
		}
	}
	session := recorder.Session{Room: "504", Seed: 7, Sources: []recorder.Source{
		source("24", nvr.Lecturer, recorder.Lecturer), source("21", nvr.Screen, recorder.Screen()),
	}}
	return dir, session.Record(context.Background(), tool, dir, nil)
})

// newServed makes a folder with the footage of some rooms. Nothing runs yet.
func newServed(t *testing.T, rooms ...string) *served {
	t.Helper()
	s := &served{T: t, dir: t.TempDir()}
	s.flags = []string{"--time-scale", "600", "--segment-length", "1m", "--size", "320x90"}
	for _, room := range rooms {
		s.footage(room)
	}
	return s
}

// footage gives a room its files.
func (s *served) footage(room string) {
	s.Helper()
	from, err := twoMinutes()
	if err != nil {
		s.Fatal(err)
	}
	to := filepath.Join(s.dir, "segments", room, lesson())
	if err := os.MkdirAll(to, 0o750); err != nil {
		s.Fatal(err)
	}
	for _, name := range names(s.T, from) {
		if err := os.Link(filepath.Join(from, name), filepath.Join(to, strings.Replace(name, "_504_", "_"+room+"_", 1))); err != nil {
			s.Fatal(err)
		}
	}
}

// up starts serve and waits until all of it is up.
func (s *served) up(more ...string) {
	s.Helper()
	s.out = filepath.Join(s.TempDir(), "out")
	out, err := os.Create(s.out)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	args := append([]string{"serve", "--data", s.dir, "--listen", "127.0.0.1:0"}, s.flags...)
	s.cmd = commandLine(context.WithoutCancel(s.Context()), append(args, more...)...)
	s.cmd.Env = append(s.cmd.Env, s.env...)
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	ended := make(chan struct{})
	cmd := s.cmd
	s.waited = ended
	go func() { _ = cmd.Wait(); close(ended) }()
	s.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			<-ended
		}
		if s.Failed() {
			s.Logf("the log ends:\n%s", s.logEnd())
		}
	})
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	eventually(s.T, "serve is up", func() bool {
		select {
		case <-ended:
			s.Fatalf("serve has ended:\n%s\n%s", s.printed(), s.logEnd())
		default:
		}
		s.base = address.FindString(s.printed())
		if s.base == "" {
			return false
		}
		status, _, err := s.try(http.MethodGet, "/healthz", "")
		return err == nil && status == http.StatusOK
	})
}

func (s *served) printed() string {
	text, _ := os.ReadFile(s.out)
	return string(text)
}

func (s *served) log() []byte {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log.jsonl"))
	return text
}

func (s *served) logEnd() []byte {
	text := s.log()
	return text[max(0, len(text)-6000):]
}

// ended waits until serve has ended and returns its exit code, and how many of its processes are left.
func (s *served) ended(children map[int]string) int {
	s.Helper()
	eventually(s.T, "serve has ended", func() bool {
		select {
		case <-s.waited:
			return true
		default:
			return false
		}
	})
	eventually(s.T, "the children have ended", func() bool {
		for pid := range children {
			if commandOf(pid) != "" {
				return false
			}
		}
		return true
	})
	return s.cmd.ProcessState.ExitCode()
}

// try makes a request; headers are pairs.
func (s *served) try(method, path, body string, headers ...string) (int, string, error) {
	s.Helper()
	request, err := http.NewRequestWithContext(
		context.WithoutCancel(s.Context()),
		method,
		s.base+path,
		strings.NewReader(body),
	)
	if err != nil {
		s.Fatal(err)
	}
	request.Header.Set(faults.SpareHeader, "off")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Timeout: 2 * time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// call wants an answer.
func (s *served) call(want int, method, path, body string, headers ...string) string {
	s.Helper()
	status, text, err := s.try(method, path, body, headers...)
	if err != nil || status != want {
		s.Fatalf("%s %s %s: %d, want %d: %s, %v", method, path, body, status, want, text, err)
	}
	return text
}

// ask is call that reads the answer's JSON.
func (s *served) ask(value any, method, path, body string, headers ...string) {
	s.Helper()
	text := s.call(http.StatusOK, method, path, body, headers...)
	if err := json.Unmarshal([]byte(text), value); err != nil {
		s.Fatalf("%s %s: %s: %v", method, path, text, err)
	}
}

// sql does something with the database, as the NVR would: with a connection of its own.
func (s *served) sql(do func(*sql.DB) error) {
	s.Helper()
	driver, dsn := "sqlite", "file:"+filepath.Join(s.dir, "nvr.db")+"?_pragma=busy_timeout(60000)"
	if s.database != nil {
		driver, dsn = "mysql", s.database.DSN
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		s.Fatal(err)
	}
	if err := errors.Join(do(db), db.Close()); err != nil {
		s.Fatal(err)
	}
}

// room adds a room by the NVR's statements.
func (s *served) room(name string) {
	s.Helper()
	s.sql(func(db *sql.DB) error {
		_, err := db.ExecContext(s.Context(), "insert into rooms (name, drive, calendar, main_source, screen_source, sound_source) values (?, ?, ?, '172.18.191.24/0', '172.18.191.21/0', '172.18.191.24/0')",
			name, "folder-"+name, "room-"+name+"@localhost")
		return err
	})
}

// record adds a record by the NVR's statement.
func (s *served) record(room, title, start, end, event string) (id int64) {
	s.Helper()
	s.sql(func(db *sql.DB) error {
		result, err := db.ExecContext(s.Context(), "insert into records (event_name, room_name, date, start_time, end_time, user_email, event_id) values (?, ?, ?, ?, ?, 'lecturer@localhost', nullif(?, ''))",
			title, room, lesson(), start, end, event)
		if err == nil {
			id, err = result.LastInsertId()
		}
		return err
	})
	return id
}

// row is what the tests look at of a record.
type row struct {
	ID                     int64
	Done, Processing       bool
	Step, Reason           string
	FileID, Link           string
	Share, Course, EventID string
	Attempt, Tries         int64
}

func (s *served) rows() []row {
	s.Helper()
	var all []row
	s.sql(func(db *sql.DB) error {
		found, err := db.QueryContext(s.Context(), `select id, coalesce(done, 0), coalesce(processing, 0), step, coalesce(reason, ''), coalesce(file_id, ''), coalesce(link, ''),
			coalesce(share, ''), coalesce(course, ''), coalesce(event_id, ''), attempt, tries from records order by id`)
		if err != nil {
			return err
		}
		defer func() { _ = found.Close() }()
		for found.Next() {
			var r row
			if err := found.Scan(&r.ID, &r.Done, &r.Processing, &r.Step, &r.Reason, &r.FileID, &r.Link, &r.Share, &r.Course, &r.EventID, &r.Attempt, &r.Tries); err != nil {
				return err
			}
			all = append(all, r)
		}
		return found.Err()
	})
	return all
}

func (s *served) row(id int64) row {
	s.Helper()
	for _, r := range s.rows() {
		if r.ID == id {
			return r
		}
	}
	s.Fatalf("there is no record %d", id)
	return row{}
}

// until waits until something holds that costs more to ask than what [eventually] asks.
func (s *served) until(what string, holds func() bool) {
	s.Helper()
	deadline := time.After(10 * time.Minute)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			s.Fatalf("it never came: %s\n%+v", what, s.rows())
		}
	}
}

// reaches waits until a record is on a step.
func (s *served) reaches(id int64, step string) row {
	s.Helper()
	var r row
	s.until("record "+strconv.FormatInt(id, 10)+" is "+step, func() bool {
		if r = s.row(id); r.Step != step && (r.Step == "failed" || r.Step == "done") {
			s.Fatalf("record %d is %s: %s", id, r.Step, r.Reason)
		}
		return r.Step == step
	})
	return r
}

// kill kills a process of serve, found by a word of its environment.
func (s *served) kill(word string) bool {
	s.Helper()
	for pid := range below(s.cmd.Process.Pid) {
		environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err == nil && bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+word+"\x00")) && syscall.Kill(pid, syscall.SIGKILL) == nil {
			return true
		}
	}
	return false
}

// frames counts the pictures of a video on the stand-in's Drive.
func (s *served) frames(file string) int {
	s.Helper()
	video := s.call(
		http.StatusOK,
		http.MethodGet,
		"/workspace/drive/v3/files/"+file+"?alt=media",
		"",
	)
	read, err := mp4.Read(strings.NewReader(video), int64(len(video)))
	if err != nil {
		s.Fatal(err)
	}
	for _, track := range read.Tracks {
		if track.Kind == mp4.Video {
			return len(track.Samples)
		}
	}
	return 0
}

// local runs a command beside serve.
func (s *served) local(want int, args ...string) string {
	s.Helper()
	out, _ := runs(s.T, want, append(args, "--data", s.dir)...)
	return out
}

// objects are the names in the work bucket.
func (s *served) objects() []string {
	s.Helper()
	var all []string
	for _, file := range names(s.T, filepath.Join(s.dir, "buckets", "work", "objects")) {
		name, err := url.PathUnescape(strings.TrimSuffix(file, ".json"))
		if err != nil {
			s.Fatal(err)
		}
		all = append(all, name)
	}
	return all
}
