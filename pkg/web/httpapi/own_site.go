package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Site is what a server is called.
type Site struct {
	Hosts []string // names without ports; empty: any

	// Origin is the public address behind a reverse proxy, like https://nvr.example.org. Its host is one
	// of the names, and pages of it may write, also if the proxy changes the header Host. Empty: none.
	Origin string
}

// OwnSiteOnly passes only requests that do not come from another web site. All others get 403. It
// refuses
//   - a host that is not one of the names, so that a foreign DNS name which points to this
//     machine reads nothing (DNS rebinding);
//   - a write that a browser marks as cross-origin. Programs send no such mark and pass.
func OwnSiteOnly(site Site, fail ErrorWriter, next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	hosts := site.Hosts
	if public, err := url.Parse(site.Origin); err == nil && public.Host != "" && len(hosts) > 0 {
		hosts = append(slices.Clone(hosts), public.Hostname())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		public := site.Origin != "" && r.Header.Get("Origin") == site.Origin
		if !isOwnHost(hosts, r.Host) || !public && origins.Check(r) != nil {
			fail(w, r, http.StatusForbidden, "the request comes from another site")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isOwnHost reports whether a Host header, with or without a port, is one of the names.
func isOwnHost(hosts []string, header string) bool {
	if len(hosts) == 0 {
		return true
	}
	host := (&url.URL{Host: header}).Hostname()
	return slices.ContainsFunc(hosts, func(own string) bool {
		return strings.EqualFold(own, host)
	})
}

// LocalHosts returns the names for [OwnSiteOnly] of a server that listens at an address. It
// returns none for an address that other machines reach, since their name of this machine is
// unknown.
func LocalHosts(address net.Addr) []string {
	listening, err := netip.ParseAddrPort(address.String())
	if err != nil || !listening.Addr().IsLoopback() {
		return nil
	}
	return LoopbackHosts()
}

// LoopbackHosts returns the names by which this machine reaches itself.
func LoopbackHosts() []string { return []string{"127.0.0.1", "localhost", "::1"} }
