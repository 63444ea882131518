package terraform_test

import (
	"io/fs"
	"strings"
)

// sources is the folder without the files that terraform creates in it.
type sources struct{ under fs.FS }

// Open implements [fs.FS].
func (s sources) Open(name string) (fs.File, error) { return s.under.Open(name) }

// ReadDir implements [fs.ReadDirFS].
func (s sources) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(s.under, name)
	kept := entries[:0]
	for _, entry := range entries {
		switch {
		case strings.HasPrefix(entry.Name(), "."),
			strings.HasPrefix(entry.Name(), "terraform.tfstate"),
			strings.HasSuffix(entry.Name(), ".go"):
		case entry.Type()&fs.ModeSymlink != 0, entry.Name() == "tests":
		default:
			kept = append(kept, entry)
		}
	}
	return kept, err
}
