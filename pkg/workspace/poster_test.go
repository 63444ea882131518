package workspace_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/api/classroom/v1"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// TestThePosterMayShareTheVideo: Classroom shares a file with the students as the poster. Someone who only
// sees the video, such as its requester, may not.
func TestThePosterMayShareTheVideo(t *testing.T) {
	t.Parallel()
	for _, seen := range []bool{false, true} {
		w := begin(t, google.Options{})
		id := w.put("lecture.mp4", "room", noise(100))
		made := w.course(&classroom.Course{Name: "Алгебра"})
		c := w.classroomClient()
		if seen {
			if _, err := c.Share(t.Context(), id, teacher); err != nil {
				t.Fatal(err)
			}
		}
		file, err := c.Stat(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		course := workspace.Course{ID: made.Id, Owner: made.OwnerId}
		for range 2 { // the second finds the first one's
			stored := func(string) error { return nil }
			if _, err := c.Announce(t.Context(), course, "Видео", file, "", stored); err != nil {
				t.Fatalf("seen before: %t: %v", seen, err)
			}
		}
		var roles []string
		for _, p := range w.permissions(id) {
			if p.EmailAddress == teacher {
				roles = append(roles, p.Role)
			}
		}
		if strings.Join(roles, " ") != "writer" {
			t.Errorf("seen before: %t: the poster is %v", seen, roles)
		}
	}
}

// late is a Classroom that refuses the first announcements of a poster, and a Drive with one permission.
type late struct {
	refusals int32
	creates  atomic.Int32
	writer   atomic.Bool
	policy   bool // forbids to share
}

func (l *late) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	creates := r.Method == http.MethodPost
	switch {
	case strings.HasSuffix(r.URL.Path, "/permissions") && creates && l.policy:
		w.WriteHeader(http.StatusForbidden)
		answer(w, `{"error":{"code":403,"errors":[{"reason":"insufficientFilePermissions"}]}}`)
	case strings.HasSuffix(r.URL.Path, "/permissions") && creates:
		body, _ := io.ReadAll(r.Body)
		l.writer.Store(strings.Contains(string(body), "writer"))
		answer(w, `{"id":"p1"}`)
	case strings.HasSuffix(r.URL.Path, "/permissions") && l.writer.Load():
		answer(w, `{"permissions":[{"id":"p1","type":"user","role":"writer","emailAddress":"t@school.example"}]}`)
	case strings.HasSuffix(r.URL.Path, "/permissions"):
		answer(w, `{"permissions":[{"id":"p1","type":"user","role":"reader","emailAddress":"t@school.example"}]}`)
	case creates && l.creates.Add(1) <= l.refusals:
		w.WriteHeader(http.StatusForbidden)
		answer(w, `{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}`)
	case creates:
		answer(w, `{"id":"a1","state":"DRAFT"}`)
	default:
		answer(w, `{}`)
	}
}

// TestANewRightMayComeLate: Classroom may not know yet what Drive was told a moment ago.
func TestANewRightMayComeLate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		refusals int32
		policy   bool
		creates  int32
		posts    bool
	}{
		{"at once", 0, false, 1, true},
		{"after two refusals", 2, false, 3, true},
		{"never", 100, false, 4, false},
		{"shared in another way", 0, true, 1, true},
		{"no right to give", 100, true, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := &late{refusals: c.refusals, policy: c.policy}
			waits := &pauses{}
			dialed := client(t, workspace.Options{
				Endpoint: serve(t, server.ServeHTTP),
				Pause:    waits.pause,
				Subjects: workspace.Subjects{Drive: "d@school.example", Classroom: "t@school.example"},
			})
			file := workspace.File{ID: "f1", Created: noon}
			_, err := dialed.Announce(t.Context(), workspace.Course{ID: "1"}, "x", file, "", func(string) error {
				return nil
			})
			if (err == nil) != c.posts || err != nil && fault.KindOf(err) != fault.Permanent {
				t.Errorf("%v", err)
			}
			if got := server.creates.Load(); got != c.creates {
				t.Errorf("tried %d times, want %d", got, c.creates)
			}
		})
	}
}
