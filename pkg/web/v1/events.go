package v1

import (
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// streamEvents is GET /records/{id}/events. It sends the record at once and after each change,
// until it ends.
func (a *api) streamEvents(w http.ResponseWriter, r *http.Request, record nvr.Record) {
	watch, changes, err := a.Records.Watch(r.Context(), []nvr.Record{record})
	if err != nil {
		a.serverError(w, r, "read a record's room", err)
		return
	}
	defer watch.Close()
	stream := httpapi.NewStream(w)
	for {
		for _, change := range changes {
			if !stream.Send("record", change.Encoded) {
				return
			}
			// Only records that wait depend on the zone, and those have not ended.
			state := records.StateOf(&change.Record, time.UTC, a.Records.Now())
			if state.Ended() {
				return
			}
		}
		if !watch.Wait(r.Context(), stream) {
			return
		}
		changes = watch.Take()
	}
}
