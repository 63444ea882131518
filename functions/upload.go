package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/wire"
)

// Upload is woken by topic upload; see [pipeline.Pipeline.Upload].
func Upload(p *wire.Process) (http.Handler, error) {
	return woken(p, nvr.StepUpload, p.Pipeline.Upload), nil
}
