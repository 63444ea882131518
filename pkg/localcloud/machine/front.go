package machine

import (
	"net/http"
	"net/http/httputil"
	"strings"

	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// routeInside serves what is not for people of other machines: each function at /functions/<name>, and /metrics. The
// stand-ins for Google Workspace are beside them.
func (m *machine) routeInside(inside *http.ServeMux) {
	for _, name := range m.o.Functions {
		inside.Handle("/functions/"+name, m.forward(name, true))
	}
	inside.HandleFunc("POST /functions/verify", m.serveVerify)
	inside.Handle("GET /metrics", m.metrics.Handler())
	if m.inside != m.front { // the stand-in for Calendar notifies here
		inside.Handle("/calendar-notifications/", m.forward("api", false))
	}
}

// routePages serves form and api at their own paths.
func (m *machine) routePages(front *http.ServeMux) {
	front.Handle("GET /healthz", m.health)
	form, api := m.forward("form", false), m.forward("api", false)
	front.Handle("/", form)
	for _, path := range []string{"/montage-event/", "/rooms", "/rooms/", "/records/", "/calendar-notifications/"} {
		front.Handle(path, api)
	}
	front.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("key") != "" {
			api.ServeHTTP(w, r)
			return
		}
		form.ServeHTTP(w, r) // the page's own session
	})
}

// forward passes requests on to a function. With root, all paths become the function's one path. A body is read
// before: a function that answers without reading it would otherwise break the connection under the answer.
func (m *machine) forward(name string, root bool) http.Handler {
	return httpapi.BufferBody(httpapi.WriteError, m.health.database.refuseWrites(&httputil.ReverseProxy{
		Transport:     m.transport,
		FlushInterval: -1, // server-sent events arrive at once
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.URL.Host = "127.0.0.1:" + m.ports[name]
			r.Out.Host = r.In.Host
			r.SetXForwarded()
			if s := m.o.SignIn; s != nil && strings.HasPrefix(s.PublicURL, "https://") { // a proxy ends TLS
				r.Out.Header.Set("X-Forwarded-Proto", "https")
			}
			// Wrong keys are counted by address.
			r.Out.Header.Set("X-Forwarded-For", httpapi.ClientAddress(r.In, m.o.TrustedProxies))
			if root {
				r.Out.URL.Path, r.Out.URL.RawPath = "/", ""
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			m.log.WarnContext(
				r.Context(), "a function does not answer; it is restarting",
				"function", name,
				"err", err,
			)
			w.Header().Set("Retry-After", "1")
			http.Error(w, "function "+name+" is restarting", http.StatusBadGateway)
		},
	}))
}
