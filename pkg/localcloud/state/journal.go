package state

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// journalEntry is one changed row in a line of a journal. A line is an array of them.
type journalEntry struct {
	Table string          `json:"t"`
	Key   string          `json:"k"`
	Value json.RawMessage `json:"v,omitempty"` // none: the row was deleted
}

// rowKey names a row.
type rowKey struct{ table, key string }

// takeOverJournal moves the rows of a journal into the database. The versions until November 2026
// kept their state in it. The journal is removed before anything changes the database: a kill in
// between leaves both, and the next start takes the same rows over again.
func (db *DB) takeOverJournal(path string) error {
	journal, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	rows, err := readJournal(journal)
	if err = errors.Join(err, journal.Close()); err != nil {
		return fmt.Errorf("take over %s: %w", path, err)
	}
	changes := make([]change, 0, len(rows))
	for row, value := range rows {
		// nothing is written of a broken journal
		if err := db.load(row.table, row.key, value); err != nil {
			return fmt.Errorf("take over %s: %w", path, err)
		}
		changes = append(changes, change{
			table: row.table,
			key:   row.key,
			value: value,
		})
	}
	if err := db.write(changes); err != nil {
		return fmt.Errorf("take over %s: %w", path, err)
	}
	// From here on the rows survive a power cut, too.
	if _, err := db.sql.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("take over %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// readJournal returns the rows that a journal leaves. A last line without its end was never
// answered for, and is left out.
func readJournal(from io.Reader) (map[rowKey]json.RawMessage, error) {
	rows := map[rowKey]json.RawMessage{}
	reader := bufio.NewReader(from)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		var entries []journalEntry
		if err := json.Unmarshal(line, &entries); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		for _, e := range entries {
			row := rowKey{e.Table, e.Key}
			if e.Value == nil {
				delete(rows, row)
			} else {
				rows[row] = e.Value
			}
		}
	}
}
