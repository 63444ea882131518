package page

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// recordItem is a record as the pages show it.
type recordItem struct {
	records.View
	Name      string
	Date      string
	Hours     string
	Who       string // whose it is; empty on a person's own page
	StateText string
	Left      string // remaining time of the merge, in words
	Amber     bool   // done, but not all that was asked for
	Bar       bool   // show the percentage as a bar
	Reason    string
	Cause     string // technical cause, for operators
	Notes     []string
	Link      string
	Report    string
	Thumbnail string
	Again     string // the form filled in with a failed record; empty: it did not fail
	Dismiss   bool   // an operator may take the failure off the list
	Change    string // the page that changes the record; empty: that is this page, or it cannot be changed
	CanRetry  bool
	CanCancel bool
	Back      string // page to return to after a button
}

// item returns a record for a page. Operators also see whose it is and why it failed.
func (s *site) item(l *i18n.Localizer, r *nvr.Record, zone *time.Location, forOperators bool) recordItem {
	v := s.Records.NewView(r, zone, s.Records.Now())
	i := recordItem{
		View:      v,
		Name:      r.Title,
		Date:      r.Date,
		Hours:     r.StartTime + "–" + r.EndTime,
		StateText: s.stateText(l, r, &v, zone),
		Amber:     v.CourseState == records.CourseNotFound || v.CourseState == records.CourseRefused,
		Bar:       v.State == records.Merging,
		Notes:     append(s.delivered(l, r, &v), notes(l, r)...),
		CanRetry:  v.State == records.Failed || v.State == records.Withdrawn && r.Edits.TakenBack == "",
		CanCancel: !v.State.Ended() && v.Revision == 1 && r.Edits.TakenBack == "",
		Back:      "/recordings",
	}
	if v.Link != nil {
		i.Link = webLink(*v.Link)
	}
	switch v.State {
	case records.Merging:
		i.Left = leftText(l, s.Records.Watcher.Left(r.ID))
	case records.Failed, records.Waiting, records.Queued, records.Uploading, records.Linking:
		i.Reason = l.Cause(records.Reason(r))
	case records.Done, records.Withdrawn:
	}
	path := "/recordings/" + strconv.FormatInt(r.ID, 10)
	if v.State != records.Withdrawn || r.Edits.TakenBack != "" {
		i.Change = path
	}
	if r.Digest != "" && isMerged(v.State) && s.Report != nil {
		i.Report = path + "/report"
	}
	if r.Digest != "" && v.State == records.Done && s.Thumbnail != nil {
		i.Thumbnail = path + "/thumbnail"
	}
	if v.State == records.Failed {
		again := url.Values{
			"room":  {r.Room},
			"date":  {r.Date},
			"start": {r.StartTime},
			"end":   {r.EndTime},
			"title": {r.Title},
		}
		i.Again = "/?" + again.Encode()
	}
	if forOperators {
		i.Dismiss = v.State == records.Failed
		i.Again = "" // it would be requested in the operator's own name
		i.Who, i.Back = r.UserEmail, "/operators"
		if v.State == records.Failed || r.Tries > 0 {
			i.Cause = r.Cause
		}
	}
	return i
}

// delivered returns what a finished video lacks, and where it went.
func (s *site) delivered(l *i18n.Localizer, r *nvr.Record, v *records.View) []string {
	if v.State != records.Done {
		return nil
	}
	var list []string
	if summary := s.Records.Summary(r); summary != nil {
		for _, missing := range summary.Missing {
			role := missing.Role
			if l.Has("role." + role) {
				role = l.T("role." + role)
			}
			list = append(list, l.T("page.note.missing", "role", role, "length", lengthText(l, missing.Length)))
		}
	}
	if v.Held {
		list = append(list, l.T("page.note.held"))
	}
	attached := !v.Held && (r.Course == "" || v.CourseState == records.CoursePosted || v.CourseState == records.CourseNotFound)
	if r.EventID != "" && attached {
		list = append(list, l.T("page.note.event"))
	}
	if r.Share == "shared" {
		list = append(list, l.T("page.note.shared", "email", r.UserEmail))
	}
	return list
}

// lengthText returns a length in seconds below two minutes, else in minutes.
func lengthText(l *i18n.Localizer, length time.Duration) string {
	if length < 2*time.Minute {
		return l.T("unit.s", "n", int(math.Ceil(length.Seconds())))
	}
	return l.T("unit.min", "n", int(math.Ceil(length.Minutes())))
}

// isMerged reports whether a record in the state has a merged video.
func isMerged(state records.State) bool {
	return state == records.Uploading || state == records.Linking || state == records.Done
}

// notes returns what became of sharing and of the course, if there is something to say.
func notes(l *i18n.Localizer, r *nvr.Record) []string {
	var list []string
	if r.Share != "" && r.Share != "shared" && !i18n.ReadReason(r.Share).Is(cause.CodeTakenBack) {
		list = append(list, l.T("page.note.share", "text", l.Cause(i18n.ReadReason(r.Share))))
	}
	if r.Course != "" {
		list = append(list, l.T("page.note.course", "text", l.Cause(i18n.ReadReason(r.Course))))
	}
	return list
}

// webLink returns a link only if it is a web address. A javascript: address must not become a
// link.
func webLink(link string) string {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return link
	}
	return ""
}

// stateText returns the state in words. It says what a waiting record waits for.
func (s *site) stateText(l *i18n.Localizer, r *nvr.Record, v *records.View, zone *time.Location) string {
	switch {
	case r.Edits.TakenBack != "" && v.State == records.Withdrawn:
		return l.T("page.state.taken-back")
	case r.Edits.TakenBack != "" && v.State == records.Linking:
		return l.T("page.state.taking-back")
	case v.State == records.Done && v.Held:
		return l.T("page.state.held")
	case v.State == records.Merging:
		return l.T("page.state.merging", "percent", v.Percent)
	case v.State == records.Queued && r.Holder != "":
		return l.T("page.state.preparing")
	case v.State == records.Done && v.CourseState == records.CourseNotFound:
		return l.T("page.state.done-not-found")
	case v.State == records.Done && v.CourseState == records.CourseRefused:
		return l.T("page.state.done-refused")
	case v.State == records.Waiting:
		if _, end, err := r.Window(zone); err == nil && end.After(s.Records.Now()) {
			return l.T("page.state.waiting-end")
		}
	}
	return l.T("page.state." + string(v.State))
}

// leftText returns the remaining time of a merge in words. It is empty without an estimate.
func leftText(l *i18n.Localizer, left time.Duration) string {
	switch {
	case left <= 0:
		return ""
	case left < time.Minute:
		return l.T("page.left.less")
	}
	return l.T("page.left.minutes", "minutes", int(math.Ceil(left.Minutes())))
}
