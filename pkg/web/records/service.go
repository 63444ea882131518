package records

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Service reads records, rooms and footage for the page and the APIs. It is safe for concurrent
// use.
type Service struct {
	Store   Store
	Catalog *i18n.Catalog
	Now     func() time.Time
	Log     *slog.Logger
	Watcher *Watcher

	// OpenRecords is the quota of [Service.Insert].
	OpenRecords int

	// Retention is how long footage is kept. 0: for ever.
	Retention time.Duration

	// Policy and Domains are what [Service.CheckAllowed] asks for.
	Policy  Policy
	Domains []string

	// Report reads the report of a record's merge as JSON. It returns nil without an error if there is
	// none. It may be nil itself.
	Report func(ctx context.Context, r nvr.Record) ([]byte, error)

	summaries *recent[string, *Summary] // by [summaryKey]; the report of a digest never changes
	rooms     atomic.Pointer[RoomList]  // last list that was read; nil: none
}

// minPoll bounds how often the watcher reads the database, whatever the time scale.
const minPoll = 50 * time.Millisecond

// New returns a service. The scale divides the watcher's pause, as it divides all pauses of a
// local run.
func New(s Store, catalog *i18n.Catalog, now func() time.Time, log *slog.Logger, scale float64) *Service {
	service := &Service{
		Store:   s,
		Catalog: catalog,
		Now:     now,
		Log:     log,

		OpenRecords: DefaultOpenRecords,

		summaries: newRecent[string, *Summary](summariesKept),
	}
	service.Watcher = &Watcher{
		read:     s.Records.ByID,
		encode:   service.Encode,
		every:    max(time.Duration(float64(pollEvery)/scale), minPoll),
		now:      now,
		log:      log,
		subjects: map[int64]*subject{},
	}
	return service
}
