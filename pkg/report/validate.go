package report

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// sha256Text matches a SHA-256 in lower-case hex.
var sha256Text = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Validate holds the report against what it promises, and names everything that breaks a promise by
// its place in the JSON: stretches, sound and each source's spans cover the record without a break
// or an overlap; panes follow the layout; gaps lie in the record and account for all that is missing;
// frame counts agree with the times.
func (r *Report) Validate() error {
	c := &check{start: r.Record.Start, end: r.Record.End}
	c.record(r.Record)
	c.output(r.Output, r.Record)
	c.stretches(r.Stretches)
	c.segments(r.Segments)
	c.ignored(r.Ignored)
	c.sources(r.Sources)
	c.gaps(r)
	c.sound(r.Sound, r.Sources)
	c.cost(r.Cost)
	c.slides(r.Slides)
	c.warnings(r.Warnings)
	c.that(r.Digest != "", "digest: empty")
	return errors.Join(c.errs...)
}

// check gathers what is wrong with a report over [start, end).
type check struct {
	start, end Time
	errs       []error
}

// that adds an error if ok is false. The text begins with the place in the JSON.
func (c *check) that(ok bool, format string, args ...any) {
	if !ok {
		c.errs = append(c.errs, fmt.Errorf(format, args...))
	}
}

// record checks the request. The frame count may differ from the times by the rounding of times to
// milliseconds.
func (c *check) record(r Record) {
	c.that(r.Room != "", "record: no room")
	c.that(r.TimeZone != "", "record: no time zone")
	c.that(r.Start.Before(r.End.Time), "record: does not end after its start")
	c.that(r.Date == r.Start.Format(time.DateOnly), "record: date %q is not that of its start, %s",
		r.Date, r.Start.Format(time.DateOnly))
	c.that(r.FPS > 0, "record: fps %d", r.FPS)
	c.that(r.Policy == Auto || r.Policy == HalfHour, "record: policy %q", r.Policy)
	// In thousandths of a frame; a millisecond of rounding at each end is allowed for.
	off := r.Frames*1000 - r.End.Sub(r.Start.Time).Milliseconds()*int64(r.FPS)
	c.that(off >= -2*int64(r.FPS) && off <= 2*int64(r.FPS), "record: %d frames at %d fps are not its length, %v",
		r.Frames, r.FPS, r.End.Sub(r.Start.Time))
}

// output checks the finished file against the record. The duration may differ by 0.1 s, because the sound
// ends on a whole packet.
func (c *check) output(o Output, r Record) {
	c.that(o.Path != "", "output: no path")
	c.that(o.Bytes > 0, "output: %d bytes", o.Bytes)
	c.that(o.Width > 0 && o.Height > 0, "output: %d×%d pixels", o.Width, o.Height)
	c.that(o.Frames == r.Frames, "output: %d frames, the record has %d", o.Frames, r.Frames)
	c.that(o.FPS == r.FPS, "output: %d fps, the record has %d", o.FPS, r.FPS)
	// Sound ends on a whole packet, up to 1024 samples after the last frame.
	seconds := r.End.Sub(r.Start.Time).Seconds()
	off := float64(o.Duration) - seconds
	c.that(
		o.Duration.Known() && off > -0.1 && off < 0.1,
		"output: lasts %v s, the record %v s",
		o.Duration,
		seconds,
	)
	c.that(
		sha256Text.MatchString(o.SHA256),
		"output: sha256 %q is not 64 lower-case hexadecimal digits",
		o.SHA256,
	)
}

// stretches checks that the layouts cover the record, and that the panes are those of each layout.
func (c *check) stretches(list []Stretch) {
	c.cover("stretches", len(list), func(i int) (Time, Time) {
		return list[i].Start, list[i].End
	})
	for i, s := range list {
		left, right := s.Layout.Panes()
		c.that(s.Layout.Known(), "stretches[%d]: layout %q", i, s.Layout)
		c.that(
			s.Left == left && s.Right == right,
			"stretches[%d]: panes %q and %q in layout %s",
			i,
			s.Left,
			s.Right,
			s.Layout,
		)
		c.that(
			s.Other == None || s.Other == s.Layout.beside(),
			"stretches[%d]: a third picture %q in layout %s",
			i,
			s.Other,
			s.Layout,
		)
		c.that(s.Reason != "", "stretches[%d]: no reason", i)
	}
}

