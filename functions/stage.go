package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/wire"
)

// Stage is woken by topic stage; see [pipeline.Pipeline.Stage].
func Stage(p *wire.Process) (http.Handler, error) {
	return woken(p, nvr.StepStage, p.Pipeline.Stage), nil
}
