package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// Size and seed of the chaos come from outside, so that a run can be made again; see `make chaos`.
const (
	chaosRecords = "CHAOS_RECORDS"
	chaosKills   = "CHAOS_KILLS"
	chaosSeed    = "CHAOS_SEED"

	chaosDatabase = "CHAOS_DATABASE" // sqlite, or mysql, which is killed, too
)

// chaosScale divides the waits so far that a run takes minutes, and no further: on a busy machine every
// lease must be longer than the work that it covers takes to be scheduled, or records are only ever
// taken over.
const chaosScale = "100"

// stopTime is how long a process stands still: longer than a lease of 3 min at [chaosScale].
const stopTime = 4 * time.Second

// chaos is a serve that is treated badly, and what of it is counted.
type chaos struct {
	*served
	dice    *rand.Rand
	kills   int
	stops   int    // how many processes were stopped for a while instead
	serves  int    // how often serve itself was killed
	crashes int    // how often the database was
	course  string // its id and its code
	code    string
	records int
	events  map[string]string // by id: where they are found
	poisons map[int64]string  // rooms by id, of the records that kill their workers
	beside  int               // other records that ended before the last of them
	apiKey  string
	notices *notices
}

// notices is the webhook: it counts what it was told, by id.
type notices struct {
	mu    sync.Mutex
	times map[string]int
}

// ServeHTTP implements http.Handler.
func (n *notices) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var event struct{ ID string }
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		http.Error(w, "no event", http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.times[event.ID]++
}

func (n *notices) told(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.times[id] > 0
}

// repeats is how often what had been told was told again, and how many notices there are.
func (n *notices) repeats() (again, distinct int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, times := range n.times {
		again += times - 1
	}
	return again, len(n.times)
}

// TestChaos runs records while processes and the database are killed, messages doubled and delayed, and
// Google's answers faulty; then it looks whether every record was delivered once, or failed with a reason. Two
// more records, unless -short, kill each worker that reads one of their segments.
func TestChaos(t *testing.T) {
	t.Parallel()
	records, kills, seed := number64(chaosRecords, 4), int(number64(chaosKills, 6)), uint64(number64(chaosSeed, 1))
	database := cmp.Or(os.Getenv(chaosDatabase), "sqlite")
	t.Logf(
		"%s=%d %s=%d %s=%d %s=%s",
		chaosRecords, records, chaosKills, kills, chaosSeed, seed, chaosDatabase, database,
	)
	rooms := []string{"504", "505", "506", "507"}
	c := &chaos{
		served:  newServed(t, append([]string{roomKillsAny, roomKillsTask}, rooms...)...),
		dice:    rand.New(rand.NewPCG(seed, 1)),
		records: int(records),
		events:  map[string]string{},
		poisons: map[int64]string{},
		notices: &notices{times: map[string]int{}},
	}
	webhook := httptest.NewServer(c.notices)
	t.Cleanup(webhook.Close)
	c.flags = append(
		c.flags,
		"--chaos",
		strconv.FormatUint(seed, 10),
		"--webhook",
		webhook.URL,
		"--slice",
		"30s",
		"--max-merges",
		"8",
		"--time-scale",
		chaosScale,
	)
	if database == "mysql" {
		c.database = storetest.OwnMariaDB(t)
		c.flags = append(c.flags, "--database", c.database.DSN)
	}
	if !testing.Short() {
		c.env = append(c.env, poisoned+"="+poisonList())
	}
	c.up()
	if !testing.Short() {
		c.poison()
	}
	c.prepare(rooms, records, seed)
	for c.kills < kills && !c.settled() {
		c.inject(seed)
		c.pause()
		c.until("kills are spread over the run", func() bool {
			return c.over()*kills >= (c.kills-kills/10-2)*c.records
		})
	}
	t.Logf(
		"%d processes were killed, among them serve itself %d times, the database %d times; %d were stopped for a while",
		c.kills-c.stops, c.serves, c.crashes, c.stops,
	)
	c.until("everything is settled", c.settled)
	c.call(http.StatusNoContent, http.MethodDelete, "/workspace/faults", "")
	c.check()
}

