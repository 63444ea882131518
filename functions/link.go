package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Link is woken by topic link; see [pipeline.Pipeline.Link].
func Link(p *app.Process) (http.Handler, error) {
	return stepHandler(p, nvr.StepLink, p.Pipeline.Link), nil
}
