// Package ocr reads the words in a picture with Tesseract.
//
// It is the only package that starts tesseract: fixed arguments, the picture on standard input, no
// shell and no file. It knows nothing of what the words mean. Tesseract is optional (on Debian:
// tesseract-ocr, and tesseract-ocr-rus for Russian words); whoever asks decides what to do without.
// Start with [Find].
package ocr

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reader is a Tesseract installation. It is safe for concurrent use.
type Reader struct {
	path      string
	languages string
}

// Word is a word that was read.
type Word struct {
	Text       string
	Confidence int             // 0 to 100
	Box        image.Rectangle // in pixels of the picture
	Line       string          // the same for the words of one line
}

// preferredLanguages are the languages read if installed.
var preferredLanguages = [...]string{"eng", "rus"}

// Find looks for tesseract on the PATH. It returns nil and no error if it is not installed, or has
// none of the languages.
func Find(ctx context.Context) (*Reader, error) {
	path, err := exec.LookPath("tesseract")
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // absent is an answer here, not a failure
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--list-langs").Output() // #nosec G204 -- found on the PATH, constant arguments
	if err != nil {
		return nil, fmt.Errorf("ask %s for its languages: %w", path, err)
	}
	installed := strings.Fields(string(out))
	var use []string
	for _, language := range preferredLanguages {
		if slices.Contains(installed, language) {
			use = append(use, language)
		}
	}
	if len(use) == 0 {
		return nil, nil //nolint:nilnil // as above
	}
	return &Reader{path: path, languages: strings.Join(use, "+")}, nil
}

// Languages are the languages read, like "eng+rus".
func (r *Reader) Languages() string {
	return r.languages
}

// Read reads the words of a picture, wherever they stand in it. Letters of 20 to 100 pixels' height
// are read best.
func (r *Reader) Read(ctx context.Context, picture *image.Gray) ([]Word, error) {
	cmd := exec.CommandContext(
		ctx, r.path, "stdin", "stdout", "--psm", "11", "--dpi", "150", "-l",
		r.languages, "tsv",
	) // #nosec G204 -- constant arguments
	// One thread: more of them cost CPU time without being faster on small pictures.
	cmd.Env = append(os.Environ(), "OMP_THREAD_LIMIT=1")
	cmd.Stdin = bytes.NewReader(encodePGM(picture))
	var out, trouble bytes.Buffer
	cmd.Stdout = &out
	cmd.Stderr = &trouble
	cmd.WaitDelay = 3 * time.Second
	if err := cmd.Run(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, fmt.Errorf("read words: %w", cause)
		}
		return nil, fmt.Errorf("read words: tesseract: %w: %s", err, firstLine(trouble.String()))
	}
	return parseTSV(out.String()), nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// encodePGM writes a picture as a portable graymap.
func encodePGM(picture *image.Gray) []byte {
	b := picture.Bounds()
	out := make([]byte, 0, b.Dx()*b.Dy()+32)
	out = fmt.Appendf(out, "P5\n%d %d\n255\n", b.Dx(), b.Dy())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		at := picture.PixOffset(b.Min.X, y)
		out = append(out, picture.Pix[at:at+b.Dx()]...)
	}
	return out
}

// parseTSV reads Tesseract's table: level, page, block, paragraph, line, word, left, top, width,
// height, confidence, text. Rows that are not words, or cannot be read, are passed over.
func parseTSV(table string) []Word {
	var words []Word
	for row := range strings.Lines(table) {
		f := strings.Split(strings.TrimRight(row, "\r\n"), "\t")
		if len(f) < 12 ||
			f[0] != "5" ||
			strings.TrimSpace(f[11]) == "" {
			continue
		}
		var n [4]int
		ok := true
		for i := range n {
			v, err := strconv.Atoi(f[6+i])
			n[i] = v
			ok = ok && err == nil
		}
		confidence, err := strconv.ParseFloat(f[10], 64)
		if err != nil || !ok {
			continue
		}
		words = append(words, Word{
			Text:       strings.TrimSpace(f[11]),
			Confidence: int(confidence),
			Box:        image.Rect(n[0], n[1], n[0]+n[2], n[1]+n[3]),
			Line:       strings.Join(f[2:5], "."),
		})
	}
	return words
}
