package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Stage handles the messages of topic stage. See [pipeline.Pipeline.Stage].
func Stage(p *app.Process) (http.Handler, error) {
	return stepHandler(p, nvr.StepStage, p.Pipeline.Stage), nil
}
