package functions_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/functions"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// proxy is the functions on a database; nothing else of the world answers.
type proxy struct {
	t      *testing.T
	dsn    string
	clock  *storetest.Clock
	config *config.Config
	log    bytes.Buffer
}

func newDoor(t *testing.T) *proxy {
	t.Helper()
	d := &proxy{t: t, dsn: storetest.SQLite(t), clock: storetest.NewClock()}
	nowhere := "http://127.0.0.1:1"
	d.config = &config.Config{
		Project:           "local",
		Database:          config.Secret(d.dsn),
		SegmentsBucket:    "segments",
		WorkBucket:        "work",
		StorageEndpoint:   nowhere + "/storage/v1/",
		PubSubEndpoint:    "127.0.0.1:1",
		RunEndpoint:       nowhere,
		WorkspaceEndpoint: nowhere,
		TimeZone:          "Europe/Moscow",
		Language:          "ru",
		SegmentLength:     time.Minute,
		Loudness:          "off",
		TimeScale:         1000,
		Lease:             time.Hour,
		Wait:              time.Hour,
		Budget:            time.Hour,
		Timeout:           time.Minute,
		MaxMerges:         20,
		LocalUser:         "me@example.org",
	}
	return d
}

// store opens the database.
func (d *proxy) store() *store.Store {
	d.t.Helper()
	return storetest.Open(d.t, d.dsn, store.Options{Now: d.clock.Now})
}

// ask sends a request to a function and returns its answer.
func (d *proxy) ask(name string, request *http.Request) *httptest.ResponseRecorder {
	d.t.Helper()
	f, err := functions.New(
		context.Background(),
		name,
		d.config,
		slog.New(slog.NewJSONHandler(&d.log, nil)),
		d.clock.Now,
	)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			d.t.Error(err)
		}
	}()
	answer := httptest.NewRecorder()
	f.ServeHTTP(answer, request)
	return answer
}

// push is a delivery of a claim as Pub/Sub makes it.
func push(c nvr.Claim) *http.Request {
	text, _ := json.Marshal(c) // four plain fields
	return newPost(fmt.Sprintf(`{"message": {"data": %q, "messageId": "1"}, "subscription": "projects/local/subscriptions/x"}`,
		base64.StdEncoding.EncodeToString(text)))
}

func newPost(body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
}

// taken is a record that claim has taken.
func (d *proxy) taken(s *store.Store) nvr.Claim {
	d.t.Helper()
	ctx := d.t.Context()
	rec, _, err := s.Requests.Insert(
		ctx,
		nvr.Record{
			Title:     "T",
			Room:      "504",
			Date:      "2026-11-20",
			StartTime: "10:00",
			EndTime:   "11:00",
			UserEmail: "a@example.org",
		},
		nil,
	)
	if err != nil {
		d.t.Fatal(err)
	}
	claim, err := s.Queue.Claim(ctx, rec, nvr.StepStage, time.Hour)
	if err != nil {
		d.t.Fatal(err)
	}
	return claim
}

// TestPushes: a push that no retry mends is acknowledged with a line in the log; only POST wakes.
func TestPushes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"upload", "link", "fail"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(t)
			d.store()
			other := nvr.Claim{Record: 1, Attempt: 1, Step: nvr.StepStage}
			for about, request := range map[string]*http.Request{
				"empty":       newPost(""),
				"not JSON":    newPost("{"),
				"no message":  newPost("{}"),
				"not base64":  newPost(`{"message": {"data": "%%"}}`),
				"not a claim": newPost(`{"message": {"data": "e30="}}`),
				"too large":   newPost(`{"message": {"data": "` + strings.Repeat("A", 1<<20) + `"}}`),
				"an unknown record": push(nvr.Claim{
					Record:  99,
					Attempt: 1,
					Step: nvr.Step(map[string]string{"fail": "link"}[name] + map[string]string{
						"upload": "upload",
						"link":   "link",
					}[name]),
				}),
				"another step":        push(other),
				"a step that is none": push(nvr.Claim{Record: 1, Attempt: 1, Step: "done"}),
			} {
				if answer := d.ask(name, request); answer.Code != http.StatusNoContent {
					t.Errorf("%s: %d %s", about, answer.Code, answer.Body)
				}
			}
			if !strings.Contains(d.log.String(), `"level":"ERROR"`) {
				t.Errorf("nothing in the log: %s", &d.log)
			}
			if answer := d.ask(name, httptest.NewRequest(http.MethodGet, "/", nil)); answer.Code != http.StatusMethodNotAllowed || answer.Header().Get("Allow") != "POST" {
				t.Errorf("GET: %d", answer.Code)
			}
		})
	}
}

// TestHeldAndDead checks the messages of a record that another worker holds: they are delivered again, and
// a dead letter leaves the record as it is. Without a holder, the dead letter fails the record.
func TestHeldAndDead(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	s := d.store()
	claim := d.taken(s)
	ctx := t.Context()
	_, hold, err := s.Leases.Enter(ctx, claim, "somebody", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.Leases.Advance(ctx, hold, nvr.StepUpload, store.Change{}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Leases.Enter(ctx, next, "somebody", time.Hour); err != nil {
		t.Fatal(err)
	}
	if answer := d.ask("upload", push(next)); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("held: %d", answer.Code)
	}
	if answer := d.ask("upload", push(claim)); answer.Code != http.StatusNoContent {
		t.Errorf("a message for another step: %d", answer.Code)
	}
	for about, dead := range map[string]nvr.Claim{"held": next, "gone on": claim} {
		if answer := d.ask("fail", push(dead)); answer.Code != http.StatusNoContent {
			t.Errorf("dead, %s: %d", about, answer.Code)
		}
		if rec, err := s.Records.Get(ctx, claim.Record); err != nil || rec.Step != nvr.StepUpload || rec.Holder != "somebody" {
			t.Errorf("dead, %s: %+v %v", about, rec, err)
		}
	}
	d.clock.Move(2 * time.Hour)
	for range 2 { // Pub/Sub may bring it twice
		if answer := d.ask("fail", push(next)); answer.Code != http.StatusNoContent {
			t.Errorf("dead: %d", answer.Code)
		}
	}
	if rec, err := s.Records.Get(ctx, claim.Record); err != nil || rec.Step != nvr.StepFailed || rec.FailedStep != nvr.StepUpload || rec.Processing || rec.Reason.IsZero() {
		t.Errorf("dead: %+v %v", rec, err)
	}
}

// TestNoTables: without what migrate makes nothing is settled, and nothing is lost.
func TestNoTables(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	empty, err := store.Open(
		t.Context(),
		string(d.config.Database),
		store.Options{Now: d.clock.Now},
	)
	if err == nil {
		err = empty.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	claim := nvr.Claim{Record: 1, Attempt: 1, Step: nvr.StepLink}
	for name, request := range map[string]*http.Request{
		"link":  push(claim),
		"fail":  push(claim),
		"claim": newPost(""),
	} {
		if answer := d.ask(name, request); answer.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", name, answer.Code)
		}
	}
}

func TestNoSuchFunction(t *testing.T) {
	t.Parallel()
	if _, err := functions.New(t.Context(), "nope", newDoor(t).config, slog.New(slog.DiscardHandler), storetest.NewClock().Now); err == nil || !strings.Contains(err.Error(), "FUNCTION_TARGET") {
		t.Error(err)
	}
}
