package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"
)

// maxBody is the size of the largest accepted body, in bytes.
const maxBody = 1 << 20

// ErrTooLarge means that a body is longer than 1 MB.
var ErrTooLarge = errors.New("the body is longer than 1 MB")

// ReadBody reads a body within the limit that [Guard] sets. It returns [ErrTooLarge] for a longer
// one.
func ReadBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if isTooLarge(err) {
		return nil, ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	return body, nil
}

// ReadBodyOrFail is [ReadBody] that answers 413 or 400 itself if it returns false.
func ReadBodyOrFail(w http.ResponseWriter, r *http.Request, fail ErrorWriter) ([]byte, bool) {
	body, err := ReadBody(r)
	switch {
	case errors.Is(err, ErrTooLarge):
		fail(w, r, http.StatusRequestEntityTooLarge, ErrTooLarge.Error())
		return nil, false
	case err != nil:
		fail(w, r, http.StatusBadRequest, "the body could not be read")
		return nil, false
	}
	return body, true
}

// FormStatus returns the status that answers a form which [http.Request.ParseForm] did not read:
// 413 or 400.
func FormStatus(err error) int {
	if isTooLarge(err) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// isTooLarge reports whether reading failed at the limit that [Guard] sets.
func isTooLarge(err error) bool {
	var tooLarge *http.MaxBytesError
	return errors.As(err, &tooLarge)
}

// ReadObject reads a body that is one JSON object in UTF-8. Names of fields keep their case.
func ReadObject(body []byte) (fields map[string]json.RawMessage, ok bool) {
	if !utf8.Valid(body) {
		return nil, false
	}
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return nil, false
	}
	err := json.Unmarshal(body, &fields)
	return fields, err == nil && fields != nil
}
