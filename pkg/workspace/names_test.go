package workspace_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/workspace"
)

// FuzzQuoted reads a quoted value back as Drive does: nothing in it ends the string.
func FuzzQuoted(f *testing.F) {
	f.Add(`2026-11-20_15:00_504_24.mp4`)
	f.Add(`a' or name contains 'b`)
	f.Add(`\' or '\`)
	f.Fuzz(func(t *testing.T, value string) {
		quoted := workspace.Quoted(value)
		if quoted[0] != '\'' {
			t.Fatal(quoted)
		}
		var back strings.Builder
		i := 1
		for ; i < len(quoted) && quoted[i] != '\''; i++ {
			if quoted[i] == '\\' {
				i++
			}
			back.WriteByte(quoted[i])
		}
		if i != len(quoted)-1 || back.String() != value {
			t.Errorf("%q became %q, read as %q up to %d", value, quoted, back.String(), i)
		}
	})
}

func TestFolderID(t *testing.T) {
	t.Parallel()
	for drive, want := range map[string]string{
		"1AbC_d-9": "1AbC_d-9",
		" https://drive.google.com/drive/folders/1AbC_d-9 ":               "1AbC_d-9",
		"https://drive.google.com/drive/u/0/folders/1AbC_d-9?usp=sharing": "1AbC_d-9",
		"https://drive.google.com/drive/folders/1AbC_d-9/":                "1AbC_d-9",
		"https://drive.google.com/open?id=1AbC_d-9&authuser=0":            "1AbC_d-9",
		"https://drive.google.com/drive/folders/1AbC_d-9#frag":            "1AbC_d-9",
		"": "", "..": "", "https://drive.google.com/": "drive.google.com", "a b": "",
	} {
		got, err := workspace.FolderID(drive)
		if want == "" {
			if !errors.Is(err, workspace.ErrNotFound) {
				t.Errorf("FolderID(%q) = %q, %v", drive, got, err)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("FolderID(%q) = %q, %v", drive, got, err)
		}
	}
}

func FuzzFolderID(f *testing.F) {
	f.Add("https://drive.google.com/drive/u/0/folders/1AbC?usp=sharing")
	f.Fuzz(func(t *testing.T, drive string) {
		id, err := workspace.FolderID(drive)
		if err == nil && (id == "" || strings.ContainsAny(id, "/?# ")) {
			t.Errorf("%q gave %q", drive, id)
		}
	})
}

func TestFileName(t *testing.T) {
	t.Parallel()
	got := workspace.FileName("2026-11-20", "15:10", "16:30", "504", "Title")
	if got != "2026-11-20 15:10-16:30 504 Title.mp4" {
		t.Error(got)
	}
	if got := workspace.FileName("2026-11-20", "15:10", "16:30", "5/04", ""); got != "2026-11-20 15:10-16:30 5_04.mp4" {
		t.Error(got)
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("504", "Лекция / 1\n"+strings.Repeat("я", 300))
	f.Fuzz(func(t *testing.T, room, title string) {
		name := workspace.FileName("2026-11-20", "15:10", "16:30", room, title)
		if len(name) > 200 || !strings.HasSuffix(name, ".mp4") || !utf8.ValidString(name) ||
			strings.ContainsFunc(name, func(r rune) bool {
				return r == '/' || unicode.IsControl(r)
			}) {
			t.Errorf("%q", name)
		}
	})
}
