package captions

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxVTT is how long a WebVTT file may be, in bytes. A day of fast speech has less than 2 MB.
const maxVTT = 4 << 20

// ErrVTT means that a text is not valid WebVTT.
var ErrVTT = errors.New("not valid WebVTT")

// WriteVTT writes cues as WebVTT.
func WriteVTT(w io.Writer, cues []Cue) error {
	out := bufio.NewWriter(w)
	_, _ = out.WriteString("WEBVTT\n") // the writer keeps its first error for Flush
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	for _, c := range cues {
		_, _ = fmt.Fprintf(out, "\n%s --> %s\n", timestamp(c.Start), timestamp(c.End))
		for _, line := range c.Lines {
			_, _ = out.WriteString(escape.Replace(line) + "\n")
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write WebVTT: %w", err)
	}
	return nil
}

// timestamp returns a time in the form of WebVTT, in whole milliseconds.
func timestamp(t time.Duration) string {
	ms := t.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3600000, ms/60000%60, ms/1000%60, ms%1000)
}

// ParseVTT reads a WebVTT file and checks it: the header, the times of every cue and their order. Notes,
// styles and regions are skipped, and so are identifiers, settings and tags. An error wraps [ErrVTT] and
// names the line.
func ParseVTT(r io.Reader) ([]Cue, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxVTT+1))
	if err != nil {
		return nil, fmt.Errorf("read WebVTT: %w", err)
	}
	if len(text) > maxVTT {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrVTT, maxVTT)
	}
	if !utf8.Valid(text) || strings.ContainsRune(string(text), 0) {
		return nil, fmt.Errorf("%w: it is not UTF-8 text", ErrVTT)
	}
	plain := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(text), "\ufeff"))
	p := &vttReader{lines: strings.Split(plain, "\n")}
	return p.read()
}

// vttReader reads the lines of a file.
type vttReader struct {
	lines []string
	at    int // the line that is read next
	cues  []Cue
}

func (p *vttReader) wrong(line int, what string) error {
	return fmt.Errorf("%w: line %d: %s", ErrVTT, line+1, what)
}

func (p *vttReader) read() ([]Cue, error) {
	header := p.lines[0]
	if header != "WEBVTT" && !strings.HasPrefix(header, "WEBVTT ") && !strings.HasPrefix(header, "WEBVTT\t") {
		return nil, p.wrong(0, "the file does not begin with WEBVTT")
	}
	for i, line := range p.block() {
		if strings.Contains(line, "-->") {
			return nil, p.wrong(i, "an empty line is missing after the header")
		}
	}
	for p.at < len(p.lines) {
		if p.lines[p.at] == "" {
			p.at++
			continue
		}
		first := p.at
		if err := p.cue(first, p.block()); err != nil {
			return nil, err
		}
	}
	return p.cues, nil
}

// block returns the lines up to the next empty one.
func (p *vttReader) block() []string {
	first := p.at
	for p.at < len(p.lines) && p.lines[p.at] != "" {
		p.at++
	}
	return p.lines[first:p.at]
}

// cue reads a block that begins at a line.
func (p *vttReader) cue(first int, block []string) error {
	for _, kind := range []string{"NOTE", "STYLE", "REGION"} {
		rest, found := strings.CutPrefix(block[0], kind)
		if found && (rest == "" || rest[0] == ' ' || rest[0] == '\t') && !strings.Contains(block[0], "-->") {
			return nil
		}
	}
	if !strings.Contains(block[0], "-->") && len(block) > 1 {
		block, first = block[1:], first+1 // an identifier
	}
	start, end, ok := times(block[0])
	switch {
	case !ok:
		return p.wrong(first, "want two times such as 00:01:02.500 --> 00:01:04.000")
	case end <= start:
		return p.wrong(first, "the cue ends before it begins")
	case len(p.cues) > 0 && start < p.cues[len(p.cues)-1].Start:
		return p.wrong(first, "the cue begins before the one above it")
	}
	c := Cue{Start: start, End: end}
	for i, line := range block[1:] {
		if strings.Contains(line, "-->") {
			return p.wrong(first+1+i, "an empty line is missing before the cue")
		}
		if text := plainText(line); text != "" {
			c.Lines = append(c.Lines, text)
		}
	}
	p.cues = append(p.cues, c)
	return nil
}

// vttTimes matches the line of times of a cue, with settings behind it.
var vttTimes = regexp.MustCompile(`^(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})[ \t]+-->[ \t]+` +
	`(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})(?:[ \t]+.*)?$`)

// times reads the line of times of a cue.
func times(line string) (start, end time.Duration, ok bool) {
	m := vttTimes.FindStringSubmatch(line)
	if m == nil {
		return 0, 0, false
	}
	number := func(i int) time.Duration {
		n, _ := strconv.Atoi(m[i]) // digits, or nothing for no hours
		return time.Duration(n)
	}
	at := func(i int) time.Duration {
		return number(i)*time.Hour + number(i+1)*time.Minute + number(i+2)*time.Second + number(i+3)*time.Millisecond
	}
	return at(1), at(5), true
}

// vttTag matches a tag inside a cue's text.
var vttTag = regexp.MustCompile(`<[^>]*>`)

// plainText returns a line of a cue without tags and escapes.
func plainText(line string) string {
	line = vttTag.ReplaceAllString(line, "")
	return strings.NewReplacer(
		"&lt;", "<", "&gt;", ">", "&amp;", "&", "&nbsp;", "\u00a0", "&lrm;", "\u200e", "&rlm;", "\u200f",
	).Replace(line)
}
