package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/nvr-miem/merger/pkg/footage"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/report"
)

// maxIgnored bounds how many files that do not belong are named in a report.
const maxIgnored = 300

// findClips searches a folder, and all folders in it, for segments. What cannot be read is an error,
// never "no footage". It also returns the .mp4 files that do not belong to the request, and why.
func findClips(root string, req merge.Request) ([]merge.Clip, []report.Ignored, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, nil, fmt.Errorf("read the folder of segments: %w", err)
	}
	var clips []merge.Clip
	var ignored []report.Ignored
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read the folder of segments: %w", err)
		}
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".mp4") || strings.HasPrefix(entry.Name(), ".") {
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name, err := nvr.ParseSegmentName(entry.Name())
		cause := "its name is not that of a segment"
		if err == nil {
			var ok bool
			if ok, cause = req.Belongs(name); ok {
				clip, err := newClip(path, relative, name)
				if errors.Is(err, errNotRegular) {
					return nil
				}
				clips = append(clips, clip)
				return err
			}
		}
		if len(ignored) < maxIgnored {
			ignored = append(ignored, report.Ignored{File: relative, Cause: cause, CauseRu: merge.Russian(cause)})
		}
		return nil
	})
	if err == nil && !isDir(root) {
		err = fmt.Errorf("read the folder of segments: %s is not a folder", root)
	}
	return clips, ignored, err
}

func isDir(path string) bool {
	stat, err := os.Stat(path)
	return err == nil && stat.IsDir()
}

var errNotRegular = errors.New("not a regular file")

// newClip is a file as a clip. Its generation changes with its inode, size and time of change.
func newClip(path, relative string, name nvr.SegmentName) (merge.Clip, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return merge.Clip{}, fmt.Errorf("read segment %s: %w", relative, err)
	}
	if !stat.Mode().IsRegular() {
		return merge.Clip{}, errNotRegular
	}
	inode := uint64(0)
	if sys, ok := stat.Sys().(*syscall.Stat_t); ok {
		inode = sys.Ino
	}
	return merge.Clip{
		Name: name, Path: relative, Generation: fmt.Sprintf("%d-%d-%d", inode, stat.Size(), stat.ModTime().UnixNano()),
		Open: func(context.Context) (merge.Bytes, error) { return footage.OpenFile(path) },
	}, nil
}
