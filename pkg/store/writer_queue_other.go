//go:build !unix

package store

import (
	"errors"
	"os"
)

// errLocked says that another process has its turn.
var errLocked = errors.New("locked")

// Here the processes do not queue: SQLite's own waiting has to do.
func flock(*os.File, bool) error { return nil }

func funlock(*os.File) error { return nil }
