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

// mountedFolder maps a bucket's names literally to the files of a folder. Other programs write
// into it as well.
//
// A file is an object as soon as it exists. Its generation is computed from inode, size and
// modification time, so that every change makes another one. The folder about/ keeps what a file
// cannot hold (type, metadata, checksums of an upload through the API), under name and
// generation. Names with a part that begins with a dot are not objects: rsync and this package
// write unfinished files under such names.
type mountedFolder struct {
	root  *os.Root // refuses paths that lead outside
	about string

	mu sync.Mutex // guards the writes of this process
}

const uploadsFolder = ".uploads" // unfinished files of this package

// openMountedFolder opens a folder and removes unfinished uploads, but for those that keep names.
func openMountedFolder(dir, about string, keep map[string]bool) (*mountedFolder, error) {
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, uploadsFolder), 0o750), os.MkdirAll(about, 0o750),
	); err != nil {
		return nil, err
	}
	if err := sweep(
		filepath.Join(dir, uploadsFolder), func(name string) bool { return keep[name] },
	); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &mountedFolder{root: root, about: about}
	return f, sweep(about, f.described)
}

// described reports whether a description in about/ belongs to a file that is there in the same
// generation.
func (f *mountedFolder) described(file string) bool {
	var o object
	text, err := os.ReadFile(filepath.Join(f.about, file))
	if err != nil || json.Unmarshal(text, &o) != nil || checkPath(o.Name) != nil ||
		aboutName(o.Name, o.Generation) != file {
		return false
	}
	info, err := f.root.Stat(o.Name)
	return err == nil && generationOf(info) == o.Generation
}

// close releases the folder.
func (f *mountedFolder) close() error {
	return f.root.Close()
}

// checkPath refuses names that no file in the folder can have.
func checkPath(name string) error {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 255 ||
			strings.ContainsRune(part, 0) {
			return invalid(
				"Invalid object name: %q has a part that cannot be a file's or a folder's name",
				name,
			)
		}
	}
	return nil
}

// hidden reports whether a name has a part that begins with a dot.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// generationOf returns the generation of a file. It changes whenever inode, size or modification
// time change.
func generationOf(info fs.FileInfo) int64 {
	var inode uint64
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = stat.Ino
	}
	sum := fnv.New64a()
	_, _ = fmt.Fprint(sum, inode, info.Size(), info.ModTime().UnixNano())
	return int64(sum.Sum64()>>2) + 1
}

// dataPath returns the path of an unfinished file.
func (f *mountedFolder) dataPath(data string) string {
	return filepath.Join(f.root.Name(), uploadsFolder, data)
}

// temp creates an unfinished file with a random name.
func (f *mountedFolder) temp() (*os.File, string, error) {
	data := rand.Text()
	// #nosec G302 -- people of the group may look
	file, err := os.OpenFile(f.dataPath(data), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	return file, data, err
}

// find returns the object of a file, or nil if there is no regular file.
func (f *mountedFolder) find(name string) (*object, error) {
	info, err := f.root.Stat(name)
	switch {
	case absent(err), err == nil && !info.Mode().IsRegular():
		return nil, nil
	case err != nil:
		return nil, err
	}
	return f.describe(name, info), nil
}

// absent reports whether an error means that the folder has no such file. That includes a link
// that leads out of the folder: [os.Root] does not follow it and exports no error for it.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) ||
		errors.Is(err, syscall.ELOOP) ||
		leadsOut(err)
}

// leadsOut reports whether [os.Root] refused a path that leaves the folder.
func leadsOut(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "path escapes from parent")
}

// describe returns the object of a file, with what about/ holds for this generation.
func (f *mountedFolder) describe(name string, info fs.FileInfo) *object {
	generation := generationOf(info)
	if text, err := os.ReadFile(f.aboutPath(name, generation)); err == nil {
		var o object
		if json.Unmarshal(text, &o) == nil && o.Name == name && o.Generation == generation &&
			o.Size == info.Size() {
			return &o
		}
	}
	return &object{
		Name:           name,
		Generation:     generation,
		Metageneration: 1,
		Size:           info.Size(),
		Created:        info.ModTime(),
		Updated:        info.ModTime(),
		Attributes:     attributes{ContentType: mime.TypeByExtension(path.Ext(name))},
	}
}

