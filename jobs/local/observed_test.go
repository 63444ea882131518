package main

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
)

// measured: every metric moves, because a line of the running system's log says so; the alerts and the dashboard
// in terraform/ look at nothing else. What went well and what failed before it has moved most of them.
func (s *served) measured() {
	s.darkRoom()
	s.record("504", "Longer than its footage", "10:01", "10:03", "")
	s.call(http.StatusNoContent, http.MethodPost, "/functions/claim", "")
	s.call(http.StatusNoContent, http.MethodPost, "/functions/calendar?renew", "")
	dead := base64.StdEncoding.EncodeToString([]byte(`{"record": 999999, "attempt": 1, "turn": 0, "step": "link"}`))
	s.call(
		http.StatusNoContent,
		http.MethodPost,
		"/functions/fail",
		`{"message": {"data": "`+dead+`"}, "subscription": "projects/local/subscriptions/link"}`,
	)
	s.sql(func(db *sql.DB) error { // its worker was killed
		_, err := db.ExecContext(s.Context(), `insert into records (event_name, room_name, date, start_time, end_time, user_email, step, attempt, holder, lease_until, processing)
			values ('Lost', '506', ?, '10:00', '10:01', 'lecturer@localhost', 'upload', 1, 'nobody', 1, 1)`, lesson())
		return err
	})
	s.call(
		http.StatusCreated,
		http.MethodPost,
		"/workspace/faults",
		`{"api": "calendar", "method": "events.list", "rate": 1, "kind": "500"}`,
	)
	s.call(http.StatusServiceUnavailable, http.MethodPost, "/functions/calendar", "")
	s.call(http.StatusNoContent, http.MethodDelete, "/workspace/faults", "")

	s.sql(func(db *sql.DB) error { // a video that was delivered, and is gone
		if _, err := db.ExecContext(s.Context(), `insert into records (id, event_name, room_name, date, start_time, end_time, user_email, step, file_id, done)
			values (7000, 'Gone', '506', ?, '10:00', '10:01', 'lecturer@localhost', 'done', 'gone-1', 1)`, lesson()); err != nil {
			return err
		}
		_, err := db.ExecContext(s.Context(), `insert into merger_uploads (record_id, file_id, session, md5, size, sent, source)
			values (7000, 'gone-1', '', 'd41d8cd98f00b204e9800998ecf8427e', 1, 1, 's')`)
		return err
	})
	s.call(http.StatusNoContent, http.MethodPost, "/functions/verify", "")
	if !bytes.Contains(s.log(), []byte(`"record":7000,"room":"506","date":"`+lesson()+`","code":"delivered-gone"`)) {
		s.Error("the log does not name the video that is gone")
	}
	s.sql(func(db *sql.DB) error { // it was never made
		_, err := db.ExecContext(s.Context(), `delete from records where id = 7000`)
		return err
	})

	var still []string
	defer func() {
		if len(still) > 0 {
			s.Errorf("not moved: %v", still)
		}
	}()
	s.until("every metric has moved", func() bool {
		text := s.call(http.StatusOK, http.MethodGet, "/metrics", "")
		still = slices.DeleteFunc(prometheusNames(observe.Table()), func(name string) bool {
			return hasMoved(text, name)
		})
		return len(still) == 0
	})
	known := map[string]bool{}
	for _, metric := range observe.Table() {
		for _, event := range metric.Events {
			known[event] = true
		}
	}
	for line := range bytes.Lines(s.log()) {
		var entry struct{ Event *string }
		if json.Unmarshal(line, &entry) == nil && entry.Event != nil && !known[*entry.Event] {
			s.Errorf("no metric counts %q: %s", *entry.Event, line)
		}
	}
}

// prometheusNames are the metrics as Prometheus has them; of a distribution its count.
func prometheusNames(table []observe.Metric) []string {
	suffix := map[observe.Kind]string{
		observe.Counter: "_total",
		observe.Gauge:   "",
		observe.Spread:  "_count",
	}
	all := make([]string, len(table))
	for i, metric := range table {
		all[i] = "nvr_" + metric.Name + suffix[metric.Kind]
	}
	return all
}

