package doctor

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// foldersEach is in how many folders one uploader is tried: a thousand rooms have them in one shared drive.
const foldersEach = 20

// uploaders tries each of those who share the uploads: may we act for him, and may he write where videos
// go? Without p the rooms' folders are not known.
func (d *Doctor) uploaders(ctx context.Context, p *app.Process) []Finding {
	all := d.Config.DriveUploaders
	if len(all) == 0 {
		return nil
	}
	folders := d.folders(ctx, p)
	findings := make([]Finding, len(all))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, who := range all {
		group.Go(func() error {
			findings[i] = d.uploader(ctx, who, folders)
			return nil
		})
	}
	_ = group.Wait() // no look returns an error: it is a finding
	return findings
}

// folders are those that videos go to, each once.
func (d *Doctor) folders(ctx context.Context, p *app.Process) []string {
	var folders []string
	if d.Config.DriveFolder != "" {
		folders = append(folders, d.Config.DriveFolder)
	}
	if p != nil {
		rooms, _ := p.Store.Rooms.List(ctx) // the look at the rooms says what is wrong
		for _, room := range rooms {
			if room.Drive != "" && !slices.Contains(folders, room.Drive) {
				folders = append(folders, room.Drive)
			}
		}
	}
	return folders[:min(len(folders), foldersEach)]
}

func (d *Doctor) uploader(ctx context.Context, who string, folders []string) Finding {
	what := "uploader " + who
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	c := *d.Config
	c.DriveSubject, c.DriveUploaders = who, nil
	as := *d
	as.Config = &c
	p, err := as.openAs(ctx, "upload", workspace.UploadScopes()) // nothing to close
	if err == nil {
		_, err = p.Workspace.GenerateID(ctx, 0)
	}
	if err != nil {
		return fail(what, because(err), say(
			"is it a user of the domain with Drive? Else correct drive_uploaders (DRIVE_UPLOADERS)",
			"есть ли такой пользователь в домене и включён ли у него Диск? Если нет, исправьте drive_uploaders (DRIVE_UPLOADERS)"))
	}
	if len(folders) == 0 {
		return warn(what, say("no folder is set: videos go to the Drive of "+d.Config.DriveSubject+", which is closed to others", "папка не задана: видео попадут на диск "+d.Config.DriveSubject+", закрытый для других"),
			say("set drive_folder (DRIVE_FOLDER) to a folder of a shared drive", "укажите в drive_folder (DRIVE_FOLDER) папку общего диска"))
	}
	for _, folder := range folders {
		if why, ok := mayWrite(ctx, p.Workspace, folder); !ok {
			return fail(what, why, say("make "+who+" a content manager of the shared drive (or let it edit the folder "+folder+")",
				"дайте "+who+" роль «Контент-менеджер» на общем диске (или право изменять папку "+folder+")"))
		}
	}
	return ok(what, count(len(folders), "may write, folders tried", "может писать, проверено папок"))
}

// mayWrite tells whether files can be put into a folder, and if not, why.
func mayWrite(ctx context.Context, w *workspace.Client, folder string) (nvr.Reason, bool) {
	file, err := folderOf(ctx, w, folder)
	switch {
	case errors.Is(err, workspace.ErrNotFound):
		return say("does not see folder "+folder, "не видит папку "+folder), false
	case err != nil:
		return because(err), false
	}
	return takes(file)
}
