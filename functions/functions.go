package functions

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/wire"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// Names are the functions, in the order of the flow.
func Names() []string {
	return []string{"form", "api", "calendar", "claim", "standby", "stage", "upload", "link", "fail"}
}

// Function is one of them, ready to serve. Close it.
type Function struct {
	http.Handler
	Close func() error
}

// New opens what the function of this name needs, and no more: the only switch over names.
func New(ctx context.Context, name string, c *config.Config, log *slog.Logger, now func() time.Time) (*Function, error) {
	var parts []wire.Part
	var handler func(*wire.Process) (http.Handler, error)
	switch name {
	case "form":
		parts, handler = []wire.Part{wire.Store, wire.Buckets, wire.Topics}, Form
	case "api":
		parts, handler = []wire.Part{wire.Store, wire.Buckets, wire.Topics}, API
	case "calendar":
		parts, handler = []wire.Part{wire.Store, wire.Buckets, wire.Workspace(workspace.CalendarScopes())}, Calendar
	case "claim":
		parts, handler = []wire.Part{wire.Store, wire.Topics, wire.Jobs, wire.Notices}, Claim
	case "standby":
		parts, handler = []wire.Part{wire.Store, wire.Topics, wire.Jobs, wire.Notices}, Standby
	case "stage":
		parts, handler = []wire.Part{wire.Store, wire.Buckets, wire.Topics, wire.Jobs, wire.Workspace(workspace.StageScopes()), wire.Notices, wire.Tools}, Stage
	case "upload":
		parts, handler = []wire.Part{wire.Store, wire.Buckets, wire.Topics, wire.Workspace(workspace.UploadScopes()), wire.Notices}, Upload
	case "link":
		parts, handler = []wire.Part{wire.Store, wire.Buckets, wire.Topics, wire.Workspace(workspace.LinkScopes()), wire.Notices}, Link
	case "fail":
		parts, handler = []wire.Part{wire.Store, wire.Notices}, Fail
	default:
		return nil, fmt.Errorf("no function %q: FUNCTION_TARGET is one of %v", name, Names())
	}
	p, err := wire.New(ctx, c, log, now, parts...)
	if err != nil {
		return nil, fmt.Errorf("open function %s: %w", name, err)
	}
	served, err := handler(p)
	if err != nil {
		return nil, fmt.Errorf("open function %s: %w", name, err)
	}
	if name != "form" && name != "api" {
		served = posted(served)
	}
	return &Function{Handler: served, Close: p.Close}, nil
}
