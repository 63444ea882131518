package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/config"
)

func TestDomains(t *testing.T) {
	t.Parallel()
	google := config.Config{DriveSubject: "nvr@Example.org", CalendarSubject: "cal@example.org"}
	local := config.Config{DriveSubject: "nvr@localhost", WorkspaceEndpoint: "http://127.0.0.1/workspace"}
	for _, test := range []struct {
		about       string
		c           config.Config
		change      func(*config.Config)
		own, shared []string
	}{
		{"of the accounts", google, func(*config.Config) {}, []string{"example.org"}, []string{"example.org"}},
		{
			"named",
			google,
			func(c *config.Config) { c.Domains = []string{"a.org", " b.org "} },
			[]string{"a.org", "b.org"},
			[]string{"a.org", "b.org"},
		},
		{
			"shared with others",
			google,
			func(c *config.Config) { c.ShareDomains = []string{"example.org", "Partner.org"} },
			[]string{"example.org"},
			[]string{"example.org", "partner.org"},
		},
		{
			"shared with all",
			google,
			func(c *config.Config) { c.ShareDomains = []string{"*"} },
			[]string{"example.org"},
			nil,
		},
		{"stand-ins", local, func(*config.Config) {}, []string{"localhost"}, nil},
		{
			"stand-ins with a domain",
			local,
			func(c *config.Config) { c.ShareDomains = []string{"example.org"} },
			[]string{"localhost", "example.org"},
			[]string{"example.org"},
		},
	} {
		test.change(&test.c)
		if diff := cmp.Diff(test.own, test.c.WorkspaceDomains()); diff != "" {
			t.Errorf("%s: own (-want +got):\n%s", test.about, diff)
		}
		if diff := cmp.Diff(test.shared, test.c.SharedDomains()); diff != "" {
			t.Errorf("%s: shared (-want +got):\n%s", test.about, diff)
		}
	}
}
