package merge

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// Work is the folder in which a merge keeps what it need not do again: what it learned of the
// segments, the damage it found, its plans and its parts. One process may use it at a time.
//
//	learned/<key>.json   what analysing one generation of a segment gave
//	damage.json          stretches of segments that cannot be decoded
//	plans/<digest>.json  every plan that was rendered
//	parts/<digest>.json  a finished part: its tables, and the name of
//	parts/<random>.media its media bytes
//
// A part is there when its tables are: they are written last, and renamed into place.
type Work struct {
	dir  string
	lock *os.File
}

// ErrBusy says that another process works in the folder.
var ErrBusy = errors.New("another merge is working in this folder")

// OpenWork opens a folder of work and clears away what a killed process left half done.
func OpenWork(dir string) (*Work, error) {
	for _, sub := range []string{"learned", "plans", "parts"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o750); err != nil {
			return nil, fmt.Errorf("make the folder of work: %w", err)
		}
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) // #nosec G304 -- the caller's own folder
	if err != nil {
		return nil, fmt.Errorf("lock the folder of work: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { // #nosec G115 -- a file descriptor
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrBusy, dir), lock.Close())
	}
	w := &Work{dir: dir, lock: lock}
	if err := w.sweep(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return w, nil
}

// Close lets others use the folder.
func (w *Work) Close() error { return w.lock.Close() }

// Remove takes the folder away with all that is in it.
func (w *Work) Remove() error {
	return errors.Join(os.RemoveAll(w.dir), w.Close())
}

// sweep removes media that no finished part names, and files that were never renamed into place.
func (w *Work) sweep() error {
	named := map[string]bool{}
	tables, err := filepath.Glob(filepath.Join(escapeGlob(w.dir), "parts", "*.json"))
	if err != nil {
		return fmt.Errorf("list the parts: %w", err)
	}
	for _, path := range tables {
		var p partFile
		if readJSON(path, &p) == nil {
			named[p.Media] = true
		}
	}
	for _, sub := range []string{"learned", "plans", "parts"} {
		entries, err := os.ReadDir(filepath.Join(w.dir, sub))
		if err != nil {
			return fmt.Errorf("list the folder of work: %w", err)
		}
		for _, entry := range entries {
			name := entry.Name()
			if strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".media") && !named[name] {
				if err := os.Remove(filepath.Join(w.dir, sub, name)); err != nil {
					return fmt.Errorf("clear the folder of work: %w", err)
				}
			}
		}
	}
	return nil
}

// escapeGlob keeps the letters of a path from being read as a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// Load implements [Memory].
func (w *Work) Load(key string, value any) bool {
	return readJSON(filepath.Join(w.dir, "learned", key+".json"), value) == nil
}

// Save implements [Memory].
func (w *Work) Save(key string, value any) error {
	return writeJSON(filepath.Join(w.dir, "learned", key+".json"), value)
}

func (w *Work) damages() ([]Damage, error) {
	var damages []Damage
	err := readJSON(filepath.Join(w.dir, "damage.json"), &damages)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return damages, nil
}

func (w *Work) saveDamages(damages []Damage) error {
	return writeJSON(filepath.Join(w.dir, "damage.json"), damages)
}

func (w *Work) savePlan(plan *Plan) error {
	return writeJSON(filepath.Join(w.dir, "plans", plan.Digest()+".json"), plan)
}

// partFile is a finished part on disk.
type partFile struct {
	Media string    `json:"media"`
	Part  *mp4.Part `json:"part"`
}

// payloadFile is a part's media while it is written.
type payloadFile = os.File

// part is the finished part of a name, if it is there, whole, and of so many frames.
func (w *Work) part(name string, frames int64) *partFile {
	var p partFile
	if readJSON(filepath.Join(w.dir, "parts", name+".json"), &p) != nil || p.Part == nil {
		return nil
	}
	stat, err := os.Stat(w.media(&p))
	if err != nil || stat.Size() != p.Part.Bytes || int64(len(p.Part.Video.Sizes)) != frames {
		return nil
	}
	return &p
}

func (w *Work) media(p *partFile) string {
	return filepath.Join(w.dir, "parts", filepath.Base(p.Media))
}

// makePart has render write a part's media under a random name; then the tables that name it make
// it count.
func (w *Work) makePart(name string, render func(payload *payloadFile) (*mp4.Part, error)) (err error) {
	p := partFile{Media: rand.Text() + ".media"}
	file, err := os.OpenFile(w.media(&p), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("store a part: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(w.media(&p)))
		}
	}()
	p.Part, err = render(file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return writeJSON(filepath.Join(w.dir, "parts", name+".json"), p)
}

func readJSON(path string, value any) error {
	text, err := os.ReadFile(path) // #nosec G304 -- inside the folder of work
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// writeJSON writes a file whole or not at all.
func writeJSON(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	temporary := path + "." + rand.Text() + ".tmp"
	if err := writeSynced(temporary, text); err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(temporary)))
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // #nosec G304 -- inside the folder of work
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
