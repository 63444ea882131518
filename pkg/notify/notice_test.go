package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/notify"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func ready() notify.Notice {
	return notify.Notice{
		Record:   12,
		Done:     true,
		To:       "teacher@school.example",
		Room:     "504",
		Title:    "Лекция @all `x`\r\nBcc: all@school.example",
		When:     "2026-11-20 15:10-16:30",
		FileID:   "f1",
		Link:     "https://drive.google.com/file/d/f1/view",
		Language: "ru",
		At:       noon,
	}
}

func failed() notify.Notice {
	n := ready()
	n.Done, n.Language, n.FileID, n.Link = false, "en", "", ""
	n.Reason = cause.Legacy("There is no footage.", "Нет записи.")
	return n
}

// only gives the one means that the options configure.
func only(t *testing.T, o notify.Options) notify.Channel {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	o.Transport = transport
	o.Now = func() time.Time { return noon }
	if o.Pause == nil {
		o.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	means, err := notify.New(o)
	if err != nil || len(means) != 1 {
		t.Fatal(means, err)
	}
	return means[0]
}

func cut(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_ = conn.Close()
}

func TestWebhookIsASignedCloudEvent(t *testing.T) {
	t.Parallel()
	for _, n := range []notify.Notice{ready(), failed()} {
		var bodies []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(body))
			sum := hmac.New(sha256.New, []byte("hunter2"))
			sum.Write(body)
			if got := r.Header.Get(notify.SignatureHeader); got != "sha256="+hex.EncodeToString(sum.Sum(nil)) {
				t.Errorf("signature %q", got)
			}
			if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/cloudevents+json") {
				t.Errorf("type %q", got)
			}
			if len(bodies) == 1 {
				cut(t, w) // it may have come or not: it comes again
			}
		}))
		t.Cleanup(server.Close)
		hook := only(t, notify.Options{Webhook: server.URL, WebhookSecret: "hunter2"})
		if err := hook.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if len(bodies) != 2 || bodies[0] != bodies[1] {
			t.Fatalf("sent %q", bodies)
		}
		var e cloudevents.Event
		if err := json.Unmarshal([]byte(bodies[0]), &e); err != nil {
			t.Fatal(err)
		}
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
		var data map[string]any
		if err := e.DataAs(&data); err != nil {
			t.Fatal(err)
		}
		if e.ID() != n.ID() || data["record"] != 12.0 || data["user_email"] != n.To || data["file_id"] != n.FileID ||
			data["link"] != n.Link || data["title"] != n.Title || data["room"] != "504" {
			t.Errorf("event %v, data %v", e, data)
		}
		if reason, _ := data["reason"].(map[string]any); !n.Done && reason["ru"] != "Нет записи." {
			t.Errorf("reason %v", data["reason"])
		}
	}
}

func TestAnswersToAWebhook(t *testing.T) {
	t.Parallel()
	for status, final := range map[int]bool{
		400: true,
		401: true,
		404: true,
		302: true,
		429: false,
		503: false,
	} {
		var calls atomic.Int64
		var waited []time.Duration
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "20")
			w.WriteHeader(status)
		}))
		t.Cleanup(server.Close)
		hook := only(t, notify.Options{
			Webhook:       server.URL,
			WebhookSecret: "s",
			Scale:         10,
			Pause: func(_ context.Context, d time.Duration) error {
				waited = append(waited, d)
				return nil
			},
		})
		err := hook.Send(t.Context(), ready())
		var permanent *fault.PermanentError
		if err == nil || errors.As(err, &permanent) != final {
			t.Errorf("%d: %v", status, err)
		}
		if final != (calls.Load() == 1) || !final && (len(waited) != 1 || waited[0] != 2*time.Second) {
			t.Errorf("%d: %d calls, waited %v", status, calls.Load(), waited)
		}
	}
}

// zulipServer keeps messages as Zulip does, and loses every other answer.
type zulipServer struct {
	t     *testing.T
	mu    sync.Mutex
	calls int
	kept  []string
}

func (z *zulipServer) messages() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return slices.Clone(z.kept)
}

func (z *zulipServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.calls++
	if user, key, _ := r.BasicAuth(); user != "bot@school.example" || key != "k" || r.URL.Path != "/api/v1/messages" {
		z.t.Errorf("%s as %s", r.URL.Path, user)
	}
	lost := z.calls%2 == 0
	switch r.Method {
	case http.MethodPost:
		if r.PostFormValue("type") != "private" || r.PostFormValue("to") != `["teacher@school.example"]` {
			z.t.Errorf("posted %v", r.PostForm)
		}
		z.kept = append(z.kept, r.PostFormValue("content"))
	default:
		var narrow []map[string]any
		if err := json.Unmarshal([]byte(r.FormValue("narrow")), &narrow); err != nil || len(narrow) != 2 {
			z.t.Errorf("narrow %q", r.FormValue("narrow"))
		}
	}
	if lost {
		cut(z.t, w)
		return
	}
	messages := []map[string]string{}
	for _, content := range z.kept {
		messages = append(messages, map[string]string{"content": content})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"result": "success", "messages": messages})
}

func TestZulipIsToldOnce(t *testing.T) {
	t.Parallel()
	z := &zulipServer{t: t}
	server := httptest.NewServer(z)
	t.Cleanup(server.Close)
	means := only(t, notify.Options{
		Zulip:    strings.Replace(server.URL, "http://", "http://bot%40school.example@", 1) + "/",
		ZulipKey: "k",
	})
	for range 3 {
		if err := means.Send(t.Context(), ready()); err != nil {
			t.Fatal(err)
		}
	}
	kept := z.messages()
	if len(kept) != 1 || !strings.Contains(kept[0], "https://drive.google.com/file/d/f1/view") || !strings.Contains(kept[0], "`record-12-done`") {
		t.Fatalf("messages %q", kept)
	}
	if strings.Contains(kept[0], "@all") || strings.Contains(kept[0], "`x`") {
		t.Errorf("the title is read as markup: %q", kept[0])
	}
	if err := means.Send(t.Context(), failed()); err != nil || len(z.messages()) != 2 {
		t.Errorf("another notice of the record: %v, messages %q", err, z.messages())
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return noon }
	for i, o := range []notify.Options{
		{},
		{Now: now, Webhook: "http://127.0.0.1/"},
		{Now: now, Zulip: "https://zulip.example.org", ZulipKey: "k"},
		{Now: now, Zulip: "https://bot@zulip.example.org"},
		{Now: now, SMTP: "mail.example.org", SMTPFrom: "a@b.example"},
		{Now: now, SMTP: "smtp://mail.example.org", SMTPFrom: "nobody"},
	} {
		if _, err := notify.New(o); err == nil {
			t.Errorf("options %d: no error", i)
		}
	}
	means, err := notify.New(notify.Options{
		Now:           now,
		Webhook:       "http://127.0.0.1/",
		WebhookSecret: "s",
		Zulip:         "https://bot@zulip.example.org",
		ZulipKey:      "k",
		SMTP:          "smtp://mail.example.org",
		SMTPFrom:      "Видео <video@school.example>",
	})
	var names []string
	for _, m := range means {
		names = append(names, fmt.Sprint(m.Name(), m.AtMostOnce()))
	}
	if err != nil || fmt.Sprint(names) != "[webhookfalse zulipfalse mailtrue]" {
		t.Error(names, err)
	}
}
