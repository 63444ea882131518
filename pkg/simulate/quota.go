package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/workspace"
)

// asked is the real Workspace client of one instance, which meets exhausted quotas.
type asked struct {
	client *workspace.Client
	quota  *quota
}

// newAsked returns a client for a number of Drive users. It does not wait between tries: the simulation adds
// the patience of the client to the time of the work.
func newAsked(now func() time.Time, users int) (*asked, error) {
	uploaders := make([]string, users)
	for i := range uploaders {
		uploaders[i] = fmt.Sprintf("u%d@example.org", i)
	}
	q := &quota{}
	client, err := workspace.New(workspace.Options{
		Endpoint:  "http://google.invalid",
		Transport: q,
		Now:       now,
		Subjects: workspace.Subjects{
			Drive:     "drive@example.org",
			Calendar:  "calendar@example.org",
			Uploaders: uploaders,
		},
		Pause: func(context.Context, time.Duration) error { return nil },
	})
	return &asked{client: client, quota: q}, err
}

// upload starts an upload at a Drive whose daily limit for the user is reached or not. calls is the number of
// calls to Drive: none if the limit of the user was reached a moment ago.
func (a *asked) upload(ctx context.Context, record int64, full bool) (calls int, err error) {
	before := a.quota.calls
	a.quota.open = !full
	_, err = a.client.StartUpload(ctx, workspace.Upload{
		FileID: "1",
		Parent: "2",
		Name:   "3",
		MIME:   "video/mp4",
		Size:   1,
		Record: record,
	})
	return a.quota.calls - before, err
}

// course returns the error of a call beyond the quota of Classroom.
func (a *asked) course(ctx context.Context) error {
	_, err := a.client.FindCourse(ctx, "101", map[string]string{"101": "101"})
	return mustFail(err)
}

// mustFail returns an error in any case: a call beyond a quota that succeeds would make the simulation wrong.
func mustFail(err error) error {
	if err == nil {
		return errors.New("a call beyond the quota went through")
	}
	return err
}

// quota answers as Google does. The daily limit of uploads has the reason of an ordinary rate limit:
// github.com/rclone/rclone/issues/3328, github.com/labbots/google-drive-upload/issues/192.
type quota struct {
	open  bool // uploads are taken
	calls int
}

// RoundTrip implements http.RoundTripper.
func (q *quota) RoundTrip(r *http.Request) (*http.Response, error) {
	q.calls++
	if q.open && strings.Contains(r.URL.Path, "/upload/") {
		return &http.Response{
			StatusCode: http.StatusOK,
			Header:     http.Header{"Location": {"http://google.invalid/session"}},
			Body:       http.NoBody,
			Request:    r,
		}, nil
	}
	status, body := http.StatusForbidden, `{"error": {"code": 403, "message": "User rate limit exceeded.", "errors": [{"domain": "usageLimits", "reason": "userRateLimitExceeded", "message": "User rate limit exceeded."}]}}`
	if strings.Contains(r.URL.Path, "/classroom/") {
		status, body = http.StatusTooManyRequests, `{"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}`
	}
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(strings.NewReader(body)),
		Request:    r,
	}, nil
}
