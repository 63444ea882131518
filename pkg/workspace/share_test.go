package workspace_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/api/drive/v3"

	"github.com/nvr-miem/merger/pkg/localcloud/google"
	"github.com/nvr-miem/merger/pkg/workspace"
)

func TestEnsureFolderAtOnceAndUnderFaults(t *testing.T) {
	t.Parallel()
	for seed := range int64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := begin(t, google.Options{})
			w.fail(0.3, seed)
			ids := make([]string, 8)
			var workers sync.WaitGroup
			for i := range ids {
				c := w.client(workspace.Subjects{Drive: uploader})
				workers.Go(func() {
					var err error
					if ids[i], err = c.EnsureFolder(t.Context(), "room", "2026-11-20 'x'", "504/2026-11-20"); err != nil {
						t.Error(err)
					}
				})
			}
			workers.Wait()
			folders := w.files(" and 'room' in parents")
			if len(folders) != 1 {
				t.Errorf("%d folders", len(folders))
			}
			for _, id := range ids {
				if id != folders[0].Id {
					t.Errorf("got %v, there is %s", ids, folders[0].Id)
				}
			}
		})
	}
}

func TestEnsureFolderFindsWhatPeopleMadeAndRenamed(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	var made drive.File
	w.askAs(uploader, "POST", "/drive/v3/files?fields=id", map[string]any{
		"name":     "2026-11-20",
		"mimeType": "application/vnd.google-apps.folder",
		"parents":  []string{"room"},
	}, &made)
	c := w.client(workspace.Subjects{Drive: uploader})
	if id, err := c.EnsureFolder(t.Context(), "room", "2026-11-20", "k1"); err != nil || id != made.Id {
		t.Errorf("%s, %v", id, err)
	}
	ours, err := c.EnsureFolder(t.Context(), "room", "2026-11-21", "k2")
	if err != nil {
		t.Fatal(err)
	}
	w.askAs(uploader, "PATCH", "/drive/v3/files/"+ours, map[string]any{"name": "Saturday"}, nil)
	if id, err := c.EnsureFolder(t.Context(), "room", "2026-11-21", "k2"); err != nil || id != ours {
		t.Errorf("%s, %v", id, err)
	}
}

func (w *env) permissions(id string) []*drive.Permission {
	w.t.Helper()
	var list drive.PermissionList
	w.ask("GET", "/drive/v3/files/"+id+"/permissions?fields=*", nil, &list)
	return list.Permissions
}

func TestShareUnderFaultsIsOnePermission(t *testing.T) {
	t.Parallel()
	for seed := range int64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := begin(t, google.Options{})
			id := w.put("a.mp4", "room", noise(10))
			w.fail(0.4, seed)
			c := w.client(workspace.Subjects{Drive: uploader})
			var first string
			for _, email := range []string{"teacher@school.example", "Teacher@School.example"} {
				permission, err := c.Share(t.Context(), id, email)
				if err != nil || permission == "" {
					t.Fatal(permission, err)
				}
				if first == "" {
					first = permission
				}
				if permission != first {
					t.Errorf("%s and %s", first, permission)
				}
			}
			list := w.permissions(id)
			if len(list) != 2 || list[1].Role != "reader" { // the owner's and the teacher's
				t.Errorf("%+v", list)
			}
		})
	}
}

func TestRefusedShares(t *testing.T) {
	t.Parallel()
	w := begin(t, google.Options{})
	id := w.put("a.mp4", "room", noise(10))
	c := w.client(workspace.Subjects{Drive: uploader})
	_, err := c.Share(t.Context(), id, "not an address")
	var refused *workspace.ShareRefused
	if !errors.As(err, &refused) || refused.Cause.IsZero() {
		t.Errorf("got %v", err)
	}
	if _, err := c.Share(t.Context(), "nothing", "teacher@school.example"); !errors.Is(err, workspace.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if permission, err := c.Share(t.Context(), id, uploader); err != nil || permission == "" {
		t.Errorf("with the owner: %q, %v", permission, err)
	}
}
