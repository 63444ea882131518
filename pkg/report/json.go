package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Write writes the report as JSON, indented, with a newline at the end: equal reports, equal bytes.
func (r *Report) Write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r.whole()); err != nil {
		return fmt.Errorf("write the report as JSON: %w", err)
	}
	return nil
}

// whole is a copy in which every list is there: an empty list is [] in JSON, never null.
func (r *Report) whole() Report {
	c := *r
	c.Stretches = there(c.Stretches)
	c.Gaps = there(c.Gaps)
	c.Ignored = there(c.Ignored)
	c.Warnings = there(c.Warnings)
	c.Sync = there(c.Sync)
	c.Slides = there(c.Slides)
	c.Sound.Stretches = there(c.Sound.Stretches)
	c.Segments = there(slices.Clone(c.Segments))
	for i := range c.Segments {
		c.Segments[i].Faults = there(c.Segments[i].Faults)
	}
	c.Sources = there(slices.Clone(c.Sources))
	for i := range c.Sources {
		c.Sources[i].Spans = there(c.Sources[i].Spans)
	}
	return c
}

func there[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Read reads a report back. Unknown fields, anything after it, and a report that breaks a promise of
// [Report.Validate] are errors. Its times have fixed offsets: the zone's rules are not in a report.
func Read(from io.Reader) (*Report, error) {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	var r Report
	if err := decoder.Decode(&r); err != nil {
		return nil, fmt.Errorf("read a report: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read a report: something follows it")
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("read a report: %w", err)
	}
	return &r, nil
}
