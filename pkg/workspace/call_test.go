package workspace_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/workspace"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// pauses records the waits instead of waiting.
type pauses struct {
	mu  sync.Mutex
	all []time.Duration
}

func (p *pauses) pause(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, d)
	return ctx.Err()
}

func (p *pauses) sum() (total time.Duration) {
	for _, d := range p.all {
		total += d
	}
	return total
}

// dial starts a server of the test's own and gives a client of it.
func dial(t *testing.T, handler http.HandlerFunc) (*workspace.Client, *pauses) {
	t.Helper()
	waits := &pauses{}
	return client(t, workspace.Options{Endpoint: serve(t, handler), Pause: waits.pause}), waits
}

// serve starts a server and gives its address.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func client(t *testing.T, options workspace.Options) *workspace.Client {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	if options.Transport == nil {
		options.Transport = transport
	}
	if options.Now == nil {
		options.Now = func() time.Time { return noon }
	}
	c, err := workspace.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refuse answers as Drive and Calendar do.
func refuse(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(
		w, `{"error":{"code":%d,"message":"no","errors":[{"reason":%q,"message":"no"}]}}`,
		status, reason,
	)
}

func answer(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

// cut breaks the connection without an answer.
func cut(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_ = conn.Close()
}

func TestEveryAnswerHasItsKind(t *testing.T) {
	t.Parallel()
	isPermanent := func(err error) bool { return errors.As(err, new(*fault.PermanentError)) }
	isLater := func(err error) bool { return errors.As(err, new(*fault.Deferral)) }
	is := func(target error) func(error) bool {
		return func(err error) bool { return errors.Is(err, target) }
	}
	again := func(err error) bool {
		return !isPermanent(err) && !isLater(err) && !errors.Is(err, workspace.ErrNotFound)
	}
	tests := []struct {
		status  int
		reason  string
		retried bool
		kind    func(error) bool
	}{
		{429, "rateLimitExceeded", true, isLater},
		{403, "userRateLimitExceeded", true, isLater}, // the daily limit of uploads, too
		{500, "backendError", true, again},
		{503, "", true, again},
		{408, "", true, again},
		{403, "dailyLimitExceeded", false, isLater},
		{403, "sharingRateLimitExceeded", false, isLater},
		{403, "storageQuotaExceeded", false, isPermanent},
		{403, "insufficientFilePermissions", false, isPermanent},
		{403, "domainPolicy", false, isPermanent},
		{400, "whatever", false, isPermanent},
		{401, "authError", false, isPermanent},
		{404, "notFound", false, is(workspace.ErrNotFound)},
		{410, "gone", false, is(workspace.ErrNotFound)},
		{409, "duplicate", false, is(workspace.ErrExists)},
		{412, "conditionNotMet", false, is(workspace.ErrChanged)},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, tt.reason), func(t *testing.T) {
			t.Parallel()
			calls := 0
			c, waits := dial(t, func(w http.ResponseWriter, _ *http.Request) {
				calls++
				refuse(w, tt.status, tt.reason)
			})
			_, err := c.Stat(t.Context(), "f1")
			if err == nil || !tt.kind(err) {
				t.Errorf("got %v", err)
			}
			if retried := calls > 1; retried != tt.retried {
				t.Errorf("%d calls", calls)
			}
			if waits.sum() > 30*time.Second {
				t.Errorf("waited %v", waits.sum())
			}
		})
	}
}

func TestPermanentErrorsHaveACause(t *testing.T) {
	t.Parallel()
	for reason, code := range map[string]cause.Code{
		"storageQuotaExceeded": cause.CodeDriveFull,
		"unheardOf":            cause.CodeGoogleRefused,
	} {
		c, _ := dial(t, func(w http.ResponseWriter, _ *http.Request) { refuse(w, 403, reason) })
		_, err := c.Stat(t.Context(), "f1")
		var permanent *fault.PermanentError
		if !errors.As(err, &permanent) || permanent.Cause.Code() != code {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

func TestRetryAfterIsHeeded(t *testing.T) {
	t.Parallel()
	calls := 0
	c, waits := dial(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 1 {
			w.Header().Set("Retry-After", "7")
			refuse(w, 429, "rateLimitExceeded")
			return
		}
		answer(w, `{"id":"f1","size":"5"}`)
	})
	f, err := c.Stat(t.Context(), "f1")
	if err != nil || f.Size != 5 {
		t.Fatal(f, err)
	}
	if len(waits.all) != 1 || waits.all[0] != 7*time.Second {
		t.Errorf("waited %v", waits.all)
	}
}

func TestALongRetryAfterIsLater(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"600", noon.Add(10 * time.Minute).Format(http.TimeFormat)} {
		c, waits := dial(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			refuse(w, 503, "backendError")
		})
		_, err := c.Stat(t.Context(), "f1")
		var later *fault.Deferral
		if !errors.As(err, &later) || !later.Until.Equal(noon.Add(10*time.Minute)) || len(waits.all) != 0 {
			t.Errorf("%s: %v after %v", header, err, waits.all)
		}
	}
}

func TestScaleDividesWaits(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "20")
		refuse(w, 429, "rateLimitExceeded")
	}))
	t.Cleanup(server.Close)
	waits := &pauses{}
	c := client(t, workspace.Options{Endpoint: server.URL, Pause: waits.pause, Scale: 100})
	if _, err := c.Stat(t.Context(), "f1"); err == nil {
		t.Fatal("no error")
	}
	if len(waits.all) != 1 || waits.all[0] != 200*time.Millisecond {
		t.Errorf("waited %v", waits.all)
	}
}

