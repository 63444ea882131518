package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"google.golang.org/api/googleapi"

	"github.com/nvr-miem/merger/pkg/observe"
)

func TestFailedCallsAreCounted(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"":                       nil,
		`"event":"retry"`:        errors.New("connection reset"),
		`"event":"api_error"`:    &googleapi.Error{Code: 403, Errors: []googleapi.ErrorItem{{Reason: "insufficientPermissions"}}},
		`"status":"401"`:         &googleapi.Error{Code: 401},
		`"method":"files.get"`:   &googleapi.Error{Code: 503},
		`"api":"drive","method"`: &googleapi.Error{Code: 429},
	} {
		var log bytes.Buffer
		tried(observe.Logger(&log, observe.Options{}))("drive.files.get", 1, err)
		if got := log.String(); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%v: %s", err, got)
		}
	}
	var log bytes.Buffer
	tried(observe.Logger(&log, observe.Options{}))("drive.files.get", 1, &googleapi.Error{Code: 404})
	if log.Len() != 0 {
		t.Error(log.String())
	}
}
