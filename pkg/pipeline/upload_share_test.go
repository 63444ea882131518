package pipeline_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// refusing makes Drive refuse to share with a person, for a reason.
func refusing(whom string, status int, reason string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/permissions") {
			return false
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !bytes.Contains(body, []byte(whom)) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(
			w, `{"error": {"code": %d, "message": "no", "errors": [{"domain": "global", "reason": %q, "message": "no"}]}}`,
			status, reason,
		)
		return true
	}
}

// refused: a share that Drive refuses for good is said in the record, which is done all the same.
func (s *sending) refused(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		email  string // in place of the student's
		code   cause.Code
	}{
		"a rule of the domain": {
			refusing(student, 403, "domainPolicy"),
			"",
			cause.CodeDomainPolicy,
		},
		"only inside the domain": {
			refusing(student, 403, "publishOutNotPermitted"),
			"",
			cause.CodeSharingOutsideForbidden,
		},
		"only members of the drive": {
			refusing(student, 403, "teamDriveMembersOnlyRestriction"),
			"",
			cause.CodeSharedDriveMembersOnly,
		},
		"not our file to share": {
			refusing(student, 403, "insufficientFilePermissions"),
			"",
			cause.CodeFolderNotWritable,
		},
		"a reason of Google's own": {
			refusing(student, 403, "somethingNew"),
			"",
			cause.CodeGoogleRefused,
		},
		"a person without account": {
			refusing(student, 400, "invalidSharingRequest"),
			"",
			cause.CodeNoGoogleAccount,
		},
		"what is no address": {nil, "nobody at all", cause.CodeNoGoogleAccount},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.begin(t)
			w.door.answer = c.answer
			if c.email != "" {
				w.sql("update records set user_email = ? where id = 1", c.email)
			}
			w.recover()
			f := w.facts(s.event, s.course)
			note := i18n.ReadReason(f.row.Share)
			if !note.Is(c.code) || f.shares != 0 {
				t.Errorf("%d shares, and the record says %q", f.shares, f.row.Share)
			}
			f.row.Share, f.shares = "shared", 1
			if wrong := f.once(videoMD5()); wrong != "" || f.row.Tries != 0 {
				t.Error(wrong)
			}
		})
	}
}

// unposted: where the teacher who would post the video may not see it, the record says why it was not
// posted, and is done all the same.
func (s *sending) unposted(t *testing.T) {
	w := s.begin(t)
	w.door.answer = refusing("teacher@example.org", 403, "teamDriveMembersOnlyRestriction")
	w.recover()
	f := w.facts(s.event, s.course)
	if note := i18n.ReadReason(f.row.Course); !note.Is(cause.CodeSharedDriveMembersOnly) || f.posts != 0 {
		t.Errorf("%d announcements, and the record says %q", f.posts, f.row.Course)
	}
	f.row.Course, f.posts = "ALG", 1
	if wrong := f.once(videoMD5()); wrong != "" || f.row.Tries != 0 {
		t.Error(wrong)
	}
}

// delayed: a share that Drive refuses for now is no state of the record; it is made later, once, and the
// video is not sent again.
func (s *sending) delayed(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"too many requests": refusing(student, 403, "rateLimitExceeded"),
		"too many shares":   refusing(student, 403, "sharingRateLimitExceeded"),
	} {
		t.Run(name, func(t *testing.T) {
			w := s.begin(t)
			w.door.answer = answer
			w.must(w.live(&process{}, w.next().do))
			rec := w.row()
			if rec.Step != nvr.StepUpload || rec.Share != "" || rec.Done || rec.Tries != 0 || !rec.DueAt.After(w.clock.Now()) || rec.Reason.IsZero() {
				t.Errorf("%+v", rec)
			}
			w.door.answer = nil
			sent := len(w.uploads())
			s.arrives(t, w)
			if len(w.uploads()) != sent {
				t.Errorf("sent again: %v", w.uploads())
			}
		})
	}
}
