package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

var (
	// ErrNotFound says that there is no such object, or no such generation of it.
	ErrNotFound = errors.New("no such object")
	// ErrExists says that an object of this name is there, made by somebody else.
	ErrExists = errors.New("the object exists")
	// ErrChanged says that an object is no longer of the generation that was opened.
	ErrChanged = rangeproxy.ErrChanged
	// ErrName says that something cannot be part of an object's name.
	ErrName = errors.New("cannot be part of an object's name")
	// ErrUnfinished says that time ran out, and that what was done is kept: call again.
	ErrUnfinished = errors.New("not finished in the time given")
)

// quotaPause is how long a spent quota is left alone.
const quotaPause = time.Hour

// classify gives an error of the client library its kind, and says what was done to what.
// call is Google's name of what was called.
func (b *Bucket) classify(ctx context.Context, err error, call, format string, values ...any) error {
	what := fmt.Sprintf(format, values...)
	status, reason, text := responseDetails(err)
	if !errors.Is(err, context.Canceled) && !errors.Is(err, storage.ErrObjectNotExist) && (status == 0 || fault.HTTP(status, reason) != fault.Expected) {
		b.client.opts.Tried(ctx, call, status, false, err)
	}
	missing := status == http.StatusNotFound || errors.Is(err, storage.ErrObjectNotExist) || errors.Is(err, storage.ErrBucketNotExist)
	if missing && (errors.Is(err, storage.ErrBucketNotExist) || strings.Contains(text, "bucket does not exist")) {
		// Not ErrNotFound: a bucket that cannot be seen must not pass for one without footage.
		return fmt.Errorf("%s: bucket %q does not exist: %w", what, b.name, opaqueError{err})
	}
	if missing {
		return fmt.Errorf("%s in bucket %s: %w", what, b.name, ErrNotFound)
	}
	if status == 0 {
		return fmt.Errorf("%s in bucket %s: %w", what, b.name, err)
	}
	switch fault.HTTP(status, reason) {
	case fault.Expected:
		if status == http.StatusPreconditionFailed {
			return fmt.Errorf("%s in bucket %s: %w", what, b.name, ErrExists)
		}
	case fault.Deferred:
		return &fault.Deferral{Until: b.client.opts.Now().Add(b.client.opts.scaled(quotaPause)), Cause: cause.StorageQuota()}
	case fault.Permanent:
		return &fault.PermanentError{Cause: cause.StorageRefused(), Err: fmt.Errorf("%s in bucket %s: %w", what, b.name, err)}
	case fault.Retryable:
	}
	return fmt.Errorf("%s in bucket %s: %w", what, b.name, err)
}

// opaqueError shows an error's text and hides what it is.
type opaqueError struct{ err error }

// Error implements error.
func (w opaqueError) Error() string { return w.err.Error() }

// responseDetails takes an error of the client library apart.
func responseDetails(err error) (status int, reason, text string) {
	var answer *googleapi.Error
	if !errors.As(err, &answer) {
		return 0, "", ""
	}
	if len(answer.Errors) > 0 {
		reason = answer.Errors[0].Reason
	}
	return answer.Code, reason, answer.Message + answer.Body
}
