package nvr

import (
	"slices"
	"strings"
)

// DomainOf returns the domain of an address in lower case. It is empty if the address has none.
func DomainOf(address string) string {
	_, domain, _ := strings.Cut(strings.TrimSpace(address), "@")
	return strings.ToLower(domain)
}

// InDomains reports whether an address is of one of the domains.
func InDomains(address string, domains []string) bool {
	domain := DomainOf(address)
	return domain != "" && slices.ContainsFunc(domains, func(d string) bool {
		return strings.EqualFold(d, domain)
	})
}
