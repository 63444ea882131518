package httpapi

import (
	"bytes"
	"net/http"
	"time"
)

const (
	// BeatEvery is how long a stream may be silent. [Stream.Beat] then finds out whether the
	// client is gone.
	BeatEvery = 15 * time.Second
	// writeTime is how long a client may take to accept one event.
	writeTime = 10 * time.Second
)

// Stream is an answer of server-sent events.
type Stream struct{ timedWriter }

// NewStream starts an answer of server-sent events.
func NewStream(w http.ResponseWriter) *Stream {
	header := w.Header()
	header.Set(ContentType, "text/event-stream")
	header.Set(CacheControl, NoStore)
	header.Set("X-Accel-Buffering", "no") // proxies that buffer would delay events
	w.WriteHeader(http.StatusOK)
	return &Stream{newTimedWriter(w)}
}

// Send writes one event. It reports whether the client still reads.
func (s *Stream) Send(name string, data []byte) bool {
	var event bytes.Buffer
	event.WriteString("event: " + name + "\n")
	for line := range bytes.Lines(bytes.TrimRight(data, "\n")) {
		event.WriteString("data: ")
		event.Write(bytes.TrimRight(line, "\r\n"))
		event.WriteByte('\n')
	}
	event.WriteByte('\n')
	return s.write(event.Bytes())
}

// Beat writes an empty comment. It reports whether the client still reads.
func (s *Stream) Beat() bool {
	return s.write([]byte(": \n\n"))
}

// timedWriter sends parts of an answer.
type timedWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// newTimedWriter returns a writer that gives up a client that does not read for [writeTime].
func newTimedWriter(w http.ResponseWriter) timedWriter {
	return timedWriter{w: w, control: http.NewResponseController(w)}
}

// write sends bytes at once. It closes the connection of a client that does not accept them within
// [writeTime]. It reports whether the client still reads.
func (s timedWriter) write(data []byte) bool {
	timer := time.AfterFunc(writeTime, func() {
		// A deadline in the past ends the write at once. Only a test's recorder knows no
		// deadlines.
		_ = s.control.SetWriteDeadline(time.Unix(1, 0))
	})
	defer timer.Stop()
	if _, err := s.w.Write(data); err != nil {
		return false
	}
	return s.control.Flush() == nil
}
