package doctor

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// mostFolders bounds the folders that are checked for each uploader. A thousand rooms usually have their
// folders in one shared drive.
const mostFolders = 20

// uploaders checks each user who shares the uploads: the delegation works, and the user may write to the
// folders of the videos. If p is nil, the folders of the rooms are unknown.
func (d *Doctor) uploaders(ctx context.Context, p *app.Process) []Finding {
	users := d.Config.DriveUploaders
	if len(users) == 0 {
		return nil
	}
	folders := d.folders(ctx, p)
	findings := make([]Finding, len(users))
	var group errgroup.Group
	group.SetLimit(concurrency)
	for i, user := range users {
		group.Go(func() error {
			findings[i] = d.uploader(ctx, user, folders)
			return nil
		})
	}
	_ = group.Wait() // a check returns findings, no error
	return findings
}

// folders returns the distinct folders of the videos, at most [mostFolders].
func (d *Doctor) folders(ctx context.Context, p *app.Process) []string {
	var folders []string
	if d.Config.DriveFolder != "" {
		folders = append(folders, d.Config.DriveFolder)
	}
	if p != nil {
		rooms, _ := p.Store.Rooms.List(ctx) // the check of the rooms reports the error
		for _, room := range rooms {
			if room.Drive != "" && !slices.Contains(folders, room.Drive) {
				folders = append(folders, room.Drive)
			}
		}
	}
	return folders[:min(len(folders), mostFolders)]
}

func (d *Doctor) uploader(ctx context.Context, user string, folders []string) Finding {
	what := "uploader " + user
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	p, err := d.openFor(ctx, user)
	if err == nil {
		err = generateID(ctx, p.Workspace)
	}
	if err != nil {
		return fail(what, causeOf(err), remedy("check-uploader"))
	}
	if len(folders) == 0 {
		return warn(
			what,
			cause.UploaderWithoutFolder(d.Config.DriveSubject),
			remedy("set-shared-folder"),
		)
	}
	for _, folder := range folders {
		if problem := uploadProblem(ctx, p.Workspace, folder); !problem.IsZero() {
			return fail(what, problem, remedy("make-manager", "user", user, "folder", folder))
		}
	}
	return ok(what, cause.UploaderReady(len(folders)))
}

// openFor opens the Workspace as step upload has it, acting for one user. There is nothing to close.
func (d *Doctor) openFor(ctx context.Context, user string) (*app.Process, error) {
	c := *d.Config
	c.DriveSubject, c.DriveUploaders = user, nil
	as := *d
	as.Config = &c
	return as.openAs(ctx, "upload", workspace.UploadScopes())
}

// uploadProblem returns why videos cannot be put into a folder. It is zero if they can.
func uploadProblem(ctx context.Context, w *workspace.Client, folder string) cause.Cause {
	file, err := folderOf(ctx, w, folder)
	if errors.Is(err, workspace.ErrNotFound) {
		return cause.FolderHidden(folder)
	}
	if err != nil {
		return causeOf(err)
	}
	return folderProblem(file)
}
