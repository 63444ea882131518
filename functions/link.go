package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Link handles the messages of topic link. See [pipeline.Pipeline.Link].
func Link(p *app.Process) (http.Handler, error) {
	return stepHandler(p, nvr.StepLink, p.Pipeline.Link), nil
}
