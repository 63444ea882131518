package storage

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"mime"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unicode/utf8"
)

// folder is a bucket's names mapped literally to the files of a folder, which others write into as
// well. A file is an object as soon as it is there; its generation is made of inode, size and time, so
// whatever changes it makes another one. What a file cannot tell (type, metadata, sums of an upload of
// ours) lies in about/, under name and generation. Names with a part that begins with a dot are not of
// the folder: those files are on their way (rsync, and our own uploads).
type folder struct {
	root  *os.Root // nothing outside is reached, neither by .. nor by a link
	about string

	mu sync.Mutex // of our own writes; others write when they want
}

const uploadsFolder = ".uploads" // files of our own on their way

func openFolder(dir, about string, keep map[string]bool) (*folder, error) {
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, uploadsFolder), 0o750), os.MkdirAll(about, 0o750)); err != nil {
		return nil, err
	}
	if err := sweep(filepath.Join(dir, uploadsFolder), func(name string) bool { return keep[name] }); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, about: about}
	return f, sweep(about, f.described)
}

// described tells whether what is known about a file still is about the file that is there.
func (f *folder) described(file string) bool {
	var o object
	text, err := os.ReadFile(filepath.Join(f.about, file))
	if err != nil || json.Unmarshal(text, &o) != nil || checkPath(o.Name) != nil || aboutName(o.Name, o.Generation) != file {
		return false
	}
	info, err := f.root.Stat(o.Name)
	return err == nil && generationOf(info) == o.Generation
}

func (f *folder) close() error { return f.root.Close() }

// checkPath refuses names that no file in the folder can have.
func checkPath(name string) error {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 255 || strings.ContainsRune(part, 0) {
			return invalid("Invalid object name: %q has a part that cannot be a file's or a folder's name", name)
		}
	}
	return nil
}

// hidden tells whether a name is not of the folder.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.Contains(name, "/.") }

// generationOf depends on everything that changes when a file does.
func generationOf(info fs.FileInfo) int64 {
	var inode uint64
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = stat.Ino
	}
	sum := fnv.New64a()
	_, _ = fmt.Fprint(sum, inode, info.Size(), info.ModTime().UnixNano())
	return int64(sum.Sum64()>>2) + 1
}

func (f *folder) dataPath(data string) string {
	return filepath.Join(f.root.Name(), uploadsFolder, data)
}

func (f *folder) temp() (*os.File, string, error) {
	data := rand.Text()
	file, err := os.OpenFile(f.dataPath(data), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640) // #nosec G302 -- people of the group may look
	return file, data, err
}

func (f *folder) find(name string) (*object, error) {
	info, err := f.root.Stat(name)
	switch {
	case absent(err), err == nil && !info.Mode().IsRegular():
		return nil, nil
	case err != nil:
		return nil, err
	}
	return f.describe(name, info), nil
}

// absent tells whether an error means that there is no such file in the folder. A link that leads out of
// it is none: os.Root does not follow it, and has no name for that error.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) || leadsOut(err)
}

func leadsOut(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "path escapes from parent")
}

func (f *folder) describe(name string, info fs.FileInfo) *object {
	generation := generationOf(info)
	if text, err := os.ReadFile(f.aboutPath(name, generation)); err == nil {
		var o object
		if json.Unmarshal(text, &o) == nil && o.Name == name && o.Generation == generation && o.Size == info.Size() {
			return &o
		}
	}
	return &object{
		Name: name, Generation: generation, Metageneration: 1, Size: info.Size(),
		Created: info.ModTime(), Updated: info.ModTime(),
		Attributes: attributes{ContentType: mime.TypeByExtension(path.Ext(name))},
	}
}

func aboutName(name string, generation int64) string {
	return strconv.FormatInt(generation, 10) + "-" + fileName(name)
}

func (f *folder) aboutPath(name string, generation int64) string {
	return filepath.Join(f.about, aboutName(name, generation))
}

func (f *folder) open(name string, want conditions, bucket string) (*object, content, error) {
	file, err := f.root.Open(name)
	if absent(err) {
		return nil, nil, want.find(nil, bucket, name)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notFound(bucket, name)
	}
	var o *object
	if err == nil {
		o = f.describe(name, info)
		err = want.find(o, bucket, name)
	}
	if err != nil {
		return o, nil, errors.Join(err, file.Close())
	}
	return o, &watched{file, o.Generation}, nil
}

// watched is a file that others may write into: a read that saw a change is an error.
type watched struct {
	*os.File
	generation int64
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.File.Read(p)
	info, statErr := w.Stat()
	if statErr == nil && generationOf(info) != w.generation {
		statErr = fmt.Errorf("%s changed while it was read", w.Name())
	}
	if statErr != nil {
		return n, statErr
	}
	return n, err
}

