package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Names of headers and their values.
const (
	ContentType  = "Content-Type"
	CacheControl = "Cache-Control"
	NoStore      = "no-store"

	JSONType    = "application/json"
	ProblemType = "application/problem+json"
	HTMLType    = "text/html; charset=utf-8"
	YAMLType    = "application/yaml"
)

// Encode returns a value as one line of JSON. It does not escape HTML: people read it, too.
func Encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // the product's own types always encode
	}
	return out.Bytes()
}

// WriteJSON answers with a value.
func WriteJSON(w http.ResponseWriter, status int, value any) {
	write(w, status, JSONType, value)
}

// write answers with a value of a media type. Answers of this kind are not cached.
func write(w http.ResponseWriter, status int, contentType string, value any) {
	w.Header().Set(ContentType, contentType)
	w.Header().Set(CacheControl, NoStore)
	w.WriteHeader(status)
	_, _ = w.Write(Encode(value)) // fails only if the client is gone
}

// WriteTagged answers with a body and its ETag, or 304 if the client has that body already.
func WriteTagged(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	WriteTaggedAs(w, r, contentType, "", body)
}

// WriteTaggedAs is [WriteTagged] with an ETag that begins with a name and a dot; see [IfMatch].
func WriteTaggedAs(w http.ResponseWriter, r *http.Request, contentType, name string, body []byte) {
	sum := sha256.Sum256(body)
	header := w.Header()
	if name != "" {
		name += "."
	}
	header.Set("ETag", `"`+name+hex.EncodeToString(sum[:12])+`"`)
	header.Set(CacheControl, "private, no-cache")
	header.Set("Vary", "key, Cookie")
	header.Set(ContentType, contentType)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// IfMatch returns the names of the ETags of the header If-Match, up to their dots. "*" is returned as it is.
// present is false without the header.
func IfMatch(r *http.Request) (names []string, present bool) {
	values := r.Header.Values("If-Match")
	for tag := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, _, _ := strings.Cut(strings.Trim(strings.TrimSpace(tag), `"`), ".")
		names = append(names, name)
	}
	return names, len(values) > 0
}

// Nullable returns a string for JSON, where an empty one is null.
func Nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
