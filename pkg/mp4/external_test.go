package mp4_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	mp4ff "github.com/Eyevinn/mp4ff/mp4"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// readErr reads a file and returns the error.
func readErr(t *testing.T, path string) error {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	stat, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	_, err = mp4.Read(file, stat.Size())
	return err
}

// TestReadRefusesMediaElsewhere reads files whose data references name other files.
func TestReadRefusesMediaElsewhere(t *testing.T) {
	t.Parallel()
	base := clip(
		t,
		t.TempDir(),
		append(lavfi(pictures, sound), append(strings.Fields(fastVideo), "base.mp4")...)...,
	)
	fragmented := clip(
		t,
		t.TempDir(),
		append(lavfi(pictures), append(strings.Fields(fastVideo+" -movflags +frag_keyframe"), "frag.mp4")...)...,
	)
	const elsewhere, here = "\x00\x00\x00\x00", "\x00\x00\x00\x01"
	tests := []struct {
		name, path, kind, body string
		track                  int
		want                   error
	}{
		{"an address for the pictures", base, "url ", elsewhere + "http://127.0.0.1/x\x00", 0, mp4.ErrExternal},
		{"an address for the sound", base, "url ", elsewhere + "http://127.0.0.1/x\x00", 1, mp4.ErrExternal},
		{"a file of QuickTime", base, "alis", elsewhere + "\x00\x00/etc/passwd", 0, mp4.ErrExternal},
		{"a name", base, "urn ", elsewhere + "urn:x\x00", 0, mp4.ErrExternal},
		{"the file itself", base, "alis", here, 0, nil},
		{"no flag and no address", base, "url ", elsewhere + "\x00", 0, nil},
		{"fragments", fragmented, "url ", elsewhere + "http://127.0.0.1/x\x00", 0, mp4.ErrExternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := withReference(t, tt.path, tt.track, tt.kind, tt.body)
			if err := readErr(t, path); !errors.Is(err, tt.want) {
				t.Errorf("Read = %v, want %v", err, tt.want)
			}
		})
	}
}

// withReference replaces the data reference of a track.
func withReference(t *testing.T, path string, track int, kind, body string) string {
	t.Helper()
	front, moov := split(t, path)
	dref := moov.Traks[track].Mdia.Minf.Dinf.Dref
	dref.Children = []mp4ff.Box{mp4ff.CreateUnknownBox(kind, uint64(len(body))+8, []byte(body))}
	return written(t, "external", front, moov)
}
