package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrLocked means that another machine runs on the folder.
var ErrLocked = errors.New("another `local serve` is running on this folder")

// lockFolder makes sure that one machine at a time runs on a folder. Closing the file, or the end of the
// process, releases the lock.
func lockFolder(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrLocked, dir), lock.Close())
	}
	return lock, nil
}

// Lock keeps machines from running on a folder until unlock is called. It returns [ErrLocked] if one runs.
func Lock(dir string) (unlock func() error, err error) {
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	return lock.Close, nil
}
