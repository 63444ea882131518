package store

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoFile means that the database is on a server, which has its own backups.
var ErrNoFile = errors.New("the database is not a file")

const (
	vacuumInto     = `vacuum into ?`
	integrityCheck = `pragma integrity_check(1)`
)

// Backup writes a copy of a SQLite database as it is at this moment into a new file. Other processes may go on
// writing meanwhile. It returns [ErrNoFile] for a database on a server.
func (s *Store) Backup(ctx context.Context, file string) error {
	if s.dialect.name != sqliteDialect().name {
		return ErrNoFile
	}
	// One read transaction gives the copy: https://sqlite.org/lang_vacuum.html#vacuuminto
	if _, err := s.read.ExecContext(ctx, vacuumInto, file); err != nil {
		return fmt.Errorf("copy the database into %s: %w", file, err)
	}
	return nil
}

// CheckIntegrity returns an error if the file of a SQLite database is damaged.
func (s *Store) CheckIntegrity(ctx context.Context) error {
	var result string
	scan := func(row scanner) error { return row.Scan(&result) }
	if err := s.row(ctx, scan, integrityCheck); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if result != "ok" {
		return fmt.Errorf("the database is damaged: %s", result)
	}
	return nil
}
