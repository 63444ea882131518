package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

const (
	webhookPath = "/calendar-notifications/"
	// sweepTime limits the request of a sweep. A lost one costs little: the scheduled sweep finds
	// the change, too.
	sweepTime = 10 * time.Second
)

// isWebhook reports whether a path is the webhook's, with or without its last slash.
func isWebhook(path string) bool {
	return path == webhookPath || path+"/" == webhookPath
}

// calendarWebhook receives Google Calendar's notifications of changes.
func (h *handlers) calendarWebhook() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+webhookPath+"{$}", h.receiveNotification)
	mux.HandleFunc("POST "+strings.TrimSuffix(webhookPath, "/"), h.receiveNotification)
	return httpapi.Routes(mux, httpapi.WriteError)
}

// receiveNotification requests a sweep of the calendar's rooms, and then answers. Cloud Run can take the CPU
// away from a service that has answered.
func (h *handlers) receiveNotification(w http.ResponseWriter, r *http.Request) {
	channel, err := h.Store.Channels.Get(r.Context(), r.Header.Get("X-Goog-Channel-Id"))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		httpapi.ServerError(w, r, h.Log, httpapi.WriteError, "look up a channel", err)
		return
	}
	if err != nil || !channel.VerifyToken(r.Header.Get("X-Goog-Channel-Token")) {
		httpapi.WriteError(w, r, http.StatusForbidden, "unknown channel or wrong token")
		return
	}
	first := r.Header.Get("X-Goog-Resource-State") == "sync" // of a channel: nothing changed
	if !first && h.SweepCalendar != nil {
		ctx, stop := context.WithTimeout(context.WithoutCancel(r.Context()), sweepTime)
		defer stop()
		h.sweep(ctx, channel.Calendar)
	}
	w.WriteHeader(http.StatusNoContent)
}

// sweep requests a sweep of each room with the calendar.
func (h *handlers) sweep(ctx context.Context, calendar string) {
	list, err := h.records.ReadRooms(ctx)
	if err != nil {
		const message = "could not find the room of a calendar; the next sweep will read it"
		h.Log.WarnContext(ctx, message, "err", err)
		return
	}
	for i := range list.Rooms {
		room := list.Rooms[i].Name
		if list.Rooms[i].Calendar != calendar {
			continue
		}
		if err := h.SweepCalendar(observe.WithRoom(ctx, room), room); err != nil {
			const message = "could not request a sweep; the next one will read the calendar"
			h.Log.WarnContext(ctx, message, "room", room, "err", err)
		}
	}
}
