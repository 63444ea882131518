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

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/report"
)

// maxIgnored bounds how many files that do not belong are named in a report.
const maxIgnored = 300

// findClips searches a folder, and all folders in it, for segments. What cannot be read is an error,
// never "no footage". It also returns the .mp4 files that do not belong to the request, and why.
func findClips(root string, req merge.Request, texts *i18n.Catalog) ([]merge.Clip, []report.Ignored, error) {
	switch stat, err := os.Stat(root); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf(
			"the folder %s does not exist: --segments is where the recorder's files lie",
			root,
		)
	case err == nil && !stat.IsDir():
		return nil, nil, fmt.Errorf("read the folder of segments: %s is not a folder", root)
	}
	s := &search{req: req, texts: texts, seen: map[string]bool{}}
	if err := s.folder(root, "."); err != nil {
		return nil, nil, fmt.Errorf("read the folder of segments: %w", err)
	}
	return s.clips, s.ignored, nil
}

// search is one search for segments.
type search struct {
	req     merge.Request
	texts   *i18n.Catalog
	seen    map[string]bool // real paths of the folders that links led to
	clips   []merge.Clip
	ignored []report.Ignored
}

// folder searches a folder that is called name in what people read. Links to folders are followed,
// each folder once.
func (s *search) folder(path, name string) error {
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if s.seen[root] {
		return nil
	}
	s.seen[root] = true
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		relative := filepath.Join(name, below)
		if entry.Type()&fs.ModeSymlink != 0 && isDir(path) {
			return s.folder(path, relative)
		}
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".mp4") || strings.HasPrefix(entry.Name(), ".") {
			return nil
		}
		return s.file(path, relative)
	})
}

// file takes a file in, or notes why it does not belong.
func (s *search) file(path, relative string) error {
	why := cause.NotSegmentName()
	if name, err := nvr.ParseSegmentName(filepath.Base(path)); err == nil {
		if why = s.req.Excludes(name); why.IsZero() {
			clip, err := newClip(path, relative, name)
			if !errors.Is(err, errNotRegular) {
				s.clips = append(s.clips, clip)
				return err
			}
			why = cause.NotRegularFile()
		}
	}
	if len(s.ignored) < maxIgnored {
		s.ignored = append(s.ignored, report.Ignored{
			File:        relative,
			CauseFields: report.CauseFieldsOf(s.texts, why),
		})
	}
	return nil
}

var errNotRegular = errors.New("not a regular file")

// newClip is a file as a clip. It can only be opened while it is what it was.
func newClip(path, relative string, name nvr.SegmentName) (merge.Clip, error) {
	info, err := os.Stat(path)
	if err != nil {
		return merge.Clip{}, fmt.Errorf("read segment %s: %w", relative, err)
	}
	if !info.Mode().IsRegular() {
		return merge.Clip{}, errNotRegular
	}
	own := generation(info)
	return merge.Clip{
		Name:       name,
		Path:       relative,
		Generation: own,
		Open: func(context.Context) (merge.Bytes, error) {
			file, err := rangeproxy.OpenFile(path)
			if err != nil {
				return nil, err
			}
			if generation(file.Info()) != own {
				return nil, errors.Join(rangeproxy.ErrChanged, file.Close())
			}
			return file, nil
		},
	}, nil
}

// generation changes with a file's inode, size and time of change.
func generation(info fs.FileInfo) string {
	inode := uint64(0)
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = sys.Ino
	}
	return fmt.Sprintf("%d-%d-%d", inode, info.Size(), info.ModTime().UnixNano())
}
