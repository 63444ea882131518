package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// lookTime is how long the word to look may take to be passed on. It is a hint: the sweep finds what
// a lost one would have told.
const notificationsPath = "/calendar-notifications/"

const lookTime = 10 * time.Second

// serveNotification is POST /calendar-notifications/: something changed in a calendar that we watch.
func (s *site) serveNotification(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		httpapi.WriteError(w, r, http.StatusMethodNotAllowed, "method "+r.Method+" is not allowed here")
		return
	}
	channel, err := s.Store.Channels.Get(r.Context(), r.Header.Get("X-Goog-Channel-Id"))
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && !channel.VerifyToken(r.Header.Get("X-Goog-Channel-Token")):
		httpapi.WriteError(w, r, http.StatusForbidden, "no such channel, or not its token")
		return
	case err != nil:
		httpapi.ServerError(w, r, s.log, httpapi.WriteError, "look up a channel", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
	if r.Header.Get("X-Goog-Resource-State") == "sync" || s.SweepCalendar == nil {
		return // the channel says that it exists; nothing changed
	}
	_ = http.NewResponseController(w).Flush() // answered at once; what follows is ours
	ctx, stop := context.WithTimeout(context.WithoutCancel(r.Context()), lookTime)
	defer stop()
	list, err := s.records.ReadRooms(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "could not find the room of a calendar; the next sweep will look", "err", err)
		return
	}
	for i := range list.Rooms {
		if room := list.Rooms[i].Name; list.Rooms[i].Calendar == channel.Calendar {
			if err := s.SweepCalendar(observe.WithRoom(ctx, room), room); err != nil {
				s.log.WarnContext(ctx, "could not ask for a look at a calendar; the next sweep will look", "room", room, "err", err)
			}
		}
	}
}
