package api

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"net/url"
)

// place is what a page token holds: where the next page begins, and of which listing.
type place struct {
	From  int    `json:"f"`
	Scope uint32 `json:"s"`
}

// Page returns the part [from, to) of a list of n items that answers a call, and the token of the
// next page, which is "" on the last. size is the number of items a page. Pages are counted from
// the start: they shift when the list changes between calls, as Google's may.
func Page(c *Call, n, size int) (from, to int, next string, err error) {
	scope := c.scope()
	if token := c.Query.Get("pageToken"); token != "" {
		var at place
		text, err := base64.RawURLEncoding.DecodeString(token)
		if err == nil {
			err = json.Unmarshal(text, &at)
		}
		if err != nil || at.Scope != scope || at.From < 0 {
			return 0, 0, "", Invalid("pageToken", "Invalid Value")
		}
		from = min(at.From, n)
	}
	to = min(from+size, n)
	if to < n {
		text, err := json.Marshal(place{From: to, Scope: scope})
		if err != nil {
			return 0, 0, "", err
		}
		next = base64.RawURLEncoding.EncodeToString(text)
	}
	return from, to, next, nil
}

// scope returns a digest of what a listing is asked for, so that a token of one listing is
// refused by another.
func (c *Call) scope() uint32 {
	query := url.Values{}
	for name, values := range c.Query {
		switch name {
		case "pageToken", "fields", "alt", "prettyPrint", "key", "quotaUser", "pageSize", "maxResults":
		default:
			query[name] = values
		}
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(c.Request.URL.EscapedPath() + "?" + query.Encode()))
	return sum.Sum32()
}
