package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/oauth2"
	"google.golang.org/api/impersonate"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
)

// Delegation gives tokens by domain-wide delegation without a key: IAM signs for account, which is the
// account we run as and holds serviceAccountTokenCreator on itself. One source a subject and scopes.
func Delegation(account string) Tokens {
	type key struct{ subject, scopes string }
	var mu sync.Mutex
	sources := map[key]oauth2.TokenSource{}
	return func(ctx context.Context, subject string, scopes ...string) (oauth2.TokenSource, error) {
		if subject == "" {
			return nil, errors.New("no subject: configure the person that is acted for")
		}
		mu.Lock()
		defer mu.Unlock()
		k := key{subject, strings.Join(slices.Sorted(slices.Values(scopes)), " ")}
		if source, ok := sources[k]; ok {
			return source, nil
		}
		source, err := impersonate.CredentialsTokenSource(ctx, impersonate.CredentialsConfig{
			TargetPrincipal: account, Scopes: scopes, Subject: subject,
		})
		if err != nil {
			return nil, fmt.Errorf("delegate as %s: %w", account, err)
		}
		sources[k] = source
		return source, nil
	}
}

// judgedSource decides what a refused token means. The library gives its text only.
type judgedSource struct {
	subject string
	scopes  []string
	under   oauth2.TokenSource
}

// Token implements [oauth2.TokenSource].
func (j *judgedSource) Token() (*oauth2.Token, error) {
	token, err := j.under.Token()
	if err == nil {
		return token, nil
	}
	err = fmt.Errorf("get a token for %s: %w", j.subject, err)
	text := err.Error()
	for _, final := range []string{
		"invalid_grant", "unauthorized_client", "access_denied", "invalid_scope", "status code 403", "status code 404",
	} {
		if strings.Contains(text, final) {
			return nil, &fault.PermanentError{
				Cause: cause.DelegationMissing(j.subject, strings.Join(j.scopes, ", ")),
				Err:   err,
			}
		}
	}
	return nil, err
}
