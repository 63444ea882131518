package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// TestClientAddress sends X-Forwarded-For through proxies that are trusted and through others.
func TestClientAddress(t *testing.T) {
	t.Parallel()
	const proxies = "127.0.0.1, 10.0.0.0/8, fd00::1"
	for _, test := range []struct {
		name, trusted, peer string
		forwarded           []string
		want                string
	}{
		{"no proxy", "", "192.0.2.1:1", nil, "192.0.2.1"},
		{"a header of a client", "", "192.0.2.1:1", []string{"203.0.113.7"}, "192.0.2.1"},
		{"a header of a client beside proxies", proxies, "192.0.2.1:1", []string{"203.0.113.7"}, "192.0.2.1"},
		{"a proxy", proxies, "127.0.0.1:1", []string{"203.0.113.7"}, "203.0.113.7"},
		{"a proxy without a header", proxies, "127.0.0.1:1", nil, "127.0.0.1"},
		{"two proxies", proxies, "127.0.0.1:1", []string{"203.0.113.7, 10.1.2.3"}, "203.0.113.7"},
		{"two headers", proxies, "127.0.0.1:1", []string{"203.0.113.7", "10.1.2.3"}, "203.0.113.7"},
		{"a spoofed address before", proxies, "127.0.0.1:1", []string{"10.9.9.9, 203.0.113.7"}, "203.0.113.7"},
		{"an address that is none", proxies, "127.0.0.1:1", []string{"203.0.113.7, x"}, "127.0.0.1"},
		{"IPv6", proxies, "[fd00::1]:1", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv4 in IPv6", proxies, "[::ffff:127.0.0.1]:1", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			trusted, err := httpapi.ParseProxies(test.trusted)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = test.peer
			r.Header["X-Forwarded-For"] = test.forwarded
			if got := httpapi.ClientAddress(r, trusted); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestParseProxies(t *testing.T) {
	t.Parallel()
	got, err := httpapi.ParseProxies("127.0.0.1,10.1.2.3/8, ,::1")
	want := []netip.Prefix{
		netip.MustParsePrefix("127.0.0.1/32"),
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("::1/128"),
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" || err != nil {
		t.Errorf("%v, %s", err, diff)
	}
	for _, text := range []string{"localhost", "10.0.0.0/33", "1.2.3"} {
		if _, err := httpapi.ParseProxies(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
