//go:build !unix

package store

import (
	"errors"
	"os"
)

// errLocked is returned if another process has its turn.
var errLocked = errors.New("locked")

// flock does nothing: without file locks, the processes rely on the busy timeout of SQLite.
func flock(*os.File, bool) error { return nil }

func funlock(*os.File) error { return nil }
