package dispatch

import (
	"encoding/json"
	"io"
	"net/http"
)

// Attributes reads the attributes of a push that [Topics.Notify] caused. A body that is empty (Scheduler's)
// or not a push has none. A function that is called without attributes does all its work.
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
