package main

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"github.com/nvr-miem/merger/pkg/localcloud/machine"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

// The values of --sign-in.
const (
	signInNone = "none"
	signInOIDC = "oidc"
)

// clientSecretVariable is the environment variable with the secret of --oidc-client.
const clientSecretVariable = "OIDC_CLIENT_SECRET" // #nosec G101 -- a name

// signInFlags are those of local serve about the sign-in.
type signInFlags struct {
	mode, issuer, client, secretFile string
	domains, publicURL               string
}

func (f *signInFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.mode, "sign-in", signInNone, "")
	flags.StringVar(&f.issuer, "oidc-issuer", "https://accounts.google.com", "")
	flags.StringVar(&f.client, "oidc-client", "", "")
	flags.StringVar(&f.secretFile, "oidc-secret-file", "", "")
	flags.StringVar(&f.domains, "domain", "", "")
	flags.StringVar(&f.publicURL, "public-url", "", "")
}

// options returns the sign-in of a machine that listens at an address; nil if there is none. The error names
// everything that is wrong.
func (f *signInFlags) options(c *cli, listen string, flags *pflag.FlagSet) (*machine.SignIn, error) {
	switch f.mode {
	case signInNone:
		return nil, f.unused(c, listen, flags)
	case signInOIDC:
	default:
		return nil, c.usage("sign-in", "value", f.mode)
	}
	s := &machine.SignIn{
		Issuer:    f.issuer,
		Client:    f.client,
		Domains:   domainList(f.domains),
		PublicURL: strings.TrimSuffix(f.publicURL, "/"),
	}
	var errs []error
	if flags.Changed("user") {
		errs = append(errs, c.usage("user-with-sign-in"))
	}
	if !isProtected(s.Issuer) {
		errs = append(errs, c.usage("oidc-issuer", "value", f.issuer))
	}
	if s.Client == "" {
		errs = append(errs, c.usage("oidc-client"))
	}
	if len(s.Domains) == 0 {
		errs = append(errs, c.usage("domain"))
	}
	if at, err := url.Parse(s.PublicURL); err != nil || !isProtected(s.PublicURL) || at.Path != "" {
		errs = append(errs, c.usage("public-url", "value", f.publicURL))
	}
	var err error
	s.Secret, err = c.secret("oidc-secret", "", f.secretFile)
	if err != nil {
		errs = append(errs, err)
	} else if s.Secret == "" {
		s.Secret = c.getenv(clientSecretVariable)
		if s.Secret == "" {
			errs = append(errs, c.usage("oidc-secret"))
		}
	}
	return s, errors.Join(errs...)
}

// unused returns what is wrong without a sign-in: an address that other machines reach, and flags of a
// sign-in.
func (f *signInFlags) unused(c *cli, listen string, flags *pflag.FlagSet) error {
	var errs []error
	if !onLoopback(listen) {
		errs = append(errs, c.usage("listen", "value", listen))
	}
	for _, name := range []string{"oidc-issuer", "oidc-client", "oidc-secret-file", "domain", "public-url"} {
		if flags.Changed(name) {
			errs = append(errs, c.usage("without-sign-in", "flag", "--"+name))
		}
	}
	return errors.Join(errs...)
}

// isProtected reports whether the network cannot read what is sent to an address: it is a URL with HTTPS,
// or HTTP on this machine. It has no query and no user.
func isProtected(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.User != nil || strings.ContainsAny(address, "?#") {
		return false
	}
	return parsed.Scheme == "https" || parsed.Scheme == "http" && isThisMachine(parsed.Hostname())
}

// domainList returns domains that are separated by commas, in lower case.
func domainList(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ',' || r == ' ' })
}

// checkIssuer prints a warning if the issuer does not answer, so that people cannot sign in now.
func (c *cli) checkIssuer(ctx context.Context, s *machine.SignIn) {
	if s == nil {
		return
	}
	if err := auth.CheckIssuer(ctx, s.Issuer); err != nil {
		_ = c.print("serve.no-issuer", "issuer", s.Issuer, "cause", err.Error())
	}
}