func number64(name string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// prepare makes rooms, a course, records: every third of an event, some that must fail.
func (c *chaos) prepare(rooms []string, records int64, seed uint64) {
	c.course, c.code = c.newCourse("Algebra")
	for _, room := range rooms {
		c.room(room)
	}
	c.faulty(seed)
	for i := range records {
		room := rooms[int(i)%len(rooms)]
		switch {
		case i%8 == 7:
			c.record(room, fmt.Sprintf("Nothing %d", i), "20:00", "20:01", "")
		case i%2 == 0:
			id := c.event(room, fmt.Sprintf("Chaos %d", i), c.code)
			c.events[id] = "/workspace/calendar/v3/calendars/room-" + room + "@localhost/events/" + id
		default:
			c.record(room, fmt.Sprintf("Chaos %d", i), "10:00", "10:01", "")
		}
	}
	_, _, _ = c.try(http.MethodPost, "/functions/claim", "") // the scheduler does it, too
}

// newCourse makes a course and returns its id and its code.
func (s *served) newCourse(name string) (id, code string) {
	s.Helper()
	var course struct{ ID, EnrollmentCode string }
	s.ask(
		&course,
		http.MethodPost,
		"/workspace/classroom/v1/courses",
		fmt.Sprintf(`{"name": %q, "ownerId": "me", "courseState": "ACTIVE"}`, name),
		"X-Workspace-User",
		"teacher@localhost",
	)
	return course.ID, course.EnrollmentCode
}

// event makes an event of a course at 10:00 in the calendar of a room, a minute long.
func (s *served) event(room, title, code string) (id string) {
	s.Helper()
	var event struct{ ID string }
	s.ask(&event, http.MethodPost, "/workspace/calendar/v3/calendars/room-"+room+"@localhost/events", fmt.Sprintf(
		`{"summary": %q, "description": "course: %s", "start": {"dateTime": "%sT10:00:00+03:00"}, "end": {"dateTime": "%sT10:01:00+03:00"}}`, title, code, lesson(), lesson()),
		"X-Workspace-User", "lecturer@localhost")
	return event.ID
}

// faulty makes every twentieth answer of Google a bad one.
func (c *chaos) faulty(seed uint64) {
	for i, kind := range []string{"lost", "500", "429", "403", "cut"} {
		c.call(
			http.StatusCreated,
			http.MethodPost,
			"/workspace/faults",
			fmt.Sprintf(
				`{"api": "*", "method": "*", "rate": 0.01, "kind": "%s", "seed": %d}`,
				kind, seed+uint64(i),
			),
		)
	}
}

// inject kills one process; now and then serve itself, or the database. Every fourth process is only stopped,
// for longer than a lease.
func (c *chaos) inject(seed uint64) {
	c.kills++
	if c.database != nil && (c.kills%12 == 10 || c.kills == 2) {
		c.crashes++
		if err := c.database.Restart(); err != nil {
			c.Fatal(err)
		}
		return
	}
	if c.kills%25 == 20 || c.kills == 3 {
		c.serves++
		children := below(c.cmd.Process.Pid)
		if err := c.cmd.Process.Kill(); err != nil {
			c.Fatal(err)
		}
		c.ended(children)
		c.up()
		c.faulty(seed + uint64(c.kills))
		return
	}
	var pids []int
	for pid, command := range below(c.cmd.Process.Pid) {
		pids = append(pids, pid)
		if !strings.Contains(command, " function") {
			pids = append(pids, pid) // what works is hit more often
		}
	}
	if len(pids) == 0 {
		return
	}
	pid := pids[c.dice.IntN(len(pids))] // it may have ended
	if c.kills%4 != 1 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		return
	}
	c.stops++
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	c.wait(stopTime)
	_ = syscall.Kill(pid, syscall.SIGCONT) // its record may be another worker's now
}

// pause lets the work go on between two kills.
func (c *chaos) pause() {
	c.wait(time.Duration(c.dice.Int64N(int64(4 * time.Second))))
}

// wait returns after a time, or when the test is over.
func (c *chaos) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.Context().Done():
	}
}

// over is how many records have ended.
func (c *chaos) over() (n int) {
	for _, r := range c.rows() {
		if r.Step == "done" || r.Step == "failed" {
			n++
		}
	}
	return n
}

// settled: every record is done or failed, and its requester was told.
func (c *chaos) settled() bool {
	rows := c.rows()
	c.countBeside(rows)
	for _, r := range rows {
		if r.Step != "done" && r.Step != "failed" || !c.notices.told(fmt.Sprintf("record-%d-%s", r.ID, r.Step)) {
			return false
		}
	}
	return len(rows) >= c.records
}

// check counts what there is of each record.
func (c *chaos) check() {
	videos := c.videos()
	done, notices := map[string]bool{}, 0
	rows := c.rows()
	if n := len(rows); n != c.records {
		c.Errorf("%d records of %d", n, c.records)
	}
	if c.database != nil {
		c.apiKey = c.key("lecturer@localhost", "--database", c.database.DSN)
	} else {
		c.apiKey = c.key("lecturer@localhost")
	}
	if len(c.poisons) > 0 && c.beside == 0 {
		c.Error("the records that kill their workers held up all others")
	}
	for _, r := range rows {
		c.checkPoison(r)
		id := strconv.FormatInt(r.ID, 10)
		notices++
		if r.Step == "failed" {
			c.checkFailed(r, videos[id])
		} else {
			done[id] = true
			c.checkDone(r, videos[id])
		}
		delete(videos, id)
	}
	again, distinct := c.notices.repeats()
	c.Logf(
		"%d of %d records are done; %d notices, told again %d times",
		len(done), len(rows), distinct, again,
	)
	if distinct != notices || again > c.kills+len(rows)/5 {
		c.Errorf(
			"%d distinct notices of %d records, told again %d times",
			distinct, len(rows), again,
		)
	}
	if len(videos) > 0 {
		c.Errorf("videos of no record: %v", videos)
	}
	c.folders()
	c.workBucket(done)
	c.segments()
}

