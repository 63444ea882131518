package machine

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/nvr-miem/merger/pkg/config"
)

// environmentFile keeps what the functions were given, for the doctor. It holds a secret.
const environmentFile = "environment.json"

// setEnvironment computes the environment of the children: the configuration of this machine and what they
// inherit. topics is the host:port of Pub/Sub.
func (m *machine) setEnvironment(topics string) error {
	secret := m.o.WebhookSecret
	if secret == "" {
		var err error
		if secret, err = keptSecret(m.o.Data, "webhook-secret"); err != nil {
			return err
		}
	}
	values := m.configuration(topics, secret)
	if err := keepEnvironment(m.o.Data, values); err != nil {
		return err
	}
	m.env = childEnvironment(m.o.Env, values)
	return m.setSignIn()
}

// setSignIn computes the variables of the sign-in. Only form gets them: the other children need no secrets of it.
func (m *machine) setSignIn() error {
	s := m.o.SignIn
	if s == nil {
		return nil
	}
	key, err := keptSecret(m.o.Data, "session-key")
	if err != nil {
		return err
	}
	m.signIn = []string{
		"OIDC_ISSUER=" + s.Issuer,
		"OIDC_CLIENT=" + s.Client,
		"OIDC_CLIENT_SECRET=" + s.Secret,
		"OIDC_DOMAINS=" + strings.Join(s.Domains, ","),
		"SESSION_KEY=" + key,
	}
	return nil
}

// configuration returns the configuration of this machine by variable; see package config.
func (m *machine) configuration(topics, secret string) map[string]string {
	behind := urlOf(m.back)
	values := map[string]string{
		"PROJECT":          project,
		"DATABASE":         m.o.Database,
		"SEGMENTS_BUCKET":  segmentsBucket,
		"WORK_BUCKET":      workBucket,
		"MERGE_JOB":        mergeJob,
		"STORAGE_ENDPOINT": behind + "/storage/v1/",
		"PUBSUB_ENDPOINT":  topics,
		"RUN_ENDPOINT":     behind,
		"TIME_ZONE":        m.o.Zone,
		"LANGUAGE":         m.o.Language,
		"SEGMENT_LENGTH":   m.o.SegmentLength.String(),
		"SLICE":            m.o.Slice.String(),
		"LAYOUT":           cmp.Or(m.o.Layout, config.LayoutSide),
		"WIDTH":            strconv.Itoa(m.o.Width),
		"HEIGHT":           strconv.Itoa(m.o.Height),
		"MAX_MERGES":       strconv.Itoa(m.o.MaxMerges),
		"TIME_SCALE":       strconv.FormatFloat(m.o.TimeScale, 'f', -1, 64),
		"RATE_LIMIT":       strconv.Itoa(m.o.RateLimit),
		"SPARE":            m.spare().String(),
		"OPEN_RECORDS":     strconv.Itoa(m.o.OpenRecords),
		"REQUEST_POLICY":   cmp.Or(m.o.RequestPolicy, config.PolicyAny),
		"SHARE_DOMAINS":    m.o.ShareDomains,
		"WEBHOOK":          m.o.Webhook,
		"WEBHOOK_SECRET":   secret,
		"LOCAL_USER":       m.o.User,
		"OPERATORS":        cmp.Or(m.o.Operators, m.o.User),
		"PUBLIC_URL":       m.publicURL(),
		"FORM_URL":         m.publicURL(),
		"TRACE_FILE":       filepath.Join(m.o.Data, "traces.jsonl"),
	}
	if m.o.Workspace == WorkspaceLocal {
		const account = "nvr@localhost"
		values["WORKSPACE_ENDPOINT"] = urlOf(m.inside) + "/workspace"
		values["PUBLIC_URL"] = urlOf(m.inside) // for notifications of the stand-in
		values["DRIVE_SUBJECT"] = account
		values["CALENDAR_SUBJECT"] = account
	}
	if s := m.o.SignIn; s != nil {
		values["LOCAL_USER"], values["OPERATORS"] = "", m.o.Operators
		if !slices.ContainsFunc(m.o.Env, isDomains) {
			values["DOMAINS"] = strings.Join(s.Domains, ",")
		}
	}
	return values
}

// isDomains reports whether a variable of the environment is DOMAINS.
func isDomains(variable string) bool { return strings.HasPrefix(variable, "DOMAINS=") }

// childEnvironment returns the variables of a child: the given values, and of the parent's environment what a
// child may inherit.
func childEnvironment(parent []string, values map[string]string) []string {
	settings := configVariables()
	var env []string
	for _, variable := range parent {
		name, _, _ := strings.Cut(variable, "=")
		if _, set := values[name]; !set && (inherited(name) || slices.Contains(settings, name)) {
			env = append(env, variable)
		}
	}
	for name, value := range values {
		env = append(env, name+"="+value)
	}
	return env
}

// inherited reports whether children inherit a variable of the system: the program path, folders, the time zone,
// the locale, proxies, certificates, Google's credentials, OCR data, and variables of this product.
func inherited(name string) bool {
	switch strings.ToUpper(name) {
	case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY":
		return true
	}
	switch name {
	case "PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "TESSDATA_PREFIX":
		return true
	}
	for _, prefix := range []string{"SSL_", "GOOGLE_", "NVR_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// perProcess are variables of the configuration that differ in each process. Cloud Run or the machine sets them;
// children do not inherit them. PORT, for example, is often set on a developer's machine.
func perProcess(name string) bool {
	switch name {
	case "FUNCTION_TARGET", "HOST", "PORT", "RECORD", "ATTEMPT", "TURN", "DIGEST", "LAUNCH_KEY", "TRACEPARENT":
		return true
	case "OIDC_ISSUER", "OIDC_CLIENT", "OIDC_CLIENT_SECRET", "OIDC_DOMAINS", "SESSION_KEY": // of form only
		return true
	}
	return strings.HasPrefix(name, "K_") || strings.HasPrefix(name, "CLOUD_RUN_")
}

// configVariables returns the variables of package config that are the same in every process.
func configVariables() []string {
	var names []string
	settings := reflect.TypeFor[config.Config]()
	for i := range settings.NumField() {
		name, _, _ := strings.Cut(settings.Field(i).Tag.Get("env"), ",")
		if name != "" && !perProcess(name) {
			names = append(names, name)
		}
	}
	return names
}

// keptSecret returns the secret in a file of the folder. It creates the file the first time.
func keptSecret(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	text, err := os.ReadFile(path) // #nosec G304 -- the data folder
	if errors.Is(err, os.ErrNotExist) {
		text = []byte(rand.Text())
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("keep the secret %s: %w", name, err)
	}
	return strings.TrimSpace(string(text)), nil
}

// keepEnvironment writes the environment file.
func keepEnvironment(dir string, values map[string]string) error {
	text, err := json.MarshalIndent(values, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, environmentFile), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep the environment for the doctor: %w", err)
	}
	return nil
}

// Environment returns what the last machine on a folder gave its functions; nil if none has run there.
func Environment(dir string) (map[string]string, error) {
	path := filepath.Join(dir, environmentFile)
	text, err := os.ReadFile(path) // #nosec G304 -- the data folder
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var values map[string]string
	if err == nil {
		err = json.Unmarshal(text, &values)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s, which serve writes at its start: %w", path, err)
	}
	return values, nil
}
