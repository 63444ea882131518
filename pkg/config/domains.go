package config

import (
	"slices"
	"strings"
)

// WorkspaceDomains returns the domains of the Workspace: DOMAINS, else those of the accounts that the product acts
// as.
func (c *Config) WorkspaceDomains() []string {
	domains := c.Domains
	if len(domains) == 0 {
		accounts := append([]string{c.DriveSubject, c.CalendarSubject, c.ClassroomSubject}, c.DriveUploaders...)
		for _, account := range accounts {
			_, domain, _ := strings.Cut(account, "@")
			domains = append(domains, domain)
		}
	}
	var out []string
	for _, domain := range domains {
		domain = strings.ToLower(strings.TrimSpace(domain))
		if domain != "" && !slices.Contains(out, domain) {
			out = append(out, domain)
		}
	}
	return out
}