func TestBrokenConnectionsAreTriedAgain(t *testing.T) {
	t.Parallel()
	calls := 0
	c, _ := dial(t, func(w http.ResponseWriter, _ *http.Request) {
		switch calls++; calls {
		case 1:
			cut(t, w)
		case 2:
			w.Header().Set("Content-Length", "1000")
			answer(w, `{"id":"f1",`)
		default:
			answer(w, `{"id":"f1"}`)
		}
	})
	if f, err := c.Stat(t.Context(), "f1"); err != nil || f.ID != "f1" {
		t.Fatal(f, err)
	}
}

func TestTheContextEndsRetries(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	c, _ := dial(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel(fault.ErrStale)
		refuse(w, 503, "")
	})
	if _, err := c.Stat(ctx, "f1"); !errors.Is(err, fault.ErrStale) {
		t.Errorf("got %v, want the cause", err)
	}
}

func TestFailedTriesAreTold(t *testing.T) {
	t.Parallel()
	answers := []int{503, 503, 404, 403}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, answers[0], "no")
		answers = answers[1:]
	}))
	t.Cleanup(server.Close)
	var told []string
	c := client(t, workspace.Options{
		Endpoint: server.URL,
		Pause:    (&pauses{}).pause,
		Tried: func(_ context.Context, call string, status int, again bool, _ error) {
			told = append(told, fmt.Sprintf("%s %d %t", call, status, again))
		},
	})
	_, _ = c.Stat(t.Context(), "f1") // until 404, which is an answer
	_, _ = c.Stat(t.Context(), "f1")
	if want := "drive.files.get 503 true, drive.files.get 503 true, drive.files.get 403 false"; strings.Join(told, ", ") != want {
		t.Errorf("told %q", told)
	}
}

type sourceFunc func() (*oauth2.Token, error)

func (f sourceFunc) Token() (*oauth2.Token, error) { return f() }

func TestMissingDelegationNamesTheScopes(t *testing.T) {
	t.Parallel()
	for text, final := range map[string]bool{
		`impersonate: status code 400: {"error":"invalid_grant","error_description":"Invalid email or User ID"}`:                  true,
		`impersonate: status code 401: {"error":"unauthorized_client","error_description":"Client is unauthorized to retrieve…"}`: true,
		`impersonate: status code 503: try again`: false,
		`impersonate: unable to sign JWT: EOF`:    false,
	} {
		tries := 0
		c := client(t, workspace.Options{
			Subjects: workspace.Subjects{Drive: "video@school.example"},
			Scopes:   workspace.UploadScopes(),
			Tokens: func(context.Context, string, ...string) (oauth2.TokenSource, error) {
				return sourceFunc(func() (*oauth2.Token, error) {
					tries++
					return nil, errors.New(text)
				}), nil
			},
			Pause: (&pauses{}).pause,
		})
		_, err := c.Stat(t.Context(), "f1")
		var permanent *fault.PermanentError
		if errors.As(err, &permanent) != final || final != (tries == 1) {
			t.Errorf("%s: %v after %d tries", text, err, tries)
		}
		if final && (permanent.Cause != cause.DelegationMissing("video@school.example", strings.Join(workspace.UploadScopes(), ", "))) {
			t.Errorf("the reason names neither scopes nor the person: %v", permanent.Cause)
		}
	}
}

func TestDelegationNeedsSomebody(t *testing.T) {
	t.Parallel()
	if _, err := workspace.Delegation("upload@project.iam.gserviceaccount.com")(t.Context(), "", workspace.UploadScopes()...); err == nil {
		t.Error("no error")
	}
	for i, o := range []workspace.Options{
		{Endpoint: "http://127.0.0.1"},
		{Now: time.Now},
		{Now: time.Now, Endpoint: "http://127.0.0.1", Scale: -1},
	} {
		if _, err := workspace.New(o); err == nil {
			t.Errorf("options %d: no error", i)
		}
	}
}

func TestTokensAreForTheSubjectAndTheScopes(t *testing.T) {
	t.Parallel()
	var header string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get("Authorization")
		answer(w, `{"id":"f1"}`)
	}))
	t.Cleanup(server.Close)
	asked := 0
	c := client(t, workspace.Options{
		Endpoint: server.URL,
		Subjects: workspace.Subjects{Drive: "video@school.example"},
		Scopes:   workspace.StageScopes(),
		Tokens: func(_ context.Context, subject string, scopes ...string) (oauth2.TokenSource, error) {
			asked++
			token := &oauth2.Token{
				AccessToken: subject + " " + strings.Join(scopes, ","),
				Expiry:      time.Now().Add(time.Hour),
			}
			return oauth2.StaticTokenSource(token), nil
		},
	})
	for range 3 {
		if _, err := c.Stat(t.Context(), "f1"); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 || header != "Bearer video@school.example https://www.googleapis.com/auth/drive.readonly" {
		t.Errorf("asked %d times, sent %q", asked, header)
	}
}

func TestAStandInIsToldTheSubject(t *testing.T) {
	t.Parallel()
	var user string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user = r.Header.Get("X-Workspace-User")
		answer(w, `{"id":"f1"}`)
	}))
	t.Cleanup(server.Close)
	c := client(t, workspace.Options{
		Endpoint: server.URL,
		Subjects: workspace.Subjects{Drive: "video@school.example"},
	})
	if _, err := c.Stat(t.Context(), "f1"); err != nil || user != "video@school.example" {
		t.Errorf("sent %q, %v", user, err)
	}
}
