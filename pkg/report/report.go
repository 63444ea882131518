// Package report says what a merge did and why: as JSON (a promise to programs, published as
// docs/report.schema.json), as a summary for a terminal and as one page for a browser, in the languages of
// the catalogue.
//
// It knows the report's fields, their units and what must hold between them. It knows no files, no
// FFmpeg, no clock and no plan: values come in, bytes go out. All text in a report is untrusted
// (titles, file names); the page escapes it, the summary strips what would steer a terminal. A field
// that ends in _ru is the Russian wording of the field without it; where it is empty, the English one
// stands in both languages. Where a code stands beside the words, texts are made from the code.
//
// Start with [Report]; fill it, [Report.Validate] it, then [Report.Write], [Report.Text] or
// [Report.HTML].
package report

import "github.com/nvr-miem/merger/pkg/cause"

// Report is a merge: what was asked, what came out, what is in it and what it cost.
type Report struct {
	Record    Record    `json:"record"`
	Output    Output    `json:"output"`
	Stretches []Stretch `json:"stretches"` // unbroken, cover the record
	Gaps      []Gap     `json:"gaps"`      // what was not recorded or cannot be read, per source
	Segments  []Segment `json:"segments"`  // every file of the record's sources that was looked at
	Ignored   []Ignored `json:"ignored"`   // files in the folder that do not belong
	Sources   []Source  `json:"sources"`   // each source over the whole record
	Sound     Sound     `json:"sound"`
	Cost      Cost      `json:"cost"`
	Sync      []Sync    `json:"sync"`   // how late the sources are against each other
	Slides    []Slide   `json:"slides"` // what stands on the screen, where it is seen, in order

	Warnings []Warning `json:"warnings"` // what a person should know

	Digest   string   `json:"digest"` // of the plan that was rendered
	Versions Versions `json:"versions"`
}

// Record is what was asked for.
type Record struct {
	Room     string `json:"room"`
	Date     string `json:"date"` // YYYY-MM-DD, the room's date at Start
	Start    Time   `json:"start"`
	End      Time   `json:"end"` // exclusive
	Title    string `json:"title"`
	TimeZone string `json:"time_zone"` // IANA name, like Europe/Moscow
	Frames   int64  `json:"frames"`    // (End - Start) × FPS
	FPS      int    `json:"fps"`       // frames a second
	Policy   Policy `json:"policy"`
}

// Policy is how the screen was judged.
type Policy string

// The policies.
const (
	Auto     Policy = "auto"      // changes inside a half hour are found
	HalfHour Policy = "half-hour" // each half hour is judged as a whole
)

// Output is the finished video.
type Output struct {
	Path     string `json:"path"`
	Bytes    int64  `json:"bytes"`
	Frames   int64  `json:"frames"`
	Width    int    `json:"width"`  // pixels
	Height   int    `json:"height"` // pixels
	FPS      int    `json:"fps"`
	Duration Number `json:"duration_s"` // seconds
	SHA256   string `json:"sha256"`     // of the whole file, lower-case hex
}

// Stretch is a run of the video with one layout, for one reason.
type Stretch struct {
	Start  Time   `json:"start"`
	End    Time   `json:"end"` // exclusive
	Layout Layout `json:"layout"`
	Left   Role   `json:"left"`  // as [Layout.Panes] says
	Right  Role   `json:"right"` // as [Layout.Panes] says
	// Other is the board or the screen if it is shown beside the one on the right: the third picture of a
	// stage.
	Other Role `json:"other"`
	ReasonFields
}

// Gap is a stretch of the record for which a source has no usable footage.
type Gap struct {
	Source string `json:"source"` // last octet of the source's address
	Role   Role   `json:"role"`   // null if the source only gives sound
	Start  Time   `json:"start"`
	End    Time   `json:"end"` // exclusive
	CauseFields
}

// Segment is one file of one source, and what was found in it.
type Segment struct {
	File     string   `json:"file"`
	Source   string   `json:"source"`
	Role     Role     `json:"role"`
	Start    Time     `json:"start"` // wall clock of the file's first sample
	Bytes    int64    `json:"bytes"`
	Duration Number   `json:"duration_s"` // null if it cannot be read
	Video    *Video   `json:"video"`      // null if there is none that can be read
	Sound    *Audio   `json:"sound"`      // null if there is none that can be read
	Faults   []string `json:"faults"`
	FaultsRu []string `json:"faults_ru,omitempty"`
	// FaultCodes are the faults as codes, in the same order. It is empty in reports of former versions.
	FaultCodes []cause.Cause `json:"faults_codes,omitempty"`
	Used       bool          `json:"used"` // whether anything of it is in the video
}

