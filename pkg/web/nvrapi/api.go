package nvrapi

import (
	"log/slog"
	"net/http"

	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/locale"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// API is the NVR's API.
type API struct {
	records *records.Service
	words   *locale.Catalog
	log     *slog.Logger
}

// New returns the NVR's API, behind keys.
func New(service *records.Service, words *locale.Catalog, log *slog.Logger) http.Handler {
	s := &API{records: service, words: words, log: log}
	return auth.RequireKey(service.Store.Keys, log, httpapi.WriteError, http.HandlerFunc(s.serveNVR))
}
