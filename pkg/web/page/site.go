package page

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/locale"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// Options are what the pages need.
type Options struct {
	Records *records.Service
	Words   *locale.Catalog
	Log     *slog.Logger
	V1      http.Handler // /api/v1
	OpenAPI http.Handler // its description

	Hosts        []string
	Authenticate func(*http.Request) (auth.User, error)
	Report       func(ctx context.Context, r nvr.Record) ([]byte, error)
	Thumbnail    func(ctx context.Context, r nvr.Record) ([]byte, error)
}

// site is what all pages share.
type site struct {
	Options
	records *records.Service
	words   *locale.Catalog
	log     *slog.Logger
	pages   *pages
}

// New serves people: the pages, and /api/v1 for them.
func New(o Options) http.Handler {
	s := &site{Options: o, records: o.Records, words: o.Words, log: o.Log, pages: parsePages(o.Words)}
	return s.form()
}
