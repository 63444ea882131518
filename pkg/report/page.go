package report

import (
	"bytes"
	_ "embed" // the page's template and style
	"encoding/base64"
	"fmt"
	"html/template"
	"image/jpeg"
	"io"
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/i18n"
)

//go:embed page.html
var pageTemplate string

//go:embed page.css
var pageStyle string

// Thumb is a small picture of the video at an instant of the record.
type Thumb struct {
	At   time.Time
	JPEG []byte
}

// HTML writes the report as one self-contained page: no script, no request to anywhere, light and
// dark. Thumbs are shown in the order of their times; one that is not a JPEG is an error.
func (r *Report) HTML(w io.Writer, texts *i18n.Localizer, thumbs []Thumb) error {
	view, err := localizer{texts}.page(r, thumbs)
	if err != nil {
		return fmt.Errorf("write the report as a page: %w", err)
	}
	parsed, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("read the page's template: %w", err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, view); err != nil {
		return fmt.Errorf("write the report as a page: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the report as a page: %w", err)
	}
	return nil
}

// page is all that the template shows, in words.
type page struct {
	Lang                           string
	W                              localizer
	Style                          template.CSS
	Title, Room, Date, Hours, Zone string
	Lead                           string
	Whole                          bool // nothing is missing
	Warnings                       []string
	Facts                          []fact
	Strips                         []strip
	Ticks                          []tick
	Legend                         []legend
	Pictures                       []picture
	Lists                          []list
	Loudness                       []fact
	Sounds                         []event
	Files                          []file
	Ignored, Cost, Imprint         []fact
}

// What the lists and tables of the page are made of. All fields are texts in the page's language, but classes
// of CSS, and the sizes of pictures in pixels.
type (
	fact    struct{ Label, Value, Note string }
	legend  struct{ Class, Label string }
	picture struct {
		Source        template.URL
		Time, Layout  string
		Width, Height int
	}
	list struct {
		ID, Heading, Note string
		Items             []event
	}
	event struct{ Time, Class, What, Lasting, Why string }
	file  struct {
		Name, From, Length, Picture, Sound, Size string
		Faults                                   []string
		Used                                     bool
	}
)

// page returns the report in words. It fails only if a thumb is not a JPEG.
func (v localizer) page(r *Report, thumbs []Thumb) (*page, error) {
	pictures, err := v.pictures(r, thumbs)
	if err != nil {
		return nil, err
	}
	title := r.Record.Title
	if title == "" {
		title = v.Label("room") + " " + r.Record.Room
	}
	return &page{
		Lang:     v.Language(),
		W:        v,
		Style:    template.CSS(pageStyle), //nolint:gosec // our own file, no value of a report
		Title:    title,
		Room:     r.Record.Room,
		Date:     v.Date(r.Record.Start.Time),
		Hours:    hours(r.Record.Start, r.Record.End),
		Zone:     r.Record.TimeZone,
		Lead:     v.lead(r),
		Whole:    len(r.Gaps) == 0 && r.uncovered() == 0,
		Warnings: v.warnings(r),
		Facts:    v.facts(r),
		Strips:   v.strips(r),
		Ticks:    axis{r.Record.Start, r.length()}.ticks(),
		Legend:   v.legend(r),
		Pictures: pictures,
		Lists:    v.lists(r),
		Loudness: v.levels(r.Sound),
		Sounds:   v.sounds(r),
		Files:    v.files(r),
		Ignored:  v.ignored(r),
		Cost:     v.costs(r),
		Imprint:  v.imprint(r),
	}, nil
}

// pictures turns thumbs into data: addresses, each with the layout of its time.
func (v localizer) pictures(r *Report, thumbs []Thumb) ([]picture, error) {
	thumbs = slices.SortedFunc(slices.Values(thumbs), func(a, b Thumb) int {
		return a.At.Compare(b.At)
	})
	pictures := make([]picture, 0, len(thumbs))
	for _, t := range thumbs {
		config, err := jpeg.DecodeConfig(bytes.NewReader(t.JPEG))
		if err != nil {
			return nil, fmt.Errorf("read the thumbnail of %s: %w", t.At.Format(time.RFC3339), err)
		}
		p := picture{
			Time:   Time{t.At}.Format(time.TimeOnly),
			Width:  config.Width,
			Height: config.Height,
		}
		for _, s := range r.Stretches {
			if !t.At.Before(s.Start.Time) && t.At.Before(s.End.Time) {
				p.Layout = v.layout(s)
				p.Time = t.At.In(s.Start.Location()).Format(time.TimeOnly)
			}
		}
		//nolint:gosec // base64 of a picture: nothing in it can end the attribute
		p.Source = template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(t.JPEG))
		pictures = append(pictures, p)
	}
	return pictures, nil
}
