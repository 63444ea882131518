package storage

import (
	"encoding/base64"
	"strconv"
	"strings"

	raw "google.golang.org/api/storage/v1"
)

// pageSize is the most that a page of a list holds.
const pageSize = 1000

// lister collects one page of a list.
type lister struct {
	prefix, delimiter, end string
	left                   int
	page                   raw.Objects
	next                   string // where the next page starts; empty: at the end
}

// list answers objects.list, with prefix, delimiter, offsets and pages.
func (b *bucket) list(c *call) error {
	q := c.query
	for _, unserved := range []string{"matchGlob", "filter"} {
		if q.Get(unserved) != "" {
			return invalid("%s is not served here", unserved)
		}
	}
	l := &lister{
		prefix:    q.Get("prefix"),
		delimiter: q.Get("delimiter"),
		end:       q.Get("endOffset"),
		left:      pageSize,
	}
	l.page.Kind = "storage#objects"
	if n, err := strconv.Atoi(q.Get("maxResults")); err == nil && n > 0 {
		l.left = min(n, pageSize)
	}
	from := max(q.Get("startOffset"), l.prefix)
	if token := q.Get("pageToken"); token != "" {
		name, err := base64.URLEncoding.DecodeString(token)
		if err != nil || len(name) == 0 {
			return invalid("Invalid page token: %q", token)
		}
		from = max(from, string(name))
	}
	for {
		// A folder that was folded into a prefix is not walked to its end: the walk continues
		// behind it.
		skipTo := ""
		err := b.walk(
			l.prefix, from, func(o *object) bool {
				return l.add(b.name, c.self(), o, &skipTo)
			},
		)
		if err != nil {
			return err
		}
		if skipTo == "" {
			break
		}
		from = skipTo
	}
	if l.next != "" {
		l.page.NextPageToken = base64.URLEncoding.EncodeToString([]byte(l.next))
	}
	return c.answer(&l.page)
}

// add takes an object into the page. It returns false when the page is full. skipTo is set to the
// name that the walk goes on at, if a whole folder was folded into a prefix.
func (l *lister) add(bucket, self string, o *object, skipTo *string) bool {
	switch {
	case l.end != "" && o.Name >= l.end:
		return false
	case l.left == 0:
		l.next = o.Name
		return false
	}
	l.left--
	if l.delimiter != "" {
		head, _, folded := strings.Cut(o.Name[len(l.prefix):], l.delimiter)
		if folded {
			prefix := l.prefix + head + l.delimiter
			l.page.Prefixes = append(l.page.Prefixes, prefix)
			*skipTo = behind(prefix)
			return false
		}
	}
	l.page.Items = append(l.page.Items, o.resource(bucket, self))
	return true
}

// behind returns the first name after all names that begin with a prefix. Names are UTF-8, so the
// last byte of a prefix is below 0xff.
func behind(prefix string) string {
	last := len(prefix) - 1
	return prefix[:last] + string([]byte{prefix[last] + 1})
}
