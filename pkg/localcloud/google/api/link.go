package api

import (
	"net/url"
	"regexp"
	"strings"
)

// FileID finds the id of a Drive file in a link to it, Google's or a stand-in's; "" if it is
// none.
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
