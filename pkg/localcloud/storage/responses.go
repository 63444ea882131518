package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

// bodyBytes bounds a JSON body: metadata and lists of 32 sources stay far below.
const bodyBytes = 1 << 20

// failure is an answer in Google's form of errors.
type failure struct {
	status  int
	reason  string
	message string
}

// Error implements error.
func (f *failure) Error() string { return f.message }

func invalid(format string, values ...any) error {
	return &failure{http.StatusBadRequest, "invalid", fmt.Sprintf(format, values...)}
}

func notFound(bucket, object string) error {
	return &failure{http.StatusNotFound, "notFound", "No such object: " + bucket + "/" + object}
}

func conditionNotMet() error {
	return &failure{http.StatusPreconditionFailed, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."}
}

func answerError(w http.ResponseWriter, f *failure) {
	if f.status == http.StatusNotModified {
		w.WriteHeader(f.status)
		return
	}
	answerJSON(w, f.status, map[string]any{"error": map[string]any{
		"code": f.status, "message": f.message,
		"errors": []map[string]string{{"domain": "global", "reason": f.reason, "message": f.message}},
	}})
}

func answerJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the caller may be gone
}

func (c *call) answer(value any) error {
	answerJSON(c.w, http.StatusOK, value)
	return nil
}

// decode reads the request's body, held against the API's description.
func (c *call) decode(into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.Body, bodyBytes))
	if err != nil {
		return invalid("read the body: %v", err)
	}
	return c.decodeBytes(body, into)
}

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
