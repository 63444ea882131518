package simulate

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/workspace"
)

// refused asks the real Workspace client what it makes of a quota that is used up.
type refused struct{ client *workspace.Client }

func newRefused(now func() time.Time) (*refused, error) {
	client, err := workspace.New(workspace.Options{
		Endpoint: "http://google.invalid", Transport: quota{}, Now: now,
		Subjects: workspace.Subjects{Drive: "drive@example.org", Calendar: "calendar@example.org"},
		Pause:    func(context.Context, time.Duration) error { return nil },
	})
	return &refused{client: client}, err
}

// upload is the error of an upload beyond the daily limit.
func (r *refused) upload(ctx context.Context) error {
	_, err := r.client.StartUpload(ctx, workspace.Upload{FileID: "1", Parent: "2", Name: "3", MIME: "video/mp4", Size: 1})
	return mustFail(err)
}

// course is the error of a call beyond Classroom's quota.
func (r *refused) course(ctx context.Context) error {
	_, err := r.client.FindCourse(ctx, "101", map[string]string{"101": "101"})
	return mustFail(err)
}

func mustFail(err error) error {
	if err == nil {
		return errors.New("a call beyond the quota went through")
	}
	return err
}

// quota answers as Google does. The daily limit of uploads has the reason of an ordinary rate limit:
// github.com/rclone/rclone/issues/3328, github.com/labbots/google-drive-upload/issues/192.
type quota struct{}

// RoundTrip implements http.RoundTripper.
func (quota) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := http.StatusForbidden, `{"error": {"code": 403, "message": "User rate limit exceeded.", "errors": [{"domain": "usageLimits", "reason": "userRateLimitExceeded", "message": "User rate limit exceeded."}]}}`
	if strings.Contains(r.URL.Path, "/classroom/") {
		status, body = http.StatusTooManyRequests, `{"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}`
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}
