package httpapi_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

func TestOwnSiteOnly(t *testing.T) {
	t.Parallel()
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	names := []string{"127.0.0.1", "localhost", "::1"}
	local := httpapi.OwnSiteOnly(httpapi.Site{Hosts: names}, httpapi.WriteProblem, next)
	anywhere := httpapi.OwnSiteOnly(httpapi.Site{}, httpapi.WriteProblem, next)
	public := httpapi.OwnSiteOnly(
		httpapi.Site{Hosts: names, Origin: "https://nvr.example.org"},
		httpapi.WriteProblem,
		next,
	)
	tests := []struct {
		name          string
		handler       http.Handler
		method, host  string
		header, value string
		status        int
	}{
		{"an address", local, "GET", "127.0.0.1:8080", "", "", 204},
		{"a name", local, "GET", "LocalHost", "", "", 204},
		{"IPv6", local, "GET", "[::1]:8080", "", "", 204},
		{"a foreign name", local, "GET", "rebound.example:8080", "", "", 403},
		{"a name that begins like an own one", local, "GET", "localhost.example", "", "", 403},
		{"no name", local, "GET", "", "", "", 403},
		{"a program", local, "POST", "localhost:8080", "", "", 204},
		{"an own page", local, "POST", "localhost:8080", "Origin", "http://localhost:8080", 204},
		{"a foreign page", local, "POST", "localhost:8080", "Origin", "https://evil.example", 403},
		{"a page without an origin", local, "POST", "localhost:8080", "Origin", "null", 403},
		{"a page of another port", local, "POST", "localhost:8080", "Sec-Fetch-Site", "same-site", 403},
		{"a foreign page that reads", local, "GET", "localhost:8080", "Sec-Fetch-Site", "cross-site", 204},
		{"the public name", public, "GET", "nvr.example.org", "", "", 204},
		{"not the public name", public, "GET", "nvr.example", "", "", 403},
		{"a public page", public, "POST", "nvr.example.org", "Origin", "https://nvr.example.org", 204},
		{"a proxy that changes Host", public, "POST", "127.0.0.1:8080", "Origin", "https://nvr.example.org", 204},
		{"the public name, a foreign page", public, "POST", "nvr.example.org", "Origin", "https://evil.example", 403},
		{"the public name over HTTP", public, "POST", "127.0.0.1", "Origin", "http://nvr.example.org", 403},
		{"the public name, no origin", public, "POST", "nvr.example.org", "Sec-Fetch-Site", "cross-site", 403},
		{"any name", anywhere, "GET", "nvr.example", "", "", 204},
		{"any name, a foreign page", anywhere, "POST", "nvr.example", "Sec-Fetch-Site", "cross-site", 403},
	}
	for _, test := range tests {
		r := httptest.NewRequest(test.method, "/functions/claim", nil)
		r.Host = test.host
		if test.header != "" {
			r.Header.Set(test.header, test.value)
		}
		if got := serve(test.handler, r).Code; got != test.status {
			t.Errorf("%s: status %d, want %d", test.name, got, test.status)
		}
	}
}

func TestLocalHosts(t *testing.T) {
	t.Parallel()
	own := []string{"127.0.0.1", "localhost", "::1"}
	tests := []struct {
		ip   string
		want []string
	}{
		{"127.0.0.1", own},
		{"::1", own},
		{"0.0.0.0", nil},
		{"192.0.2.1", nil},
	}
	for _, test := range tests {
		address := &net.TCPAddr{IP: net.ParseIP(test.ip), Port: 8080}
		if diff := cmp.Diff(test.want, httpapi.LocalHosts(address)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.ip, diff)
		}
	}
}
