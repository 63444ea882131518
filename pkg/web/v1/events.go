package v1

import (
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// v1Events is GET /records/{id}/events: the record at once and whenever it changes, until it ends.
func (s *API) v1Events(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	shown, err := s.records.Encode(r.Context(), &record)
	if err != nil {
		httpapi.ServerError(w, r, s.log, httpapi.WriteProblem, "read a record's room", err)
		return
	}
	watch := s.records.Watcher.Add([]nvr.Record{record}, [][]byte{shown})
	defer s.records.Watcher.Remove(watch)
	stream := httpapi.NewStream(w)
	for changed := []nvr.Record{record}; ; {
		for i := range changed {
			if !stream.Send("record", shown) || records.StateOf(&changed[i], time.UTC, s.records.Now()).Ended() {
				return
			}
		}
		if !s.records.Await(r, watch, stream) {
			return
		}
		var all [][]byte
		if changed, all = s.records.Watcher.Take(watch); len(all) > 0 {
			shown = all[0]
		}
	}
}
