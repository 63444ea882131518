package storage

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// objectStore keeps an object as two files: data/<random> with the bytes, and
// objects/<name>.json, which describes them. Renaming the description is the commit. A kill may
// leave data that neither a description nor an upload names; the next start removes it.
type objectStore struct {
	dir string
	now func() time.Time

	mu      sync.RWMutex
	objects map[string]*object
	names   []string // of objects, in order
	last    int64    // the newest generation
}

const (
	dataFolder    = "data"    // the bytes of objects, under random names
	objectsFolder = "objects" // a description of each object, which names its data
	unfinished    = ".new-"   // prefix of unfinished files
)

// openObjectStore reads all descriptions. keep names data that unfinished uploads still need.
func openObjectStore(
	dir string, keep map[string]bool, now func() time.Time, log *slog.Logger,
) (*objectStore, error) {
	s := &objectStore{
		dir:     dir,
		now:     now,
		objects: map[string]*object{},
	}
	for _, sub := range []string{dataFolder, objectsFolder} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o750); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, objectsFolder))
	if err != nil {
		return nil, err
	}
	kept := map[string]bool{}
	for _, entry := range entries {
		o, err := s.load(entry.Name())
		if err != nil {
			log.Warn(
				"storage: an object is left out",
				"file",
				filepath.Join(dir, objectsFolder, entry.Name()),
				"error",
				err,
			)
			continue
		}
		if o == nil {
			continue
		}
		s.objects[o.Name] = o
		kept[o.Data] = true
		s.names = append(s.names, o.Name)
		s.last = max(s.last, o.Generation)
	}
	slices.Sort(s.names)
	return s, sweep(
		filepath.Join(dir, dataFolder), func(name string) bool { return kept[name] || keep[name] },
	)
}

// load reads one description. It returns nil for an unfinished one, which it removes. After a
// power cut a description may be empty or its data short: that is an error, and the object counts
// as never written.
func (s *objectStore) load(file string) (*object, error) {
	path := filepath.Join(s.dir, objectsFolder, file)
	if strings.HasPrefix(file, unfinished) {
		return nil, os.Remove(path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, err
	}
	if fileName(o.Name) != file {
		return nil, fmt.Errorf("it describes %q", o.Name)
	}
	stat, err := os.Stat(s.dataPath(o.Data))
	if err == nil && stat.Size() != o.Size {
		err = fmt.Errorf("%d bytes of %d are there", stat.Size(), o.Size)
	}
	return &o, err
}

// sweep removes the files of a folder for which keep returns false.
func sweep(dir string, keep func(name string) bool) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if !keep(entry.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

// fileName returns the file name of an object's description, readable for short names. It is
// never decoded: the description holds the object's name.
func fileName(name string) string {
	escaped := url.PathEscape(name)
	if len(escaped) > 180 {
		sum := sha256.Sum256([]byte(name))
		escaped = escaped[:100] + "~" + hex.EncodeToString(sum[:])
	}
	return escaped + ".json"
}

// dataPath returns the path of an object's bytes.
func (s *objectStore) dataPath(data string) string {
	return filepath.Join(s.dir, dataFolder, data)
}

// temp creates a file for the bytes of a future object.
func (s *objectStore) temp() (*os.File, string, error) {
	data := rand.Text()
	// #nosec G302 -- people of the group may look
	file, err := os.OpenFile(s.dataPath(data), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	return file, data, err
}

// find returns the current generation of an object, or nil.
func (s *objectStore) find(name string) (*object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.objects[name], nil
}

// open opens the bytes of an object after its preconditions were checked.
func (s *objectStore) open(name string, want conditions, bucket string) (*object, content, error) {
	s.mu.RLock() // so that the data is not removed between the two
	defer s.mu.RUnlock()
	o := s.objects[name]
	if err := want.find(o, bucket, name); err != nil {
		return o, nil, err
	}
	file, err := os.Open(s.dataPath(o.Data))
	return o, file, err
}

// commit makes o.Data the bytes of the object o.Name, under a new generation. Generations are
// microseconds since 1970, raised where two would be equal.
func (s *objectStore) commit(o object, want conditions) (*object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.objects[o.Name]
	if err := want.check(old); err != nil {
		return nil, err
	}
	now := s.now()
	s.last = max(s.last+1, now.UnixMicro())
	o.Generation = s.last
	o.Metageneration = 1
	o.Created = now
	o.Updated = now
	if err := s.write(&o); err != nil {
		return nil, err
	}
	if old != nil {
		_ = os.Remove(s.dataPath(old.Data)) // otherwise the next start removes it
	}
	return &o, nil
}

// write writes a description and puts it into memory. The lock is held.
func (s *objectStore) write(o *object) error {
	if err := writeFile(filepath.Join(s.dir, objectsFolder), fileName(o.Name), o); err != nil {
		return err
	}
	if s.objects[o.Name] == nil {
		at, _ := slices.BinarySearch(s.names, o.Name)
		s.names = slices.Insert(s.names, at, o.Name)
	}
	s.objects[o.Name] = o
	return nil
}

// writeFile writes a value as JSON under a name in one step: a kill leaves the old content or the
// new one.
func writeFile(dir, name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	temp := filepath.Join(dir, unfinished+rand.Text())
	// #nosec G306 -- people of the group may look
	if err := os.WriteFile(temp, text, 0o640); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return os.Rename(temp, filepath.Join(dir, name))
}

// change edits the description of an object and counts its metageneration.
func (s *objectStore) change(
	name string, want conditions, bucket string, edit func(*object) error,
) (*object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.objects[name]
	if err := want.find(old, bucket, name); err != nil {
		return nil, err
	}
	changed := *old
	if err := edit(&changed); err != nil {
		return nil, err
	}
	changed.Metageneration++
	changed.Updated = s.now()
	return &changed, s.write(&changed)
}

// remove deletes an object. The description goes first: a kill in between leaves data that the
// next start removes.
func (s *objectStore) remove(name string, want conditions, bucket string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.objects[name]
	if err := want.find(old, bucket, name); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(
		s.dir, objectsFolder, fileName(name),
	)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	delete(s.objects, name)
	if at, ok := slices.BinarySearch(s.names, name); ok {
		s.names = slices.Delete(s.names, at, at+1)
	}
	_ = os.Remove(s.dataPath(old.Data)) // otherwise the next start removes it
	return nil
}

// walk yields objects in the order of their names, beginning at from. It copies a page at a time,
// so that yield may block without holding the lock.
func (s *objectStore) walk(prefix, from string, yield func(*object) bool) error {
	from = max(from, prefix)
	for {
		page := s.page(prefix, from)
		for _, o := range page {
			if !yield(o) {
				return nil
			}
		}
		if len(page) < walkPage {
			return nil
		}
		from = page[len(page)-1].Name + "\x00"
	}
}

// walkPage is how many objects a walk copies at a time.
const walkPage = 1000

// page returns up to walkPage objects with a prefix, from a name on.
func (s *objectStore) page(prefix, from string) []*object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	at, _ := slices.BinarySearch(s.names, from)
	var page []*object
	for _, name := range s.names[at:] {
		if !strings.HasPrefix(name, prefix) || len(page) == walkPage {
			break
		}
		page = append(page, s.objects[name])
	}
	return page
}
