package api

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"net/url"
)

// place is what a page token says: where the next page begins, of which listing.
type place struct {
	From  int    `json:"f"`
	Scope uint32 `json:"s"`
}

// Page tells which part of a list of n to answer with, and the token of the next page, "" on the
// last. Pages are counted off: when the list changes while it is read, they shift, as Google's
// may.
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

// scope is a digest of what a listing is asked for: a token of one is no token of another.
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
