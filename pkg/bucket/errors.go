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
	// ErrNotFound means that there is no such object or generation.
	ErrNotFound = errors.New("no such object")
	// ErrExists means that an object of this name exists, created by another
	// caller.
	ErrExists = errors.New("the object exists")
	// ErrChanged means that an object no longer has the generation that was opened.
	ErrChanged = rangeproxy.ErrChanged
	// ErrName means that a text cannot be part of an object name.
	ErrName = errors.New("cannot be part of an object's name")
	// ErrUnfinished means that the deadline ended a call whose progress is kept.
	// Call again.
	ErrUnfinished = errors.New("not finished in the time given")
)

// quotaPause is the wait after an exhausted quota.
const quotaPause = time.Hour

// classify converts an error of the client library to its kind and adds the
// operation. call is Google's name of the call.
func (b *Bucket) classify(
	ctx context.Context,
	err error,
	call, format string,
	values ...any,
) error {
	what := fmt.Sprintf(format, values...)
	status, reason, text := responseDetails(err)
	if !errors.Is(err, context.Canceled) &&
		!errors.Is(err, storage.ErrObjectNotExist) &&
		(status == 0 || fault.HTTP(status, reason) != fault.Expected) {
		b.client.opts.Tried(ctx, call, status, false, err)
	}
	missing := status == http.StatusNotFound ||
		errors.Is(err, storage.ErrObjectNotExist) ||
		errors.Is(err, storage.ErrBucketNotExist)
	if missing &&
		(errors.Is(err, storage.ErrBucketNotExist) || strings.Contains(text, "bucket does not exist")) {
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
		return &fault.Deferral{
			Until: b.client.opts.Now().Add(b.client.opts.scaled(quotaPause)),
			Cause: cause.StorageQuota(),
		}
	case fault.Permanent:
		return &fault.PermanentError{
			Cause: cause.StorageRefused(),
			Err:   fmt.Errorf("%s in bucket %s: %w", what, b.name, err),
		}
	case fault.Retryable, fault.Stale:
	}
	return fmt.Errorf("%s in bucket %s: %w", what, b.name, err)
}

// opaqueError keeps the text of an error and hides its identity.
type opaqueError struct{ err error }

// Error implements error.
func (w opaqueError) Error() string {
	return w.err.Error()
}

// responseDetails returns HTTP status, reason and text of a response error.
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
