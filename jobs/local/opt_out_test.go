package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/report"
)

// optOuts is a serve whose calendars hold opt-outs.
type optOuts struct {
	*served
	notices *notices
	key     string
}

// TestServeOptOuts asks in every way for an hour that an event of the room's calendar asks not to record.
func TestServeOptOuts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes two videos")
	}
	o := &optOuts{served: newServed(t, "504", "505"), notices: &notices{times: map[string]int{}}}
	webhook := httptest.NewServer(o.notices)
	t.Cleanup(webhook.Close)
	o.flags = append(o.flags, "--webhook", webhook.URL)
	o.up()
	o.room("504")
	o.room("505")
	o.key = o.served.key("lecturer@localhost")

	other := o.meeting("504", "Algebra", "", "10:00", "10:01")
	o.meeting("504", "Private", "<p>Семинар</p><p>без записи / no recording</p>", "10:00", "10:01")
	sentence := o.meeting("505", "Physics", "Студентам без записи на курс вход закрыт.", "10:00", "10:01")
	o.call(http.StatusNoContent, http.MethodPost, "/functions/calendar", "")

	o.refused("504")
	row := o.record("504", "A row of the NVR", "10:00", "10:01", "")
	longer := o.record("504", "Longer", "10:00", "10:02", "")
	o.call(http.StatusNoContent, http.MethodPost, "/functions/claim", "")
	o.withdrawn(row)
	o.withdrawn(o.ofEvent(other))
	o.withheld(longer)

	lecture := o.ofEvent(sentence)
	before := o.reaches(lecture, "done")
	o.meeting("505", "Too late", "no recording", "10:00", "10:01")
	o.call(http.StatusNoContent, http.MethodPost, "/functions/calendar", "")
	o.delivered(lecture, before)
	o.refused("505")
}

// meeting adds an event to the calendar of a room and returns its id.
func (o *optOuts) meeting(room, title, description, start, end string) string {
	o.Helper()
	var event struct{ ID string }
	o.ask(
		&event, http.MethodPost, "/workspace/calendar/v3/calendars/room-"+room+"@localhost/events",
		fmt.Sprintf(
			`{"summary": %q, "description": %q, "start": {"dateTime": "%sT%s:00+03:00"}, "end": {"dateTime": "%sT%s:00+03:00"}}`,
			title, description, lesson(), start, lesson(), end,
		),
		"X-Workspace-User", "lecturer@localhost",
	)
	return event.ID
}

// refused asks both APIs for the hour, which they refuse with the reason.
func (o *optOuts) refused(room string) {
	o.Helper()
	const reason = "asks for no recording at this time"
	body := `{"event_name": "Mine", "date": "` + lesson() + `", "start_time": "10:00", "end_time": "10:01"}`
	if text := o.call(http.StatusBadRequest, http.MethodPost, "/montage-event/"+room, body, "key", o.key); !strings.Contains(text, reason) {
		o.Errorf("the NVR's API says %s", text)
	}
	body = fmt.Sprintf(
		`{"room": %q, "title": "Mine", "start": "%sT10:00:00+03:00", "end": "%sT10:01:00+03:00"}`, room, lesson(), lesson(),
	)
	status, text, err := o.try(http.MethodPost, "/api/v1/records", body, "key", o.key)
	if err != nil || status/100 != 4 || !strings.Contains(text, reason) || !strings.Contains(text, `"opted-out"`) {
		o.Errorf("/api/v1 answers %d, %v: %s", status, err, text)
	}
}

// withdrawn waits until a record is withdrawn.
func (o *optOuts) withdrawn(id int64) {
	o.Helper()
	r := o.reaches(id, "withdrawn")
	if !strings.Contains(r.Reason, string(cause.CodeOptedOut)) || r.FileID != "" || r.Done || r.Processing {
		o.Errorf("the record is %+v", r)
	}
}