// WriteTo keeps io.Copy from reading past the check.
func (w *watched) WriteTo(to io.Writer) (int64, error) {
	return io.Copy(to, struct{ io.Reader }{w})
}

// commit puts the file o.Data in force under its name. What is known about it is written before, under
// the generation that the file has already: a new file is described from its first instant.
func (f *folder) commit(o object, want conditions) (*object, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old, err := f.find(o.Name)
	if err != nil {
		return nil, err
	}
	if err := want.check(old); err != nil {
		return nil, err
	}
	from := path.Join(uploadsFolder, o.Data)
	info, err := f.root.Stat(from)
	if err != nil {
		return nil, err
	}
	o.Generation, o.Metageneration, o.Created, o.Updated, o.Data = generationOf(info), 1, info.ModTime(), info.ModTime(), ""
	if err := writeFile(f.about, aboutName(o.Name, o.Generation), &o); err != nil {
		return nil, err
	}
	if err := f.place(from, o.Name, old == nil); err != nil {
		return nil, errors.Join(err, os.Remove(f.aboutPath(o.Name, o.Generation)))
	}
	if old != nil && old.Generation != o.Generation {
		_ = os.Remove(f.aboutPath(o.Name, old.Generation)) // there is none for a file of others
	}
	return &o, nil
}

// place moves a file to its name; a file that is not to be replaced and appears at that instant stays.
func (f *folder) place(from, name string, isNew bool) error {
	if err := f.root.MkdirAll(path.Dir(name), 0o750); err != nil {
		return blocked(name, err)
	}
	if !isNew {
		return f.root.Rename(from, name)
	}
	switch err := f.root.Link(from, name); {
	case err == nil:
		return f.root.Remove(from)
	case errors.Is(err, fs.ErrExist):
		if info, statErr := f.root.Stat(name); statErr == nil && info.IsDir() {
			return blocked(name, err)
		}
		return conditionNotMet()
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOTSUP): // a file system without links
		return f.root.Rename(from, name)
	default:
		return blocked(name, err)
	}
}

// blocked turns "a file is where a folder must be" into the caller's mistake.
func blocked(name string, err error) error {
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) || errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ELOOP) || leadsOut(err) {
		return invalid("Invalid object name: %q: a file or a link stands where it needs a folder", name)
	}
	return err
}

func (f *folder) change(name string, want conditions, bucket string, edit func(*object)) (*object, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old, err := f.find(name)
	if err == nil {
		err = want.find(old, bucket, name)
	}
	if err != nil {
		return nil, err
	}
	changed := *old
	edit(&changed)
	changed.Metageneration++
	return &changed, writeFile(f.about, aboutName(name, old.Generation), &changed)
}

func (f *folder) remove(name string, want conditions, bucket string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	old, err := f.find(name)
	if err == nil {
		err = want.find(old, bucket, name)
	}
	if err == nil {
		err = f.root.Remove(name)
	}
	if err != nil {
		return err
	}
	_ = os.Remove(f.aboutPath(name, old.Generation)) // there is none for a file of others
	return nil
}

// walk yields the files in the order of their names as objects, from a name on.
func (f *folder) walk(prefix, from string, yield func(*object) bool) error {
	_, err := f.walkDir("", prefix, from, yield)
	return err
}

// walkDir returns false when yield had enough. dir is "" or ends in a slash.
func (f *folder) walkDir(dir, prefix, from string, yield func(*object) bool) (bool, error) {
	entries, err := f.entries(dir)
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		name := dir + entry
		if isDir := strings.HasSuffix(entry, "/"); isDir {
			if !strings.HasPrefix(name, prefix) && !strings.HasPrefix(prefix, name) || name < from && !strings.HasPrefix(from, name) {
				continue
			}
			if more, err := f.walkDir(name, prefix, from, yield); !more || err != nil {
				return false, err
			}
			continue
		}
		if !strings.HasPrefix(name, prefix) || name < from {
			continue
		}
		o, err := f.find(name)
		if err != nil {
			return false, err
		}
		if o != nil && !yield(o) {
			return false, nil
		}
	}
	return true, nil
}

// entries lists a folder in the order of the names below it: "a-b" stands before "a/", "a0" behind.
func (f *folder) entries(dir string) ([]string, error) {
	opened, err := f.root.Open(path.Clean("./" + dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // removed meanwhile
	}
	if err != nil {
		return nil, err
	}
	listed, err := opened.ReadDir(-1)
	err = errors.Join(err, opened.Close())
	var entries []string
	for _, entry := range listed {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || !utf8.ValidString(name) || strings.ContainsAny(name, "\r\n") {
			continue
		}
		if entry.IsDir() { // a link to a folder is not followed: it may lead in a circle
			name += "/"
		}
		entries = append(entries, name)
	}
	slices.Sort(entries)
	return entries, err
}
