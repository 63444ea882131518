package api

import (
	"net/url"
	"regexp"
	"strings"
)

// FileID returns the id of the Drive file that a link leads to, Google's or a stand-in's, or "".
func FileID(link string) string {
	if found := regexp.MustCompile(
		`/d/([A-Za-z0-9_-]+)(/|$|\?)`,
	).FindStringSubmatch(link); found != nil {
		return found[1]
	}
	if u, err := url.Parse(link); err == nil && strings.HasPrefix(u.Host, "drive.google.") {
		return u.Query().Get("id")
	}
	return ""
}
