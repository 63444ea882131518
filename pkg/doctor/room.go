package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// concurrency is the number of rooms or uploaders that are checked at once.
const concurrency = 8

// rooms checks every room: its sources, their footage, its calendar and its folder.
func (d *Doctor) rooms(ctx context.Context, db *app.Process) []Finding {
	all, err := db.Store.Rooms.List(ctx)
	if err != nil {
		return []Finding{fail("rooms", causeOf(err), remedy("read-rooms"))}
	}
	if len(all) == 0 {
		return []Finding{warn("rooms", cause.NoRooms(), remedy("add-room"))}
	}
	calendars, calendarErr := d.openAs(ctx, "calendar", workspace.CalendarScopes())
	drives, driveErr := d.openAs(ctx, "upload", workspace.UploadScopes()) // neither holds anything to close
	found := make([][]Finding, len(all))
	var group errgroup.Group
	group.SetLimit(concurrency)
	for i, room := range all {
		group.Go(func() error {
			found[i] = append(found[i], sources(room))
			found[i] = append(found[i], d.footage(ctx, db, room)...)
			if calendarErr == nil {
				found[i] = append(found[i], d.calendar(ctx, calendars.Workspace, room))
			}
			if driveErr == nil {
				found[i] = append(found[i], d.folder(ctx, drives.Workspace, room))
			}
			return nil
		})
	}
	_ = group.Wait() // a check returns findings, no error
	findings := []Finding{ok("rooms", cause.RoomsKnown(len(all)))}
	for _, f := range found {
		findings = append(findings, f...)
	}
	return findings
}

// source is a role of a room with the address of its source.
type source struct{ role, address string }

// roles returns the sources that a room should have.
func roles(room nvr.Room) []source {
	return []source{
		{"lecturer", room.MainSource},
		{"screen", room.ScreenSource},
		{"board", room.Board()},
		{"sound", room.SoundSource},
	}
}

// sources checks the addresses of a room's sources.
func sources(room nvr.Room) Finding {
	what := "room " + room.Name + " sources"
	var unset, invalid []cause.Cause
	for _, s := range roles(room) {
		if s.address == "" {
			unset = append(unset, cause.Role(s.role))
		} else if nvr.Octet(s.address) == "" {
			invalid = append(invalid, cause.Source(s.role, s.address))
		}
	}
	way := remedy("set-sources", "room", room.Name)
	hasPicture := cmp.Or(room.MainSource, room.ScreenSource, room.Board()) != ""
	switch {
	case len(invalid) > 0:
		return fail(what, cause.SourcesInvalid(invalid...), way)
	case !hasPicture:
		return fail(what, cause.NoSources(), way)
	case len(unset) > 0:
		return warn(what, cause.SourcesUnset(unset...), way)
	}
	return ok(what, cause.SourcesComplete())
}

// footage counts what each source has recorded yesterday and today.
func (d *Doctor) footage(ctx context.Context, db *app.Process, room nvr.Room) []Finding {
	what := "room " + room.Name + " footage"
	now := d.Now().In(room.Zone)
	yesterday, today := now.AddDate(0, 0, -1).Format(time.DateOnly), now.Format(time.DateOnly)
	days, err := db.Store.Segments.CountByDay(ctx, room.Name, yesterday, today)
	if err != nil {
		return []Finding{fail(what, causeOf(err), remedy("read-index"))}
	}
	segments := map[string]int{}
	for _, day := range days {
		segments[day.Source] += day.Segments
	}
	var found []string
	var missing []cause.Cause
	checked := map[string]bool{}
	for _, s := range roles(room) {
		octet := nvr.Octet(s.address)
		if octet == "" || checked[octet] {
			continue
		}
		checked[octet] = true
		if segments[octet] == 0 {
			missing = append(missing, cause.Source(s.role, octet))
		} else {
			found = append(found, fmt.Sprintf("%s %d", octet, segments[octet]))
		}
	}
	if len(missing) > 0 {
		return []Finding{warn(what, cause.FootageMissing(missing...), remedy("check-recorder"))}
	}
	if len(found) == 0 {
		return nil // the room has no source, which is another finding
	}
	return []Finding{ok(what, cause.FootageFound(strings.Join(found, ", ")))}
}

func (d *Doctor) calendar(ctx context.Context, w *workspace.Client, room nvr.Room) Finding {
	what := "room " + room.Name + " calendar"
	if room.Calendar == "" {
		return warn(what, cause.CalendarUnset(), remedy("set-calendar", "room", room.Name))
	}
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	if err := readCalendar(ctx, w, room.Calendar, d.Now()); err != nil {
		return fail(what, causeOf(err), remedy("share-calendar", "user", d.Config.CalendarSubject))
	}
	return ok(what, cause.CalendarAvailable(room.Calendar))
}

func (d *Doctor) folder(ctx context.Context, w *workspace.Client, room nvr.Room) Finding {
	what := "room " + room.Name + " folder"
	folder := cmp.Or(room.Drive, d.Config.DriveFolder)
	if folder == "" {
		return warn(
			what,
			cause.FolderUnset(d.Config.DriveSubject),
			remedy("set-folder", "room", room.Name),
		)
	}
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	file, err := folderOf(ctx, w, folder)
	isImitation := d.Config.WorkspaceEndpoint != ""
	way := remedy("share-folder", "user", d.Config.DriveSubject, "room", room.Name)
	if errors.Is(err, workspace.ErrNotFound) && isImitation {
		return warn(what, cause.FolderNotMadeYet(), remedy("first-upload"))
	}
	if err != nil {
		return fail(what, causeOf(err), way)
	}
	if problem := folderProblem(file); !problem.IsZero() {
		return fail(what, problem, way)
	}
	return ok(what, cause.FolderWritable(file.Name))
}

// folderProblem returns why the user who read a file may not put videos into it. It is zero if they may.
func folderProblem(file workspace.File) cause.Cause {
	switch {
	case file.Trashed:
		return cause.FolderTrashed(file.Name)
	case file.MIME != "application/vnd.google-apps.folder":
		return cause.NotAFolder(file.Name)
	case !file.Writable:
		return cause.FolderReadOnly(file.Name)
	}
	return cause.Cause{}
}
