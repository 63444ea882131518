package workspace_test

import (
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/calendar"
	"github.com/nvr-miem/merger/pkg/workspace"
)

const videoLink = "https://drive.google.com/file/d/f1/view"

func TestLinkInTheDescription(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ description, language, want string }{
		{"", "ru", "— Видеозапись занятия —\nL\n— конец ссылки —"},
		{"Bring books", "en", "Bring books\n\n— Video of this event —\nL\n— end of link —"},
		{"<p>Bring books</p>", "de", "<p>Bring books</p><br><br>— Video of this event —<br>L<br>— end of link —"},
		{"a\n— Видеозапись занятия —\nK\n— конец ссылки —\nb", "en", "a\n— Видеозапись занятия —\nK\nL\n— конец ссылки —\nb"},
	} {
		if got := workspace.WithLink(tt.description, "L", tt.language); got != tt.want {
			t.Errorf("%q in %s: %q", tt.description, tt.language, got)
		}
		if got := workspace.WithoutLink(tt.want, "L"); got != tt.description {
			t.Errorf("%q without the link: %q, want %q", tt.want, got, tt.description)
		}
	}
}

// FuzzLinkInTheDescription keeps what people wrote, and what it means to us.
func FuzzLinkInTheDescription(f *testing.F) {
	f.Add("поток: БПМИ201", true)
	f.Add("<b>без записи</b>", false)
	f.Add("", true)
	f.Add("— Video of this event —", false)
	f.Fuzz(func(t *testing.T, description string, russian bool) {
		language := map[bool]string{true: "ru", false: "en"}[russian]
		once := workspace.WithLink(description, videoLink, language)
		if strings.Count(once, videoLink) != strings.Count(description, videoLink)+1 || len(once) < len(description) {
			t.Errorf("%q became %q", description, once)
		}
		if n := strings.Count(workspace.WithoutLink(once, videoLink), videoLink); n > strings.Count(description, videoLink) {
			t.Errorf("%q without the link still has %d of them", once, n)
		}
		if strings.ContainsAny(description, "<>&") {
			return // half a tag may swallow what follows it
		}
		before, _ := calendar.CourseCode(description)
		after, _ := calendar.CourseCode(once)
		if before != after || calendar.HasOptOutWords(description) != calendar.HasOptOutWords(once) {
			t.Errorf("%q named %q, %q names %q", description, before, once, after)
		}
	})
}

func TestFileIDInALink(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		videoLink: "f1",
		"https://drive.google.com/file/d/f1/view?usp=drivesdk": "f1",
		"https://drive.google.com/open?id=f1":                  "f1",
		"https://drive.google.com/":                            "",
		"%zz":                                                  "",
	} {
		if got := workspace.FileIDIn(address); got != want {
			t.Errorf("%q: %q", address, got)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"БПМИ201", "бпми 201"}, {"ABC", "АВС"}, {" a  b ", "A B"}} {
		same := workspace.Fold(pair[0]) == workspace.Fold(pair[1])
		if want := pair[0] != "БПМИ201"; same != want {
			t.Errorf("%q and %q: %t", pair[0], pair[1], same)
		}
	}
}