// cover checks that n intervals follow each other without a break from the record's start to its end.
func (c *check) cover(what string, n int, interval func(i int) (start, end Time)) {
	at := c.start
	for i := range n {
		start, end := interval(i)
		c.that(
			start.Equal(at.Time),
			"%s[%d]: starts at %s instead of %s",
			what,
			i,
			stamp(start),
			stamp(at),
		)
		c.that(start.Before(end.Time), "%s[%d]: does not end after its start", what, i)
		at = end
	}
	c.that(at.Equal(c.end.Time), "%s: end at %s instead of %s", what, stamp(at), stamp(c.end))
}

// stamp writes a time as the JSON does.
func stamp(t Time) string { return t.Format(timeLayout) }

// segments checks each file by itself. Files may overlap, and may lie partly outside the record.
func (c *check) segments(list []Segment) {
	for i, s := range list {
		c.that(
			s.File != "" && s.Source != "",
			"segments[%d]: file %q of source %q",
			i,
			s.File,
			s.Source,
		)
		c.role(fmt.Sprintf("segments[%d]", i), s.Role)
		c.that(!s.Start.IsZero(), "segments[%d]: no start", i)
		c.that(s.Bytes >= 0, "segments[%d]: %d bytes", i, s.Bytes)
		c.that(!s.Duration.Known() || s.Duration >= 0, "segments[%d]: lasts %v s", i, s.Duration)
		if v := s.Video; v != nil {
			c.that(
				v.Codec != "" && v.Width > 0 && v.Height > 0,
				"segments[%d].video: codec %q, %d×%d",
				i,
				v.Codec,
				v.Width,
				v.Height,
			)
			c.that(
				v.Frames >= 0 && (!v.FPS.Known() || v.FPS >= 0),
				"segments[%d].video: %d frames, %v fps",
				i,
				v.Frames,
				v.FPS,
			)
		}
		if a := s.Sound; a != nil {
			c.that(a.Codec != "" && a.Channels > 0 && a.SampleRate > 0, "segments[%d].sound: codec %q, %d channels, %d Hz",
				i, a.Codec, a.Channels, a.SampleRate)
		}
		c.words(fmt.Sprintf("segments[%d].faults", i), s.Faults, s.FaultsRu)
	}
}

// ignored checks that each ignored file has a name and a cause.
func (c *check) ignored(list []Ignored) {
	for i, f := range list {
		c.that(f.File != "" && f.Cause != "", "ignored[%d]: file %q, cause %q", i, f.File, f.Cause)
	}
}

// slides checks that slides follow each other within the record.
func (c *check) slides(list []Slide) {
	at := c.start
	for i, s := range list {
		c.that(
			!s.Start.Before(at.Time) && s.Start.Before(s.End.Time) && !s.End.After(c.end.Time),
			"slides[%d]: from %s to %s",
			i,
			stamp(s.Start),
			stamp(s.End),
		)
		at = s.End
	}
}

// role checks that r is a known role, or none.
func (c *check) role(place string, r Role) {
	switch nvr.Role(r) {
	case "", nvr.Lecturer, nvr.Screen, nvr.Board:
	default:
		c.that(false, "%s: role %q", place, r)
	}
}

// warnings checks that each warning has a code and an English text, which every other language falls back to.
func (c *check) warnings(list []Warning) {
	for i, w := range list {
		c.that(
			w.Code != "" && w.Text["en"] != "",
			"warnings[%d]: code %q, text %q",
			i,
			w.Code,
			w.Text["en"],
		)
	}
}

// words checks sentences; a translation is of all of them or of none.
func (c *check) words(place string, en, ru []string) {
	c.that(
		len(ru) == 0 || len(ru) == len(en),
		"%s: %d in English, %d in Russian",
		place,
		len(en),
		len(ru),
	)
	c.that(!slices.Contains(en, "") && !slices.Contains(ru, ""), "%s: an empty sentence", place)
}

// sources checks that each source is listed once, and that its spans cover the record.
func (c *check) sources(list []Source) {
	seen := map[string]bool{}
	for i, s := range list {
		place := fmt.Sprintf("sources[%d]", i)
		c.that(s.Source != "", "%s: no source", place)
		c.that(!seen[s.Source], "%s: source %s is there twice", place, s.Source)
		seen[s.Source] = true
		c.role(place, s.Role)
		c.cover(place+".spans", len(s.Spans), func(k int) (Time, Time) {
			return s.Spans[k].Start, s.Spans[k].End
		})
		for k, span := range s.Spans {
			c.span(fmt.Sprintf("%s.spans[%d]", place, k), span)
		}
	}
}

// span checks that whatever is not footage has a cause.
func (c *check) span(place string, s Span) {
	switch s.State {
	case Footage:
	case Missing, Card, Damaged:
		c.that(s.Cause != "", "%s: %s without a cause", place, s.State)
	default:
		c.that(false, "%s: state %q", place, s.State)
	}
}
