package functions

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// Names returns the names of all functions, in the order in which a record passes them.
func Names() []string {
	return []string{"form", "api", "calendar", "claim", "standby", "stage", "upload", "link", "fail"}
}

// Function is an opened function. Close it after use.
type Function struct {
	http.Handler
	Close func() error
}

// New opens the function of a name, with only the parts that it needs.
func New(ctx context.Context, name string, c *config.Config, log *slog.Logger, now func() time.Time) (*Function, error) {
	d, found := definitionOf(name)
	if !found {
		return nil, fmt.Errorf("no function %q: FUNCTION_TARGET is one of %v", name, Names())
	}
	p, err := app.New(ctx, c, log, now, d.parts...)
	if err != nil {
		return nil, fmt.Errorf("open function %s: %w", name, err)
	}
	served, err := d.handler(p)
	if err != nil {
		return nil, fmt.Errorf("open function %s: %w", name, err)
	}
	if name != "form" && name != "api" {
		served = httpapi.LimitBodyTime(requirePOST(served))
	}
	return &Function{Handler: served, Close: p.Close}, nil
}

// definition is what a function consists of.
type definition struct {
	handler func(*app.Process) (http.Handler, error)
	parts   []app.Part
}

// definitionOf returns the definition of a function, and whether there is one of this name.
func definitionOf(name string) (d definition, found bool) {
	switch name {
	case "form":
		return definition{Form, []app.Part{app.Store, app.Buckets, app.Topics}}, true
	case "api":
		return definition{API, []app.Part{app.Store, app.Buckets, app.Topics}}, true
	case "calendar":
		calendar := app.Workspace(workspace.CalendarScopes())
		return definition{Calendar, []app.Part{app.Store, app.Buckets, calendar}}, true
	case "claim":
		return definition{Claim, []app.Part{app.Store, app.Topics, app.Jobs, app.Notices}}, true
	case "standby":
		return definition{Standby, []app.Part{app.Store, app.Topics, app.Jobs, app.Notices}}, true
	case "stage":
		drive := app.Workspace(workspace.StageScopes())
		parts := []app.Part{
			app.Store,
			app.Buckets,
			app.Topics,
			app.Jobs,
			drive,
			app.Notices,
			app.Tools,
		}
		return definition{Stage, parts}, true
	case "upload":
		drive := app.Workspace(workspace.UploadScopes())
		return definition{
			Upload,
			[]app.Part{app.Store, app.Buckets, app.Topics, drive, app.Notices},
		}, true
	case "link":
		domain := app.Workspace(workspace.LinkScopes())
		return definition{
			Link,
			[]app.Part{app.Store, app.Buckets, app.Topics, domain, app.Notices},
		}, true
	case "fail":
		return definition{Fail, []app.Part{app.Store, app.Notices}}, true
	}
	return definition{}, false
}
