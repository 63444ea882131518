package functions

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/bucket"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web"
	"github.com/nvr-miem/merger/pkg/web/auth"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
	"github.com/nvr-miem/merger/pkg/web/records"
)

// Form is the page, behind sign-in. See [web.NewForm].
func Form(p *app.Process) (http.Handler, error) {
	o := requests(p)
	if err := signIn(p, &o); err != nil {
		return nil, err
	}
	return web.NewForm(o), nil
}

// API is the NVR's API, /api/v1 with keys, and the webhook of calendars. See [web.NewAPI].
func API(p *app.Process) (http.Handler, error) {
	return web.NewAPI(requests(p)), nil
}

func requests(p *app.Process) web.Options {
	c := p.Config
	o := web.Options{
		Store:     records.StoreOf(p.DB),
		Catalog:   p.Texts,
		Now:       p.Now,
		Log:       p.Log,
		RateLimit: float64(c.RateLimit),
		Scale:     c.TimeScale,

		OpenRecords: c.OpenRecords,
		Retention:   c.Retention,
		Policy:      records.Policy(c.RequestPolicy),
		Domains:     c.WorkspaceDomains(),
		SweepCalendar: func(ctx context.Context, room string) error {
			return p.Topics.Notify(ctx, "calendar", map[string]string{"room": room})
		},
		Report: func(ctx context.Context, r nvr.Record) ([]byte, error) {
			return readReport(ctx, p, r, "json")
		},
		Thumbnail: func(ctx context.Context, r nvr.Record) ([]byte, error) {
			return readReport(ctx, p, r, "jpg")
		},
		Footage: footage(p),
	}
	return o
}

// footage returns what takes pictures out of segments. FFmpeg is looked for with the first picture, so that a
// cold start does not wait for it.
func footage(p *app.Process) records.MakeThumbnail {
	var mu sync.Mutex
	open := func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if p.Tools != nil {
			return nil
		}
		return app.Pictures(ctx, p)
	}
	return func(ctx context.Context, segment store.Segment, after time.Duration) ([]byte, error) {
		if err := open(ctx); err != nil {
			return nil, err
		}
		jpg, err := p.FootagePicture(ctx, segment, after)
		if errors.Is(err, pipeline.ErrNoPicture) || errors.Is(err, bucket.ErrNotFound) {
			return nil, nil
		}
		return jpg, err
	}
}

// signIn sets who is at the page: a person whom Identity-Aware Proxy or an issuer of OpenID Connect signed in, or
// the one user of this machine.
func signIn(p *app.Process, o *web.Options) error {
	c := p.Config
	if c.IAPAudience != "" {
		o.Authenticate = auth.IAP{Audience: c.IAPAudience, Operators: c.Operators}.Authenticate
		return nil
	}
	o.Site.Hosts = httpapi.LoopbackHosts()
	if c.OIDCIssuer == "" {
		o.Authenticate = localUser(c)
		return nil
	}
	var err error
	o.SignIn, err = auth.NewOIDC(auth.OIDCOptions{
		Issuer:     c.OIDCIssuer,
		Client:     c.OIDCClient,
		Secret:     string(c.OIDCSecret),
		PublicURL:  c.FormURL,
		Domains:    c.OIDCDomains,
		Operators:  c.Operators,
		SessionKey: string(c.SessionKey),
		Now:        p.Now,
	})
	if err != nil {
		return err
	}
	o.Authenticate = o.SignIn.Authenticate
	o.Site.Origin = c.FormURL
	return nil
}

// localUser returns the sign-in of a machine with one user.
func localUser(c *config.Config) func(*http.Request) (auth.User, error) {
	return func(*http.Request) (auth.User, error) {
		if c.LocalUser == "" {
			return auth.User{}, auth.ErrNotSignedIn
		}
		return auth.NewUser(c.LocalUser, c.Operators), nil
	}
}

// maxReport bounds a stored report, in bytes.
const maxReport = 16 << 20

// readReport reads a file that was stored with the report of a record. It is nil if there is none.
func readReport(ctx context.Context, p *app.Process, r nvr.Record, kind string) ([]byte, error) {
	if r.Digest == "" {
		return nil, nil
	}
	name, err := bucket.ReportName(r.ID, r.Digest, kind)
	if err != nil {
		return nil, err
	}
	text, _, err := p.Work.ReadAll(ctx, name, maxReport)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil
	}
	return text, err
}
