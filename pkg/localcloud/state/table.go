package state

import "iter"

// Table is rows by key. Its methods are called inside [DB.View] or [DB.Update]. A value that was
// put is not changed afterwards.
type Table[T any] struct {
	name    string
	rows    map[string]*T
	changes map[string]*T // of the running update; nil: deleted
}

// NewTable adds a table to a DB that is not open yet.
func NewTable[T any](db *DB, name string) *Table[T] {
	t := &Table[T]{
		name:    name,
		rows:    map[string]*T{},
		changes: map[string]*T{},
	}
	db.tables[name] = t
	return t
}

// Get returns a row, or nil if there is none.
func (t *Table[T]) Get(key string) *T {
	if changed, ok := t.changes[key]; ok {
		return changed
	}
	return t.rows[key]
}

// Put adds or replaces a row.
func (t *Table[T]) Put(key string, value *T) {
	t.changes[key] = value
}

// Delete removes a row.
func (t *Table[T]) Delete(key string) {
	t.changes[key] = nil
}

// All returns the rows, in no order.
func (t *Table[T]) All() iter.Seq2[string, *T] {
	return func(yield func(string, *T) bool) {
		for key, value := range t.rows {
			if _, changed := t.changes[key]; !changed && !yield(key, value) {
				return
			}
		}
		for key, value := range t.changes {
			if value != nil && !yield(key, value) {
				return
			}
		}
	}
}

// load reads a stored row into memory.
func (t *Table[T]) load(key string, value []byte) error {
	row := new(T)
	if err := decode(value, row); err != nil {
		return err
	}
	t.rows[key] = row
	return nil
}

// changed returns the changes of the transaction. A change without a value deletes its row.
func (t *Table[T]) changed() []change {
	var changes []change
	for key, value := range t.changes {
		c := change{table: t.name, key: key}
		if value != nil { // else a nil pointer would be a value
			c.value = value
		}
		changes = append(changes, c)
	}
	return changes
}

// commit makes the changes of the transaction visible. It is called once they are stored.
func (t *Table[T]) commit() {
	for key, value := range t.changes {
		if value == nil {
			delete(t.rows, key)
		} else {
			t.rows[key] = value
		}
	}
	t.discard()
}

// discard drops the changes of the transaction.
func (t *Table[T]) discard() {
	clear(t.changes)
}
