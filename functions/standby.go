package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/app"
)

// Standby is woken by Cloud Scheduler with an empty body, and does the work of claim while that is silent.
// See [pipeline.Pipeline.StandBy].
func Standby(p *app.Process) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeResult(r.Context(), w, p, p.Standby(r.Context()))
	}), nil
}
