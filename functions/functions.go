package functions

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/config"
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
	var parts []app.Part
	var handler func(*app.Process) (http.Handler, error)
	switch name {
	case "form":
		parts, handler = []app.Part{app.Store, app.Buckets, app.Topics}, Form
	case "api":
		parts, handler = []app.Part{app.Store, app.Buckets, app.Topics}, API
	case "calendar":
		parts, handler = []app.Part{app.Store, app.Buckets, app.Workspace(workspace.CalendarScopes())}, Calendar
	case "claim":
		parts, handler = []app.Part{app.Store, app.Topics, app.Jobs, app.Notices}, Claim
	case "standby":
		parts, handler = []app.Part{app.Store, app.Topics, app.Jobs, app.Notices}, Standby
	case "stage":
		parts, handler = []app.Part{app.Store, app.Buckets, app.Topics, app.Jobs, app.Workspace(workspace.StageScopes()), app.Notices, app.Tools}, Stage
	case "upload":
		parts, handler = []app.Part{app.Store, app.Buckets, app.Topics, app.Workspace(workspace.UploadScopes()), app.Notices}, Upload
	case "link":
		parts, handler = []app.Part{app.Store, app.Buckets, app.Topics, app.Workspace(workspace.LinkScopes()), app.Notices}, Link
	case "fail":
		parts, handler = []app.Part{app.Store, app.Notices}, Fail
	default:
		return nil, fmt.Errorf("no function %q: FUNCTION_TARGET is one of %v", name, Names())
	}
	p, err := app.New(ctx, c, log, now, parts...)
	if err != nil {
		return nil, fmt.Errorf("open function %s: %w", name, err)
	}
	served, err := handler(p)
	if err != nil {
		return nil, fmt.Errorf("open function %s: %w", name, err)
	}
	if name != "form" && name != "api" {
		served = requirePOST(served)
	}
	return &Function{Handler: served, Close: p.Close}, nil
}
