package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/ocr"
	"github.com/nvr-miem/merger/pkg/store"
)

// database checks the database. It returns the open process for the checks of the rooms, nil if the
// database cannot be used.
func (d *Doctor) database(ctx context.Context) (*app.Process, []Finding) {
	if d.Config.Database == "" {
		return nil, nil // the check of the configuration reports it
	}
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	file, isFile := store.FileOf(string(d.Config.Database))
	reach := remedy("reach-server")
	if isFile {
		reach = remedy("reach-file")
	}
	p, err := d.open(ctx, app.Store)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, []Finding{fail("database", cause.DatabaseMissing(file), remedy("migrate"))}
	}
	if err != nil {
		return nil, []Finding{fail("database", causeOf(err), reach)}
	}
	found := schema(ctx, p.DB.Schema, reach)
	if found.State == StateFail {
		_ = p.Close() // nothing was written
		return nil, []Finding{found}
	}
	findings := []Finding{found, lockedRecords(ctx, p.Store.Records, reach)}
	if d.Config.NVRUser != "" {
		findings = append(findings, nvrUser(ctx, p.DB.Schema, d.Config.NVRUser, reach)...)
	}
	return p, findings
}

// nvrUser checks that the NVR's database user cannot do everything. It finds nothing if the doctor may not
// see that.
func nvrUser(ctx context.Context, tables store.Schema, user string, reach Remedy) []Finding {
	const what = "NVR user"
	hosts, err := tables.SuperHosts(ctx, user)
	switch {
	case errors.Is(err, store.ErrHidden):
		return nil
	case err != nil:
		return []Finding{fail(what, causeOf(err), reach)}
	case len(hosts) > 0:
		return []Finding{warn(what, cause.NVRSuperuser(user), remedy("limit-nvr"))}
	}
	return []Finding{ok(what, cause.NVRLimited(user))}
}

// schema checks that the tables are those of this program.
func schema(ctx context.Context, tables store.Schema, reach Remedy) Finding {
	const what = "database"
	current, needed, err := tables.Version(ctx)
	switch {
	case errors.Is(err, store.ErrReplaced):
		return fail(what, cause.DatabaseReplaced(), remedy("migrate-again"))
	case err != nil:
		return fail(what, causeOf(err), reach)
	case current < needed:
		return fail(what, cause.SchemaOld(current, needed), remedy("migrate"))
	case current > needed:
		return warn(what, cause.SchemaNewer(current, needed), remedy("deploy-newer"))
	}
	return ok(what, cause.SchemaCurrent(current))
}

// mostLocked bounds the listed records that another program is processing.
const mostLocked = 100

// lockedRecords looks for records that another program is processing.
func lockedRecords(ctx context.Context, records store.Records, reach Remedy) Finding {
	const what = "foreign rows"
	locked, err := records.ForeignProcessing(ctx, mostLocked)
	if err != nil {
		return fail(what, causeOf(err), reach)
	}
	if len(locked) == 0 {
		return ok(what, cause.NoRecordsLocked())
	}
	ids := make([]string, len(locked))
	for i, record := range locked {
		ids[i] = strconv.FormatInt(record.ID, 10)
	}
	list := strings.Join(ids, ", ")
	return warn(what, cause.RecordsLocked(list), remedy("unlock-records", "ids", list))
}

// machine checks the programs and the disk.
func (d *Doctor) machine(ctx context.Context) []Finding {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	findings := []Finding{findFFmpeg(ctx), findOCR(ctx), ok("captions", cause.CaptionsUnset())}
	if d.Space != nil {
		findings = append(findings, d.disk())
	}
	return findings
}

func findFFmpeg(ctx context.Context) Finding {
	tool, err := ffmpeg.Find(ctx)
	if err != nil {
		return fail("ffmpeg", causeOf(err), remedy("install", "packages", "ffmpeg"))
	}
	return ok("ffmpeg", cause.ProgramFound(tool.Version()))
}

func findOCR(ctx context.Context) Finding {
	reader, err := ocr.Find(ctx)
	if err != nil || reader == nil {
		packages := "tesseract-ocr tesseract-ocr-rus"
		return warn("tesseract", cause.OCRMissing(), remedy("install", "packages", packages))
	}
	return ok("tesseract", cause.ProgramFound(fmt.Sprint(reader.Languages())))
}

// A disk with less than failGigabytes free is full. Below warnGigabytes, some lectures at once fill it.
const (
	failGigabytes = 1
	warnGigabytes = 10
)

func (d *Doctor) disk() Finding {
	const what = "disk"
	free, err := d.Space()
	if err != nil {
		return fail(what, causeOf(err), remedy("check-dir"))
	}
	gigabytes := float64(free) / 1e9
	found := cause.DiskFree(fmt.Sprintf("%.1f", gigabytes))
	switch {
	case gigabytes < failGigabytes:
		return fail(what, found, remedy("free-space"))
	case gigabytes < warnGigabytes:
		return warn(what, found, remedy("free-space"))
	}
	return ok(what, found)
}

// webhook sends a HEAD request to verify that the endpoint is reachable. HEAD has no side effects.
func (d *Doctor) webhook(ctx context.Context) []Finding {
	if d.Config.Webhook == "" {
		return nil
	}
	const what = "webhook"
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	way := remedy("check-webhook")
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, d.Config.Webhook, http.NoBody)
	if err != nil {
		return []Finding{fail(what, cause.WebhookInvalid(), way)}
	}
	res, err := http.DefaultClient.Do(request)
	if err != nil { // its text has the address, which may be a secret
		return []Finding{fail(what, cause.WebhookUnreachable(), way)}
	}
	_ = res.Body.Close() // HEAD has no body
	if res.StatusCode >= http.StatusInternalServerError {
		return []Finding{warn(what, cause.WebhookStatus(res.Status), way)}
	}
	return []Finding{ok(what, cause.WebhookAvailable())}
}