// checkFailed: it says why, and nothing is there of it.
func (c *chaos) checkFailed(r row, files []string) {
	var reason struct{ En, Ru string }
	if err := json.Unmarshal([]byte(r.Reason), &reason); err != nil || reason.En == "" || reason.Ru == "" {
		c.Errorf("record %d has failed without a reason: %+v", r.ID, r)
	}
	c.Logf("record %d has failed: %s", r.ID, reason.En)
	if len(files) > 0 && r.FileID == "" || c.notices.told(fmt.Sprintf("record-%d-done", r.ID)) {
		c.Errorf("record %d has failed, and there are %v, or it was told otherwise", r.ID, files)
	}
}

// checkDone: one of everything, exact to the frame.
func (c *chaos) checkDone(r row, files []string) {
	if len(files) != 1 || files[0] != r.FileID || c.notices.told(fmt.Sprintf("record-%d-failed", r.ID)) {
		c.Errorf("record %d is done with %s, and on Drive are %v", r.ID, r.FileID, files)
		return
	}
	if n := c.frames(r.FileID); n != 60*25 {
		c.Errorf("record %d has %d frames", r.ID, n)
	}
	if r.EventID != "" {
		if n := c.attachments(c.events[r.EventID], r.FileID); n != 1 {
			c.Errorf("record %d is attached %d times", r.ID, n)
		}
		if n, drafts := c.announcements(c.course, r.FileID); n != 1 || drafts != 0 {
			c.Errorf("record %d is announced %d times, and %d drafts are left", r.ID, n, drafts)
		}
	}
	if n := c.readers(r.FileID, "lecturer@localhost"); n != 1 {
		c.Errorf("record %d is shared %d times", r.ID, n)
	}
}

// driveFile is what is looked at of a file on Drive.
type driveFile struct {
	ID, Name, MIMEType string
	Parents            []string
	AppProperties      map[string]string
}

// drive lists all files.
func (c *chaos) drive() (all []driveFile) {
	for page := ""; ; {
		var list struct {
			Files         []driveFile
			NextPageToken string
		}
		c.ask(
			&list,
			http.MethodGet,
			"/workspace/drive/v3/files?pageSize=100&fields=nextPageToken,files(id,name,mimeType,parents,appProperties)&pageToken="+page,
			"",
		)
		all = append(all, list.Files...)
		if page = list.NextPageToken; page == "" {
			return all
		}
	}
}

// videos are the videos on Drive by the record that they name.
func (c *chaos) videos() map[string][]string {
	all := map[string][]string{}
	for _, f := range c.drive() {
		if f.MIMEType == "video/mp4" {
			all[f.AppProperties["nvrRecord"]] = append(all[f.AppProperties["nvrRecord"]], f.ID)
		}
	}
	return all
}

// folders wants each sub-folder once.
func (c *chaos) folders() {
	seen := map[string]bool{}
	for _, f := range c.drive() {
		place := fmt.Sprint(f.Parents, f.Name)
		if f.MIMEType == "application/vnd.google-apps.folder" && seen[place] {
			c.Errorf("the folder %s exists twice", place)
		}
		seen[place] = true
	}
}

// segments wants the recorder's files and nothing else.
func (c *chaos) segments() {
	err := fs.WalkDir(os.DirFS(filepath.Join(c.dir, "segments")), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (filepath.Ext(path) != ".mp4" || !strings.Contains(path, lesson())) {
			c.Errorf("left in the segments bucket: %s", path)
		}
		return err
	})
	if err != nil {
		c.Error(err)
	}
}

// keptWhenDone reports whether an object of a record, named without the record, stays when the record is
// done.
func keptWhenDone(name string) bool {
	kind, _, _ := strings.Cut(name, "/")
	return slices.Contains([]string{"plans", "reports", "parts", "media"}, kind)
}

// workBucket wants nothing there that no record names: of those that are done only plans, reports and the
// parts that a revision would use again, of those that have failed only what is theirs.
func (c *chaos) workBucket(done map[string]bool) {
	ids := map[string]bool{"learned": true}
	for _, r := range c.rows() {
		ids[strconv.FormatInt(r.ID, 10)] = true
	}
	for _, name := range c.objects() {
		first, rest, _ := strings.Cut(name, "/")
		if !ids[first] || done[first] && !keptWhenDone(rest) {
			c.Errorf("left in the work bucket: %s", name)
		}
	}
}
