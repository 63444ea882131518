package v1

import (
	"context"
	_ "embed"
	"log/slog"
	"net/http"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/locale"
	"github.com/nvr-miem/merger/pkg/web/records"
)

//go:embed openapi.yaml
var openAPI []byte

// API is /api/v1.
type API struct {
	records *records.Service
	words   *locale.Catalog
	limits  *httpapi.Limits
	log     *slog.Logger

	// Report reads the report of a record's merge as JSON; nil without an error if there is none (yet).
	Report func(ctx context.Context, r nvr.Record) ([]byte, error)
}

// New returns /api/v1 for a caller that the request's context carries.
func New(service *records.Service, words *locale.Catalog, limits *httpapi.Limits, log *slog.Logger, report func(context.Context, nvr.Record) ([]byte, error)) http.Handler {
	s := &API{records: service, words: words, limits: limits, log: log, Report: report}
	return http.HandlerFunc(s.serveV1)
}
