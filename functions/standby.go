package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/wire"
)

// Standby is woken by Cloud Scheduler with an empty body, and does the work of claim while that is silent.
// See [pipeline.Pipeline.StandBy].
func Standby(p *wire.Process) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(r.Context(), w, p, p.StandBy(r.Context()))
	}), nil
}
