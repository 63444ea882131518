package config

import (
	"slices"
	"strings"
)

// The values of REQUEST_POLICY.
const (
	PolicyEvent  = "event"
	PolicyDomain = "domain"
	PolicyAny    = "any"
)

// allDomains in SHARE_DOMAINS means that videos may be shared with everyone.
const allDomains = "*"

// SharedDomains returns the domains that videos may be shared with. Nil means all.
func (c *Config) SharedDomains() []string {
	switch {
	case slices.Contains(c.ShareDomains, allDomains):
		return nil
	case len(c.ShareDomains) > 0:
		return distinct(c.ShareDomains)
	case c.WorkspaceEndpoint != "":
		return nil // stand-ins have no domain
	}
	return c.WorkspaceDomains()
}

// WorkspaceDomains returns the domains of the Workspace: DOMAINS, else those of the accounts that the product acts
// as. With stand-ins, those of SHARE_DOMAINS are among them.
func (c *Config) WorkspaceDomains() []string {
	domains := c.Domains
	if len(domains) == 0 {
		accounts := append([]string{c.DriveSubject, c.CalendarSubject, c.ClassroomSubject}, c.DriveUploaders...)
		for _, account := range accounts {
			_, domain, _ := strings.Cut(account, "@")
			domains = append(domains, domain)
		}
		if c.WorkspaceEndpoint != "" { // stand-ins know no other domain
			domains = append(domains, c.ShareDomains...)
		}
	}
	return distinct(domains)
}

// distinct returns domains in lower case, each once.
func distinct(domains []string) []string {
	var out []string
	for _, domain := range domains {
		domain = strings.ToLower(strings.TrimSpace(domain))
		if domain != "" && domain != allDomains && !slices.Contains(out, domain) {
			out = append(out, domain)
		}
	}
	return out
}