// hasMoved reports whether a metric has a value: of what waits, any; else more than none.
func hasMoved(text, name string) bool {
	for _, match := range regexp.MustCompile(`(?m)^`+name+`(?:\{.*\})? (\S+)$`).FindAllStringSubmatch(text, -1) {
		if value, err := strconv.ParseFloat(match[1], 64); err == nil && (value > 0 || strings.HasPrefix(name, "nvr_queue_")) {
			return true
		}
	}
	return false
}

// darkRoom is a room of which half a day was looked at, and there was only the card.
func (s *served) darkRoom() {
	s.local(
		exitDone,
		"rooms",
		"set",
		"dark",
		"--lecturer",
		"172.18.191.24",
		"--screen",
		"172.18.191.21",
	)
	folder := filepath.Join(s.dir, "segments", "dark", lesson())
	if err := os.MkdirAll(folder, 0o750); err != nil {
		s.Fatal(err)
	}
	for _, at := range []string{"08:00", "09:00", "10:00", "11:00"} {
		if err := os.WriteFile(filepath.Join(folder, lesson()+"_"+at+"_dark_21.mp4"), []byte("card"), 0o600); err != nil {
			s.Fatal(err)
		}
	}
	db, err := store.Open(s.Context(), "sqlite:"+filepath.Join(s.dir, "nvr.db"), store.Options{
		Now:       time.Now,
		MustExist: true,
	})
	if err != nil {
		s.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			s.Error(err)
		}
	}()
	var segments []store.Segment
	s.until("the footage is in the index", func() bool {
		segments, err = db.Segments.On(s.Context(), "dark", lesson())
		return err == nil && len(segments) == 4
	})
	for _, segment := range segments {
		if err := db.Segments.SaveAnalysis(s.Context(), segment.Name, segment.Generation, store.Analysis{
			Seconds:   3600,
			Stretches: []store.Stretch{{To: 3600}},
		}); err != nil {
			s.Fatal(err)
		}
	}
}

// traced: the record that was delivered is one trace, from claim to link, with its calls of the APIs in it.
func (s *served) traced() {
	var id int64
	for _, r := range s.rows() {
		if r.Step == "done" && r.EventID != "" {
			id = r.ID
		}
	}
	missing := map[string]bool{}
	defer func() {
		if len(missing) > 0 {
			s.Errorf("not in the trace: %v", missing)
		}
	}()
	s.until("the trace is whole", func() bool {
		clear(missing)
		for _, part := range []string{
			"claim claim", "claim pubsub.topics.publish", "stage stage", "stage run.jobs.run", "merge merge", "merge pubsub.topics.publish", "upload upload",
			"upload drive.permissions.create", "link link", "link calendar.events.patch", "link classroom.announcements.create",
		} {
			missing[part] = true
		}
		for _, span := range s.spans(id) {
			delete(missing, span.Service+" "+span.Name)
		}
		return len(missing) == 0
	})
	traces, ids := map[string]bool{}, map[string]bool{}
	for _, span := range s.spans(id) {
		traces[span.Trace], ids[span.Span] = true, true
	}
	for _, span := range s.spans(id) {
		if span.Parent != "" && !ids[span.Parent] {
			s.Errorf("the parent of %+v is unknown", span)
		}
	}
	if len(traces) != 1 {
		s.Errorf("record %d is %d traces", id, len(traces))
	}
}

// spans are those of a record.
func (s *served) spans(id int64) (all []observe.Span) {
	text, err := os.ReadFile(filepath.Join(s.dir, "traces.jsonl"))
	if err != nil {
		s.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var span observe.Span
		if json.Unmarshal(line, &span) == nil && span.Attributes["nvr.record"] == strconv.FormatInt(id, 10) {
			all = append(all, span)
		}
	}
	return all
}
