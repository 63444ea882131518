package web

import (
	"bytes"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

const (
	beatEvery = 15 * time.Second // of silence, then a line that finds out who is gone
	writeTime = 10 * time.Second // for one event to be taken
)

// v1Events is GET /records/{id}/events: the record at once and whenever it changes, until it ends.
func (s *site) v1Events(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	shown, err := s.show(r.Context(), &record)
	if err != nil {
		s.serverError(w, r, writeProblem, "read a record's room", err)
		return
	}
	watch := s.watcher.add([]nvr.Record{record}, [][]byte{shown})
	defer s.watcher.remove(watch)
	stream := newStream(w)
	for records := []nvr.Record{record}; ; {
		for i := range records {
			if !stream.send("record", shown) || stateOf(&records[i], time.UTC, s.Now()).ended() {
				return
			}
		}
		if !s.await(r, watch, stream) {
			return
		}
		var all [][]byte
		if records, all = s.watcher.take(watch); len(all) > 0 {
			shown = all[0]
		}
	}
}

// await waits for a change; false if the reader is gone.
func (s *site) await(r *http.Request, watch *watch, stream *stream) bool {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return false
		case <-watch.woken:
			return true
		case <-beat.C:
			if !stream.write([]byte(": \n\n")) {
				return false
			}
		}
	}
}

// stream is an answer of server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newStream(w http.ResponseWriter) *stream {
	header := w.Header()
	header.Set(contentLabel, "text/event-stream")
	header.Set(cacheLabel, noStore)
	header.Set("X-Accel-Buffering", "no") // proxies that collect would hold events back
	w.WriteHeader(http.StatusOK)
	return &stream{w, http.NewResponseController(w)}
}

// send writes one event; false if the reader is gone.
func (s *stream) send(name string, data []byte) bool {
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

// write sends bytes now. A reader that takes none of them for too long is cut off; a deadline in the
// past does that, whatever the clock says.
func (s *stream) write(data []byte) bool {
	cut := time.AfterFunc(writeTime, func() {
		_ = s.control.SetWriteDeadline(time.Unix(1, 0)) // a connection that knows no deadlines is a test's
	})
	defer cut.Stop()
	if _, err := s.w.Write(data); err != nil {
		return false
	}
	return s.control.Flush() == nil
}