// aboutName returns the file name of a description in about/.
func aboutName(name string, generation int64) string {
	return strconv.FormatInt(generation, 10) + "-" + fileName(name)
}

// aboutPath returns the path of a description in about/.
func (f *mountedFolder) aboutPath(name string, generation int64) string {
	return filepath.Join(f.about, aboutName(name, generation))
}

// open opens a file after its preconditions were checked. A change while it is read is an error
// of the read.
func (f *mountedFolder) open(
	name string, want conditions, bucket string,
) (*object, content, error) {
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

// watched is a file that other programs may write into. A read that notices a change fails.
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

// WriteTo implements io.WriterTo, so that io.Copy does not bypass Read.
func (w *watched) WriteTo(to io.Writer) (int64, error) {
	return io.Copy(to, struct{ io.Reader }{w})
}

// commit renames the file o.Data to the object's name. The description is written before, under
// the generation that the file already has: a new file is described from its first instant. A
// kill in between leaves a description without a file, which the next start removes.
func (f *mountedFolder) commit(o object, want conditions) (*object, error) {
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
	o.Generation = generationOf(info)
	o.Metageneration = 1
	o.Created = info.ModTime()
	o.Updated = info.ModTime()
	o.Data = ""
	if err := writeFile(f.about, aboutName(o.Name, o.Generation), &o); err != nil {
		return nil, err
	}
	if err := f.place(from, o.Name, old == nil); err != nil {
		return nil, errors.Join(err, os.Remove(f.aboutPath(o.Name, o.Generation)))
	}
	if old != nil && old.Generation != o.Generation {
		_ = os.Remove(f.aboutPath(o.Name, old.Generation)) // a file of another program has none
	}
	return &o, nil
}

// place moves a file to its name. If isNew is set and a file appears there at that instant, the
// other file stays.
func (f *mountedFolder) place(from, name string, isNew bool) error {
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

// blocked converts an error about a file that stands where a folder is needed into a refusal of
// the name.
func blocked(name string, err error) error {
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) ||
		errors.Is(err, fs.ErrExist) ||
		errors.Is(err, syscall.ELOOP) ||
		leadsOut(err) {
		return invalid(
			"Invalid object name: %q: a file or a link stands where it needs a folder", name,
		)
	}
	return err
}

// change edits the description of a file.
func (f *mountedFolder) change(
	name string, want conditions, bucket string, edit func(*object) error,
) (*object, error) {
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
	if err := edit(&changed); err != nil {
		return nil, err
	}
	changed.Metageneration++
	return &changed, writeFile(f.about, aboutName(name, old.Generation), &changed)
}

// remove deletes a file and its description.
func (f *mountedFolder) remove(name string, want conditions, bucket string) error {
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
	_ = os.Remove(f.aboutPath(name, old.Generation)) // a file of another program has none
	return nil
}

// walk yields the files as objects, in the order of their names, beginning at from.
func (f *mountedFolder) walk(prefix, from string, yield func(*object) bool) error {
	_, err := f.walkDir("", prefix, from, yield)
	return err
}

// walkDir walks one folder. dir is empty or ends in a slash. It returns false when yield returned
// false.
func (f *mountedFolder) walkDir(dir, prefix, from string, yield func(*object) bool) (bool, error) {
	entries, err := f.entries(dir)
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		name := dir + entry
		if isDir := strings.HasSuffix(entry, "/"); isDir {
			if !strings.HasPrefix(name, prefix) && !strings.HasPrefix(prefix, name) ||
				name < from && !strings.HasPrefix(from, name) {
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

// entries lists a folder in the order of the names below it: "a-b" comes before "a/", "a0" after.
func (f *mountedFolder) entries(dir string) ([]string, error) {
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
		if strings.HasPrefix(name, ".") || !utf8.ValidString(name) ||
			strings.ContainsAny(name, "\r\n") {
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
