package bucket

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	copiesPrefix  = ".copies" // of the segments bucket: copies on their way; no room has such a name
	treeSuffix    = ".tree"   // beside a composed object: what is composed on the way to it
	nameBytes     = 1024      // Cloud Storage's limit
	analysisPrefix = "learned"
)

// checkElement refuses what must not be a part of a name: it could step out of its folder, or split the name.
func checkElement(text string) error {
	bad := func(r rune) bool { return r == '/' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
	switch {
	case text == "", text == ".", text == "..", text == copiesPrefix, !utf8.ValidString(text), strings.ContainsFunc(text, bad), len(text) > 255:
		return fmt.Errorf("%q: %w", text, ErrName)
	}
	return nil
}

// join makes a name of parts that were checked.
func join(parts ...string) (string, error) {
	for _, part := range parts {
		if err := checkElement(part); err != nil {
			return "", err
		}
	}
	name := path.Join(parts...)
	if len(name) > nameBytes {
		return "", fmt.Errorf("%q is longer than %d bytes: %w", name, nameBytes, ErrName)
	}
	return name, nil
}

// SegmentName names a segment in the segments bucket: room, date as YYYY-MM-DD, file name.
func SegmentName(room, date, file string) (string, error) { return join(room, date, file) }

// SegmentsPrefix is what the names of a room's segments of a day begin with.
func SegmentsPrefix(room, date string) (string, error) {
	name, err := join(room, date)
	return name + "/", err
}

// RoomPrefix is what the names of all of a room's segments begin with.
func RoomPrefix(room string) (string, error) {
	name, err := join(room)
	return name + "/", err
}

// RecordPrefix is what the names of all that belongs to a record begin with, in the work bucket.
func RecordPrefix(record int64) string { return fmt.Sprintf("%d/", record) }

func recordName(record int64, parts ...string) (string, error) {
	return join(append([]string{fmt.Sprint(record)}, parts...)...)
}

// PlanName names the plan of a record with a digest.
func PlanName(record int64, digest string) (string, error) {
	return recordName(record, "plans", digest+".json")
}

// DamageName names a note of a task about damaged footage; random is the task's own.
func DamageName(record int64, random string) (string, error) {
	return recordName(record, "damage", random+".json")
}

// DamagePrefix is what the names of all such notes begin with.
func DamagePrefix(record int64) string { return RecordPrefix(record) + "damage/" }

// MediaName names the payload of a part; random is its maker's own.
func MediaName(record int64, random string) (string, error) {
	return recordName(record, "media", random)
}

// MediaPrefix is what the names of all payloads of a record begin with.
func MediaPrefix(record int64) string { return RecordPrefix(record) + "media/" }

// PartName names the commit of a part: the digest of its slice.
func PartName(record int64, digest string) (string, error) {
	return recordName(record, "parts", digest+".json")
}

// PartsPrefix is what the names of all parts of a record begin with.
func PartsPrefix(record int64) string { return RecordPrefix(record) + "parts/" }

// MergeName names the merge that a plan became.
func MergeName(record int64, digest string) (string, error) {
	return recordName(record, "merges", digest+".mp4")
}

// ReportName names the report of a plan; kind is json, html, or jpg for the thumbnail.
func ReportName(record int64, digest, kind string) (string, error) {
	return recordName(record, "reports", digest+"."+kind)
}

// LearnedName names what analysing one generation of a segment gave; key is a digest.
func LearnedName(key string) (string, error) { return join(analysisPrefix, key+".json") }

// MergesPrefix is what the names of all merges of a record begin with.
func MergesPrefix(record int64) string { return RecordPrefix(record) + "merges/" }
