package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// buckets reads both buckets and writes to the work bucket.
func (d *Doctor) buckets(ctx context.Context) []Finding {
	ctx, stop := context.WithTimeout(ctx, 2*timeout)
	defer stop()
	p, err := d.open(ctx, app.Buckets)
	if err != nil {
		return []Finding{fail("buckets", causeOf(err), remedy("sign-in"))}
	}
	defer func() { _ = p.Close() }() // nothing is pending
	return []Finding{
		readable(ctx, "bucket segments", p.Segments),
		readable(ctx, "bucket work", p.Work),
		writable(ctx, p.Work),
	}
}

// readable lists a random prefix. The list is empty, so the check costs one request.
func readable(ctx context.Context, what string, b *bucket.Bucket) Finding {
	for _, err := range b.List(ctx, "doctor/"+rand.Text()) {
		if err != nil {
			return fail(what, causeOf(err), remedy("read-buckets"))
		}
		break
	}
	return ok(what, cause.BucketReadable(b.Name()))
}

// writable writes an object and deletes it.
func writable(ctx context.Context, b *bucket.Bucket) Finding {
	const what = "bucket work, writing"
	object, err := b.CreateBytes(
		ctx,
		"doctor/"+rand.Text(),
		"text/plain",
		nil,
		[]byte("may be deleted"),
	)
	if err == nil {
		err = b.Delete(ctx, object.Name, object.Generation)
	}
	if isRefused(err) {
		return ok(what, cause.BucketReadOnly())
	}
	if err != nil {
		return fail(what, causeOf(err), remedy("write-bucket"))
	}
	return ok(what, cause.BucketWritable())
}

// topics returns the topics of Pub/Sub that the functions use.
func topics() []string {
	return []string{"calendar", "stage", "upload", "link", "fail"}
}

// dispatch checks the topics and the job.
func (d *Doctor) dispatch(ctx context.Context) []Finding {
	ctx, stop := context.WithTimeout(ctx, 2*timeout)
	defer stop()
	p, err := d.open(ctx, app.Topics, app.Jobs)
	if err != nil {
		return []Finding{fail("messages and job", causeOf(err), remedy("sign-in"))}
	}
	defer func() { _ = p.Close() }() // nothing is pending
	var findings []Finding
	for _, topic := range topics() {
		findings = append(findings, topicFinding("topic "+topic, p.Topics.Check(ctx, topic)))
	}
	return append(findings, d.job(ctx, p.Jobs))
}

// topicFinding returns the finding for the error of looking a topic up.
func topicFinding(what string, err error) Finding {
	switch {
	case errors.Is(err, dispatch.ErrNotFound):
		return fail(what, cause.TopicMissing(), remedy("make-topics"))
	case isRefused(err):
		return warn(what, cause.TopicForbidden(), remedy("view-topic"))
	case err != nil:
		return fail(what, causeOf(err), remedy("make-topics"))
	}
	return ok(what, cause.TopicPresent())
}

func (d *Doctor) job(ctx context.Context, jobs *dispatch.Jobs) Finding {
	_, err := jobs.List(ctx, d.Config.MergeJob, d.Now().Add(-time.Minute))
	if err != nil {
		return fail("job merge", causeOf(err), remedy("view-job"))
	}
	return ok("job merge", cause.JobPresent(d.Config.MergeJob))
}

// probe is one call without side effects that needs the scopes of one component.
type probe struct {
	component string
	scopes    []string
	call      func(ctx context.Context, w *workspace.Client) error
}

func (d *Doctor) probes() []probe {
	return []probe{
		{component: "stage", scopes: workspace.StageScopes(), call: findFiles},
		{component: "verify", scopes: workspace.VerifyScopes(), call: findFiles},
		{component: "upload", scopes: workspace.UploadScopes(), call: generateID},
		{
			component: "calendar",
			scopes:    workspace.CalendarScopes(),
			call: func(ctx context.Context, w *workspace.Client) error {
				return readCalendar(ctx, w, "primary", d.Now())
			},
		},
		{component: "link", scopes: workspace.LinkScopes(), call: findCourse},
	}
}

func findFiles(ctx context.Context, w *workspace.Client) error {
	_, err := w.FindFiles(ctx, "nvr-doctor-"+rand.Text())
	return err
}

func generateID(ctx context.Context, w *workspace.Client) error {
	_, err := w.GenerateID(ctx, 0)
	return err
}

func findCourse(ctx context.Context, w *workspace.Client) error {
	_, err := w.FindCourse(ctx, "nvr-doctor", nil)
	if errors.Is(err, workspace.ErrNotFound) || errors.Is(err, workspace.ErrAmbiguous) {
		return nil
	}
	return err
}

// workspace makes the call of each probe.
func (d *Doctor) workspace(ctx context.Context) []Finding {
	var findings []Finding
	for _, probe := range d.probes() {
		what := "workspace as " + probe.component
		if err := d.run(ctx, probe); err != nil {
			findings = append(findings, fail(what, causeOf(err), d.delegation(probe)))
			continue
		}
		findings = append(findings, ok(what, cause.WorkspaceAvailable()))
	}
	return findings
}

// delegation returns the remedy for a probe that fails.
func (d *Doctor) delegation(p probe) Remedy {
	account := d.Config.DelegateOf(p.component)
	if account == "" && d.Config.WorkspaceEndpoint == "" {
		return remedy("set-delegate")
	}
	return remedy("allow-scopes", "account", account, "scopes", strings.Join(p.scopes, ","))
}

func (d *Doctor) run(ctx context.Context, p probe) error {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	process, err := d.openAs(ctx, p.component, p.scopes)
	if err != nil {
		return err
	}
	return errors.Join(p.call(ctx, process.Workspace), process.Close())
}

// readCalendar reads the first event of the next hour.
func readCalendar(ctx context.Context, w *workspace.Client, calendar string, now time.Time) error {
	for _, err := range w.Events(ctx, calendar, now, now.Add(time.Hour)) {
		return err
	}
	return nil
}

// folderOf finds a room's folder on Drive. drive is an id or a URL.
func folderOf(ctx context.Context, w *workspace.Client, drive string) (workspace.File, error) {
	id, err := workspace.FolderID(drive)
	if err != nil {
		return workspace.File{}, err
	}
	return w.Stat(ctx, id)
}
