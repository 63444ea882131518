package workspace

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quoted is a value inside a Drive query. Everything that goes into a query goes through it.
func quoted(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// checkID refuses what cannot be an id and would change the address it is put into. What has no
// possible id is not there.
func checkID(kind, id string) error {
	if id == "" || id == "." || id == ".." || strings.ContainsFunc(id, unicode.IsControl) || !utf8.ValidString(id) {
		return fmt.Errorf("%s %q: %w", kind, id, ErrNotFound)
	}
	return nil
}

// FolderID is the folder's id of a room's `drive` column: the id itself, or the address of the folder
// that a person copied out of a browser.
func FolderID(drive string) (string, error) {
	id := strings.TrimSpace(drive)
	if head, query, ok := strings.Cut(id, "?"); ok {
		id = head
		for _, pair := range strings.Split(strings.SplitN(query, "#", 2)[0], "&") {
			if value, found := strings.CutPrefix(pair, "id="); found {
				id = value // …/open?id=ID
			}
		}
	}
	id, _, _ = strings.Cut(id, "#")
	id = strings.TrimRight(id, "/")
	id = id[strings.LastIndexByte(id, '/')+1:]
	if strings.ContainsFunc(id, unicode.IsSpace) || strings.ContainsAny(id, "?#") {
		return "", fmt.Errorf("folder %q: %w", drive, ErrNotFound)
	}
	return id, checkID("folder", id)
}

// nameBytes is the longest name that we give to a file.
const nameBytes = 200

// FileName is the video's name on Drive: "2026-11-20 15:10-16:30 504 Title.mp4". Slashes and control
// characters become "_"; a long title is cut.
func FileName(date, start, end, room, title string) string {
	return fit(
		strings.TrimRight(fmt.Sprintf("%s %s-%s %s %s", date, start, end, room, title), " "),
		".mp4",
	)
}

// PageName is the name of the report's page beside a video.
func PageName(video string) string {
	return fit(strings.TrimSuffix(video, ".mp4"), ".html")
}

// fit makes a file name of a text and an extension.
func fit(stem, extension string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '/' || unicode.IsControl(r) || r == utf8.RuneError {
			return '_'
		}
		return r
	}, stem)
	limit := nameBytes - len(extension)
	if len(clean) > limit {
		for limit > 0 && !utf8.RuneStart(clean[limit]) {
			limit--
		}
		clean = strings.TrimRight(clean[:limit], " ")
	}
	return clean + extension
}
