package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/nvr-miem/merger/functions"
	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/localcloud/machine"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/httpapi"
)

// serveFlags are the command line of local serve.
type serveFlags struct {
	dataFlags
	machine machine.Options
	signIn  signInFlags
	size    string
	proxies string

	webhookSecretFile string
}

// serveCommand runs the whole system until it is interrupted.
func (c *cli) serveCommand() *cobra.Command {
	command := c.command("serve", "serve")
	f := &serveFlags{}
	f.register(c, command.Flags())
	complete(command, "workspace", machine.WorkspaceLocal, machine.WorkspaceGoogle)
	complete(command, "sign-in", signInNone, signInOIDC)
	complete(command, "request-policy", policies()...)
	complete(command, "layout", string(nvr.LayoutSide), string(nvr.LayoutStage))
	complete(command, "language", c.catalog.Languages()...)
	command.RunE = func(command *cobra.Command, args []string) error {
		if len(args) > 0 {
			return c.usage("argument-unexpected", "word", args[0])
		}
		ctx := command.Context()
		options, err := f.options(ctx, c, command.Flags())
		if err != nil {
			return err
		}
		return machine.Run(ctx, options, func(at machine.Addresses) {
			_ = c.print(
				"serve.up",
				"page",
				at.Page,
				"workspace",
				at.Workspace,
				"segments",
				at.Segments,
				"log",
				at.Log,
			)
			c.checkIssuer(ctx, options.SignIn)
		})
	}
	return command
}

func (f *serveFlags) register(c *cli, flags *pflag.FlagSet) {
	f.dataFlags.register(c, flags)
	f.signIn.register(flags)
	m := &f.machine
	flags.StringVar(&m.Listen, "listen", "127.0.0.1:8080", "")
	flags.Float64Var(&m.TimeScale, "time-scale", 1, "")
	flags.DurationVar(&m.SegmentLength, "segment-length", defaultSegmentLength, "")
	flags.DurationVar(&m.Slice, "slice", 10*time.Minute, "")
	flags.StringVar(&m.Zone, "time-zone", defaultZone, "")
	flags.StringVar(&m.Language, "language", defaultLanguage, "")
	flags.StringVar(&m.Webhook, "webhook", "", "")
	flags.StringVar(&m.WebhookSecret, "webhook-secret", "", "")
	flags.StringVar(&f.webhookSecretFile, "webhook-secret-file", "", "")
	flags.IntVar(&m.RateLimit, "rate-limit", 50, "")
	flags.IntVar(&m.OpenRecords, "open-records", 50, "")
	flags.StringVar(&m.RequestPolicy, "request-policy", config.PolicyAny, "")
	flags.StringVar(&m.ShareDomains, "share-domains", "", "")
	flags.StringVar(&f.proxies, "trusted-proxies", "", "")
	flags.IntVar(&m.MaxMerges, "max-merges", 20, "")
	flags.IntVar(&m.SpareDays, "spare-days", 0, "")
	flags.StringVar(&m.Layout, "layout", string(nvr.LayoutSide), "")
	flags.StringVar(&f.size, "size", "2560x720", "")
	flags.StringVar(&m.Workspace, "workspace", machine.WorkspaceLocal, "")
	flags.StringVar(&m.User, "user", "operator@localhost", "")
	flags.StringVar(&m.Operators, "operators", "", "")
	flags.Uint64Var(&m.Chaos, "chaos", 0, "")
	c.describeAll(flags, "serve")
}

// options returns what the machine runs with. The error names everything that is wrong.
func (f *serveFlags) options(ctx context.Context, c *cli, flags *pflag.FlagSet) (machine.Options, error) {
	o := f.machine
	var errs []error
	folder := f.folder(c)
	if folder == "" {
		errs = append(errs, c.usage("data-missing"))
	}
	signIn, err := f.signIn.options(c, o.Listen, flags)
	if err != nil {
		errs = append(errs, err)
	}
	o.SignIn = signIn
	if o.Workspace != machine.WorkspaceLocal && o.Workspace != machine.WorkspaceGoogle {
		errs = append(errs, c.usage("workspace", "value", o.Workspace))
	}
	var ok bool
	if o.Width, o.Height, ok = parseSize(f.size); !ok {
		errs = append(errs, c.usage("size", "value", f.size))
	}
	if !nvr.Layout(o.Layout).Known() {
		errs = append(errs, c.usage("layout", "value", o.Layout))
	}
	if o.SpareDays < 0 {
		errs = append(errs, c.usage("spare-days", "value", o.SpareDays))
	}
	if !slices.Contains(policies(), o.RequestPolicy) {
		errs = append(errs, c.usage("request-policy", "value", o.RequestPolicy))
	}
	var proxiesErr error
	if o.TrustedProxies, proxiesErr = httpapi.ParseProxies(f.proxies); proxiesErr != nil {
		errs = append(errs, c.usage("trusted-proxies", "value", f.proxies))
	}
	if !c.catalog.Has(o.Language) {
		errs = append(errs, c.languageError(o.Language))
	}
	if _, err := time.LoadLocation(o.Zone); err != nil {
		errs = append(errs, c.usage("time-zone", "value", o.Zone))
	}
	if len(errs) > 0 {
		return o, errors.Join(errs...)
	}
	if o.Data, err = filepath.Abs(folder); err != nil {
		return o, err
	}
	if o.Database, err = f.dsn(ctx, c); err != nil {
		return o, err
	}
	o.WebhookSecret, err = c.secret("webhook-secret", o.WebhookSecret, f.webhookSecretFile)
	if err != nil {
		return o, err
	}
	if err := c.checkSystem(o.Data); err != nil {
		return o, err
	}
	o.Functions = functions.Names()
	o.Env = os.Environ()
	o.Now = time.Now
	return o, nil
}

// leastFiles is how many files serve has open under load: connections of clients, functions and tasks, and
// the database.
const leastFiles = 512

// checkSystem returns why serve cannot work on this machine with a folder, if so: too few file descriptors, or
// a folder that this user cannot read and write.
func (c *cli) checkSystem(folder string) error {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil && files.Max < leastFiles {
		return c.failure("few-files", "has", files.Max, "want", leastFiles)
	}
	err := os.MkdirAll(folder, 0o750)
	if err == nil {
		_, err = os.ReadDir(folder)
	}
	if err == nil {
		err = unix.Access(folder, unix.R_OK|unix.W_OK|unix.X_OK)
	}
	if err != nil {
		return c.failure("folder-unusable", "folder", folder, "cause", err.Error())
	}
	return nil
}

// policies are the values of --request-policy.
func policies() []string {
	return []string{config.PolicyEvent, config.PolicyDomain, config.PolicyAny}
}

// onLoopback reports whether an address can be reached from this machine only.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return isThisMachine(host)
}

// isThisMachine reports whether a host, without a port, is this machine's loopback.
func isThisMachine(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
