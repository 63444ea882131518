// Package journal keeps rows in memory and on disk, so that after a kill at any instant the rows are as
// they were before or after a change, never in between.
//
// It knows files and JSON, no API. Each change is one line that is appended; opening reads the lines and
// drops a last one that was torn. It outlives its process, not a power cut: lines are not forced to the
// disk one by one. It holds one process at a time. Start with [New], [NewTable], then [Journal.Open].
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// slackBytes is how much longer the file may get than its rows need before it is written anew.
const slackBytes = 4 << 20

// Journal is a set of tables in one file.
type Journal struct {
	path string

	mu     sync.RWMutex
	file   *os.File
	bytes  int64 // in the file
	first  int64 // in the file after it was written anew
	tables map[string]rows
}

// rows is what a journal asks of its tables.
type rows interface {
	load(key string, value json.RawMessage) error
	pending() []entry
	commit()
	drop()
	entries() iter.Seq[entry]
}

// entry is one changed row in a line.
type entry struct {
	Table string          `json:"t"`
	Key   string          `json:"k"`
	Value json.RawMessage `json:"v,omitempty"` // none: the row is gone

	value any
}

// New makes a journal that is not open yet: tables come first.
func New(path string) *Journal { return &Journal{path: path, tables: map[string]rows{}} }

// Open reads the file, or makes it.
func (j *Journal) Open() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
		return fmt.Errorf("make the journal's folder: %w", err)
	}
	file, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	j.file = file
	if err := j.read(); err != nil {
		return errors.Join(fmt.Errorf("read the journal %s: %w", j.path, err), file.Close())
	}
	return j.shorten()
}

func (j *Journal) read() error {
	reader := bufio.NewReader(j.file)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			// What was torn was never answered for.
			if len(line) > 0 {
				return j.file.Truncate(j.bytes)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if err := j.replay(line); err != nil {
			return fmt.Errorf("at byte %d: %w", j.bytes, err)
		}
		j.bytes += int64(len(line))
	}
}

func (j *Journal) replay(line []byte) error {
	var entries []entry
	if err := json.Unmarshal(line, &entries); err != nil {
		return err
	}
	for _, e := range entries {
		t := j.tables[e.Table]
		if t == nil {
			return fmt.Errorf("unknown table %q", e.Table)
		}
		if err := t.load(e.Key, e.Value); err != nil {
			return fmt.Errorf("row %q of %s: %w", e.Key, e.Table, err)
		}
	}
	return nil
}

// View runs a function that only reads.
func (j *Journal) View(read func()) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	read()
}

// Update runs a function that reads and changes rows. All its changes happen, or, if it returns an error,
// none. Reads inside it see its own changes.
func (j *Journal) Update(change func() error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer func() {
		for _, t := range j.tables {
			t.drop()
		}
	}()
	if err := change(); err != nil {
		return err
	}
	var entries []entry
	for _, t := range j.tables {
		entries = append(entries, t.pending()...)
	}
	if len(entries) == 0 {
		return nil
	}
	if err := j.append(entries); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	for _, t := range j.tables {
		t.commit()
	}
	return j.shorten()
}

func (j *Journal) append(entries []entry) error {
	line, err := encode(entries)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(line); err != nil {
		return errors.Join(err, j.file.Truncate(j.bytes))
	}
	j.bytes += int64(len(line))
	return nil
}

func encode(entries []entry) ([]byte, error) {
	for i := range entries {
		if entries[i].value == nil {
			continue
		}
		value, err := json.Marshal(entries[i].value)
		if err != nil {
			return nil, fmt.Errorf("row %q of %s: %w", entries[i].Key, entries[i].Table, err)
		}
		entries[i].Value = value
	}
	line, err := json.Marshal(entries)
	return append(line, '\n'), err
}

// shorten writes the file anew when most of it is past.
func (j *Journal) shorten() error {
	if j.bytes < 2*j.first+slackBytes {
		return nil
	}
	next, err := os.OpenFile(j.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("begin a shorter journal: %w", err)
	}
	size, err := j.copyRows(next)
	if err == nil {
		err = next.Sync()
	}
	if err == nil {
		err = os.Rename(next.Name(), j.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write a shorter journal: %w", err), next.Close())
	}
	_ = j.file.Close() // all of it is in the next one
	j.file, j.bytes, j.first = next, size, size
	return nil
}

func (j *Journal) copyRows(w io.Writer) (int64, error) {
	var size int64
	buffered := bufio.NewWriter(w)
	for _, t := range j.tables {
		for e := range t.entries() {
			line, err := encode([]entry{e})
			if err != nil {
				return 0, err
			}
			size += int64(len(line))
			if _, err := buffered.Write(line); err != nil {
				return 0, err
			}
		}
	}
	return size, buffered.Flush()
}

// Close forces what was written to the disk and closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.file.Sync(), j.file.Close())
}

// Table is rows by key. Its methods are called inside [Journal.View] or [Journal.Update]; a value that
// was put is not changed any more.
type Table[T any] struct {
	name    string
	rows    map[string]*T
	changes map[string]*T // of the update that runs; nil: the row is gone
}

// NewTable adds a table to a journal that is not open yet.
func NewTable[T any](j *Journal, name string) *Table[T] {
	t := &Table[T]{name: name, rows: map[string]*T{}, changes: map[string]*T{}}
	j.tables[name] = t
	return t
}

// Get returns a row, nil if there is none.
func (t *Table[T]) Get(key string) *T {
	if changed, ok := t.changes[key]; ok {
		return changed
	}
	return t.rows[key]
}

// Put adds or replaces a row.
func (t *Table[T]) Put(key string, value *T) { t.changes[key] = value }

// Delete removes a row.
func (t *Table[T]) Delete(key string) { t.changes[key] = nil }

// All lists the rows, in no order.
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

func (t *Table[T]) load(key string, value json.RawMessage) error {
	if value == nil {
		delete(t.rows, key)
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	row := new(T)
	if err := decoder.Decode(row); err != nil {
		return err
	}
	t.rows[key] = row
	return nil
}

func (t *Table[T]) pending() []entry {
	var entries []entry
	for key, value := range t.changes {
		e := entry{Table: t.name, Key: key}
		if value != nil {
			e.value = value
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	return entries
}

func (t *Table[T]) commit() {
	for key, value := range t.changes {
		if value == nil {
			delete(t.rows, key)
		} else {
			t.rows[key] = value
		}
	}
	t.drop()
}

func (t *Table[T]) drop() { clear(t.changes) }

func (t *Table[T]) entries() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for key, value := range t.rows {
			if !yield(entry{Table: t.name, Key: key, value: value}) {
				return
			}
		}
	}
}
