package bucket

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// copiesPrefix is the prefix of unfinished copies in the segments bucket. No
	// room has such a name.
	copiesPrefix = ".copies"
	// treeSuffix is the suffix of the prefix for intermediate objects of a
	// composition.
	treeSuffix = ".tree"
	// nameBytes is the limit of Cloud Storage for names.
	nameBytes      = 1024
	analysisPrefix = "learned"
)

// checkElement returns an error for a text that could leave its folder or split the
// name.
func checkElement(text string) error {
	bad := func(r rune) bool {
		return r == '/' ||
			unicode.IsControl(r) ||
			r == '\u2028' ||
			r == '\u2029'
	}
	switch {
	case text == "", text == ".", text == "..", text == copiesPrefix, !utf8.ValidString(text), strings.ContainsFunc(text, bad), len(text) > 255:
		return fmt.Errorf("%q: %w", text, ErrName)
	}
	return nil
}

// join checks the parts and joins them to a name.
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

// SegmentName returns the name of a segment in the segments bucket. date is
// YYYY-MM-DD in room time.
func SegmentName(room, date, file string) (string, error) {
	return join(room, date, file)
}

// SegmentsPrefix returns the prefix of a room's segments of a day.
func SegmentsPrefix(room, date string) (string, error) {
	name, err := join(room, date)
	return name + "/", err
}

// RoomPrefix returns the prefix of all segments of a room.
func RoomPrefix(room string) (string, error) {
	name, err := join(room)
	return name + "/", err
}

// RecordPrefix returns the prefix of all objects of a record in the work bucket.
func RecordPrefix(record int64) string {
	return fmt.Sprintf("%d/", record)
}

// recordName returns the name of an object of a record.
func recordName(record int64, parts ...string) (string, error) {
	return join(append([]string{fmt.Sprint(record)}, parts...)...)
}

// PlanName returns the name of the plan of a record with a digest.
func PlanName(record int64, digest string) (string, error) {
	return recordName(record, "plans", digest+".json")
}

// DamageName returns the name of a task's note about damaged footage. random is
// chosen by the task.
func DamageName(record int64, random string) (string, error) {
	return recordName(record, "damage", random+".json")
}

// DamagePrefix returns the prefix of these notes.
func DamagePrefix(record int64) string {
	return RecordPrefix(record) + "damage/"
}

// MediaName returns the name of the payload of a part. random is chosen by the task
// that renders it.
func MediaName(record int64, random string) (string, error) {
	return recordName(record, "media", random)
}

// MediaPrefix returns the prefix of all payloads of a record.
func MediaPrefix(record int64) string {
	return RecordPrefix(record) + "media/"
}

// HeadName returns the name of what stands before the payloads in the merge of a plan.
func HeadName(record int64, digest string) (string, error) {
	return recordName(record, "heads", digest)
}

// HeadsPrefix returns the prefix of all heads of a record.
func HeadsPrefix(record int64) string {
	return RecordPrefix(record) + "heads/"
}

// PartName returns the name of the commit of a part. digest is that of its slice.
func PartName(record int64, digest string) (string, error) {
	return recordName(record, "parts", digest+".json")
}

// PartsPrefix returns the prefix of all parts of a record.
func PartsPrefix(record int64) string {
	return RecordPrefix(record) + "parts/"
}

// MergeName returns the name of the merge made from the plan with a digest.
func MergeName(record int64, digest string) (string, error) {
	return recordName(record, "merges", digest+".mp4")
}

// ReportName returns the name of the report of a plan. kind is json, html, or jpg
// for the thumbnail.
func ReportName(record int64, digest, kind string) (string, error) {
	return recordName(record, "reports", digest+"."+kind)
}

// LearnedName returns the name of the stored analysis of one generation of a
// segment. key is a digest.
func LearnedName(key string) (string, error) {
	return join(analysisPrefix, key+".json")
}

// MergesPrefix returns the prefix of all merges of a record.
func MergesPrefix(record int64) string {
	return RecordPrefix(record) + "merges/"
}
