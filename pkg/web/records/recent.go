package records

import "sync"

// recent keeps the values that were put last. It is safe for concurrent use.
type recent[K comparable, V any] struct {
	limit int

	mu    sync.Mutex
	known map[K]V
	order []K // the oldest first
}

// newRecent returns an empty cache of at most so many values.
func newRecent[K comparable, V any](limit int) *recent[K, V] {
	return &recent[K, V]{limit: limit, known: map[K]V{}}
}

// get returns the value of a key. ok is false if it is not known, or no longer.
func (c *recent[K, V]) get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	value, ok = c.known[key]
	return value, ok
}

// put stores a value, in place of the oldest one if there are many. A key keeps its first value.
func (c *recent[K, V]) put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.known[key]; ok {
		return
	}
	if len(c.order) == c.limit {
		delete(c.known, c.order[0])
		c.order = c.order[1:]
	}
	c.known[key] = value
	c.order = append(c.order, key)
}
