package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/wire"
)

// Link is woken by topic link; see [pipeline.Pipeline.Link].
func Link(p *wire.Process) (http.Handler, error) { return woken(p, nvr.StepLink, p.Pipeline.Link), nil }
