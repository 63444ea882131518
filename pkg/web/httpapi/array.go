package httpapi

import (
	"bytes"
	"net/http"
)

// Array answers with a JSON array of any length, piece by piece, so that a long one takes little
// memory. A client that does not accept a piece within 10 s is cut off.
type Array struct {
	w       http.ResponseWriter
	writer  timedWriter
	pending bytes.Buffer
	begun   bool
	filled  bool // a value was added
}

// NewArray returns an empty array. Nothing is sent before [Array.Flush] or [Array.End].
func NewArray(w http.ResponseWriter) *Array {
	a := &Array{w: w, writer: newTimedWriter(w)}
	a.pending.WriteByte('[')
	return a
}

// Begun reports whether a part of the answer was sent.
func (a *Array) Begun() bool { return a.begun }

// Add appends a value.
func (a *Array) Add(value any) {
	if a.filled {
		a.pending.WriteByte(',')
	}
	a.filled = true
	a.pending.Write(bytes.TrimSuffix(Encode(value), []byte("\n")))
}

// Flush sends what was added. It reports whether the client reads.
func (a *Array) Flush() bool {
	if !a.begun {
		header := a.w.Header()
		header.Set(ContentType, JSONType)
		header.Set(CacheControl, NoStore)
		a.w.WriteHeader(http.StatusOK)
		a.begun = true
	}
	sent := a.writer.write(a.pending.Bytes())
	a.pending.Reset()
	return sent
}

// End sends the rest of the array.
func (a *Array) End() {
	a.pending.WriteString("]\n")
	a.Flush()
}
