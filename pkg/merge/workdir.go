package merge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/probe"
	"github.com/nvr-miem/merger/pkg/mp4"
)

// WorkDir is the work folder of a local merge. It keeps what need not be done again: the analysis of the
// segments, the damage found, the plans and the parts. One process may use it at a time.
//
//	learned/<key>.json   what analysing one generation of a segment gave
//	damage.json          stretches of segments that cannot be decoded
//	plans/<digest>.json  every plan that was rendered
//	parts/<digest>.json  a finished part: its tables, and the name of
//	parts/<random>.media its media bytes
//
// A part exists once its tables do: they are written last, and renamed into place. Every file carries a
// checksum. A file that does not match it counts as absent.
type WorkDir struct {
	dir  string
	lock *os.File
}

// ErrBusy means that another process works in the folder.
var ErrBusy = errors.New("another merge is working in this folder")

// OpenWork opens a work folder, which it creates if needed, and removes what a killed process left half done.
// It returns [ErrBusy] if another process has the folder open.
func OpenWork(dir string) (*WorkDir, error) {
	for _, sub := range []string{"learned", "plans", "parts"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o750); err != nil {
			return nil, fmt.Errorf("create the work folder: %w", err)
		}
	}
	lock, err := os.OpenFile(
		filepath.Join(dir, "lock"),
		os.O_CREATE|os.O_RDWR,
		0o600,
	) // #nosec G304 -- the caller's own folder
	if err != nil {
		return nil, fmt.Errorf("lock the work folder: %w", err)
	}
	if err := syscall.Flock(
		int(lock.Fd()),
		syscall.LOCK_EX|syscall.LOCK_NB,
	); err != nil { // #nosec G115 -- a file descriptor
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrBusy, dir), lock.Close())
	}
	w := &WorkDir{dir: dir, lock: lock}
	if err := w.sweep(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Close unlocks the folder. It does so explicitly, because a process that is being forked keeps a copy of the
// file, and with it the lock, until its exec.
func (w *WorkDir) Close() error {
	return errors.Join(
		syscall.Flock(int(w.lock.Fd()), syscall.LOCK_UN),
		w.lock.Close(),
	) // #nosec G115 -- a file descriptor
}

// Remove deletes the folder with all that is in it, and closes it.
func (w *WorkDir) Remove() error {
	return errors.Join(os.RemoveAll(w.dir), w.Close())
}

// sweep removes media that no finished part names, and files that were never renamed into place.
func (w *WorkDir) sweep() error {
	named := map[string]bool{}
	tables, err := filepath.Glob(filepath.Join(escapeGlob(w.dir), "parts", "*.json"))
	if err != nil {
		return fmt.Errorf("list the parts: %w", err)
	}
	for _, path := range tables {
		var p partFile
		if unseal(path, &p) == nil {
			named[p.Media] = true
		}
	}
	for _, sub := range []string{"learned", "plans", "parts"} {
		entries, err := os.ReadDir(filepath.Join(w.dir, sub))
		if err != nil {
			return fmt.Errorf("list the work folder: %w", err)
		}
		for _, entry := range entries {
			name := entry.Name()
			if strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".media") && !named[name] {
				if err := os.Remove(filepath.Join(w.dir, sub, name)); err != nil {
					return fmt.Errorf("clear the work folder: %w", err)
				}
			}
		}
	}
	return nil
}

// escapeGlob quotes the characters of a path that have a meaning in a pattern.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// Load implements [Memory].
func (w *WorkDir) Load(key string, value any) bool {
	return unseal(filepath.Join(w.dir, "learned", key+".json"), value) == nil
}

// Save implements [Memory].
func (w *WorkDir) Save(key string, value any) error {
	return seal(filepath.Join(w.dir, "learned", key+".json"), value)
}

// damages returns the stored damage. A file that is absent or does not match its checksum counts as no
// damage: rendering finds it again.
func (w *WorkDir) damages() ([]probe.Damage, error) {
	var damages []probe.Damage
	err := unseal(filepath.Join(w.dir, "damage.json"), &damages)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, errSeal) {
		return nil, nil // it will be found again
	}
	return damages, err
}

func (w *WorkDir) saveDamages(damages []probe.Damage) error {
	return seal(filepath.Join(w.dir, "damage.json"), damages)
}

// savePlan stores a plan under its digest.
func (w *WorkDir) savePlan(plan *Plan, texts *i18n.Catalog) error {
	text, err := plan.JSON(texts)
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(w.dir, "plans", plan.Digest()+".json"), text)
}

// partFile is a finished part on disk.
type partFile struct {
	Media string    `json:"media"`
	Part  *mp4.Part `json:"part"`
}

// part returns the finished part of a name. It returns nil if there is none, or if it has another number of
// frames. Its media are checked where they are read.
func (w *WorkDir) part(name string, frames int64) *partFile {
	var p partFile
	if unseal(filepath.Join(w.dir, "parts", name+".json"), &p) != nil || p.Part == nil || int64(len(p.Part.Video.Sizes)) != frames {
		return nil
	}
	return &p
}

// Has implements [Parts]. A part whose media do not match their checksum is removed, to be rendered again.
func (w *WorkDir) Has(_ context.Context, name string, frames int64) (bool, error) {
	p := w.part(name, frames)
	if p == nil {
		return false, nil
	}
	if copyPart(io.Discard, w.media(p), p.Part) == nil {
		return true, nil
	}
	_ = os.Remove(w.media(p)) // it may be missing; if it stays, the next sweep removes it
	return false, nil
}

// media returns the path of a part's media. Only the last element of the stored name counts, so that a
// changed file cannot name a path elsewhere.
func (w *WorkDir) media(p *partFile) string {
	return filepath.Join(w.dir, "parts", filepath.Base(p.Media))
}

// Put implements [Parts]. The media get a random name; the part counts once the tables that name them are
// there.
func (w *WorkDir) Put(_ context.Context, name string, render RenderFunc) (err error) {
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
	return seal(filepath.Join(w.dir, "parts", name+".json"), p)
}

// errSeal means that a file of the folder is not what was written under its name.
var errSeal = errors.New("damaged or of another name")

// sealed is a value in a file: the checksum covers the value and the file's name.
type sealed struct {
	SHA256 string          `json:"sha256"`
	Value  json.RawMessage `json:"value"`
}

// sealOf returns the checksum of a value in a file. It covers the file's name, so that a copy under another
// name is not believed.
func sealOf(path string, value []byte) string {
	return probe.Fingerprint([]string{filepath.Base(path), string(value)})
}

// unseal reads what seal wrote. It returns errSeal if the file does not match its checksum.
func unseal(path string, value any) error {
	text, err := os.ReadFile(path) // #nosec G304 -- inside the work folder
	if err != nil {
		return err
	}
	var s sealed
	if json.Unmarshal(text, &s) != nil || s.SHA256 != sealOf(path, s.Value) || json.Unmarshal(s.Value, value) != nil {
		return fmt.Errorf("read %s: %w", path, errSeal)
	}
	return nil
}

// seal writes a value with its checksum.
func seal(path string, value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		text, err = json.Marshal(sealed{SHA256: sealOf(path, text), Value: text})
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeWhole(path, text)
}

// writeWhole writes a file whole or not at all.
func writeWhole(path string, text []byte) error {
	temporary := path + "." + rand.Text() + ".tmp"
	if err := writeSynced(temporary, text); err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(temporary)))
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// writeSynced creates a file and returns once its content is on disk. It fails if the file exists.
func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(
		path,
		os.O_CREATE|os.O_EXCL|os.O_WRONLY,
		0o600,
	) // #nosec G304 -- inside the work folder
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
