package functions

import (
	"net/http"

	"github.com/nvr-miem/merger/pkg/app"
)

// Claim is called by Cloud Scheduler or by hand, with an empty body. With ?recover it claims no new records.
// See [pipeline.Pipeline.Claim].
func Claim(p *app.Process) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		do := p.Claim
		if r.URL.Query().Has("recover") {
			do = p.Recover
		}
		writeResult(r.Context(), w, p, do(r.Context()))
	}), nil
}
