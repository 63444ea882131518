// Package ocr reads the words in a picture with Tesseract.
//
// It is the only package that starts tesseract. The arguments are fixed and the picture is
// passed on standard input, without a shell or a file. The package does not interpret the
// words. Tesseract is optional. On Debian the packages are tesseract-ocr and, for Russian,
// tesseract-ocr-rus. The caller decides what to do without it.
// Start with [Find].
package ocr

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/confine"
)

// Reader is a Tesseract installation. It is safe for concurrent use.
type Reader struct {
	path      string
	languages string
}

// Word is a recognised word.
type Word struct {
	Text string
	// Confidence ranges from 0 to 100.
	Confidence int
	// Box is in pixels of the picture.
	Box image.Rectangle
	// Line is equal for the words of one line.
	Line string
}

// preferredLanguages are the languages that are used if they are installed.
var preferredLanguages = [...]string{"eng", "rus"}

// Find looks for tesseract on the PATH. It returns nil and no error if tesseract or
// all preferred languages are not installed.
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

// Languages returns the languages in use, for example "eng+rus".
func (r *Reader) Languages() string {
	return r.languages
}

// Read returns the words in a picture, anywhere in it. Letters with a height of 20
// to 100 pixels give the best results.
func (r *Reader) Read(ctx context.Context, picture *image.Gray) ([]Word, error) {
	cmd := exec.CommandContext(
		ctx, r.path, "stdin", "stdout", "--psm", "11", "--dpi", "150", "-l",
		r.languages, "tsv",
	) // #nosec G204 -- constant arguments
	// One thread: more of them cost CPU time without being faster on small pictures.
	cmd.Env = confine.Environment("OMP_THREAD_LIMIT=1")
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

// firstLine returns the first line of s.
func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// encodePGM encodes a picture as a portable graymap.
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

// parseTSV parses Tesseract's table. Its columns are level, page, block, paragraph,
// line, word, left, top, width, height, confidence and text. Invalid rows and rows
// without a word are skipped.
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
