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
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// atOnce is how many rooms are looked at together.
const atOnce = 8

// rooms looks at every room: its sources, what they recorded, its calendar and its folder.
func (d *Doctor) rooms(ctx context.Context, db *app.Process) []Finding {
	all, err := db.Store.Rooms.List(ctx)
	if err != nil {
		return []Finding{fail("rooms", because(err), say("can the table rooms be read?", "читается ли таблица rooms?"))}
	}
	if len(all) == 0 {
		return []Finding{warn("rooms", say("there are none", "ни одной нет"), say("add one: local rooms set NAME, or on the page", "добавьте: local rooms set ИМЯ или на странице"))}
	}
	calendars, calendarErr := d.openAs(ctx, "calendar", workspace.CalendarScopes())
	drives, driveErr := d.openAs(ctx, "upload", workspace.UploadScopes()) // neither has anything to close
	found := make([][]Finding, len(all))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, room := range all {
		group.Go(func() error {
			found[i] = append(sources(room), d.footage(ctx, db, room)...)
			if calendarErr == nil {
				found[i] = append(found[i], d.calendar(ctx, calendars.Workspace, room))
			}
			if driveErr == nil {
				found[i] = append(found[i], d.folder(ctx, drives.Workspace, room))
			}
			return nil
		})
	}
	_ = group.Wait() // no look returns an error: it is a finding
	findings := []Finding{ok("rooms", count(len(all), "known", "известно"))}
	for _, f := range found {
		findings = append(findings, f...)
	}
	return findings
}

// roles are the sources that a room should have.
func roles(room nvr.Room) []struct{ role, address string } {
	return []struct{ role, address string }{
		{"lecturer", room.MainSource}, {"screen", room.ScreenSource}, {"board", room.Board()}, {"sound", room.SoundSource},
	}
}

func sources(room nvr.Room) []Finding {
	what := "room " + room.Name + " sources"
	var missing, unreadable []string
	for _, s := range roles(room) {
		switch {
		case s.address == "":
			missing = append(missing, s.role)
		case nvr.Octet(s.address) == "":
			unreadable = append(unreadable, s.role+" "+s.address)
		}
	}
	way := say("local rooms set "+room.Name+" --lecturer … --screen … --board … --sound …, like 172.18.191.24", "local rooms set "+room.Name+" --lecturer … --screen … --board … --sound …, например 172.18.191.24")
	switch {
	case len(unreadable) > 0:
		list := strings.Join(unreadable, ", ")
		return []Finding{fail(what, say("not an address: "+list, "не адрес: "+list), way)}
	case room.MainSource == "" && room.ScreenSource == "" && room.Board() == "":
		return []Finding{fail(what, say("none at all", "нет ни одного"), way)}
	case len(missing) > 0:
		list := strings.Join(missing, ", ")
		return []Finding{warn(what, say("not set: "+list, "не заданы: "+list), way)}
	}
	return []Finding{ok(what, say("lecturer, screen, board, sound", "преподаватель, экран, доска, звук"))}
}

// footage asks the index what each source recorded yesterday and today.
func (d *Doctor) footage(ctx context.Context, db *app.Process, room nvr.Room) []Finding {
	what := "room " + room.Name + " footage"
	now := d.Now().In(room.Zone)
	days, err := db.Store.Segments.CountByDay(ctx, room.Name, now.AddDate(0, 0, -1).Format(time.DateOnly), now.Format(time.DateOnly))
	if err != nil {
		return []Finding{fail(what, because(err), say("can the index of segments be read?", "читается ли список сегментов?"))}
	}
	seen := map[string]int{}
	for _, day := range days {
		seen[day.Source] += day.Segments
	}
	var there, silent []string
	done := map[string]bool{}
	for _, s := range roles(room) {
		octet := nvr.Octet(s.address)
		if octet == "" || done[octet] {
			continue
		}
		done[octet] = true
		if seen[octet] == 0 {
			silent = append(silent, s.role+" "+octet)
		} else {
			there = append(there, fmt.Sprintf("%s %d", octet, seen[octet]))
		}
	}
	if len(silent) > 0 {
		list := strings.Join(silent, ", ")
		return []Finding{warn(what, say("nothing since yesterday from "+list, "со вчерашнего дня ничего от: "+list),
			say("is the recorder running, and does it put its files into the segments bucket?", "работает ли регистратор, кладёт ли он файлы в хранилище сегментов?"))}
	}
	if len(there) == 0 {
		return nil // no source is known, which is said of the sources
	}
	list := strings.Join(there, ", ")
	return []Finding{ok(what, say("segments since yesterday: "+list, "сегментов со вчерашнего дня: "+list))}
}

func (d *Doctor) calendar(ctx context.Context, w *workspace.Client, room nvr.Room) Finding {
	what := "room " + room.Name + " calendar"
	if room.Calendar == "" {
		return warn(what, say("not set: only requests make records", "не задан: записи появляются только по запросам"), same("local rooms set %s --calendar ID", room.Name))
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := calendarAnswers(ctx, w, room.Calendar, d.Now()); err != nil {
		return fail(what, because(err), say("share the calendar with "+d.Config.CalendarSubject+" (make changes to events)", "откройте календарь для "+d.Config.CalendarSubject+" (изменение мероприятий)"))
	}
	return ok(what, same("%s", room.Calendar))
}

func (d *Doctor) folder(ctx context.Context, w *workspace.Client, room nvr.Room) Finding {
	what := "room " + room.Name + " folder"
	where := cmp.Or(room.Drive, d.Config.DriveFolder)
	if where == "" {
		return warn(what, say("not set: videos go to the top of the Drive of "+d.Config.DriveSubject, "не задана: видео попадут в корень диска "+d.Config.DriveSubject), same("local rooms set %s --drive FOLDER", room.Name))
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	file, err := folderOf(ctx, w, where)
	way := say("let "+d.Config.DriveSubject+" edit the folder, or set another: local rooms set "+room.Name+" --drive FOLDER", "дайте "+d.Config.DriveSubject+" право изменять папку или укажите другую: local rooms set "+room.Name+" --drive FOLDER")
	switch {
	case errors.Is(err, workspace.ErrNotFound) && d.Config.WorkspaceEndpoint != "":
		return warn(what, say("is not there yet", "её ещё нет"), say("it is made by the first upload", "появится с первым видео"))
	case err != nil:
		return fail(what, because(err), way)
	}
	if why, good := takes(file); !good {
		return fail(what, why, way)
	}
	return ok(what, same("%s", file.Name))
}

// takes tells whether whoever looked at a file may put videos into it, and if not, why.
func takes(file workspace.File) (why nvr.Reason, good bool) {
	switch {
	case file.Trashed:
		return say(file.Name+" lies in the bin", file.Name+" лежит в корзине"), false
	case file.MIME != "application/vnd.google-apps.folder":
		return say(file.Name+" is no folder", file.Name+": не папка"), false
	case !file.Writable:
		return say("may not write to folder "+file.Name, "не может писать в папку "+file.Name), false
	}
	return why, true
}
