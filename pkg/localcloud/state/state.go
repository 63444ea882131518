// Package state keeps the rows of a stand-in in memory and in an SQLite file.
//
// Reads come from memory. An update is one transaction of the file, which ends before the update
// is visible and before anything is answered. After a kill at any instant the rows are therefore
// as they were before or after an update. An update survives its process, and a power cut from
// the next checkpoint on: the file is not synced at each transaction. One process at a time may
// have a file open.
//
// The package knows JSON and SQL. It knows no API. Start with [New], [NewTable], then [DB.Open].
package state

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver
)

// file is the name of the database in its folder.
const file = "state.db"

// schema holds one row of any table in one row. Values are JSON.
const schema = `CREATE TABLE IF NOT EXISTS rows (
	tab   TEXT NOT NULL,
	id    TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (tab, id)
) WITHOUT ROWID`

// DB is a set of tables in one file.
type DB struct {
	dir string

	mu     sync.RWMutex
	sql    *sql.DB
	put    *sql.Stmt
	remove *sql.Stmt
	tables map[string]table
}

// table is what a DB needs of a [Table], whatever its type of rows.
type table interface {
	load(key string, value []byte) error
	changed() []change
	commit()
	discard()
}

// change is a row that an update put or deleted.
type change struct {
	table string
	key   string
	value any // nil: deleted
}

// New returns a DB in a folder. Tables are added before it is opened.
func New(dir string) *DB {
	return &DB{dir: dir, tables: map[string]table{}}
}

// Open makes the folder and the file if they do not exist, and reads all rows. A journal that a
// version before wrote in the folder is taken over.
func (db *DB) Open() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := os.MkdirAll(db.dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of a stand-in's state: %w", err)
	}
	path := filepath.Join(db.dir, file)
	if err := db.open(path); err != nil {
		return errors.Join(fmt.Errorf("open %s: %w", path, err), db.close())
	}
	return nil
}

// open opens the file for this process alone. With synchronous(NORMAL) a commit survives a kill of the
// process, and may be lost with the power of the machine.
func (db *DB) open(path string) error {
	pragmas := url.Values{"_pragma": {
		"busy_timeout(5000)", // a process that was killed may still be ending
		"locking_mode(EXCLUSIVE)",
		"journal_mode(WAL)",
		"synchronous(NORMAL)",
	}}
	var err error
	db.sql, err = sql.Open("sqlite", "file:"+url.PathEscape(path)+"?"+pragmas.Encode())
	if err != nil {
		return err
	}
	db.sql.SetMaxOpenConns(1)
	if _, err := db.sql.Exec(schema); err != nil {
		return err
	}
	if err := db.prepare(); err != nil {
		return err
	}
	if err := db.takeOverJournal(filepath.Join(db.dir, "journal")); err != nil {
		return err
	}
	return db.readRows()
}

// prepare prepares the two statements that write rows.
func (db *DB) prepare() error {
	var err error
	const put = "INSERT INTO rows (tab, id, value) VALUES (?, ?, ?) " +
		"ON CONFLICT (tab, id) DO UPDATE SET value = excluded.value"
	if db.put, err = db.sql.Prepare(put); err != nil {
		return err
	}
	db.remove, err = db.sql.Prepare("DELETE FROM rows WHERE tab = ? AND id = ?")
	return err
}

// readRows fills the tables.
func (db *DB) readRows() (err error) {
	found, err := db.sql.Query("SELECT tab, id, value FROM rows")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var name, key string
		var value []byte
		if err := found.Scan(&name, &key, &value); err != nil {
			return err
		}
		if err := db.load(name, key, value); err != nil {
			return err
		}
	}
	return found.Err()
}

// load puts a row into memory.
func (db *DB) load(name, key string, value []byte) error {
	t := db.tables[name]
	if t == nil {
		return fmt.Errorf("unknown table %q", name)
	}
	if err := t.load(key, value); err != nil {
		return fmt.Errorf("row %q of %s: %w", key, name, err)
	}
	return nil
}

// View runs a function that only reads.
func (db *DB) View(read func()) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	read()
}

// Update runs a function that reads and changes rows. Either all its changes happen or, if it
// returns an error, none. Reads inside it see its own changes.
func (db *DB) Update(do func() error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	defer func() {
		for _, t := range db.tables {
			t.discard()
		}
	}()
	if err := do(); err != nil {
		return err
	}
	var changes []change
	for _, t := range db.tables {
		changes = append(changes, t.changed()...)
	}
	if len(changes) == 0 {
		return nil
	}
	if err := db.write(changes); err != nil {
		return fmt.Errorf("write a stand-in's state: %w", err)
	}
	for _, t := range db.tables {
		t.commit()
	}
	return nil
}

// write makes changes in one transaction.
func (db *DB) write(changes []change) error {
	tx, err := db.sql.Begin()
	if err != nil {
		return err
	}
	//nolint:sqlclosecheck // the end of the transaction closes them
	put, remove := tx.Stmt(db.put), tx.Stmt(db.remove)
	for _, c := range changes {
		if c.value == nil {
			_, err = remove.Exec(c.table, c.key)
		} else {
			err = putRow(put, c)
		}
		if err != nil {
			err = fmt.Errorf("row %q of %s: %w", c.key, c.table, err)
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// putRow writes a row as JSON.
func putRow(put *sql.Stmt, c change) error {
	value, err := json.Marshal(c.value)
	if err != nil {
		return err
	}
	_, err = put.Exec(c.table, c.key, string(value))
	return err
}

// Close closes the file. No view and no update may follow.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.close()
}

// close closes the file, if it was opened.
func (db *DB) close() error {
	if db.sql == nil {
		return nil
	}
	return db.sql.Close() // it closes the statements, too
}

// decode reads a row as a version of this program wrote it. Numbers without a type are
// [json.Number].
func decode(value []byte, row any) error {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	return decoder.Decode(row)
}
