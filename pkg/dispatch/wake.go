package dispatch

import (
	"encoding/json"
	"io"
	"net/http"
)

// Attributes reads the attributes of a push that [Topics.Wake] caused. An empty body (Scheduler's), and one that
// is no push, has none: a function that is called without them does all work.
func Attributes(w http.ResponseWriter, r *http.Request) map[string]string {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, envelopeBytes))
	if err != nil {
		return nil
	}
	var push struct {
		Message struct {
			Attributes map[string]string `json:"attributes"`
		} `json:"message"`
	}
	if json.Unmarshal(body, &push) != nil {
		return nil
	}
	return push.Message.Attributes
}
