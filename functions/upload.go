package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Upload handles the messages of topic upload. See [pipeline.Pipeline.Upload].
func Upload(p *app.Process) (http.Handler, error) {
	return stepHandler(p, nvr.StepUpload, p.Pipeline.Upload), nil
}
