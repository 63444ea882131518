package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// signIn is the way out of a process that nobody vouches for.
func signIn() nvr.Reason {
	return say("this process has no account at Google: run it as the job doctor, or sign in (gcloud auth application-default login)",
		"у процесса нет учётной записи в Google: запустите задание doctor или войдите (gcloud auth application-default login)")
}

// buckets reads both and writes into the one that is ours.
func (d *Doctor) buckets(ctx context.Context) []Finding {
	ctx, stop := context.WithTimeout(ctx, 2*patience)
	defer stop()
	way := say("do SEGMENTS_BUCKET and WORK_BUCKET name them, and may this account look at them (roles/storage.objectViewer)?",
		"верно ли они названы в SEGMENTS_BUCKET и WORK_BUCKET, разрешён ли к ним доступ (roles/storage.objectViewer)?")
	p, err := d.open(ctx, app.Buckets)
	if err != nil {
		return []Finding{fail("buckets", because(err), signIn())}
	}
	defer func() { _ = p.Close() }() // nothing is pending
	var findings []Finding
	for what, b := range map[string]*bucket.Bucket{"bucket segments": p.Segments, "bucket work": p.Work} {
		if err := readable(ctx, b); err != nil {
			findings = append(findings, fail(what, because(err), way))
			continue
		}
		findings = append(findings, ok(what, say(b.Name()+" can be read", b.Name()+" читается")))
	}
	if len(findings) == 2 && findings[0].What > findings[1].What {
		findings[0], findings[1] = findings[1], findings[0]
	}
	return append(findings, writable(ctx, p.Work))
}

// readable lists what nothing is named like.
func readable(ctx context.Context, b *bucket.Bucket) error {
	for _, err := range b.List(ctx, "doctor/"+rand.Text()) {
		return err
	}
	return nil
}

func writable(ctx context.Context, b *bucket.Bucket) Finding {
	const what = "bucket work, writing"
	object, err := b.CreateBytes(ctx, "doctor/"+rand.Text(), "text/plain", nil, []byte("may be deleted"))
	if err == nil {
		err = b.Delete(ctx, object.Name, object.Generation)
	}
	switch {
	case refused(err):
		return ok(what, say("this account may only read; the functions have rights of their own", "этой учётной записи можно только читать; у функций свои права"))
	case err != nil:
		return fail(what, because(err), say("is the place full, or Cloud Storage out of order?", "не кончилось ли место, работает ли Cloud Storage?"))
	}
	return ok(what, say("an object was written and deleted", "объект записан и удалён"))
}

// dispatch looks at the topics and the job.
func (d *Doctor) dispatch(ctx context.Context) []Finding {
	ctx, stop := context.WithTimeout(ctx, 2*patience)
	defer stop()
	var findings []Finding
	way := say("terraform apply makes the topics; is PROJECT right?", "темы создаёт terraform apply; верен ли PROJECT?")
	p, err := d.open(ctx, app.Topics, app.Jobs)
	if err != nil {
		return []Finding{fail("messages and job", because(err), signIn())}
	}
	defer func() { _ = p.Close() }() // nothing is pending
	for _, topic := range []string{"calendar", "stage", "upload", "link", "fail"} {
		switch err := p.Topics.Check(ctx, topic); {
		case errors.Is(err, dispatch.ErrNotFound):
			findings = append(findings, fail("topic "+topic, say("is not there", "нет такой темы"), way))
		case refused(err):
			findings = append(findings, warn("topic "+topic, say("this account may not look", "этой учётной записи нельзя смотреть"),
				say("give it roles/pubsub.viewer on the topic", "дайте ей роль roles/pubsub.viewer на тему")))
		case err != nil:
			findings = append(findings, fail("topic "+topic, because(err), way))
		default:
			findings = append(findings, ok("topic "+topic, say("is there", "есть")))
		}
	}
	if _, err := p.Jobs.List(ctx, d.Config.MergeJob, d.Now().Add(-time.Minute)); err != nil {
		return append(findings, fail("job merge", because(err),
			say("does MERGE_JOB name it in full, and may this account look (roles/run.viewer on the job)?", "назван ли он в MERGE_JOB полностью, разрешено ли смотреть (roles/run.viewer)?")))
	}
	return append(findings, ok("job merge", same("%s", d.Config.MergeJob)))
}

// asked is one harmless call for the scopes of one component.
type asked struct {
	component string
	scopes    []string
	call      func(ctx context.Context, c *workspace.Client) error
}

func calls(c *Doctor) []asked {
	return []asked{
		{"stage", workspace.StageScopes(), func(ctx context.Context, w *workspace.Client) error {
			_, err := w.FindFiles(ctx, "nvr-doctor-"+rand.Text())
			return err
		}},
		{"upload", workspace.UploadScopes(), func(ctx context.Context, w *workspace.Client) error {
			_, err := w.GenerateID(ctx, 0)
			return err
		}},
		{"calendar", workspace.CalendarScopes(), func(ctx context.Context, w *workspace.Client) error {
			return calendarAnswers(ctx, w, "primary", c.Now())
		}},
		{"link", workspace.LinkScopes(), func(ctx context.Context, w *workspace.Client) error {
			_, err := w.FindCourse(ctx, "nvr-doctor", nil)
			if errors.Is(err, workspace.ErrNotFound) || errors.Is(err, workspace.ErrAmbiguous) {
				return nil
			}
			return err
		}},
	}
}

// workspace makes a call with the scopes of each component that acts for people of the domain.
func (d *Doctor) workspace(ctx context.Context) []Finding {
	var findings []Finding
	for _, a := range calls(d) {
		what := "workspace as " + a.component
		err := d.ask(ctx, a)
		if err != nil && d.delegate(a.component) == "" && d.Config.WorkspaceEndpoint == "" {
			findings = append(findings, fail(what, because(err), say(
				"set DELEGATE to its service account, or DELEGATES to one a component: terraform apply does",
				"укажите в DELEGATE учётную запись службы или в DELEGATES по одной на компонент: это делает terraform apply")))
			continue
		}
		if err != nil {
			list := strings.Join(a.scopes, ",")
			findings = append(findings, fail(what, because(err), say(
				"in the Admin console (Security, API controls, Domain-wide delegation) allow the account "+d.delegate(a.component)+" exactly these scopes: "+list,
				"в консоли администратора (Безопасность, Управление API, Делегирование доступа к данным в домене) разрешите учётной записи "+d.delegate(a.component)+" ровно эти области: "+list)))
			continue
		}
		findings = append(findings, ok(what, say("answers", "отвечает")))
	}
	return findings
}

func (d *Doctor) ask(ctx context.Context, a asked) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	p, err := d.openAs(ctx, a.component, a.scopes)
	if err != nil {
		return err
	}
	return errors.Join(a.call(ctx, p.Workspace), p.Close())
}

func calendarAnswers(ctx context.Context, w *workspace.Client, calendar string, now time.Time) error {
	for _, err := range w.Events(ctx, calendar, now, now.Add(time.Hour)) {
		return err
	}
	return nil
}

// folderOf finds a room's folder on Drive.
func folderOf(ctx context.Context, w *workspace.Client, drive string) (workspace.File, error) {
	id, err := workspace.FolderID(drive)
	if err != nil {
		return workspace.File{}, err
	}
	return w.Stat(ctx, id)
}

// count is a number of things in words that need no plural.
func count(n int, en, ru string) nvr.Reason {
	return say(fmt.Sprintf("%s: %d", en, n), fmt.Sprintf("%s: %d", ru, n))
}
