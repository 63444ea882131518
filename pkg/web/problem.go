package web

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// problem is an error of /api/v1 as RFC 9457 has it.
type problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail"`
	Errors []fieldWords `json:"errors"`
}

// fieldWords says what is wrong with one field.
type fieldWords struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// writeProblem answers an error of /api/v1.
func writeProblem(w http.ResponseWriter, r *http.Request, status int, detail string) {
	sayFields(w, r, status, detail, nil)
}

// sayFields answers an error that names fields.
func sayFields(w http.ResponseWriter, _ *http.Request, status int, detail string, fields []fieldWords) {
	if fields == nil {
		fields = []fieldWords{}
	}
	w.Header().Set(contentLabel, problemType)
	w.Header().Set(cacheLabel, noStore)
	w.WriteHeader(status)
	_, _ = w.Write(encode(problem{"about:blank", http.StatusText(status), status, detail, fields})) // a client that is gone reads nothing
}

// writeError answers an error of the NVR's API.
func writeError(w http.ResponseWriter, _ *http.Request, status int, detail string) {
	w.Header().Set(contentLabel, jsonType)
	w.Header().Set(cacheLabel, noStore)
	w.WriteHeader(status)
	_, _ = w.Write(encode(map[string]string{"error": detail})) // a client that is gone reads nothing
}

// encode writes JSON as it is read by people: no HTML escapes.
func encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // our own types always encode
	}
	return out.Bytes()
}
