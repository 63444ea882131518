package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// writeJSON answers with a value.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set(ContentType, JSONType)
	w.Header().Set(CacheControl, NoStore)
	w.WriteHeader(status)
	_, _ = w.Write(Encode(value)) // a client that is gone reads nothing
}

// encode writes JSON as it is read by people: no HTML escapes.
func Encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // our own types always encode
	}
	return out.Bytes()
}

// readObject reads one JSON object, nothing after it, names as they are written.
func ReadObject(body []byte) (fields map[string]json.RawMessage, ok bool) {
	if !utf8.Valid(body) || json.Unmarshal(body, &fields) != nil || fields == nil {
		return nil, false
	}
	return fields, bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
}

// text is a string for JSON, where empty means null.
func Nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// writeTagged answers with a body under its ETag, or says that the reader has it already.
func WriteTagged(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set(CacheControl, "private, no-cache")
	w.Header().Set("Vary", "key, Cookie")
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set(ContentType, contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that is gone reads nothing
	}
}

// matches reads If-None-Match: a list of tags, compared weakly, or an asterisk.
func matches(header, tag string) bool {
	if strings.TrimSpace(header) == "*" {
		return true
	}
	return slices.ContainsFunc(strings.Split(header, ","), func(each string) bool {
		return strings.TrimPrefix(strings.TrimSpace(each), "W/") == tag
	})
}
