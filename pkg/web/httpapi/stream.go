package httpapi

import (
	"bytes"
	"net/http"
	"time"
)

const (
	BeatEvery = 15 * time.Second // of silence, then a line that finds out who is gone
	writeTime = 10 * time.Second // for one event to be taken
)

// stream is an answer of server-sent events.
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func NewStream(w http.ResponseWriter) *Stream {
	header := w.Header()
	header.Set(ContentType, "text/event-stream")
	header.Set(CacheControl, NoStore)
	header.Set("X-Accel-Buffering", "no") // proxies that collect would hold events back
	w.WriteHeader(http.StatusOK)
	return &Stream{w, http.NewResponseController(w)}
}

// send writes one event; false if the reader is gone.
func (s *Stream) Send(name string, data []byte) bool {
	var event bytes.Buffer
	event.WriteString("event: " + name + "\n")
	for line := range bytes.Lines(bytes.TrimRight(data, "\n")) {
		event.WriteString("data: ")
		event.Write(bytes.TrimRight(line, "\r\n"))
		event.WriteByte('\n')
	}
	event.WriteByte('\n')
	return s.Write(event.Bytes())
}

// write sends bytes now. A reader that takes none of them for too long is cut off; a deadline in the
// past does that, whatever the clock says.
func (s *Stream) Write(data []byte) bool {
	cut := time.AfterFunc(writeTime, func() {
		_ = s.control.SetWriteDeadline(time.Unix(1, 0)) // a connection that knows no deadlines is a test's
	})
	defer cut.Stop()
	if _, err := s.w.Write(data); err != nil {
		return false
	}
	return s.control.Flush() == nil
}
