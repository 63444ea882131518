package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

// bodyBytes bounds a JSON body. Metadata and lists of 32 sources are far below.
const bodyBytes = 1 << 20

// failure is an error that the caller gets in Google's form.
type failure struct {
	status  int
	reason  string
	message string
}

// Error implements error.
func (f *failure) Error() string {
	return f.message
}

// invalid is a refusal with status 400.
func invalid(format string, values ...any) error {
	return &failure{http.StatusBadRequest, "invalid", fmt.Sprintf(format, values...)}
}

// notFound is the refusal of a call for an object that does not exist.
func notFound(bucket, object string) error {
	return &failure{http.StatusNotFound, "notFound", "No such object: " + bucket + "/" + object}
}

// conditionNotMet is the refusal of a call whose precondition failed.
func conditionNotMet() error {
	return &failure{
		http.StatusPreconditionFailed, "conditionNotMet",
		"At least one of the pre-conditions you specified did not hold.",
	}
}

// answerError answers in Google's form of errors.
func answerError(w http.ResponseWriter, f *failure) {
	if f.status == http.StatusNotModified {
		w.WriteHeader(f.status)
		return
	}
	answerJSON(w, f.status, map[string]any{"error": map[string]any{
		"code":    f.status,
		"message": f.message,
		"errors": []map[string]string{
			{
				"domain":  "global",
				"reason":  f.reason,
				"message": f.message,
			},
		},
	}})
}

// answerJSON answers with a JSON body.
func answerJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the caller may be gone
}

// answer answers with status 200 and a JSON body.
func (c *call) answer(value any) error {
	answerJSON(c.w, http.StatusOK, value)
	return nil
}

// decode reads the request's body after it was checked against the API's description.
func (c *call) decode(into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.Body, bodyBytes))
	if err != nil {
		return invalid("read the body: %v", err)
	}
	return c.decodeBytes(body, into)
}

// decodeBytes is decode for a body that was read already.
func (c *call) decodeBytes(body []byte, into any) error {
	sent, err := apidesc.DecodeObject(bytes.NewReader(body))
	if err == nil {
		err = c.method.CheckBody(sent)
	}
	if err != nil {
		return &failure{http.StatusBadRequest, "parseError", err.Error()}
	}
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &failure{http.StatusBadRequest, "parseError", "Parse Error: " + err.Error()}
	}
	return nil
}