// withheld looks at a video that overlaps an opt-out in its first minute: the report names the gap, the pictures
// stand still, and nothing is heard.
func (o *optOuts) withheld(id int64) {
	o.Helper()
	r := o.reaches(id, "done")
	var made report.Report
	o.ask(&made, http.MethodGet, "/api/v1/records/"+strconv.FormatInt(id, 10)+"/report", "", "key", o.key)
	for _, source := range []string{"21", "24"} {
		if !slices.ContainsFunc(made.Gaps, func(gap report.Gap) bool {
			return gap.Source == source && gap.Code == cause.CodeWithheld &&
				gap.Start.Format("15:04:05") == "10:00:00" && gap.End.Format("15:04:05") == "10:01:00"
		}) {
			o.Errorf("the gaps of source %s are %+v", source, made.Gaps)
		}
	}
	if n := o.frames(r.FileID); n != 120*25 {
		o.Errorf("the video has %d frames", n)
	}
	path := filepath.Join(o.TempDir(), "withheld.mp4")
	video := o.call(http.StatusOK, http.MethodGet, "/workspace/drive/v3/files/"+r.FileID+"?alt=media", "")
	if err := os.WriteFile(path, []byte(video), 0o600); err != nil {
		o.Fatal(err)
	}
	slate := o.picture(path, "2")
	if !bytes.Equal(slate, o.picture(path, "58")) {
		o.Error("the pictures of the withheld minute differ")
	}
	if bytes.Equal(o.picture(path, "62"), o.picture(path, "118")) {
		o.Error("the pictures of the other minute do not move")
	}
	if loud := o.loudest(path, "0", "59"); loud != 0 {
		o.Errorf("the withheld minute has a sample of %d", loud)
	}
	if loud := o.loudest(path, "62", "50"); loud < 100 {
		o.Errorf("the loudest sample of the other minute is %d", loud)
	}
}

// picture decodes the picture at a second of a video.
func (o *optOuts) picture(path, second string) []byte {
	o.Helper()
	return o.decode("-ss", second, "-i", path, "-frames:v", "1", "-vf", "scale=32:18", "-pix_fmt", "gray", "-f", "rawvideo")
}

// decode returns what FFmpeg writes.
func (o *optOuts) decode(args ...string) []byte {
	o.Helper()
	args = append([]string{"-v", "error", "-nostdin"}, append(args, "-")...)
	out, err := exec.CommandContext(o.Context(), "ffmpeg", args...).Output()
	if err != nil || len(out) == 0 {
		o.Fatalf("ffmpeg %q: %d bytes, %v", args, len(out), err)
	}
	return out
}

// loudest returns the largest sample of some seconds of a video's sound.
func (o *optOuts) loudest(path, from, seconds string) (peak int) {
	o.Helper()
	sound := o.decode("-ss", from, "-t", seconds, "-i", path, "-vn", "-ar", "8000", "-ac", "1", "-f", "s16le")
	for i := 0; i+1 < len(sound); i += 2 {
		sample := int(int16(uint16(sound[i]) | uint16(sound[i+1])<<8)) // #nosec G115 -- two's complement
		peak = max(peak, sample, -sample)
	}
	return peak
}

// delivered looks at a video of a time that an event asks not to record since: it stays, and the operators are told
// once.
func (o *optOuts) delivered(id int64, before row) {
	o.Helper()
	prefix := fmt.Sprintf("record-%d-opted-out-", id)
	o.until("the operators are told", func() bool {
		_, _, _ = o.try(http.MethodPost, "/functions/claim", "")
		return o.notices.withPrefix(prefix) == 1
	})
	after := o.row(id)
	if after.Step != "done" || after.FileID != before.FileID || !strings.Contains(after.Reason, string(cause.CodeOptedOutLate)) {
		o.Errorf("the delivered record is %+v", after)
	}
	if n := o.frames(after.FileID); n != 60*25 {
		o.Errorf("the delivered video has %d frames", n)
	}
	if n := o.readers(after.FileID, "lecturer@localhost"); n != 1 {
		o.Errorf("the delivered video is shared %d times", n)
	}
}

// withPrefix returns how many notices have an id that begins with a prefix.
func (n *notices) withPrefix(prefix string) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, times := range n.times {
		if strings.HasPrefix(id, prefix) {
			count += times
		}
	}
	return count
}

// ofEvent returns the record of an event.
func (o *optOuts) ofEvent(event string) int64 {
	o.Helper()
	for _, r := range o.rows() {
		if r.EventID == event {
			return r.ID
		}
	}
	o.Fatalf("no record of event %s: %+v", event, o.rows())
	return 0
}
