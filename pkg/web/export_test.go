package web

import "net/http"

// NewApart is [New] with options of its own for each of the two handlers, as in the cloud.
func NewApart(api, form Options) http.Handler {
	return choose(newHandlers(api).api(), newHandlers(form).form())
}
