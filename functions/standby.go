package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/app"
)

// Standby is called by Cloud Scheduler with an empty body. It does the work of claim if claim has not run.
// See [pipeline.Pipeline.Standby].
func Standby(p *app.Process) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeResult(r.Context(), w, p, p.Standby(r.Context()))
	}), nil
}