// Video is the picture track of a segment.
type Video struct {
	Codec  string `json:"codec"` // FFmpeg's name, like h264
	Width  int    `json:"width"`
	Height int    `json:"height"`
	FPS    Number `json:"fps"`    // on average
	Frames int64  `json:"frames"` // 0 if unknown
}

// Audio is the sound track of a segment.
type Audio struct {
	Codec      string `json:"codec"` // FFmpeg's name, like aac
	Channels   int    `json:"channels"`
	SampleRate int    `json:"sample_rate"` // Hz
}

// Ignored is a file that lay among the segments and does not belong to the record.
type Ignored struct {
	File string `json:"file"`
	CauseFields
}

// Source is what one source has, over the whole record.
type Source struct {
	Source string `json:"source"`
	Role   Role   `json:"role"`
	Spans  []Span `json:"spans"` // unbroken, cover the record
}

// Span is a run of a source in one state.
type Span struct {
	Start       Time  `json:"start"`
	End         Time  `json:"end"` // exclusive
	State       State `json:"state"`
	CauseFields       // may be empty for footage only
}

// State is what a source has at some time.
type State string

// The states.
const (
	Footage State = "footage"
	Missing State = "missing" // nothing was recorded, or it cannot be read; a [Gap] says why
	Card    State = "card"    // the encoder's idle screen, no presentation
	Damaged State = "damaged" // something was recorded; it cannot be trusted, or only in part
)

// Sound is where the sound comes from and how loud it is.
type Sound struct {
	Target    Number         `json:"target_lufs"` // null: loudness is left as it was
	Measured  *Loudness      `json:"measured"`    // of the sources; null if not measured
	Result    *Loudness      `json:"result"`      // of the video; null if not measured
	Gain      Number         `json:"gain_db"`     // one for the whole record
	Stretches []SoundStretch `json:"stretches"`   // unbroken, cover the record
}

// Loudness is a measurement by EBU R128. Digital silence has no finite value: null.
type Loudness struct {
	LUFS     Number `json:"lufs"` // integrated
	TruePeak Number `json:"true_peak_dbtp"`
}

// SoundStretch is a run of the sound that comes from one source.
type SoundStretch struct {
	Start  Time     `json:"start"`
	End    Time     `json:"end"`    // exclusive
	Source SourceID `json:"source"` // null: silence
	Role   Role     `json:"role"`
	ReasonFields
}

// Cost is what the merge took.
type Cost struct {
	CPU      Number `json:"cpu_s"`          // CPU seconds of all processes
	Wall     Number `json:"wall_s"`         // seconds from start to end
	PeakRSS  int64  `json:"peak_rss_bytes"` // of all processes together
	Read     int64  `json:"read_bytes"`     // of the segments, to render
	Analysis int64  `json:"analysis_bytes"` // of the segments, to judge the screen and measure the sound
}

// Versions are of the programs that shape the video.
type Versions struct {
	Program  string `json:"program"`
	Renderer string `json:"renderer"`
	FFmpeg   string `json:"ffmpeg"`
}

// Slide is a picture that stands on the screen.
type Slide struct {
	Start   Time   `json:"start"`
	End     Time   `json:"end"`   // exclusive
	Title   string `json:"title"` // its most prominent line; empty if none was read
	Text    string `json:"text"`  // all that was read, in lines
	Picture Place  `json:"picture"`
}

// Sync is how late a source is against the one that is heard, as their sounds say.
type Sync struct {
	Source    string `json:"source"`
	Reference string `json:"reference"`
	OffsetMs  Number `json:"offset_ms"` // by which the source is later, at the start of its first file
	DriftPPM  Number `json:"drift_ppm"` // parts in a million by which its clock runs slower
	Sure      bool   `json:"sure"`      // false: nothing was corrected
	Windows   int    `json:"windows"`   // stretches of sound that agree
}
